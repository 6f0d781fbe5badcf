// Settings of single nodes in a Horizon file: node_info, run_on_cpu, run_on_bpu, optimization and
// the four levels of quant_config.
#include <fmt/format.h>
#include <re2/re2.h>

#include <map>
#include <set>
#include <string>
#include <utility>

#include "horizon/entry_list.h"
#include "horizon/horizon.h"
#include "qconvert/base/suggest.h"
#include "text/node_edit.h"

namespace qconvert {
namespace {

using Kind = ConfigNode::Kind;

class NodeReader {
 public:
  NodeReader(ReadContext& context, QuantConfig& config)
      : context_(context), config_(config), entries_(context, config) {}

  void ReadRunOn(const HorizonPart& part) {
    if (const ConfigNode* nodes = part.Find("run_on_cpu")) {
      for (const std::string& name : SplitNames(nodes->scalar)) {
        KeepFloat(entries_.AddNode(name, "run_on_cpu", *nodes).tensors);
        on_cpu_.insert(name);
      }
    }
    const ConfigNode* nodes = part.Find("run_on_bpu");
    if (nodes == nullptr) return;
    config_.deployment.run_on_bpu = SplitNames(nodes->scalar);
    for (const std::string& name : config_.deployment.run_on_bpu) {
      const LayerSettings* own = entries_.FindNode(name);
      // A node to be quantized whatever is said of its type; an entry of its own stands.
      if (own == nullptr) {
        entries_.AddNode(name, "run_on_bpu", *nodes);
      } else if (!own->tensors.activation.is_int()) {
        part.Refuse("run_on_bpu",
                    on_cpu_.contains(name)
                        ? fmt::format("'{}' is in run_on_cpu too", name)
                        : fmt::format("'{}' is float by its entry at {}", name, own->match.place));
      }
      on_bpu_.insert(name);
    }
  }

  // "Conv_0:int16;Conv_1:int16", or a map from names to ON, InputType, OutputType, ...
  void ReadNodeInfo(const char* written, const ConfigNode& info) {
    if (info.kind == Kind::kMap) {
      for (const auto& [name, value] : info.entries) {
        if (value.kind != Kind::kNull) ReadNodeInfoEntry(written, name, value);
      }
      return;
    }
    if (info.kind != Kind::kScalar) return RefuseNodeInfo(info);
    for (const std::string& part : SplitNames(info.scalar)) {
      // The last one: names of nodes may hold colons.
      const size_t colon = part.rfind(':');
      if (colon == std::string::npos || colon == 0 || colon + 1 == part.size())
        return RefuseNodeInfo(info);
      LayerSettings& layer = entries_.AddNode(part.substr(0, colon), written, info);
      SetBits(part.substr(colon + 1), info, {&layer.tensors.activation}, context_.problems);
    }
  }

  // "set_Softmax_input_int16,bias_correction"
  void ReadOptimization(const ConfigNode& value) {
    for (const std::string& word : SplitList(value.scalar, ',')) {
      std::string op;
      std::string side;
      std::string bits;
      if (word == "run_fast" || word == "lstm_batch_last") {
        context_.Inform(value.place,
                        fmt::format("{} matters to the vendor's compiler alone, no effect", word));
      } else if (word == "asymmetric") {
        config_.tensors.activation.symmetry = config_.tensors.input.symmetry = false;
      } else if (word == "bias_correction") {
        config_.bias_correction = Correction::kOn;
      } else if (word == "set_all_nodes_int16") {
        SetBits("int16", value, {&config_.tensors.activation, &config_.tensors.input},
                context_.problems);
      } else if (re2::RE2::FullMatch(word, "set_model_output_(int8|int16)", &bits)) {
        // Before the next form, which would take "model" for an operator.
        SetOutputType(bits, value);
      } else if (re2::RE2::FullMatch(word, "set_(\\w+)_(input|output)_(int8|int16)", &op, &side,
                                     &bits)) {
        SetTypeOfOp(op, side, bits, value);
      } else {
        context_.problems.Add(
            value.place,
            fmt::format("optimization is '{}', expected set_model_output_int8, "
                        "set_model_output_int16, run_fast, set_{{Op}}_input_int8, "
                        "set_{{Op}}_output_int16, set_all_nodes_int16, asymmetric, bias_correction",
                        word));
      }
    }
  }

  // After the settings of the whole model are known.
  void AddOptimizedTypes(const ConfigNode& value) {
    for (const auto& [of, bits] : by_op_) {
      const auto& [op, side] = of;
      // Both sides of a type are one entry: of two the later one would hold alone.
      LayerSettings* own = entries_.FindType(OpTypeInAnyCase(op));
      LayerSettings& layer = own != nullptr ? *own : entries_.AddType(op, "optimization", value);
      SetBits(bits, value, {side == "input" ? &layer.tensors.input : &layer.tensors.activation},
              context_.problems);
    }
  }

  void ReadModelLevel(const ConfigNode& quant) {
    const ConfigNode* model = FindValue(quant, "model_config");
    // Older files have these keys one level up; model_config wins.
    for (const ConfigNode* level : {&quant, model}) {
      if (level == nullptr) continue;
      ReadCommon(*level, config_.tensors);
      ReadHorizonSearch(*level, config_);
    }
    if (model != nullptr) ReadModelTypes(*model);
    for (const ConfigNode* level : {&quant, model})
      if (level != nullptr) ReadHorizonNodeSearch(*level, config_, context_);
    if (model != nullptr) ReadOlderActivation(*model);
  }

  void ReadModelTypes(const ConfigNode& model) {
    if (const ConfigNode* type = FindValue(model, "all_node_type"))
      SetQuantType(*type, config_.tensors, context_);
    if (const ConfigNode* type = FindValue(model, "model_output_type")) ReadOutputType(*type);
  }

  void ReadOlderActivation(const ConfigNode& model) {
    const ConfigNode* fallback = FindValue(model, "default");
    if (fallback == nullptr) return;
    static const SettingTable keys{"default",
                                   {{.name = "activation",
                                     .kind = Setting::Kind::kObject,
                                     .object = &HorizonActivationKeys()}}};
    const auto checked = CheckedMap(*fallback, "default", keys, "{activation: {...}}", context_);
    if (checked) ReadCommon(*checked, config_.tensors);
  }

  void ReadNodeLevels(const ConfigNode& quant) {
    if (const ConfigNode* ops = FindValue(quant, "op_config")) {
      for (const auto& [name, entry] : ops->entries) {
        RefuseEnds(entry, "op_config");
        ReadEntry(entry, entries_.AddType(name.scalar, "op_config", name));
      }
    }
    if (const ConfigNode* graphs = FindValue(quant, "subgraph_config")) {
      for (const auto& [name, entry] : graphs->entries) ReadSubgraph(name, entry);
    }
    if (const ConfigNode* nodes = FindValue(quant, "node_config")) {
      for (const auto& [name, entry] : nodes->entries) {
        RefuseEnds(entry, "node_config");
        ReadEntry(entry, entries_.AddNode(name.scalar, "node_config", name));
      }
    }
  }

  void TellOverridden() const { entries_.TellOverridden(); }

 private:
  void ReadOutputType(const ConfigNode& type) {
    const std::string& word = type.scalar;
    if (word == "int8" || word == "int16") {
      SetOutputType(word, type);
    } else if (word.starts_with("float") || word == "int32") {
      // An output that nothing quantizes has the type that the float model gives it.
      SetOutputType("float32", type);
      if (word != "float32")
        context_.Inform(type.place, fmt::format("model_output_type {}: outputs keep the type that "
                                                "the float model gives them",
                                                word));
    } else {
      context_.problems.Add(
          type.place, fmt::format("model_output_type is '{}', whose numbers no ONNX operator has, "
                                  "expected int8, int16, int32, float16 or float32",
                                  type.Shown()));
    }
  }

  void SetOutputType(const std::string& type, const ConfigNode& at) {
    const std::string before = std::exchange(config_.deployment.model_output_type, type);
    if (!before.empty() && before != type)
      context_.problems.Add(at.place,
                            fmt::format("outputs of the model are {} here and {} elsewhere "
                                        "in optimization, expected one of them",
                                        type, before));
  }

  void SetTypeOfOp(const std::string& op, const std::string& side, const std::string& bits,
                   const ConfigNode& at) {
    const auto [set, is_new] = by_op_.try_emplace({op, side}, bits);
    if (!is_new && set->second != bits)
      context_.problems.Add(at.place, fmt::format("optimization has {} and {} for the {} of {}",
                                                  set->second, bits, side, op));
  }

  // Keys that the entries of all levels share, but of a subgraph alone.
  void RefuseEnds(const ConfigNode& entry, const char* level) {
    for (const char* key : {"inputs", "outputs"}) {
      if (const ConfigNode* ends = FindValue(entry, key))
        context_.problems.Add(ends->place,
                              fmt::format("{} is a key of subgraph_config, not of {}", key, level));
    }
  }

  void RefuseNodeInfo(const ConfigNode& info) {
    context_.problems.Add(info.place,
                          fmt::format("node_info is '{}', expected NAME:int16;... or a map from "
                                      "names to ON, InputType and OutputType",
                                      info.Shown()));
  }

  void ReadNodeInfoEntry(const char* written, const ConfigNode& name, const ConfigNode& value) {
    // A name without a word says nothing of its node.
    if (value.kind != Kind::kMap || value.entries.empty()) return RefuseNodeInfo(value);
    LayerSettings& layer = entries_.AddNode(name.scalar, written, name);
    for (const auto& [key, setting] : value.entries)
      ReadNodeInfoKey(name.scalar, key, setting, layer.tensors);
  }

  void ReadNodeInfoKey(const std::string& name, const ConfigNode& key, const ConfigNode& setting,
                       NodeSettings& tensors) {
    const bool on = key.scalar == "ON";
    const bool output = key.scalar == "OutputType";
    // InputType0, InputType1: inputs of one node have one type here.
    if (!on && !output && !re2::RE2::FullMatch(key.scalar, "InputType\\d*")) {
      const std::vector<std::string> known = {"ON", "InputType", "OutputType"};
      context_.problems.Add(
          key.place, fmt::format("unknown key '{}'{}", key.scalar, DidYouMean(key.scalar, known)));
    } else if (setting.kind == Kind::kNull) {
      return;
    } else if (!on) {
      SetBits(setting.Shown(), setting, {output ? &tensors.activation : &tensors.input},
              context_.problems);
    } else if (setting.scalar == "CPU") {
      if (on_bpu_.contains(name))
        context_.problems.Add(setting.place,
                              fmt::format("ON is CPU, but '{}' is on the BPU", name));
      KeepFloat(tensors);
      on_cpu_.insert(name);
    } else if (setting.scalar == "BPU") {
      if (on_cpu_.contains(name))
        context_.problems.Add(setting.place,
                              fmt::format("ON is BPU, but '{}' is on the CPU", name));
      config_.deployment.run_on_bpu.push_back(name);
      on_bpu_.insert(name);
    } else {
      context_.problems.Add(setting.place,
                            fmt::format("ON is '{}', expected BPU or CPU", setting.Shown()));
    }
  }

  void ReadEntry(const ConfigNode& entry, LayerSettings& layer) {
    if (entry.kind != Kind::kMap) return;
    const ConfigNode* qtype = FindValue(entry, "qtype");
    const ConfigNode* older = FindValue(entry, "ON");
    if (qtype != nullptr && older != nullptr && qtype->Shown() != older->Shown())
      context_.problems.Add(
          older->place, fmt::format("ON is {}, qtype {} ({}): one is the older name of the other",
                                    older->Shown(), qtype->Shown(), qtype->place.Text()));
    for (const char* key : {"qtype", "ON"}) {
      const ConfigNode* type = FindValue(entry, key);
      if (type == nullptr) continue;
      if (type->kind == Kind::kMap) {
        SetTypePerInput(*type, layer.tensors, context_.problems);
      } else {
        SetQuantType(*type, layer.tensors, context_);
      }
    }
    // As if they stood in a map at qtype, which they win over.
    ConfigNode per_input = MapNode(entry.place);
    for (const char* key : {"input0", "input1"}) {
      if (const ConfigNode* type = FindValue(entry, key)) ChildOf(per_input, key) = *type;
    }
    SetTypePerInput(per_input, layer.tensors, context_.problems);
    const ConfigNode* activation = FindValue(entry, "activation");
    if (activation != nullptr && !layer.tensors.activation.is_int())
      context_.Warn(activation->place,
                    fmt::format("activation has no effect, '{}' stays float", layer.match.pattern));
    ReadCommon(entry, layer.tensors);
  }

  void ReadSubgraph(const ConfigNode& name, const ConfigNode& entry) {
    if (entry.kind != Kind::kMap) return;
    LayerSettings& layer = entries_.AddSubgraph(name.scalar, name);
    for (const auto& [key, member] :
         {std::pair{"inputs", &LayerMatch::inputs}, std::pair{"outputs", &LayerMatch::outputs}}) {
      const ConfigNode* list = FindValue(entry, key);
      if (list == nullptr || list->items.empty()) {
        context_.problems.Add(entry.place, fmt::format("subgraph '{}' has no {}, expected a list "
                                                       "of nodes",
                                                       name.scalar, key));
        continue;
      }
      for (const ConfigNode& item : list->items) (layer.match.*member).push_back(item.scalar);
    }
    ReadEntry(entry, layer);
  }

  void ReadCommon(const ConfigNode& level, NodeSettings& tensors) {
    if (const ConfigNode* activation = FindValue(level, "activation"))
      ReadHorizonActivation(*activation, tensors, config_, context_);
    const ConfigNode* weight = FindValue(level, "weight");
    const ConfigNode* correction =
        weight == nullptr ? nullptr : FindValue(*weight, "bias_correction");
    if (correction == nullptr) return;
    config_.bias_correction = Correction::kOn;
    if (const ConfigNode* samples = FindValue(*correction, "num_sample"))
      config_.bias_correction_samples = AsInteger(*samples);
    if (const ConfigNode* metric = FindValue(*correction, "metric"))
      context_.Warn(metric->place,
                    "metric of bias_correction has no effect, biases are corrected by the mean "
                    "error of their channels");
  }

  ReadContext& context_;
  QuantConfig& config_;
  EntryList entries_;
  // By op type and side, input or output.
  std::map<std::pair<std::string, std::string>, std::string> by_op_;
  // Of run_on_cpu and run_on_bpu, and of ON in node_info: sets, as names may be those of all nodes.
  std::set<std::string> on_cpu_;
  std::set<std::string> on_bpu_;
};

}  // namespace

void ReadHorizonNodes(const HorizonPart& model, const HorizonPart& calibration,
                      const ConfigNode* quant) {
  NodeReader reader(calibration.context, calibration.config);
  const ConfigNode* optimization = calibration.Find("optimization");
  if (optimization != nullptr) reader.ReadOptimization(*optimization);
  if (quant != nullptr) reader.ReadModelLevel(*quant);
  // The settings of the whole model are complete; entries start from them.
  if (optimization != nullptr) reader.AddOptimizedTypes(*optimization);
  if (quant != nullptr) reader.ReadNodeLevels(*quant);
  // Behind op_config and node_config: of entries for one node the last holds.
  reader.ReadRunOn(calibration);
  for (const char* key : {"set_node_data_type", "node_info"}) {
    if (const ConfigNode* info = model.Find(key)) reader.ReadNodeInfo(key, *info);
  }
  reader.TellOverridden();
  if (quant != nullptr) CheckQuantConfig(calibration, *quant);
}

}  // namespace qconvert
