#include "search_activations.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "qconvert/base/log.h"
#include "qconvert/base/metric.h"
#include "qconvert/plan/value_range.h"

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

std::string TextOfDistance(Metric metric, double distance) {
  if (std::isinf(distance)) return fmt::format("no {}", MetricName(metric));
  return fmt::format("{} {:.6g}", MetricName(metric),
                     IsHigherBetter(metric) ? -distance : distance);
}

namespace {

std::string TextOf(const TensorSettings& candidate) {
  return fmt::format("{}, {}", DescribeMethod(candidate),
                     candidate.symmetry ? "symmetric" : "asymmetric");
}

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
    LogDebug(fmt::format("modelwise_search: {}: {}", TextOf(candidate),
                         TextOfDistance(search.metric, distance)));
    if (distance >= least) continue;
    least = distance;
    best = &candidate;
  }
  Take(*best, open);
  LogDebug(fmt::format("modelwise_search: {} of {} candidates: {}", TextOf(*best),
                       search.activations.size(), TextOfDistance(search.metric, least)));
}

}  // namespace qconvert
