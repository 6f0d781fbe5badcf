#include "qconvert/transform/normalize.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "qconvert/ir/topology.h"
#include "qconvert/transform/inline_constant_if.h"
#include "rename_values.h"

namespace qconvert {
namespace {

constexpr int64_t kIrVersion = 8;

// The tensor of a Constant node, or nothing for a form that stays a node (sparse).
std::optional<Tensor> ConstantValue(const Node& node) {
  if (node.attributes.size() != 1) return std::nullopt;
  const auto& [key, attribute] = *node.attributes.begin();
  if (!attribute.reference.empty()) return std::nullopt;
  if (const auto* tensor = std::get_if<Tensor>(&attribute.data)) return *tensor;
  if (const auto* f = std::get_if<float>(&attribute.data))
    return MakeFloatTensor("", {}, std::array{*f});
  if (const auto* i = std::get_if<int64_t>(&attribute.data))
    return MakeInt64Tensor("", {}, std::array{*i});
  if (const auto* floats = std::get_if<std::vector<float>>(&attribute.data)) {
    return MakeFloatTensor("", {static_cast<int64_t>(floats->size())}, *floats);
  }
  if (const auto* ints = std::get_if<std::vector<int64_t>>(&attribute.data)) {
    return MakeInt64List(*ints);
  }
  Tensor strings;
  strings.type = DataType::kString;
  if (const auto* text = std::get_if<std::string>(&attribute.data)) {
    strings.strings = {*text};
    return strings;
  }
  if (const auto* texts = std::get_if<std::vector<std::string>>(&attribute.data)) {
    strings.strings = *texts;
    strings.dims = {static_cast<int64_t>(texts->size())};
    return strings;
  }
  return std::nullopt;
}

void NormalizeGraph(Graph& graph) {
  SortNodes(graph);
  std::vector<Node> kept;
  for (Node& node : graph.nodes) {
    for (Graph* subgraph : SubgraphsOf(node)) NormalizeGraph(*subgraph);
    std::optional<Tensor> constant;
    if (node.Is("Constant") && node.outputs.size() == 1) constant = ConstantValue(node);
    if (!constant) {
      kept.push_back(std::move(node));
      continue;
    }
    constant->name = node.outputs[0];
    graph.initializers.insert_or_assign(node.outputs[0], std::move(*constant));
  }
  graph.nodes = std::move(kept);
}

// Names of nodes are unique to an engine, on all levels together.
void CollectNames(const Graph& graph, std::set<std::string>& names) {
  for (const Node& node : graph.nodes) {
    names.insert(node.name);
    for (const Graph* subgraph : SubgraphsOf(node)) CollectNames(*subgraph, names);
  }
}

void NameNodes(Graph& graph) {
  std::set<std::string> names;
  CollectNames(graph, names);
  for (Node& node : graph.nodes) {
    if (!node.name.empty() || node.outputs.empty()) continue;
    std::string name = node.outputs[0];
    // A value may be called as another node is.
    while (!names.insert(name).second) name += '_';
    node.name = std::move(name);
  }
}

}  // namespace

void Normalize(Model& model) {
  // In this order: shadows are found in sorted nodes and conditions among initializers, and nodes
  // that came out of branches need names as well.
  NormalizeGraph(model.graph);
  RenameShadows(model.graph);
  InlineConstantIf(model.graph);
  NameNodes(model.graph);
  std::erase_if(model.graph.inputs, [&](const Value& input) {
    return model.graph.FindInitializer(input.name) != nullptr;
  });
  model.ir_version = std::max(model.ir_version, kIrVersion);
}

void RenameUses(Graph& graph, const std::unordered_map<std::string, std::string>& renames) {
  if (renames.empty()) return;
  const auto resolve = [&](std::string& name) {
    for (auto it = renames.find(name); it != renames.end(); it = renames.find(name))
      name = it->second;
  };
  for (Node& node : graph.nodes) {
    for (std::string& input : node.inputs) resolve(input);
    for (Graph* body : SubgraphsOf(node)) {
      // Not where the body means a value of its own with the name.
      std::unordered_map<std::string, std::string> meant;
      for (const std::string& name : CapturedValues(*body)) {
        std::string renamed = name;
        resolve(renamed);
        if (renamed != name) meant.emplace(name, renamed);
      }
      RenameUses(*body, meant);
      for (Value& output : body->outputs)
        if (const auto it = meant.find(output.name); it != meant.end()) output.name = it->second;
    }
  }
}

size_t BypassNodes(Graph& graph, const std::vector<bool>& marked) {
  std::unordered_map<std::string, std::string> renames;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (!marked[n]) continue;
    const Node& node = graph.nodes[n];
    // Nodes are sorted: what an earlier one was renamed to is known, so no chains arise.
    const auto before = renames.find(node.inputs[0]);
    renames.emplace(node.outputs[0], before == renames.end() ? node.inputs[0] : before->second);
  }
  RenameUses(graph, renames);
  return RemoveNodes(graph, marked);
}

size_t EliminateIdentity(Graph& graph) {
  const Topology topology(graph);
  std::vector<bool> marked(graph.nodes.size(), false);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    // No mask that anything reads, and no third input, which may say that this is training.
    const bool dropout =
        node.Is("Dropout") &&
        (node.outputs.size() < 2 || node.outputs[1].empty() ||
         (topology.Uses(node.outputs[1]).empty() && !topology.IsGraphOutput(node.outputs[1]))) &&
        node.input(2).empty();
    marked[n] = (node.Is("Identity") || dropout) && !node.inputs.empty() &&
                !topology.IsGraphOutput(node.outputs[0]);
  }
  size_t removed = BypassNodes(graph, marked);
  for (Node& node : graph.nodes) {
    for (Graph* subgraph : SubgraphsOf(node)) removed += EliminateIdentity(*subgraph);
  }
  return removed;
}

}  // namespace qconvert
