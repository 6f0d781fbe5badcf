#include <fmt/format.h>

#include <utility>

#include "qconvert/base/check.h"
#include "qconvert/base/error.h"
#include "qconvert/calibration/range_error.h"
#include "qconvert/quantization/node_settings.h"
#include "qconvert/quantization/plan.h"

namespace qconvert {
namespace {

RangeGrid RangeGridOf(const TensorSettings& settings) {
  const IntegerGrid grid = GridOf(settings);
  // A symmetric range [-t, t] has qmax steps on each side.
  return {grid.symmetric ? 2 * grid.qmax : grid.qmax - grid.qmin, grid.symmetric};
}

Range RangeOf(const TensorStatistics& statistics, const TensorSettings& settings) {
  switch (settings.method) {
    case CalibrationMethod::kMaxMin:
      return MaxMinRange(statistics);
    case CalibrationMethod::kPercentile:
      return settings.symmetry ? SymmetricPercentileRange(statistics, settings.percentage)
                               : PercentileRange(statistics, settings.percentage);
    case CalibrationMethod::kMse:
      return MseRange(statistics, RangeGridOf(settings));
    case CalibrationMethod::kAuto:
      return AutoRange(statistics, RangeGridOf(settings));
    case CalibrationMethod::kEntropy:
    case CalibrationMethod::kDiffs:
    case CalibrationMethod::kMovingAverageAbsMax:
    case CalibrationMethod::kRangeAbsMax:
      break;  // refused where settings are read
  }
  QCONVERT_CHECK(false);
}

// Statistics of `value`, or of what it was before movement operators: their values are a subset.
const TensorStatistics& FindStatistics(const Topology& topology, const CalibrationTable& table,
                                       std::string value) {
  for (;;) {
    const auto it = table.values.find(value);
    if (it != table.values.end()) return it->second;
    const Node* producer = topology.Producer(value);
    QCONVERT_CHECK(producer != nullptr && FindOpRule(*producer).kind == OpKind::kMovement);
    value = producer->inputs[0];
  }
}

}  // namespace

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
    const TensorStatistics& statistics = FindStatistics(topology, table, root);
    ValuePlan& decided = plan.values[value];
    decided.root = root;
    const Node* producer = topology.Producer(root);
    if (producer != nullptr && producer->Is("HardSigmoid") &&
        placement.integer_values.contains(root)) {
      // Its integer form is an Add whose saturation is the clip to [0, 1]; see insert_qdq.h.
      decided.range = {0, 1};
      decided.method = "fixed";
    } else {
      decided.range = RangeOf(statistics, value_settings);
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
