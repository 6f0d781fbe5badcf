#include "qconvert/plan/node_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "neighbours.h"
#include "qconvert/config/config_node.h"
#include "qconvert/plan/value_range.h"
#include "qconvert/targets/fusions.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/targets/weight_slots.h"
#include "qconvert/transform/find_units.h"

namespace qconvert {
namespace {

bool HasWeights(const Graph& graph, const Node& node) {
  const std::vector<std::string> weights = WeightsOf(node);
  return std::any_of(weights.begin(), weights.end(), [&](const std::string& name) {
    return graph.FindInitializer(name) != nullptr;
  });
}

// Nodes with weights that no other such node stands before (or behind).
std::set<size_t> FindOutermost(const Graph& graph, const std::vector<std::vector<size_t>>& next) {
  std::vector<size_t> weighted;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (HasWeights(graph, graph.nodes[n])) weighted.push_back(n);
  }
  std::vector<size_t> inner;
  // From behind them: a node with weights is inner only where another one leads to it.
  for (const size_t n : weighted) inner.insert(inner.end(), next[n].begin(), next[n].end());
  const std::vector<bool> is_inner = Reach(next, inner);
  std::set<size_t> out;
  for (const size_t n : weighted) {
    if (!is_inner[n]) out.insert(n);
  }
  return out;
}

// The first and the last nodes with weights.
std::set<size_t> FindEnds(const Graph& graph) {
  const Neighbours neighbours = FindNeighbours(graph);
  std::set<size_t> ends = FindOutermost(graph, neighbours.readers);
  ends.merge(FindOutermost(graph, neighbours.producers));
  return ends;
}

// Nodes that only move or clamp values go along with their neighbours unless an entry names them.
bool IsFloat(const Graph& graph, const Node& node, const ModelSettings& settings) {
  const bool goes_along = FindOpRule(node).kind == OpKind::kMovement || node.Is("Clip");
  if (goes_along && !settings.layer_of.contains(node.name)) return false;
  const NodeSettings& of = settings.Of(node);
  return !of.activation.is_int() || (!of.weights.is_int() && HasWeights(graph, node));
}

// The unit (node and tail) that writes `value`, in order. A tail starts at the one reader of what
// the node before it writes, so walking back from the producer finds the node.
std::vector<size_t> FindUnit(const Graph& graph, const Topology& topology,
                             const Placement& placement, size_t producer,
                             const std::string& value) {
  // Asked before anything is placed: there are no units yet.
  if (placement.nodes.empty()) return {producer};
  size_t head = producer;
  while (placement.nodes[head].domain == NodeDomain::kFused) {
    size_t before = Topology::kNpos;
    for (const std::string& input : graph.nodes[head].inputs) {
      const size_t n = topology.ProducerIndex(input);
      if (n != Topology::kNpos && placement.nodes[n].domain != NodeDomain::kFloat &&
          topology.HasSingleUse(input))
        before = n;
    }
    if (before == Topology::kNpos) return {producer};
    head = before;
  }
  const NodePlacement& node = placement.nodes[head];
  if (node.domain != NodeDomain::kInteger || node.unit.output != value) return {producer};
  std::vector<size_t> unit = {head};
  unit.insert(unit.end(), node.unit.tail.begin(), node.unit.tail.end());
  return unit;
}

// `activation` of the unit that writes `value`; null when it is float.
const TensorSettings* FindUnitSettings(const Graph& graph, const Topology& topology,
                                       const Placement& placement, const ModelSettings& settings,
                                       size_t producer, const std::string& value) {
  // Without entries all units agree: no need to find them for every value of a large model.
  if (settings.layer_of.empty()) {
    const TensorSettings& root = settings.config.tensors.activation;
    return root.is_int() ? &root : nullptr;
  }
  const Node* decided = nullptr;
  for (const size_t n : FindUnit(graph, topology, placement, producer, value)) {
    const Node& node = graph.nodes[n];
    if (!settings.layer_of.contains(node.name)) continue;
    if (decided == nullptr) {
      decided = &node;
    } else if (settings.config.deployment.generation != Generation::kNone) {
      // As the vendor's tool, that passes 16 bits on to the neighbors.
      if (settings.Of(node).activation.bit_width > settings.Of(*decided).activation.bit_width)
        decided = &node;
    } else if (!(settings.Of(*decided).activation == settings.Of(node).activation)) {
      const LayerMatch& match = settings.config.layers[settings.layer_of.at(node.name)].match;
      throw ConfigError({fmt::format(
          "{}: '{}' and '{}' are quantized as one, but their activation settings differ",
          match.place, EscapeForTerminal(decided->name), EscapeForTerminal(node.name))});
    }
  }
  const TensorSettings& found =
      settings.Of(decided == nullptr ? graph.nodes[producer] : *decided).activation;
  return found.is_int() ? &found : nullptr;
}

// `found`, or what a reader's entry asks of its inputs where that is wider: as the vendor's tool,
// that passes 16 bits on to the neighbors.
const TensorSettings* WidestOfReaders(const Graph& graph, const Topology& topology,
                                      const ModelSettings& settings, const std::string& value,
                                      const TensorSettings* found) {
  if (settings.config.deployment.generation == Generation::kNone || settings.layer_of.empty())
    return found;
  for (const Use& use : topology.Uses(value)) {
    const Node& reader = graph.nodes[use.node];
    const NodeSettings& of = settings.Of(reader);
    const bool asks = settings.layer_of.contains(reader.name) && of.activation.is_int() &&
                      of.input.is_int() && of.input.bit_width > found->bit_width;
    if (asks) found = &of.input;
  }
  return found;
}

// A node whose integer kernel would compute one that is kept float stays float with it.
void KeepUnitsFloat(const Graph& graph, std::map<size_t, std::string>& kept) {
  // Looking for units costs a topology.
  if (kept.empty()) return;
  const Topology topology(graph);
  std::map<size_t, std::string> heads;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const OpKind kind = FindOpRule(graph.nodes[n]).kind;
    if (kind == OpKind::kFloatOnly || kind == OpKind::kMovement || kept.contains(n)) continue;
    for (const size_t t : FindFusedUnit(graph, topology, n).tail) {
      if (!kept.contains(t)) continue;
      heads.emplace(n, fmt::format("its kernel would compute \"{}\" too, which is kept float",
                                   graph.nodes[t].name));
    }
  }
  kept.merge(heads);
}

// Whether its weights come in blocks: where those divide the inner dimension
// (weights/store_weights.h).
bool HasBlocks(const Graph& graph, const Node& node, const TensorSettings& settings) {
  const bool is_product = node.Is("MatMul") || node.Is("Gemm");
  if (!is_product || !settings.is_int() || settings.block_size == 0) return false;
  const Tensor* weight = graph.FindInitializer(node.input(1));
  if (weight == nullptr || weight->dims.size() != 2) return false;
  const bool transposed = node.Is("Gemm") && node.GetInt("transB", 0) != 0;
  const int64_t inner = weight->dims[transposed ? 1 : 0];
  return inner > 0 && inner % settings.block_size == 0;
}

// What units write whose head alone has an entry: the head's settings are those of its tail.
std::set<std::string> FindUnitsOfEntries(const Graph& graph, const Topology& topology,
                                         const ModelSettings& settings) {
  std::set<std::string> out;
  const auto has_entry = [&](size_t n) { return settings.layer_of.contains(graph.nodes[n].name); };
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const OpKind kind = FindOpRule(graph.nodes[n]).kind;
    const bool is_head = kind != OpKind::kFloatOnly && kind != OpKind::kMovement;
    if (!is_head || !has_entry(n) || !settings.Of(graph.nodes[n]).activation.is_int()) continue;
    const FusedUnit unit = FindFusedUnit(graph, topology, n);
    if (std::none_of(unit.tail.begin(), unit.tail.end(), has_entry)) out.insert(unit.output);
  }
  return out;
}

}  // namespace

bool AsksForCodedOutputs(const QuantConfig& config) {
  const std::string& type = config.deployment.model_output_type;
  return type == "int8" || type == "int16";
}

Target WithCodedProducts(Target target) {
  target.products_write_floats = false;
  return target;
}

std::map<size_t, std::string> FindNodesKeptFloat(const Graph& graph,
                                                 const ModelSettings& settings) {
  std::map<size_t, std::string> out;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (IsFloat(graph, node, settings)) out.emplace(n, "the settings say float");
    if (HasBlocks(graph, node, settings.Of(node).weights))
      out.emplace(n, "its weights are in blocks, which no integer kernel takes");
    const bool sum = node.Is("Add") && graph.FindInitializer(node.input(0)) == nullptr &&
                     graph.FindInitializer(node.input(1)) == nullptr;
    if (sum && settings.config.keep_add_layer_accuracy) out.emplace(n, "keep_add_layer_accuracy");
  }
  if (settings.config.keep_first_last_layer_accuracy) {
    for (const size_t n : FindEnds(graph)) out.emplace(n, "keep_first_last_layer_accuracy");
  }
  if (TargetOf(settings.config.target_device).suits_engine) {
    for (const auto& [n, operation] : FindUnits(graph)) {
      if (FindOpRule(graph.nodes[n]).kind != OpKind::kFloatOnly)
        out.emplace(n, fmt::format("a step of {}", operation));
    }
  }
  KeepUnitsFloat(graph, out);
  return out;
}

std::set<std::string> FindFloatValues(const Graph& graph, const ModelSettings& settings) {
  std::set<std::string> out;
  const Topology topology(graph);
  const std::set<std::string> of_entries = FindUnitsOfEntries(graph, topology, settings);
  for (const Node& node : graph.nodes) {
    for (const std::string& input : node.inputs) {
      if (input.empty() || graph.FindInitializer(input) != nullptr) continue;
      if (of_entries.contains(input)) continue;
      if (FindValueSettings(graph, topology, {}, settings, input) == nullptr) out.insert(input);
    }
  }
  return out;
}

std::set<std::string> FindFloatWeights(const Graph& graph, const ModelSettings& settings) {
  std::set<std::string> out;
  std::set<size_t> ends;
  if (settings.config.keep_first_last_layer_accuracy) ends = FindEnds(graph);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (settings.Of(node).weights.is_int() && !ends.contains(n)) continue;
    for (const std::string& weight : WeightsOf(node)) out.insert(weight);
  }
  return out;
}

const TensorSettings* FindValueSettings(const Graph& graph, const Topology& topology,
                                        const Placement& placement, const ModelSettings& settings,
                                        const std::string& value) {
  if (topology.Producer(value) != nullptr) {
    const TensorSettings* unit = FindUnitSettings(graph, topology, placement, settings,
                                                  topology.ProducerIndex(value), value);
    if (unit != nullptr) return WidestOfReaders(graph, topology, settings, value, unit);
  } else if (settings.config.tensors.input.is_int()) {
    // A layer entry that speaks of inputs does so for the inputs of the model it reads.
    for (const Use& use : topology.Uses(value)) {
      const Node& reader = graph.nodes[use.node];
      const NodeSettings& of = settings.Of(reader);
      if (settings.layer_of.contains(reader.name) && of.input.is_int() && of.activation.is_int())
        return &of.input;
    }
    return &settings.config.tensors.input;
  }
  for (const Use& use : topology.Uses(value)) {
    const NodeSettings& of = settings.Of(graph.nodes[use.node]);
    if (!of.activation.is_int()) continue;
    if (of.input.is_int()) return &of.input;
  }
  return nullptr;
}

}  // namespace qconvert
