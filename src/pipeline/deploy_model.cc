#include "deploy_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "other_passes.h"
#include "qconvert/ir/graph_validator.h"
#include "qconvert/ir/scope.h"
#include "qconvert/ir/topology.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/transform/insert_preprocessing.h"
#include "qconvert/transform/remove_border_nodes.h"
#include "qconvert/transform/split_batch.h"
#include "set_batch.h"

namespace qconvert {
namespace {

bool IsImage(const InputSettings& input) { return input.kind_rt != InputKind::kFeaturemap; }

// Quantize and Dequantize as ONNX spells them.
std::string OnnxType(const std::string& type) {
  return type == "Quantize" || type == "Dequantize" ? type + "Linear" : type;
}

BorderRemoval RemovalOf(const DeploymentConfig& deployment, const Graph& graph) {
  BorderRemoval removal;
  for (const std::string& type : deployment.remove_node_types) removal.types.insert(OnnxType(type));
  removal.kept_names.insert(deployment.keep_node_names.begin(), deployment.keep_node_names.end());
  removal.names.insert(deployment.remove_node_names.begin(), deployment.remove_node_names.end());
  for (const InputSettings& input : deployment.inputs) {
    if (IsImage(input) || input.separate_batch)
      removal.kept_inputs.insert(input.name.empty() ? graph.inputs[0].name : input.name);
  }
  return removal;
}

// The nodes whose names users of the vendor's tools give to `grid`, a Dequantize: what computes its
// codes, and what is left of Relu or pooling behind. What can be removed itself lends no name.
std::vector<std::string> OtherNamesOf(const Topology& topology, const Node& grid) {
  static const std::set<std::string> removable = {"QuantizeLinear", "Transpose", "Cast", "Reshape",
                                                  "Softmax"};
  std::vector<std::string> names;
  for (const Node* node = topology.Producer(grid.input(0)); node != nullptr;
       node = topology.Producer(node->input(0))) {
    if (removable.contains(node->op_type)) continue;
    if (!node->name.empty()) names.push_back(node->name);
    if (FindOpRule(*node).kind != OpKind::kMovement) break;
  }
  return names;
}

using Aliases = std::multimap<std::string, std::string>;

// Names Quantize and Dequantize at the borders as the vendor's tools do, "x_Quantize_0" and
// "y_Dequantize_0". Returns what else its users call a Dequantize: the node that computes the
// output, alone or with "_HzDequantize", or the output with that.
Aliases NameBorderNodes(Graph& graph) {
  Aliases aliases;
  const Topology topology(graph);
  for (const Value& input : graph.inputs) {
    for (const Use& use : topology.Uses(input.name)) {
      Node& node = graph.nodes[use.node];
      if (node.op_type == "QuantizeLinear" && node.name.empty())
        node.name = GridNameAt(input.name, node, 0);
    }
  }
  for (const Value& output : graph.outputs) {
    const size_t last = topology.ProducerIndex(output.name);
    if (last == Topology::kNpos || graph.nodes[last].op_type != "DequantizeLinear") continue;
    Node& node = graph.nodes[last];
    if (node.name.empty()) node.name = GridNameAt(output.name, node, 0);
    for (const std::string& name : OtherNamesOf(topology, node)) {
      aliases.emplace(name, node.name);
      aliases.emplace(name + "_HzDequantize", node.name);
    }
    aliases.emplace(output.name + "_HzDequantize", node.name);
  }
  return aliases;
}

// Elements of a scale or a zero point.
std::string Numbers(const Tensor& tensor) {
  if (IsFloatingPoint(tensor.type)) return fmt::format("{}", fmt::join(ToFloats(tensor), " "));
  switch (tensor.type) {
    case DataType::kInt8:
      return fmt::format("{}", fmt::join(tensor.values<int8_t>(), " "));
    case DataType::kInt16:
      return fmt::format("{}", fmt::join(tensor.values<int16_t>(), " "));
    case DataType::kUint16:
      return fmt::format("{}", fmt::join(tensor.values<uint16_t>(), " "));
    case DataType::kUint8:
      return fmt::format("{}", fmt::join(tensor.values<uint8_t>(), " "));
    case DataType::kInt32:
    case DataType::kInt64:
      return fmt::format("{}", fmt::join(ToInt64s(tensor), " "));
    default:
      return std::string(DataTypeName(tensor.type));
  }
}

std::string Description(const RemovedNode& removed, const Graph& before) {
  const Node& node = removed.node;
  std::string text = fmt::format("{} at {} {}", node.op_type,
                                 removed.is_at_input ? "input" : "output", removed.border);
  if (node.op_type != "QuantizeLinear" && node.op_type != "DequantizeLinear") return text;
  const Tensor* scale = before.FindInitializer(node.input(1));
  const Tensor* zero_point = before.FindInitializer(node.input(2));
  if (scale != nullptr) text += ": scale " + Numbers(*scale);
  if (zero_point != nullptr) text += ", zero point " + Numbers(*zero_point);
  if (scale != nullptr && !scale->dims.empty())
    text += fmt::format(", axis {}", node.GetInt("axis", 1));
  return text;
}

void DeployInput(const InputSettings& settings, Generation generation, const std::string& place,
                 PassRunner& runner, Graph& graph) {
  InputSettings part = settings;
  if (part.name.empty()) part.name = graph.inputs[0].name;
  std::vector<std::string> names = {part.name};
  if (settings.separate_batch) {
    runner.Run("split_batch", [&] {
      names = SplitBatch(part.name, place, graph);
      return names.size() - 1;
    });
  }
  // One picture each: batches are split before.
  for (std::string& name : names) {
    part.name = std::move(name);
    runner.Run("insert_preprocessing", [&] {
      return InsertPreprocessing(part, generation, place, graph) ? size_t{1} : size_t{0};
    });
  }
}

// The names of `asked` that neither they nor their aliases are in `done`.
std::vector<std::string> IdleOf(const std::vector<std::string>& asked,
                                const std::set<std::string>& done, const Aliases& aliases) {
  std::vector<std::string> idle;
  for (const std::string& name : asked) {
    const auto [first, last] = aliases.equal_range(name);
    const bool is_done = done.contains(name) || std::any_of(first, last, [&](const auto& alias) {
                           return done.contains(alias.second);
                         });
    if (!is_done && std::find(idle.begin(), idle.end(), name) == idle.end()) idle.push_back(name);
  }
  return idle;
}

// The types of `model` are known.
DeployedNodes RemoveAtBorders(const DeploymentConfig& deployment, PassRunner& runner,
                              Model& model) {
  DeployedNodes deployed;
  const Aliases aliases = NameBorderNodes(model.graph);
  // The scales of what goes are told later.
  const Graph before = model.graph;
  BorderRemoval removal = RemovalOf(deployment, before);
  // The pass knows nodes by one name.
  for (const auto& [alias, name] : aliases) {
    if (removal.names.contains(alias)) removal.names.insert(name);
    if (removal.kept_names.contains(alias)) removal.kept_names.insert(name);
  }
  BorderNodes at_borders;
  runner.Run("remove_border_nodes", [&] {
    at_borders = RemoveBorderNodes(removal, model.graph);
    return at_borders.removed.size();
  });
  std::set<std::string> kept;
  std::set<std::string> types;
  for (const auto& [name, type] : at_borders.kept) {
    kept.insert(name);
    types.insert(type);
  }
  std::set<std::string> names = kept;  // those of two lists are kept
  for (const RemovedNode& one : at_borders.removed) {
    names.insert(one.node.name);
    types.insert(one.node.op_type);
    const std::string& name = LabelOf(one.node);
    const std::string description = Description(one, before);
    model.metadata.emplace_back("qconvert.removed." + name, description);
    deployed.removed += fmt::format("{}: {}\n", name, description);
  }
  deployed.idle_names = IdleOf(deployment.remove_node_names, names, aliases);
  deployed.idle_kept = IdleOf(deployment.keep_node_names, kept, aliases);
  for (const std::string& type : deployment.remove_node_types)
    if (!types.contains(OnnxType(type))) deployed.idle_types.push_back(type);
  return deployed;
}

}  // namespace

bool HasRemovals(const DeploymentConfig& deployment) {
  return !deployment.remove_node_types.empty() || !deployment.remove_node_names.empty();
}

bool ChangesInterface(const DeploymentConfig& deployment) {
  const auto changes = [](const InputSettings& input) {
    return IsImage(input) || input.separate_batch || ComesInAnotherLayout(input);
  };
  return HasRemovals(deployment) || deployment.dump_layers || deployment.input_batch > 1 ||
         std::any_of(deployment.inputs.begin(), deployment.inputs.end(), changes);
}

DeployedNodes DeployModel(const DeploymentConfig& deployment, const PassOptions& passes,
                          const std::string& place, Model& model) {
  DeployedNodes deployed;
  PassRunner runner = RunnerOfOthers("deploy", passes, place, model);
  if (HasRemovals(deployment)) {
    InferTypes(model, place);  // those of what Quantize and Dequantize give
    deployed = RemoveAtBorders(deployment, runner, model);
  }
  runner.Run("set_batch", [&] {
    SetBatch(deployment.input_batch, place, model);
    return deployment.input_batch > 1 ? size_t{1} : size_t{0};
  });
  for (const InputSettings& input : deployment.inputs)
    DeployInput(input, deployment.generation, place, runner, model.graph);
  ValidateModel(model, place);
  return deployed;
}

}  // namespace qconvert
