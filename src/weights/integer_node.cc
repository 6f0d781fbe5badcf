#include "integer_node.h"

namespace qconvert {

bool HasIntegerWeights(const Graph& graph, const Placement& placement, size_t n) {
  const Node& node = graph.nodes[n];
  return placement.nodes[n].domain == NodeDomain::kInteger &&
         FindOpRule(node).kind == OpKind::kWeighted &&
         graph.FindInitializer(node.input(1)) != nullptr;
}

void SetWeights(const Node& node, const FittedWeights& fitted, bool has_bias,
                IntegerNodePlan& out) {
  out.weight =
      ConstantCodes{node.inputs[1], fitted.weight, fitted.params, fitted.format, fitted.pair_limit};
  out.zero_point_of_weight = node.Is("Gemm") || (node.Is("MatMul") && has_bias);
}

}  // namespace qconvert
