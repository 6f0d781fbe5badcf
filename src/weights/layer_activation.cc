#include "qconvert/weights/layer_activation.h"

namespace qconvert {

LayerActivation FindActivation(const Graph& graph, const Topology& topology,
                               const FusedUnit& unit) {
  LayerActivation activation;
  // A tail that ends with the Add of the bias has no clamp.
  if (!unit.tail.empty() && unit.tail.back() != unit.bias_add) {
    const Node& clamp = graph.nodes[unit.tail.back()];
    activation.low = ClampBound(graph, clamp, 1).value_or(activation.low);
    activation.high = ClampBound(graph, clamp, 2).value_or(activation.high);
    return activation;
  }
  // Another reader wants the value as it is.
  if (!topology.HasSingleUse(unit.output)) return activation;
  if (graph.nodes[topology.Uses(unit.output)[0].node].Is("HardSwish"))
    activation.kind = LayerActivation::Kind::kHardSwish;
  return activation;
}

}  // namespace qconvert
