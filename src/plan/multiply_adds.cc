#include "qconvert/plan/multiply_adds.h"

#include <algorithm>
#include <cmath>

#include "qconvert/targets/weight_slots.h"

namespace qconvert {
namespace {

double Quotient(double elements, int64_t part) {
  return elements / static_cast<double>(std::max<int64_t>(part, 1));
}

double OfMatrixProduct(const CostModel& sizes, const Node& node, const Tensor* weight) {
  const double outputs = sizes.SizeOf(node.outputs[0]);
  if (weight != nullptr && weight->dims.size() >= 2) {
    const size_t last = weight->dims.size() - 1;
    const bool transposed = node.Is("Gemm") && node.GetInt("transB", 0) != 0;
    return outputs * static_cast<double>(weight->dims[transposed ? last : last - 1]);
  }
  // [.., m, k] x [.., k, n]: (m k)(k n)(m n) = (m n k)^2
  return std::sqrt(sizes.SizeOf(node.input(0)) * sizes.SizeOf(node.input(1)) * outputs);
}

double OfRecurrence(const Graph& graph, const CostModel& sizes, const Node& node) {
  const Tensor* weight = graph.FindInitializer(node.input(1));
  const Tensor* recurrent = graph.FindInitializer(node.input(2));
  if (weight == nullptr || recurrent == nullptr || weight->dims.size() != 3) return 0;
  // Rows of the input, steps times batch, each of which meets every weight.
  const double steps = Quotient(sizes.SizeOf(node.input(0)), weight->dims[2]);
  return steps * static_cast<double>(weight->element_count() + recurrent->element_count());
}

}  // namespace

double CountMultiplyAdds(const Graph& graph, const CostModel& sizes, const Node& node) {
  const Tensor* weight = graph.FindInitializer(node.input(1));
  if (node.Is("Gemm") || node.Is("MatMul")) return OfMatrixProduct(sizes, node, weight);
  if (IsRecurrent(node)) return OfRecurrence(graph, sizes, node);
  const bool is_forward = node.Is("Conv");
  if ((!is_forward && !node.Is("ConvTranspose")) || weight == nullptr || weight->dims.empty())
    return 0;
  const double per_channel =
      Quotient(static_cast<double>(weight->element_count()), weight->dims[0]);
  return per_channel * sizes.SizeOf(is_forward ? node.outputs[0] : node.input(0));
}

}  // namespace qconvert
