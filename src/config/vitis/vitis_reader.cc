// The Vitis AI quantizer's JSON -> QuantConfig.
//
// Later wins, key by key: the vendor's defaults, overall_quantize_config (and the flat form),
// tensor_quantize_config[type]; in a layer entry, for the types it lists: all of that, the entry's
// overall_quantize_config, its tensor_quantize_config[type]. Source: vai_q_pytorch,
// doc/Quant_Config.md and the behaviour of its parser.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "qconvert/config/dpu_form_names.h"
#include "text/node_edit.h"
#include "text/parse_config.h"
#include "vitis/calibration_keys.h"
#include "vitis/finetune.h"
#include "vitis/layer_match.h"
#include "vitis/parameters.h"
#include "vitis/value_entries.h"
#include "vitis/vitis.h"
#include "words.h"

namespace qconvert {
namespace {

using Kind = ConfigNode::Kind;

struct Switch {
  const char* key;
  bool QuantConfig::*member;
};
constexpr std::array kSwitches = {
    Switch{"convert_relu6_to_relu", &QuantConfig::convert_relu6_to_relu},
    Switch{"convert_silu_to_hswish", &QuantConfig::convert_silu_to_hswish},
    Switch{"equalize_clips", &QuantConfig::equalize_clips},
    Switch{"keep_first_last_layer_accuracy", &QuantConfig::keep_first_last_layer_accuracy},
    Switch{"keep_add_layer_accuracy", &QuantConfig::keep_add_layer_accuracy},
    Switch{"change_concat_input_fix", &QuantConfig::change_concat_input_fix},
    Switch{"change_pool_input_fix", &QuantConfig::change_pool_input_fix},
    Switch{"exact_rounding", &QuantConfig::exact_rounding},
    Switch{"matmul_nbits", &QuantConfig::matmul_nbits},
};

using MatchKey = std::tuple<int, bool, std::string, std::vector<std::string>,
                            std::vector<std::string>, std::vector<std::string>>;

class Reader {
 public:
  Reader(const ConfigNode& root, ReadContext& context) : root_(root), context_(context) {}

  ReadResult Read() {
    effective_ = MapNode(root_.place);
    ReadTop();
    const std::set<TensorType> listed = ListedTypes(root_);
    const ParameterSet root = MergeRoot(listed);
    CheckRestrictions(root, restrictions_, "", context_.problems);
    for (const TensorType type : kTensorTypes)
      config_.tensors[type] = Publish(root[Index(type)], type, TensorObject(effective_, type));
    ReadLayers(root);
    // Behind the tensors: ReadVendorRelu6 asks whether weights have one scale.
    ReadSwitches();
    ReadValues(root);
    ReadCalibration();
    idle_.Tell(context_.notes);
    return {std::move(config_), std::move(effective_)};
  }

 private:
  static size_t Index(TensorType type) { return static_cast<size_t>(type); }
  static ConfigNode& TensorObject(ConfigNode& map, TensorType type) {
    return ChildOf(ChildOf(map, "tensor_quantize_config"), WordFor(type));
  }

  // The value written for `key`, else the default; goes into the effective settings.
  ConfigNode Take(const std::string& key, const std::string& fallback) {
    const ConfigNode* value = FindValue(root_, key);
    return ChildOf(effective_, key) = value != nullptr ? *value : DefaultValue(fallback);
  }

  template <typename E>
  E TakeWord(const std::string& key, E fallback) {
    return FromWord<E>(Take(key, WordFor(fallback)).scalar).value_or(fallback);
  }

  void ReadTop() {
    if (root_.Find("target_device") == nullptr) {
      context_.problems.Add(root_.place, fmt::format("has no target_device, expected {}",
                                                     fmt::join(AllWords<TargetDevice>(), ", ")));
    }
    config_.target_device = TakeWord("target_device", TargetDevice::kCpu);
    config_.scheme = TakeWord("scheme", Scheme::kStatic);
    config_.objective = TakeWord("objective", Objective::kBalanced);
    config_.processor = TakeWord("processor", Processor::kAny);
    // Without a device no limits hold: they would be told for one that nobody chose.
    if (FindValue(root_, "target_device") != nullptr)
      restrictions_.target_device = config_.target_device;
    restrictions_.extensions = AsBool(Take("extensions", "false"));
    restrictions_.compat = TakeWord("compat", Compat::kNone);
  }

  // Types named by quantizable_data_type; all when it is not there.
  std::set<TensorType> ListedTypes(const ConfigNode& map) {
    const ConfigNode* list = FindValue(map, "quantizable_data_type");
    if (list == nullptr) return {kTensorTypes.begin(), kTensorTypes.end()};
    std::set<TensorType> types;
    for (const ConfigNode& item : list->items) {
      // The table has let known words pass alone.
      if (!types.insert(*FromWord<TensorType>(item.scalar)).second)
        context_.problems.Add(item.place, fmt::format("'{}' is listed twice", item.scalar));
    }
    return types;
  }

  // Steps 1 to 3; types that are not listed stay float.
  ParameterSet MergeRoot(const std::set<TensorType>& listed) {
    ParameterSet set;
    const ConfigNode overall = OverallWithFlatForm();
    const ConfigNode* list = FindValue(root_, "quantizable_data_type");
    if (list != nullptr) ChildOf(effective_, "quantizable_data_type") = *list;
    for (const TensorType type : kTensorTypes) {
      Parameters& parameters = set[Index(type)];
      parameters.object = VitisDefaults(type);
      MergeLevel(overall, type, parameters);
      MergeTensor(root_, type, parameters);
      if (listed.contains(type)) continue;
      ChildOf(parameters.object, "datatype") = WordNode("float32", list->place);
      NoteUnlisted(type);
    }
    return set;
  }

  void NoteUnlisted(TensorType type) {
    const ConfigNode* tensors = FindValue(root_, "tensor_quantize_config");
    const ConfigNode* object = tensors == nullptr ? nullptr : FindValue(*tensors, WordFor(type));
    // One that says so itself is what --print-config writes.
    const ConfigNode* datatype = object == nullptr ? nullptr : FindValue(*object, "datatype");
    const bool stays = datatype != nullptr && datatype->scalar == "float32";
    if (object == nullptr || (stays && object->entries.size() == 1)) return;
    context_.Warn(
        object->place,
        fmt::format("{} is not in quantizable_data_type and stays float, its settings have no "
                    "effect",
                    WordFor(type)));
  }

  // overall_quantize_config with the top-level parameters in it.
  ConfigNode OverallWithFlatForm() {
    const ConfigNode* written = FindValue(root_, "overall_quantize_config");
    ConfigNode overall = written != nullptr ? *written : MapNode(root_.place);
    for (const auto& [key, value] : root_.entries) {
      if (ParameterTable().Find(key.scalar) == nullptr) continue;
      if (overall.Find(key.scalar) != nullptr) {
        context_.problems.Add(
            key.place, fmt::format("{} is given here and in overall_quantize_config", key.scalar));
      }
      ChildOf(overall, key.scalar) = value;
    }
    return overall;
  }

  // What a key says of other types and not of `type`; empty: it is of this one too.
  static std::string_view WhyIdle(std::string_view key, TensorType type) {
    const bool is_weights = type == TensorType::kWeights;
    if (key == "calib_statistic_method" && (is_weights || type == TensorType::kBias))
      return "it is for what samples show";
    return key == "block_size" && !is_weights ? "weights alone have blocks" : "";
  }

  void MergeLevel(ConfigNode object, TensorType type, Parameters& into) {
    // Nothing was written: merging it would reset the percentage all the same.
    if (object.entries.empty()) return;
    std::erase_if(object.entries,
                  [&](const auto& entry) { return !WhyIdle(entry.key.scalar, type).empty(); });
    MergeParameters(object, into, context_.notes);
  }

  void MergeTensor(const ConfigNode& map, TensorType type, Parameters& into) {
    const ConfigNode* tensors = FindValue(map, "tensor_quantize_config");
    if (tensors == nullptr) return;
    const ConfigNode* object = FindValue(*tensors, WordFor(type));
    if (object == nullptr) return;
    for (const auto& [key, value] : object->entries) {
      const std::string_view why = WhyIdle(key.scalar, type);
      if (why.empty() || value.kind == Kind::kNull) continue;
      context_.Warn(value.place,
                    fmt::format("{} has no effect on {}: {}", key.scalar, WordFor(type), why));
    }
    MergeLevel(*object, type, into);
  }

  // Puts the merged object into the effective settings and reads it.
  TensorSettings Publish(const Parameters& parameters, TensorType type, ConfigNode& place) {
    // Of a translated file nobody wrote these keys.
    if (!parameters.damaged && !context_.translated) idle_.Note(parameters.object);
    place = parameters.object;
    DropIdleKeys(place);
    TensorSettings settings = ToSettings(place);
    settings.compat = restrictions_.compat;
    // The vendor's tool tries one fix position for inputs of the model, whatever the method.
    if (settings.compat == Compat::kVitis && type == TensorType::kInput &&
        settings.scale_type == ScaleType::kPowerOfTwo) {
      settings.method = CalibrationMethod::kMaxMin;
    }
    return settings;
  }

  void ReadLayers(const ParameterSet& root) {
    const ConfigNode* layers = FindValue(root_, "layer_quantize_config");
    if (layers == nullptr) return;
    ConfigNode& list = ChildOf(effective_, "layer_quantize_config");
    list.kind = Kind::kSequence;
    list.place = layers->place;
    for (size_t i = 0; i < layers->items.size(); ++i) {
      const ConfigNode& entry = layers->items[i];
      // Told already, or written as null.
      if (entry.kind != Kind::kMap) continue;
      ConfigNode printed = MapNode(entry.place);
      // A translated file has no such list.
      const std::string what =
          context_.translated ? "" : fmt::format("layer_quantize_config[{}]: ", i);
      LayerSettings layer;
      layer.match = ReadLayerMatch(entry, what, context_, printed);
      ReadLayerTensors(entry, root, what, layer.tensors, printed);
      NoteDuplicate(layer.match);
      config_.layers.push_back(std::move(layer));
      list.items.push_back(std::move(printed));
    }
  }

  // Steps 4 to 6.
  void ReadLayerTensors(const ConfigNode& entry, ParameterSet set, const std::string& what,
                        NodeSettings& tensors, ConfigNode& printed) {
    const std::set<TensorType> listed = ListedTypes(entry);
    const ConfigNode* list = FindValue(entry, "quantizable_data_type");
    if (list != nullptr) ChildOf(printed, "quantizable_data_type") = *list;
    if (const ConfigNode* written = FindValue(entry, "tensor_quantize_config")) {
      for (const auto& [key, object] : written->entries) {
        const auto type = FromWord<TensorType>(key.scalar);
        if (type && !listed.contains(*type)) {
          context_.problems.Add(
              key.place, fmt::format("{}{} is not in its quantizable_data_type", what, key.scalar));
        }
      }
    }
    ParameterSet checked;
    for (const TensorType type : kTensorTypes) {
      Parameters& parameters = set[Index(type)];
      if (listed.contains(type)) {
        if (const ConfigNode* overall = FindValue(entry, "overall_quantize_config"))
          MergeLevel(*overall, type, parameters);
        MergeTensor(entry, type, parameters);
        checked[Index(type)] = parameters;
        tensors[type] = Publish(parameters, type, TensorObject(printed, type));
      } else {
        // As it was published: what the root leaves float stays float here.
        tensors[type] = config_.tensors[type];
      }
    }
    CheckRestrictions(checked, restrictions_, what, context_.problems);
  }

  void ReadValues(const ParameterSet& root) {
    const ConfigNode* list = FindValue(root_, "value_quantize_config");
    if (list == nullptr) return;
    config_.values =
        ReadValueEntries(*list, root[Index(TensorType::kActivation)], restrictions_, idle_,
                         context_, ChildOf(effective_, "value_quantize_config"));
  }

  void NoteDuplicate(const LayerMatch& match) {
    std::vector<std::string> types;
    for (const OpMatch& type : match.types) {
      types.push_back(
          fmt::format("{} {} {}", type.op_type, type.weight_rank, static_cast<int>(type.weight)));
    }
    // What LayerMatch compares by. A map: entries may be as many as nodes.
    const auto [earlier, is_new] =
        places_.try_emplace(MatchKey{static_cast<int>(match.kind), match.outside, match.pattern,
                                     std::move(types), match.inputs, match.outputs},
                            match.place);
    if (is_new) return;
    context_.notes.warnings.push_back(
        fmt::format("{}: '{}' has an entry already, at {}; this one "
                    "holds",
                    match.place, match.pattern, earlier->second));
    earlier->second = match.place;
  }

  Correction TakeCorrection(const char* key) {
    const std::string word = Take(key, VitisTable().Find(key)->fallback).scalar;
    if (word == "auto") return Correction::kAuto;
    return word == "true" ? Correction::kOn : Correction::kOff;
  }

  void ReadSwitches() {
    for (const Switch& one : kSwitches) {
      const Setting& setting = *VitisTable().Find(one.key);
      config_.*one.member = AsBool(Take(one.key, setting.fallback));
    }
    CheckBlocks();
    config_.equalization = TakeCorrection("include_cle");
    ReadVendorRelu6();
    config_.bias_absorption = TakeCorrection("absorb_biases");
    config_.bias_correction = TakeCorrection("include_bias_corr");
    config_.second_order_rounding = TakeCorrection("second_order_rounding");
    config_.learned_clipping = TakeCorrection("learned_clipping");
    ReadLearning();
    if (const ConfigNode* forms = FindValue(root_, "dpu_forms")) {
      ChildOf(effective_, "dpu_forms") = *forms;
      std::vector<std::string> names;
      for (const ConfigNode& item : forms->items) names.push_back(item.scalar);
      config_.dpu_forms = FindDpuForms(names);
    }
    config_.onnx_opset_version = static_cast<int>(AsInteger(Take("onnx_opset_version", "-1")));
  }

  // Only blocks stay packed; a block_size that was refused is told already, and null.
  void CheckBlocks() {
    const auto in_blocks = [](const NodeSettings& of) { return of.weights.block_size > 0; };
    const auto& layers = config_.layers;
    if (!config_.matmul_nbits || in_blocks(config_.tensors) || HoldsNull(root_, "block_size") ||
        std::any_of(layers.begin(), layers.end(),
                    [&](const LayerSettings& layer) { return in_blocks(layer.tensors); }))
      return;
    context_.problems.Add(effective_.Find("matmul_nbits")->place,
                          "matmul_nbits is true, expected block_size of weights with it");
  }

  // The vendor's tool takes every ReLU6 for a ReLU where it equalizes, whatever is written; here
  // that holds unless it is written.
  void ReadVendorRelu6() {
    const char* key = "convert_relu6_to_relu";
    const bool equalizes =
        config_.equalization == Correction::kOn ||
        (config_.equalization == Correction::kAuto && !config_.tensors.weights.per_channel);
    if (restrictions_.compat != Compat::kVitis || !equalizes || FindValue(root_, key) != nullptr)
      return;
    config_.convert_relu6_to_relu = true;
    ChildOf(effective_, key) = DefaultValue("true");
    context_.Inform(
        FindValue(root_, "compat")->place,
        fmt::format("compat vitis equalizes: Clip(0, 6) becomes Relu, {}: false keeps it", key));
  }

  void ReadLearning() {
    config_.effort = TakeWord("effort", Effort::kNormal);
    const ConfigNode* written = FindValue(root_, "fast_finetune");
    const bool is_on = AsBool(Take("include_fast_ft", "false"));
    if (written != nullptr) ChildOf(effective_, "fast_finetune") = *written;
    if (is_on) config_.learning = ReadFinetune(written);
    const ConfigNode* types = written == nullptr ? nullptr : FindValue(*written, "target_op_type");
    if (types != nullptr) {
      for (const ConfigNode& type : types->items)
        RefuseMisspeltType(type, "unknown target_op_type", context_.problems);
    }
    // A switch that was refused is told already, and null.
    const ConfigNode* on = root_.Find("include_fast_ft");
    const bool is_refused = on != nullptr && on->kind == Kind::kNull;
    if (is_on || is_refused || written == nullptr) return;
    context_.problems.Add(written->place, "fast_finetune without include_fast_ft: true");
  }

  void ReadCalibration() {
    const ConfigNode* written = FindValue(root_, "calibration");
    if (written == nullptr) return;
    ConfigNode& printed = ChildOf(effective_, "calibration");
    printed = *written;
    config_.calibration = ReadCalibrationKeys(*written, context_, printed);
  }

  const ConfigNode& root_;
  ReadContext& context_;
  RestrictionOptions restrictions_;
  IdleParameters idle_;
  std::map<MatchKey, std::string> places_;  // of the last entry for the same nodes
  ConfigNode effective_;
  QuantConfig config_;
};

}  // namespace

std::vector<std::string> VitisOverridePath(const std::string& key) {
  std::vector<std::string> path = SplitList(key, '.');
  if (FromWord<TensorType>(path[0])) path.insert(path.begin(), "tensor_quantize_config");
  if (path[0] == "overall") path[0] = "overall_quantize_config";
  return path;
}

ReadResult ReadVitis(const ConfigNode& root, ReadContext& context) {
  return Reader(root, context).Read();
}

}  // namespace qconvert
