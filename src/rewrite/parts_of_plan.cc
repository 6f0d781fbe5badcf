#include "qconvert/rewrite/parts_of_plan.h"

#include <string>

#include "qconvert/ir/topology.h"
#include "qconvert/numbers/quantize.h"

namespace qconvert {

void RoundIntegerWeights(Graph& graph, const QuantizationPlan& plan) {
  NameMaker names(graph);
  for (const auto& [n, integer] : plan.integer_nodes) {
    if (!integer.weight) continue;
    const ConstantCodes& weight = *integer.weight;
    const std::string name = names.Make(weight.name);
    graph.initializers[name] =
        MakeFloatTensor(name, weight.codes.dims, DequantizeTensor(weight.codes, weight.params));
    graph.nodes[n].inputs[1] = name;
  }
}

QuantizationPlan WithFloatWeights(QuantizationPlan plan) {
  for (auto& [n, integer] : plan.integer_nodes) {
    integer.weight.reset();
    integer.bias.reset();
  }
  plan.dynamic_nodes.clear();
  plan.stored.clear();
  return plan;
}

}  // namespace qconvert
