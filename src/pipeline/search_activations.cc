#include "search_activations.h"

#include <algorithm>
#include <limits>

#include "qconvert/base/metric.h"

namespace qconvert {

double Distance(Metric metric, const Measured& measured) {
  double worst = -std::numeric_limits<double>::infinity();
  for (const OutputComparison& output : measured.outputs) {
    const std::optional<double> value = Evaluate(metric, output.sums);
    if (value) worst = std::max(worst, IsHigherBetter(metric) ? -*value : *value);
  }
  const bool is_known = measured.failure.empty() && worst > -std::numeric_limits<double>::max();
  return is_known ? worst : std::numeric_limits<double>::infinity();
}

namespace {

void Take(const TensorSettings& candidate, const std::vector<TensorSettings*>& open) {
  for (TensorSettings* one : open) {
    one->method = candidate.method;
    one->percentage = candidate.percentage;
    one->symmetry = candidate.symmetry;
  }
}

}  // namespace

void SearchActivations(PlanInputs& inputs, const PlanDraft& plan,
                       const std::vector<TensorSettings*>& open,
                       const std::vector<size_t>& samples) {
  const ModelSearch search = inputs.settings.config.search;
  double least = std::numeric_limits<double>::infinity();
  const TensorSettings* best = &search.activations.at(0);
  for (const TensorSettings& candidate : search.activations) {
    Take(candidate, open);
    const double distance = Distance(search.metric, MeasurePlan(inputs, plan, samples));
    if (distance >= least) continue;
    least = distance;
    best = &candidate;
  }
  Take(*best, open);
}

}  // namespace qconvert
