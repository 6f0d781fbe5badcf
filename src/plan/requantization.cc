#include "qconvert/plan/requantization.h"

#include <algorithm>
#include <cmath>

namespace qconvert {
namespace {

constexpr double kMostFactor = 1 << 30;

const QuantParams* ParamsOf(const QuantizationPlan& plan, const std::string& value) {
  const auto found = plan.values.find(value);
  return found == plan.values.end() ? nullptr : &found->second.params;
}

// The scales that sums of products of the node have.
std::vector<float> ScalesOfSums(const Graph& graph, const QuantizationPlan& plan, size_t n) {
  const Node& node = graph.nodes[n];
  const IntegerNodePlan& integer = plan.integer_nodes.at(n);
  if (plan.placement.nodes[n].float_inputs.contains(0)) return {};
  std::vector<float> second;
  if (integer.weight) {
    second = integer.weight->params.scales;
  } else if (node.Is("Mul") || node.Is("MatMul")) {
    const auto operand = integer.operands.find(1);
    const QuantParams* params = operand == integer.operands.end() ? ParamsOf(plan, node.inputs[1])
                                                                  : &operand->second.params;
    if (params != nullptr) second = params->scales;
  }
  const auto operand = integer.operands.find(0);
  const bool reads_codes = operand != integer.operands.end() || integer.converted.contains(0) ||
                           plan.values.contains(node.inputs[0]);
  if (!reads_codes) return {};
  const float first = operand != integer.operands.end() ? operand->second.params.scales[0]
                                                        : FirstInputParams(plan, n, node).scales[0];
  for (float& scale : second) scale *= first;
  return second;
}

}  // namespace

std::optional<Requantization> FindRequantization(const Graph& graph, const QuantizationPlan& plan,
                                                 size_t n) {
  const auto integer = plan.integer_nodes.find(n);
  if (integer == plan.integer_nodes.end()) return std::nullopt;
  const auto output = plan.values.find(plan.placement.nodes[n].unit.output);
  if (output == plan.values.end()) return std::nullopt;
  const ValuePlan& value = output->second;
  Requantization out;
  for (const float scale : ScalesOfSums(graph, plan, n)) {
    const float factor = scale / value.params.scales[0];
    if (!(factor > 0 && factor < kMostFactor)) return std::nullopt;
    const int32_t zero = value.params.zero_points[0];
    out.factors.push_back(ToFixedPoint(factor));
    out.worst = std::max(
        out.worst, WorstRequantization(factor, value.format.qmin - zero, value.format.qmax - zero));
  }
  return out.factors.empty() ? std::nullopt : std::optional(std::move(out));
}

}  // namespace qconvert
