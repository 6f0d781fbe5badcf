#include "qconvert/targets/residual.h"

#include <algorithm>
#include <string>

#include "qconvert/targets/op_rules.h"

namespace qconvert {
namespace {

bool IsBiasAdd(const Graph& graph, const Node& node) {
  return node.Is("Add") && (graph.FindInitializer(node.input(0)) != nullptr) !=
                               (graph.FindInitializer(node.input(1)) != nullptr);
}

// Whether `value` is what a node with constant weights computed, and nothing else reads it.
bool EndsInWeights(const Graph& graph, const Topology& topology, std::string value) {
  // The product itself, or the Add of its bias and then the product.
  for (int step = 0; step < 2; ++step) {
    const Node* producer = topology.Producer(value);
    if (producer == nullptr || !topology.HasSingleUse(value)) return false;
    if (FindOpRule(*producer).kind == OpKind::kWeighted)
      return graph.FindInitializer(producer->input(1)) != nullptr;
    if (!IsBiasAdd(graph, *producer)) return false;
    value = producer->inputs[graph.FindInitializer(producer->inputs[0]) != nullptr ? 1 : 0];
  }
  return false;
}

}  // namespace

std::vector<size_t> FindDepths(const Graph& graph, const Topology& topology) {
  std::vector<size_t> depths(graph.nodes.size(), 0);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const std::string& input : graph.nodes[n].inputs) {
      const size_t before = topology.ProducerIndex(input);
      if (before != Topology::kNpos) depths[n] = std::max(depths[n], depths[before] + 1);
    }
  }
  return depths;
}

std::optional<size_t> FindResidualSlot(const Graph& graph, const Topology& topology,
                                       const std::vector<size_t>& depths, size_t n) {
  const Node& node = graph.nodes[n];
  // Of x + x neither operand is the residual.
  if (!node.Is("Add") || node.input(0) == node.input(1)) return std::nullopt;
  bool fuses[2];
  for (size_t slot = 0; slot < 2; ++slot) {
    if (graph.FindInitializer(node.input(slot)) != nullptr) return std::nullopt;
    fuses[slot] = EndsInWeights(graph, topology, node.inputs[slot]);
  }
  if (!fuses[0] && !fuses[1]) return std::nullopt;
  if (fuses[0] != fuses[1]) return fuses[0] ? 1 : 0;
  // Both are written by nodes: there is one with weights behind each.
  const auto depth = [&](size_t slot) { return depths[topology.ProducerIndex(node.inputs[slot])]; };
  return depth(0) < depth(1) ? 0 : 1;
}

}  // namespace qconvert
