#include <fmt/format.h>

#include <utility>

#include "fix_positions.h"
#include "plan_nodes.h"
#include "qconvert/base/error.h"
#include "qconvert/plan/node_settings.h"
#include "qconvert/plan/plan.h"
#include "qconvert/plan/value_range.h"

namespace qconvert {
namespace {

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

}  // namespace

std::set<std::string> NonFiniteValues(const CalibrationTable& table) {
  std::set<std::string> out;
  for (const auto& [value, statistics] : table.values) {
    if (statistics.inf_count > 0) out.insert(value);
  }
  return out;
}

QuantizationPlan MakePlan(const Graph& graph, Placement placement, const CalibrationTable& table,
                          const ModelSettings& settings, RangeCache* ranges) {
  QuantizationPlan plan;
  const Topology topology(graph);
  RangeCache own;
  RangeCache& cache = ranges != nullptr ? *ranges : own;
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
      const std::string& observed = FindObserved(topology, table, root);
      decided.range = cache.Get(observed, value_settings,
                                [&] { return DecideRange(table, observed, value_settings); });
      decided.method = DescribeMethod(value_settings);
    }
    if (value_settings.symmetry && !value_settings.is_signed && decided.range.min < 0) {
      throw Error(
          ExitCode::kNumeric, "",
          fmt::format("value \"{}\" reaches {}, which symmetric unsigned settings cannot represent",
                      root, decided.range.min));
    }
    decided.format = ActivationFormat(value_settings, TargetOf(settings.config.target_device));
    decided.params = ParamsFromRange(decided.range, decided.format);
  }
  plan.rounded = FindRoundedValues(graph, placement, table, settings);
  plan.placement = std::move(placement);
  const Target& target = TargetOf(settings.config.target_device);
  plan.works_on_codes = target.works_on_codes;
  AlignScales(graph, settings.config, plan);
  if (target.limits_shifts) LimitShifts(graph, settings, plan);
  const auto grid = [&](size_t n, size_t /*input*/, Range range) {
    const NumericFormat format = ActivationFormat(settings.Of(graph.nodes[n]).activation, target);
    return OperandGrid{ParamsFromRange(range, format), format};
  };
  PlanNodes(graph, grid, plan);
  return plan;
}

}  // namespace qconvert
