#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "qconvert/base/check.h"
#include "qconvert/base/error.h"
#include "qconvert/calibration/batch_range.h"
#include "qconvert/calibration/entropy_range.h"
#include "qconvert/calibration/range_error.h"
#include "qconvert/quantization/node_settings.h"
#include "qconvert/quantization/plan.h"
#include "qconvert/quantization/power_of_two.h"

namespace qconvert {
namespace {

RangeGrid RangeGridOf(const TensorSettings& settings) {
  const IntegerGrid grid = GridOf(settings);
  // A symmetric range [-t, t] has qmax steps on each side.
  return {grid.symmetric ? 2 * grid.qmax : grid.qmax - grid.qmin, grid.symmetric};
}

// How the ranges of batches become one; nothing where one statistic over all samples says the same.
std::optional<BatchRule> FindBatchRule(const TensorSettings& settings) {
  if (settings.method == CalibrationMethod::kMovingAverageAbsMax) return BatchRule::kMovingAverage;
  if (settings.method == CalibrationMethod::kRangeAbsMax) return BatchRule::kLargestOfLast;
  switch (settings.statistic) {
    case BatchStatistic::kAll:
      return std::nullopt;
    case BatchStatistic::kMax:
      if (settings.method == CalibrationMethod::kMaxMin) return std::nullopt;
      return BatchRule::kMax;
    case BatchStatistic::kMean:
      return BatchRule::kMean;
    case BatchStatistic::kMedian:
      return BatchRule::kMedian;
    case BatchStatistic::kModal:
      return BatchRule::kModal;
  }
  QCONVERT_CHECK(false);
}

// `value` in the table, or what it was before movement operators: its values are a subset of those.
const std::string& FindObserved(const Topology& topology, const CalibrationTable& table,
                                std::string value) {
  for (;;) {
    const auto it = table.values.find(value);
    if (it != table.values.end()) return it->first;
    const Node* producer = topology.Producer(value);
    if (producer == nullptr || FindOpRule(*producer).kind != OpKind::kMovement) {
      throw Error(ExitCode::kData, "",
                  fmt::format("the calibration table has no value \"{}\"", value));
    }
    value = producer->inputs[0];
  }
}

// The range of a value: from its batches where the settings go by them, else from all it was.
Range DecidedRange(const CalibrationTable& table, const std::string& observed,
                   const TensorSettings& settings) {
  const auto batches = table.batches.find(observed);
  const std::optional<BatchRule> rule = FindBatchRule(settings);
  if (!rule || batches == table.batches.end()) return RangeOf(table.values.at(observed), settings);
  const Range range = CombineBatches(
      batches->second, *rule,
      {.rate = settings.moving_rate, .window = static_cast<size_t>(settings.window_size)});
  if (settings.symmetry) return range;
  const Range full = MaxMinRange(table.values.at(observed));
  return {std::max(range.min, full.min), std::min(range.max, full.max)};
}

}  // namespace

bool GoesByBatches(const TensorSettings& settings) { return FindBatchRule(settings).has_value(); }

Range RangeOf(const TensorStatistics& statistics, const TensorSettings& settings) {
  if (settings.scale_type == ScaleType::kPowerOfTwo) {
    const int position = FixPositionOf(statistics, settings.bit_width, CandidatesOf(settings));
    // The scale of [-t, t] is t / qmax, this power of two exactly.
    const auto t = static_cast<float>(std::ldexp(GridOf(settings).qmax, -position));
    return {-t, t};
  }
  switch (settings.method) {
    case CalibrationMethod::kMaxMin:
    case CalibrationMethod::kMovingAverageAbsMax:  // of one batch
    case CalibrationMethod::kRangeAbsMax:
      return MaxMinRange(statistics);
    case CalibrationMethod::kPercentile:
      return settings.symmetry ? SymmetricPercentileRange(statistics, settings.percentage)
                               : PercentileRange(statistics, settings.percentage);
    case CalibrationMethod::kEntropy:
      return EntropyRange(statistics, RangeGridOf(settings));
    case CalibrationMethod::kMse:
      return MseRange(statistics, RangeGridOf(settings));
    case CalibrationMethod::kAuto:
      return AutoRange(statistics, RangeGridOf(settings));
    case CalibrationMethod::kDiffs:
      break;  // refused where settings are read
  }
  QCONVERT_CHECK(false);
}

std::set<std::string> NonFiniteValues(const CalibrationTable& table) {
  std::set<std::string> out;
  for (const auto& [value, statistics] : table.values) {
    if (statistics.inf_count > 0) out.insert(value);
  }
  return out;
}

QuantizationPlan MakePlan(const Graph& graph, Placement placement, const CalibrationTable& table,
                          const ModelSettings& settings) {
  QuantizationPlan plan;
  const Topology topology(graph);
  for (const auto& [value, root] : placement.roots) {
    const TensorSettings* found = FindValueSettings(graph, topology, placement, settings, root);
    // A value in the middle of what only moves values has none of its own.
    const TensorSettings& value_settings =
        found != nullptr ? *found : settings.config.tensors.activation;
    ValuePlan& decided = plan.values[value];
    decided.root = root;
    const Node* producer = topology.Producer(root);
    if (producer != nullptr && producer->Is("HardSigmoid") &&
        placement.integer_values.contains(root)) {
      // Its integer form is an Add whose saturation is the clip to [0, 1]; see insert_qdq.h.
      decided.range = {0, 1};
      decided.method = "fixed";
    } else {
      decided.range = DecidedRange(table, FindObserved(topology, table, root), value_settings);
      decided.method = MethodName(value_settings.method);
    }
    const IntegerGrid grid = GridOf(value_settings);
    if (value_settings.symmetry && !value_settings.is_signed && decided.range.min < 0) {
      throw Error(
          ExitCode::kNumeric, "",
          fmt::format("value \"{}\" reaches {}, which symmetric unsigned settings cannot represent",
                      root, decided.range.min));
    }
    decided.params = ParamsFromRange(decided.range, grid);
  }
  plan.placement = std::move(placement);
  return plan;
}

}  // namespace qconvert
