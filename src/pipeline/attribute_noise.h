// Whether weights or values bring the noise of a plan.
#ifndef QCONVERT_SRC_PIPELINE_ATTRIBUTE_NOISE_H_
#define QCONVERT_SRC_PIPELINE_ATTRIBUTE_NOISE_H_

#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

#include "measure_plan.h"
#include "qconvert/report/conversion_report.h"

namespace qconvert {

struct AttributedNoise {
  std::optional<NoiseParts> parts;  // in a typical sample
  double judged_values = 0;         // of values alone, Measured::judged_noise
};

// One run of each on the samples, on all when there are none: the plan with float weights
// (rewrite/parts_of_plan.h), and the float model with the weights of integer nodes and the stored
// ones rounded. Values alone that bring more than `most_of_values` by Measured::judged_noise are
// all that is looked at. Nothing where the engine runs one of them not.
std::optional<AttributedNoise> AttributeNoise(
    const PlanInputs& inputs, const QuantizationPlan& plan, const std::vector<size_t>& samples,
    double most_of_values = std::numeric_limits<double>::infinity());

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_ATTRIBUTE_NOISE_H_
