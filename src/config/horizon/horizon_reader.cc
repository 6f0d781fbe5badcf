// The Horizon YAML of the J6 and J5 toolchains -> QuantConfig. Source: the public documentation of
// hb_compile (OE-Skills, D-Robotics) and hb_mapper (rdk_doc).
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "horizon/horizon.h"
#include "qconvert/base/file.h"
#include "text/node_edit.h"
#include "text/parse_config.h"
#include "words.h"

namespace qconvert {
namespace {

using Kind = ConfigNode::Kind;

constexpr int64_t kShortestCall = 1000;  // microseconds, of max_time_per_fc
constexpr int64_t kMaxBatchJ5 = 128;

// Keys that J6 accepts and ignores; J5 reads them.
constexpr std::array kDeprecated = {
    std::pair{"log_level", "use -v or -q"},
    std::pair{"set_node_data_type", "use node_info"},
    std::pair{"input_layout_rt", "it follows from input_type_rt"},
    std::pair{"norm_type", "it follows from mean_value, scale_value and std_value"},
    std::pair{"cal_data_type", "give .npy files, or raw files of the input's type"},
    std::pair{"preprocess_on", "pictures are read without it, see calib_transforms"},
    std::pair{"hbdk3_compatible_mode", "leave it out"},
};

class HorizonReader {
 public:
  HorizonReader(const ConfigNode& root, ReadContext& context)
      : root_(root),
        context_(context),
        absent_(MapNode(root.place)),
        model_{Section("model_parameters"), context_, config_},
        inputs_{Section("input_parameters"), context_, config_},
        calibration_{Section("calibration_parameters"), context_, config_},
        compiler_{Section("compiler_parameters"), context_, config_} {}

  ReadResult Read() {
    config_.target_device = TargetDevice::kBpu;
    config_.tensors = BpuInt8Settings();
    // Off unless the file asks for them: our own defaults try all three.
    config_.bias_absorption = config_.bias_correction = config_.second_order_rounding =
        Correction::kOff;
    // First: what J5 and J6 take differs in all that follows. Inputs come before what speaks of
    // each.
    ReadGeneration();
    ReadModel();
    ReadHorizonInputs(inputs_, compiler_.Find("input_source"));
    ReadRuntimeLayouts(inputs_);
    ReadResizers(inputs_);
    ReadInputBatch();
    ReadCalibration();
    ReadCompiler();
    const ConfigNode quant = ReadQuantConfig();
    ReadHorizonNodes(model_, calibration_, quant.kind == Kind::kMap ? &quant : nullptr);
    NoteDeprecated();
    ConfigNode effective = Effective(quant);
    return {std::move(config_), std::move(effective)};
  }

 private:
  // The written section, or an empty one.
  const ConfigNode& Section(const char* name) const {
    const ConfigNode* section = FindValue(root_, name);
    return section == nullptr ? absent_ : *section;
  }

  DeploymentConfig& deployment() { return config_.deployment; }
  bool is_j5() { return deployment().generation == Generation::kJ5; }

  void ReadGeneration() {
    deployment().generation = Generation::kJ6;
    const ConfigNode* march = model_.Find("march");
    if (march == nullptr) {
      if (model_.Lacks("march"))
        model_.Refuse("march", "march is missing, expected nash-e, nash-m, bayes, ...");
      return;
    }
    deployment().march = march->scalar;
    // All other marches of the table are J5's.
    if (!march->scalar.starts_with("nash-")) deployment().generation = Generation::kJ5;
    deployment().calibration_domain =
        is_j5() ? CalibrationDomain::kRaw : CalibrationDomain::kNormalized;
    context_.Inform(
        march->place,
        fmt::format("march {}: calibration data are {}", march->scalar,
                    is_j5() ? "raw, mean and scale are still to be applied (J5 rule)"
                            : "what the float model takes, already normalized (J6 rule)"));
  }

  void ReadModel() {
    const ConfigNode* onnx = model_.Find("onnx_model");
    for (const char* key : {"caffe_model", "prototxt"}) {
      if (model_.Find(key) == nullptr) continue;
      model_.Refuse(key,
                    onnx != nullptr
                        ? fmt::format("{} and onnx_model exclude each other", key)
                        : fmt::format("{}: Caffe models are not read, expected onnx_model", key));
    }
    if (onnx != nullptr) {
      deployment().model = ResolvePath(context_.FolderOf(onnx->place), onnx->scalar);
      if (!onnx->scalar.ends_with(".onnx"))
        model_.Refuse("onnx_model", fmt::format("onnx_model is '{}', expected a file named *.onnx",
                                                onnx->scalar));
    }
    const ConfigNode* folder = model_.Find("working_dir");
    deployment().working_dir = folder == nullptr
                                   ? ResolvePath(context_.folder, "model_output")
                                   : ResolvePath(context_.FolderOf(folder->place), folder->scalar);
    const ConfigNode* level = model_.Find("log_level");
    if (level != nullptr && is_j5()) deployment().log_level = level->scalar;
    const ConfigNode* prefix = model_.Find("output_model_file_prefix");
    deployment().output_prefix = prefix == nullptr ? "model" : prefix->scalar;
    if (deployment().output_prefix.find('/') != std::string::npos) {
      model_.Refuse("output_model_file_prefix",
                    fmt::format("output_model_file_prefix is '{}', expected no folder in it",
                                deployment().output_prefix));
    }
    deployment().output_nodes = NamesAt(model_, "output_nodes");
    deployment().remove_node_names = NamesAt(model_, "remove_node_name");
    deployment().keep_node_names = NamesAt(model_, "keep_node_name");
    deployment().remove_node_types = NamesAt(model_, "remove_node_type");
    static const std::vector<std::string> removable = {"Quantize", "Dequantize", "Transpose",
                                                       "Cast",     "Reshape",    "Softmax"};
    for (const std::string& type : deployment().remove_node_types) {
      if (std::find(removable.begin(), removable.end(), type) == removable.end())
        model_.Refuse("remove_node_type", fmt::format("remove_node_type has '{}', expected {}",
                                                      type, fmt::join(removable, ", ")));
    }
    if (!deployment().keep_node_names.empty() && deployment().remove_node_names.empty() &&
        deployment().remove_node_types.empty()) {
      context_.Warn(model_.Find("keep_node_name")->place,
                    "keep_node_name has no effect without remove_node_type or remove_node_name");
    }
    deployment().dump_layers = FlagAt(model_, "layer_out_dump");
    deployment().dump_calibration_data = model_.Find("debug_mode") != nullptr;
  }

  static std::vector<std::string> NamesAt(const HorizonPart& part, const char* key) {
    const ConfigNode* value = part.Find(key);
    return value == nullptr ? std::vector<std::string>{} : SplitNames(value->scalar);
  }

  static bool FlagAt(const HorizonPart& part, const char* key) {
    const ConfigNode* value = part.Find(key);
    return value != nullptr && AsBool(*value);
  }

  void ReadInputBatch() {
    if (deployment().input_batch == 0 || !is_j5()) return;
    if (deployment().input_batch > kMaxBatchJ5)
      inputs_.Refuse("input_batch", fmt::format("input_batch is {}, expected at most {}",
                                                deployment().input_batch, kMaxBatchJ5));
    if (deployment().inputs.size() > 1)
      inputs_.Refuse("input_batch", "input_batch is for models with one input");
  }

  template <typename E>
  static E WordAt(const HorizonPart& part, const char* key, E fallback) {
    const ConfigNode* value = part.Find(key);
    return value == nullptr ? fallback : FromWord<E>(value->scalar).value_or(fallback);
  }

  void ReadCalibration() {
    ReadHorizonData(calibration_);
    config_.scheme = WordAt(calibration_, "scheme", Scheme::kStatic);
    config_.objective = WordAt(calibration_, "objective", Objective::kBalanced);
    config_.processor = WordAt(calibration_, "processor", Processor::kAny);
    config_.effort = WordAt(calibration_, "effort", Effort::kNormal);
    const ConfigNode* type = calibration_.Find("calibration_type");
    const ConfigNode* percentile = calibration_.Find("max_percentile");
    const std::string word = type == nullptr ? "default" : type->scalar;
    // As the vendor's tool, a file that names a model and no data skips.
    const bool has_no_data = !deployment().model.empty() && !calibration_.Find("cal_data_dir");
    deployment().skip_calibration = word == "skip" || has_no_data;
    if (word == "load") LoadThresholds(config_);
    for (TensorSettings* one : {&config_.tensors.activation, &config_.tensors.input})
      ApplyCalibrationType(word, percentile == nullptr ? 1 : AsNumber(*percentile), *one);
    if (FlagAt(calibration_, "per_channel"))
      EvenOutChannels(*calibration_.Find("per_channel"), context_, config_);
  }

  void ReadCompiler() {
    const auto integer = [&](const char* key) {
      const ConfigNode* value = compiler_.Find(key);
      return value == nullptr ? int64_t{0} : AsInteger(*value);
    };
    const std::string& march = deployment().march;
    const ConfigNode* mode = compiler_.Find("compile_mode");
    if (mode != nullptr && mode->scalar == "balance" && compiler_.Find("balance_factor") == nullptr)
      compiler_.Refuse("compile_mode", "compile_mode balance needs balance_factor, 0 to 100");
    const ConfigNode* level = compiler_.Find("optimize_level");
    if (level != nullptr && level->scalar == "O3" && !is_j5())
      compiler_.Refuse("optimize_level",
                       fmt::format("optimize_level is O3, march {} takes O0, O1 or O2", march));
    // Cores and memories are those of the vendor's documentation; no file here depends on them.
    const bool many = march == "nash-h" || march == "nash-p" || march == "nash-starry-p";
    if (integer("core_num") > 1 && !many && !march.empty() && !is_j5())
      WarnCompiler("core_num", fmt::format("march {} has 1", march));
    const int64_t time = integer("max_time_per_fc");
    if (time != 0 && time < kShortestCall)
      compiler_.Refuse("max_time_per_fc",
                       fmt::format("max_time_per_fc is {}, expected 0, or 1000 to 10000000", time));
    const bool small = march.starts_with("nash-b") || march == "nash-e" || march == "nash-m";
    if (integer("max_l2m_size") > 0 && small)
      WarnCompiler("max_l2m_size", fmt::format("it is not for march {}", march));
    config_.calibration.workers = static_cast<int>(integer("jobs"));
    if (const ConfigNode* details = compiler_.Find("debug"))
      deployment().layer_details = AsBool(*details);
  }

  // What the vendor's compiler would refuse or pass over, and nothing here depends on.
  void WarnCompiler(const char* key, const std::string& why) {
    const ConfigNode* value = compiler_.Find(key);
    context_.Warn(value->place, fmt::format("{} is {}, {}", key, value->scalar, why));
  }

  // Inline, or the JSON file that quant_config names.
  ConfigNode ReadQuantConfig() {
    // The check changes a copy: messages show what was written.
    const ConfigNode* written = calibration_.Find("quant_config");
    if (written == nullptr) return {};
    ConfigNode quant = *written;
    if (quant.kind == Kind::kScalar) {
      const std::filesystem::path file = ResolvePath(context_.FolderOf(quant.place), quant.scalar);
      std::string text;
      try {
        text = ReadFile(file, kMaxConfigBytes);
      } catch (const Error& e) {
        calibration_.Refuse("quant_config", fmt::format("quant_config: {}", e.what()));
        return {};
      }
      // A part of the settings: the hash of both must change with either.
      context_.text += text;
      quant = ParseConfig(text, file.string(), &context_.notes.warnings);
    }
    if (quant.kind != Kind::kMap) {
      calibration_.Refuse("quant_config", fmt::format("quant_config is '{}', expected a map or a "
                                                      "JSON file",
                                                      written->Shown()));
      return {};
    }
    CheckSettings(quant, HorizonQuantTable(), context_.problems, context_.notes);
    return quant;
  }

  void NoteDeprecated() {
    if (is_j5()) return;
    for (const auto& [key, instead] : kDeprecated) {
      for (const HorizonPart* part : {&model_, &inputs_, &calibration_, &compiler_}) {
        const ConfigNode* value = part->Find(key);
        if (value == nullptr) continue;
        context_.Warn(value->place, fmt::format("{} is deprecated: {}", key, instead));
      }
    }
  }

  // Every section with what was written and, for keys that are read, the defaults.
  ConfigNode Effective(const ConfigNode& quant) {
    ConfigNode out = MapNode(root_.place);
    for (const Setting& section : HorizonTable().settings) {
      ConfigNode printed = MapNode(root_.place);
      const ConfigNode& written = Section(section.name.c_str());
      for (const Setting& setting : section.object->settings) {
        const ConfigNode* value = FindValue(written, setting.name);
        if (value != nullptr) {
          ChildOf(printed, setting.name) = *value;
        } else if (HasPlainDefault(setting)) {
          ChildOf(printed, setting.name) = DefaultValue(setting.fallback);
        }
      }
      if (!printed.entries.empty()) ChildOf(out, section.name) = std::move(printed);
    }
    PrintPaths(out);
    if (quant.kind == Kind::kMap)
      ChildOf(ChildOf(out, "calibration_parameters"), "quant_config") = quant;
    return out;
  }

  static bool HasPlainDefault(const Setting& setting) {
    if (setting.compiler_only || setting.name == "max_percentile") return false;
    // Texts, but with defaults that can be read again.
    if (setting.name == "output_model_file_prefix" || setting.name == "working_dir") return true;
    const bool word = std::find(setting.words.begin(), setting.words.end(), setting.fallback) !=
                      setting.words.end();
    // A default that is printed is read again: it must not bring a warning.
    const bool deprecated = std::any_of(kDeprecated.begin(), kDeprecated.end(),
                                        [&](const auto& one) { return one.first == setting.name; });
    return !deprecated && (word || setting.kind == Setting::Kind::kBool);
  }

  // As they are understood from any folder.
  void PrintPaths(ConfigNode& out) {
    ConfigNode& model = ChildOf(out, "model_parameters");
    if (FindValue(model, "onnx_model") != nullptr)
      ChildOf(model, "onnx_model").scalar = deployment().model.string();
    ChildOf(model, "working_dir").scalar = deployment().working_dir.string();
    ConfigNode& calibration = ChildOf(out, "calibration_parameters");
    const ConfigNode* folders = FindValue(calibration, "cal_data_dir");
    if (folders == nullptr) return;
    std::vector<std::string> paths;
    for (const std::string& name : SplitNames(folders->scalar))
      paths.push_back(ResolvePath(context_.FolderOf(folders->place), name).string());
    ChildOf(calibration, "cal_data_dir").scalar = fmt::format("{}", fmt::join(paths, ";"));
  }

  // The first three are declared in front: the parts are made from them.
  const ConfigNode& root_;
  ReadContext& context_;
  const ConfigNode absent_;  // a section that the file lacks: its problems are told at the root
  QuantConfig config_;
  HorizonPart model_;
  HorizonPart inputs_;
  HorizonPart calibration_;
  HorizonPart compiler_;
};

}  // namespace

const ConfigNode* HorizonPart::Find(std::string_view key) const { return FindValue(section, key); }

void HorizonPart::Refuse(std::string_view key, const std::string& message) const {
  const ConfigNode* value = section.Find(key);
  context.problems.Add(value == nullptr ? section.place : value->place, message);
}

std::string NameOf(const InputSettings& input) {
  return input.name.empty() ? "the input" : fmt::format("input '{}'", input.name);
}

NodeSettings BpuInt8Settings() {
  NodeSettings out;
  out.input = {.method = CalibrationMethod::kAuto, .symmetry = true, .is_signed = true};
  out.activation = out.input;
  out.weights = {.symmetry = true, .is_signed = true, .per_channel = true};
  out.bias = {.bit_width = 32, .symmetry = true, .is_signed = true};
  return out;
}

void ApplyCalibrationType(const std::string& type, double share, TensorSettings& settings) {
  using M = CalibrationMethod;
  if (type == "kl") {
    settings.method = M::kEntropy;
  } else if (type == "max" || type == "skip") {
    settings.method = share < 1 && type == "max" ? M::kPercentile : M::kMaxMin;
    if (settings.method == M::kPercentile) settings.percentage = 100 * share;
  } else {
    settings.method = M::kAuto;
  }
}

void LoadThresholds(QuantConfig& config) {
  config.deployment.load_thresholds = true;
  config.scheme = Scheme::kWeightOnly;
}

ReadResult ReadHorizon(const ConfigNode& root, ReadContext& context) {
  return HorizonReader(root, context).Read();
}

}  // namespace qconvert
