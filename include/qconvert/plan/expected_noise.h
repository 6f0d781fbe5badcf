// First-order estimates of what quantization costs, before anything runs.
#ifndef QCONVERT_PLAN_EXPECTED_NOISE_H_
#define QCONVERT_PLAN_EXPECTED_NOISE_H_

#include <span>
#include <vector>

#include "qconvert/calibration/calibration_table.h"
#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"

namespace qconvert {

// Error power that rounding and clipping leave in the values behind `statistics`, by their
// histogram (calibration/range_error.h), over the power of the smaller 95 % of them: few large
// values must not hide what their grid does to all others. Of evenly spread values without a
// histogram. 0 for values that are all zero.
double ExpectedValueNoise(const TensorStatistics& statistics, const ValuePlan& decided);

// The same of weights with symmetric codes of these scales, which cover equally many elements each:
// mean(s^2) / 12 over mean(W^2). Source: Widrow 1956 (additive uniform noise).
double ExpectedWeightNoise(std::span<const float> weights, std::span<const float> scales);

// By node: the noise of the quantized values that an integer node reads and writes, and of its
// weights, together. Relative errors of a chain add up, so a node's share of the output noise is
// about this; what a graph does with an error further on is not in it. 0 for all other nodes.
std::vector<double> ExpectedNodeNoise(const Graph& graph, const QuantizationPlan& plan,
                                      const CalibrationTable& table);

}  // namespace qconvert

#endif  // QCONVERT_PLAN_EXPECTED_NOISE_H_
