// How a device without floats brings the sums of an integer node to the codes of its output.
#ifndef QCONVERT_PLAN_REQUANTIZATION_H_
#define QCONVERT_PLAN_REQUANTIZATION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "qconvert/numbers/fixed_point.h"
#include "qconvert/plan/plan.h"

namespace qconvert {

struct Requantization {
  std::vector<FixedPoint> factors;  // one, or one per channel of the weights, or per input
  bool by_input = false;
  // The greatest difference, in codes of the output, between integer-only and float
  // requantization, see WorstRequantization.
  int64_t worst = 0;
};

// Of a Conv, Gemm or MatMul whose output has codes, M = s_input * s_weight / s_output, and of a
// Mul, M = s_a * s_b / s_output; of an Add, Sub or Concat of codes, M = s_input / s_output for each
// input, and of an average over an area known beforehand, M = s_input / (area * s_output); nothing
// for other nodes, nodes that write floats, and factors that
// no 31-bit multiplier holds.
std::optional<Requantization> FindRequantization(const Graph& graph, const QuantizationPlan& plan,
                                                 size_t n);

}  // namespace qconvert

#endif  // QCONVERT_PLAN_REQUANTIZATION_H_
