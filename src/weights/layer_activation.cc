#include "qconvert/weights/layer_activation.h"

namespace qconvert {

LayerActivation FindActivation(const Graph& graph, const Topology& topology,
                               const FusedUnit& unit) {
  LayerActivation activation;
  if (!unit.tail.empty() && unit.tail.back() != unit.bias_add) {
    const Node& clamp = graph.nodes[unit.tail.back()];
    const auto bound = [&](size_t input, float fallback) {
      const Tensor* constant = graph.FindInitializer(clamp.input(input));
      return constant == nullptr ? fallback : ToFloats(*constant)[0];
    };
    activation.low = clamp.Is("Relu") ? 0.0F : bound(1, activation.low);
    activation.high = clamp.Is("Relu") ? activation.high : bound(2, activation.high);
    return activation;
  }
  if (!topology.HasSingleUse(unit.output)) return activation;
  if (graph.nodes[topology.Uses(unit.output)[0].node].Is("HardSwish"))
    activation.kind = LayerActivation::Kind::kHardSwish;
  return activation;
}

}  // namespace qconvert
