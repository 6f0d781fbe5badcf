#include <fmt/format.h>

#include <cmath>
#include <map>
#include <optional>
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

// What a device demands of the outputs of squashing functions, whatever was calibrated: steps of
// 2^-bits over [0, 1] or [-1, 1]; Softmax reaches 1.
std::optional<Range> FixedRange(const Node* producer, const TensorSettings& settings,
                                const Target& target) {
  if (producer == nullptr || !target.fixes_squashed || settings.symmetry) return std::nullopt;
  const float steps = std::ldexp(1.0F, settings.bit_width);
  if (producer->Is("Softmax")) return Range{0, 1};
  if (producer->Is("Sigmoid") || producer->Is("HardSigmoid")) return Range{0, 1 - 1 / steps};
  if (producer->Is("Tanh")) return Range{-1, 1 - 2 / steps};
  return std::nullopt;
}

// The entries of single values, the last one of each.
std::map<std::string, const ValueSettings*> OwnSettings(const QuantConfig& config) {
  std::map<std::string, const ValueSettings*> out;
  for (const ValueSettings& one : config.values) out[one.value] = &one;
  return out;
}

// Where a node's output has another type than a value it reads, the value comes converted.
void ConvertInputs(const Graph& graph, QuantizationPlan& plan) {
  for (auto& [n, integer] : plan.integer_nodes) {
    const Node& node = graph.nodes[n];
    const auto output = plan.values.find(plan.placement.nodes[n].unit.output);
    if (output == plan.values.end() || FindOpRule(node).kind == OpKind::kMovement) continue;
    const NumericFormat& format = output->second.format;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const auto input = plan.values.find(node.inputs[i]);
      if (input == plan.values.end() || input->second.format.type == format.type) continue;
      integer.converted[i] = {ParamsFromRange(input->second.range, format), format};
    }
  }
}

}  // namespace

const QuantParams& FirstInputParams(const QuantizationPlan& plan, size_t n, const Node& node) {
  const auto integer = plan.integer_nodes.find(n);
  if (integer != plan.integer_nodes.end()) {
    const auto converted = integer->second.converted.find(0);
    if (converted != integer->second.converted.end()) return converted->second.params;
  }
  return plan.values.at(node.inputs[0]).params;
}

void SetForms(const QuantConfig& config, QuantizationPlan& plan) {
  const Target& target = TargetOf(config.target_device);
  plan.works_on_codes = target.works_on_codes;
  plan.exact_rounding = config.exact_rounding;
  plan.narrow_weights = target.narrow_weights;
  plan.writes_beta = target.writes_beta;
  if (!target.stores_weights) plan.stored_as = StoredAs::kDequantizeLinear;
  if (target.suits_engine && config.matmul_nbits) plan.stored_as = StoredAs::kBlocksPacked;
}

std::set<std::string> NonFiniteValues(const CalibrationTable& table) {
  std::set<std::string> out;
  for (const auto& [value, statistics] : table.values) {
    if (statistics.inf_count > 0) out.insert(value);
  }
  return out;
}

QuantizationPlan MakePlan(const Graph& graph, Placement placement, const CalibrationTable& table,
                          const ModelSettings& settings, RangeCache* ranges,
                          const LearnedRanges* learned) {
  QuantizationPlan plan;
  const Topology topology(graph);
  const Target& target = TargetOf(settings.config.target_device);
  RangeCache own;
  RangeCache& cache = ranges != nullptr ? *ranges : own;
  const std::map<std::string, const ValueSettings*> given = OwnSettings(settings.config);
  for (const auto& [value, root] : placement.roots) {
    const TensorSettings* found = FindValueSettings(graph, topology, placement, settings, root);
    // A value in the middle of what only moves values has none of its own.
    const auto entry = given.find(root);
    const ValueSettings* alone = entry == given.end() ? nullptr : entry->second;
    const TensorSettings& value_settings = alone != nullptr   ? alone->settings
                                           : found != nullptr ? *found
                                                              : settings.config.tensors.activation;
    ValuePlan& decided = plan.values[value];
    decided.root = root;
    const Node* producer = topology.Producer(root);
    if (alone != nullptr && alone->range) {
      decided.range = *alone->range;
      decided.method = "given";
    } else if (const auto fixed = FixedRange(producer, value_settings, target)) {
      decided.range = *fixed;
      decided.method = "fixed";
    } else if (producer != nullptr && producer->Is("HardSigmoid") &&
               placement.integer_values.contains(root)) {
      // Its integer form is an Add whose saturation is the clip to [0, 1]; see insert_qdq.h.
      decided.range = {0, 1};
      decided.method = "fixed";
    } else if (learned != nullptr && learned->contains(root)) {
      decided.range = learned->at(root);
      decided.method = "learned";
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
    decided.format = ActivationFormat(value_settings, target);
    decided.params = ParamsFromRange(decided.range, decided.format);
  }
  plan.rounded = FindRoundedValues(graph, placement, table, settings);
  plan.placement = std::move(placement);
  SetForms(settings.config, plan);
  AlignScales(graph, settings.config, plan);
  if (target.limits_shifts) LimitShifts(graph, settings, plan);
  const auto grid = [&](size_t n, size_t /*input*/, Range range) {
    const NumericFormat format = ActivationFormat(settings.Of(graph.nodes[n]).activation, target);
    return OperandGrid{ParamsFromRange(range, format), format};
  };
  PlanNodes(graph, grid, plan);
  if (target.one_type_per_node) ConvertInputs(graph, plan);
  return plan;
}

}  // namespace qconvert
