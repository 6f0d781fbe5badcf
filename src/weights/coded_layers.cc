#include "qconvert/weights/coded_layers.h"

#include "qconvert/ir/topology.h"
#include "qconvert/weights/output_positions.h"
#include "qconvert/weights/store_weights.h"

namespace qconvert {
namespace {

// The stored weights that a float node alone reads; null: none.
const StoredWeight* FindStored(const Graph& graph, const Topology& topology,
                               const QuantizationPlan& plan, size_t n) {
  const Node& node = graph.nodes[n];
  if (plan.placement.nodes[n].domain != NodeDomain::kFloat || plan.dynamic_nodes.contains(n))
    return nullptr;
  const auto stored = plan.stored.find(node.input(1));
  const Tensor* weight = graph.FindInitializer(node.input(1));
  const bool has_few_codes = stored != plan.stored.end() && !stored->second.scales.empty() &&
                             stored->second.format.qmax <= kByteCodes;
  // What else reads them, a body too, wants other codes.
  const bool is_layer = has_few_codes && weight != nullptr && weight->type == DataType::kFloat &&
                        weight->element_count() > 0 && HasOutputPositions(node, *weight) &&
                        topology.Uses(weight->name).size() == 1;
  return is_layer ? &stored->second : nullptr;
}

}  // namespace

std::map<size_t, CodedLayer> FindCodedLayers(const Graph& graph, const QuantizationPlan& plan) {
  const Topology topology(graph);
  std::map<size_t, CodedLayer> layers;
  for (const auto& [n, integer] : plan.integer_nodes) {
    if (!integer.weight) continue;
    const ConstantCodes& of = *integer.weight;
    layers.emplace(n, CodedLayer{{of.codes, of.params, of.format, of.pair_limit},
                                 plan.placement.nodes[n].unit});
  }
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const StoredWeight* stored = FindStored(graph, topology, plan, n);
    if (stored != nullptr)
      layers.emplace(n, CodedLayer{FittedOf(*stored), FindFusedUnit(graph, topology, n), true});
  }
  return layers;
}

}  // namespace qconvert
