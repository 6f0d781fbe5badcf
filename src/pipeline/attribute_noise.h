// Whether weights or values bring the noise of a plan.
#ifndef QCONVERT_SRC_PIPELINE_ATTRIBUTE_NOISE_H_
#define QCONVERT_SRC_PIPELINE_ATTRIBUTE_NOISE_H_

#include <optional>

#include "measure_plan.h"
#include "qconvert/report/conversion_report.h"

namespace qconvert {

struct AttributedNoise {
  NoiseParts parts;          // in a typical sample
  double judged_values = 0;  // of values alone, Measured::judged_noise
};

// One run of each: the float model with the weights of integer nodes and the stored ones rounded,
// and the plan with float weights (rewrite/parts_of_plan.h). Nothing where the engine runs one of
// them not.
std::optional<AttributedNoise> AttributeNoise(const PlanInputs& inputs,
                                              const QuantizationPlan& plan);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_ATTRIBUTE_NOISE_H_
