// Horizon's modelwise_search: one way to choose ranges for the whole model, by measuring them all.
#ifndef QCONVERT_SRC_PIPELINE_SEARCH_ACTIVATIONS_H_
#define QCONVERT_SRC_PIPELINE_SEARCH_ACTIVATIONS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "measure_plan.h"

namespace qconvert {

// How far the worst output is from the float model's: less is better, infinite where nothing can be
// said.
double Distance(Metric metric, const Measured& measured);

// The metric's own number for it: "cosine-similarity 0.998", "no mse".
std::string TextOfDistance(Metric metric, double distance);

// Gives `open` (settings of activations and inputs) the method, percentage and symmetry of the
// candidate in `inputs.settings.config.search` whose worst output is nearest to the float model's
// by the metric of the search, on these of the comparer's samples. An earlier candidate wins over
// an equal one; those that the engine cannot run lose. The log tells each with its number.
void SearchActivations(PlanInputs& inputs, const PlanDraft& plan,
                       const std::vector<TensorSettings*>& open,
                       const std::vector<size_t>& samples);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_SEARCH_ACTIVATIONS_H_
