// Settings of single nodes in a Horizon file: node_info, run_on_cpu, run_on_bpu, optimization and
// the four levels of quant_config.
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <set>
#include <utility>

#include "horizon/horizon.h"
#include "op_names.h"
#include "qconvert/base/suggest.h"
#include "text/node_edit.h"

namespace qconvert {
namespace {

using Kind = ConfigNode::Kind;

class NodeReader {
 public:
  NodeReader(ReadContext& context, QuantConfig& config) : context_(context), config_(config) {}

  void ReadRunOn(const HorizonPart& part) {
    if (const ConfigNode* nodes = part.Find("run_on_cpu")) {
      for (const std::string& name : SplitNames(nodes->scalar)) {
        KeepFloat(AddNode(name, *nodes).tensors);
        on_cpu_.insert(name);
      }
    }
    if (const ConfigNode* nodes = part.Find("run_on_bpu")) {
      config_.deployment.run_on_bpu = SplitNames(nodes->scalar);
      for (const std::string& name : config_.deployment.run_on_bpu) AddForced(name, *nodes);
      on_bpu_.insert(config_.deployment.run_on_bpu.begin(), config_.deployment.run_on_bpu.end());
    }
    // Behind both lists: a node cannot be in each.
    for (const std::string& name : config_.deployment.run_on_bpu) {
      for (const LayerSettings& layer : config_.layers) {
        if (layer.match.pattern == name && !layer.tensors.activation.is_int())
          part.Refuse("run_on_bpu", fmt::format("'{}' is in run_on_cpu too", name));
      }
    }
  }

  // "Conv_0:int16;Conv_1:int16", or a map from names to ON, InputType, OutputType, ...
  void ReadNodeInfo(const ConfigNode& info) {
    if (info.kind == Kind::kMap) {
      for (const auto& [name, value] : info.entries) {
        if (value.kind != Kind::kNull) ReadNodeInfoEntry(name, value);
      }
      return;
    }
    if (info.kind != Kind::kScalar) return RefuseNodeInfo(info);
    for (const std::string& part : SplitNames(info.scalar)) {
      // The last one: names of nodes may hold colons.
      const size_t colon = part.rfind(':');
      if (colon == std::string::npos || colon == 0 || colon + 1 == part.size())
        return RefuseNodeInfo(info);
      LayerSettings& layer = AddNode(part.substr(0, colon), info);
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
        config_.deployment.model_output_type = bits;
      } else if (re2::RE2::FullMatch(word, "set_(\\w+)_(input|output)_(int8|int16)", &op, &side,
                                     &bits)) {
        by_op_.push_back({op, side == "input", bits});
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
    for (const ByOp& one : by_op_) {
      LayerSettings& layer = AddType(one.op_type, value);
      SetBits(one.bits, value, {one.is_input ? &layer.tensors.input : &layer.tensors.activation},
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
      for (const auto& [name, entry] : ops->entries) ReadEntry(entry, AddType(name.scalar, name));
    }
    if (const ConfigNode* graphs = FindValue(quant, "subgraph_config")) {
      for (const auto& [name, entry] : graphs->entries) ReadSubgraph(name, entry);
    }
    if (const ConfigNode* nodes = FindValue(quant, "node_config")) {
      for (const auto& [name, entry] : nodes->entries) ReadEntry(entry, AddNode(name.scalar, name));
    }
  }

 private:
  void ReadOutputType(const ConfigNode& type) {
    const std::string& word = type.scalar;
    if (word == "int8" || word == "int16") {
      config_.deployment.model_output_type = word;
    } else if (word.starts_with("float") || word == "int32") {
      // An output that nothing quantizes has the type that the float model gives it.
      config_.deployment.model_output_type = "float32";
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

  struct ByOp {
    std::string op_type;
    bool is_input;
    std::string bits;
  };

  LayerSettings& AddNode(const std::string& name, const ConfigNode& at) {
    return config_.layers.emplace_back(
        LayerSettings{{.kind = LayerMatch::Kind::kNode, .pattern = name, .place = at.place.Text()},
                      config_.tensors});
  }

  // A node to be quantized whatever is said of its type; entries of its own stand.
  void AddForced(const std::string& name, const ConfigNode& at) {
    const bool has_own =
        std::any_of(config_.layers.begin(), config_.layers.end(), [&](const LayerSettings& layer) {
          return layer.match.kind == LayerMatch::Kind::kNode && layer.match.pattern == name;
        });
    if (!has_own) AddNode(name, at);
  }

  LayerSettings& AddType(const std::string& written, const ConfigNode& at) {
    const std::string type = OpTypeInAnyCase(written);
    std::vector<OpMatch> types = FindOpTypes(type);
    const bool known = !types.empty();
    if (!known) {
      const std::string hint = DidYouMean(type, KnownOpNames());
      // A type that is near a known one is a typing error; one near nothing may be the model's own.
      if (!hint.empty())
        context_.problems.Add(at.place, fmt::format("unknown op type '{}'{}", type, hint));
      types = {{type}};
    }
    return config_.layers.emplace_back(LayerSettings{{.kind = LayerMatch::Kind::kType,
                                                      .pattern = type,
                                                      .types = std::move(types),
                                                      .known_type = known,
                                                      .place = at.place.Text()},
                                                     config_.tensors});
  }

  void RefuseNodeInfo(const ConfigNode& info) {
    context_.problems.Add(info.place,
                          fmt::format("node_info is '{}', expected NAME:int16;... or a map from "
                                      "names to ON, InputType and OutputType",
                                      info.Shown()));
  }

  void ReadNodeInfoEntry(const ConfigNode& name, const ConfigNode& value) {
    // A name without a word says nothing of its node.
    if (value.kind != Kind::kMap || value.entries.empty()) return RefuseNodeInfo(value);
    // Taken out while its keys are read: these may add entries of their own.
    LayerSettings layer = std::move(AddNode(name.scalar, name));
    config_.layers.pop_back();
    for (const auto& [key, setting] : value.entries)
      ReadNodeInfoKey(name.scalar, key, setting, layer.tensors);
    config_.layers.push_back(std::move(layer));
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
    ReadCommon(entry, layer.tensors);
  }

  void ReadSubgraph(const ConfigNode& name, const ConfigNode& entry) {
    if (entry.kind != Kind::kMap) return;
    LayerSettings& layer = AddNode(name.scalar, name);
    layer.match.kind = LayerMatch::Kind::kSubgraph;
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
  std::vector<ByOp> by_op_;
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
    if (const ConfigNode* info = model.Find(key)) reader.ReadNodeInfo(*info);
  }
}

}  // namespace qconvert
