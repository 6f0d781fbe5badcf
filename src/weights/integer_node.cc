#include "integer_node.h"

#include <utility>

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

void SetBias(const std::vector<float>& bias, BiasForm form, bool on_grid, const BiasGrid& grid,
             float input_scale, IntegerNodePlan& out) {
  if (bias.empty()) return;
  out.bias_grid = grid;
  if (form == BiasForm::kFloat) {
    out.bias = MakeFloatTensor("", {std::ssize(bias)}, bias);
    return;
  }
  // The scales of the weights count in: SetWeights comes first.
  QuantizedBias codes =
      on_grid ? QuantizeOwnBias(bias, grid)
              : QuantizeBias(bias, input_scale, out.weight->params.scales, grid.round);
  out.bias = std::move(codes.codes);
  out.bias_scales = std::move(codes.scales);
}

}  // namespace qconvert
