// Which corrections of weights and biases a plan gets.
#ifndef QCONVERT_SRC_PIPELINE_CHOOSE_CORRECTIONS_H_
#define QCONVERT_SRC_PIPELINE_CHOOSE_CORRECTIONS_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "measure_plan.h"
#include "qconvert/plan/cost_model.h"
#include "qconvert/report/conversion_report.h"

namespace qconvert {

struct ChosenCorrections {
  std::optional<NoiseParts> parts;  // of the plan without corrections, where it misses the goal
  std::vector<CorrectionReport> tried;
  std::vector<std::string> warnings;
  std::optional<Measured> measured;  // the plan with what was kept, where it was measured
};

// Whether some are made whatever they do to the outputs.
bool AsksForCorrections(const QuantConfig& config);

// The factor, at least 1, by which noise can grow by chance alone from one plan to one that is as
// good: two standard deviations of the logarithm of a mean of squares of n numbers, e^(2
// sqrt(2/n)). n: the numbers of the output that has most of them, less one a sample of logits,
// which only matter relative to each other. 1 where there are enough of them to tell.
double GrowthByChance(std::span<const OutputComparison> outputs);

// Puts into `inputs.corrections` what the settings ask for, and, where they leave it open and the
// plan's noise is above `goal`, what lowers the noise on the judged samples, biases also unless it
// grows by more than chance explains. `measured`: of the
// plan, where it is known. Plans without layers (FindCodedLayers) cost nothing, those within the
// goal one measurement, which the caller gets. Those that miss it cost two more on two samples, of
// weights and of values alone: weights are rounded by second order where they bring more noise than
// values and what biases leave is 2 dB more than what values bring. `must_pass`: corrections are of
// no use unless the plan passes with them, and nothing is corrected where values alone, with exact
// weights, fail clearly on all samples.
ChosenCorrections ChooseCorrections(PlanInputs& inputs, const PlanDraft& plan,
                                    std::optional<Measured> measured, const ValueSizes& sizes,
                                    double goal, bool must_pass = false);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CHOOSE_CORRECTIONS_H_
