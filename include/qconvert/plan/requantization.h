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
  // One, or one per channel of the weights, per input, or per sign: of codes above the zero point
  // and of those below.
  std::vector<FixedPoint> factors;
  enum class Of { kSums, kInputs, kSigns } of = Of::kSums;
  // The greatest difference, in codes of the output, between integer-only and float
  // requantization, see WorstRequantization.
  int64_t worst = 0;
};

// Of a Conv, Gemm or MatMul whose output has codes, M = s_input * s_weight / s_output, and of a
// Mul, M = s_a * s_b / s_output; of an Add, Sub or Concat of codes, M = s_input / s_output for each
// input, and of an average over an area known beforehand, M = s_input / (area * s_output); of a
// LeakyRelu, M = s_input / s_output and alpha times that; nothing for other nodes (movement keeps
// its codes, functions of one value are a table of them), nodes that write floats, and factors that
// no 31-bit multiplier holds.
std::optional<Requantization> FindRequantization(const Graph& graph, const QuantizationPlan& plan,
                                                 size_t n);

}  // namespace qconvert

#endif  // QCONVERT_PLAN_REQUANTIZATION_H_
