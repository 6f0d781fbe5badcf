#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "fix_positions.h"
#include "plan_nodes.h"
#include "qconvert/base/error.h"
#include "qconvert/numbers/quantize.h"
#include "qconvert/plan/body_plans.h"
#include "qconvert/plan/moved_values.h"
#include "qconvert/plan/node_settings.h"
#include "qconvert/plan/plan.h"
#include "qconvert/plan/unseen_value.h"
#include "qconvert/plan/value_range.h"
#include "qconvert/targets/kept_pairs.h"

namespace qconvert {
namespace {

// How a value of the level is named in the table.
using TableNames = std::function<std::string(const std::string&)>;

// `value` in the table, or what it was before movement operators: its values are a subset of those.
const std::string& FindObserved(const Topology& topology, const CalibrationTable& table,
                                const TableNames& names, const std::string& value) {
  const std::vector<std::string> sources = WithSources(topology, value);
  for (const std::string& one : sources) {
    const auto it = table.values.find(names(one));
    if (it != table.values.end()) return it->first;
  }
  throw UnseenValue(names(sources.back()));
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

// Decides the parameters of values.
class ValuePlanner {
 public:
  ValuePlanner(const Graph& graph, const Placement& placement, const CalibrationTable& table,
               const TableNames& names, const ModelSettings& settings, RangeCache& ranges,
               const LearnedRanges* learned)
      : graph_(graph),
        topology_(graph),
        placement_(placement),
        table_(table),
        names_(names),
        settings_(settings),
        target_(TargetOf(settings.config.target_device)),
        given_(OwnSettings(settings.config)),
        kept_(FindKeptPairs(graph)),
        has_signed_codes_(HasSignedCodes()),
        ranges_(ranges),
        learned_(learned) {}

  // Of values whose statistics are those of `root`.
  ValuePlan Decide(const std::string& root) const {
    const TensorSettings* found = FindValueSettings(graph_, topology_, placement_, settings_, root);
    // A value in the middle of what only moves values has none of its own.
    const auto entry = given_.find(root);
    const ValueSettings* alone = entry == given_.end() ? nullptr : entry->second;
    const TensorSettings& settings = alone != nullptr   ? alone->settings
                                     : found != nullptr ? *found
                                                        : settings_.config.tensors.activation;
    ValuePlan decided;
    decided.root = root;
    decided.format = FormatOf(settings);
    if (TakeKept(root, decided)) return decided;
    DecideRangeOf(root, alone, settings, decided);
    if (settings.symmetry && !settings.is_signed && decided.range.min < 0) {
      throw Error(
          ExitCode::kNumeric, "",
          fmt::format("value \"{}\" reaches {}, which symmetric unsigned settings cannot represent",
                      root, decided.range.min));
    }
    decided.params = ParamsFromRange(decided.range, decided.format);
    return decided;
  }

  // What the target writes of these settings, in the type of the codes that the model has: the
  // engine's kernels want one type on all sides.
  NumericFormat FormatOf(const TensorSettings& settings) const {
    NumericFormat format = ActivationFormat(settings, target_);
    if (!target_.suits_engine || format.type != DataType::kUint8 || !has_signed_codes_)
      return format;
    constexpr int32_t kHalf = 128;
    // The same numbers, under signed codes.
    format.type = DataType::kInt8;
    format.qmin -= kHalf;
    format.qmax -= kHalf;
    format.zero -= kHalf;
    return format;
  }

 private:
  bool HasSignedCodes() const {
    const auto is_signed = [](const auto& kept) {
      return kept.second.params.type == DataType::kInt8;
    };
    // More than half: a model of both kinds goes by what most of it has.
    return 2 * std::count_if(kept_.begin(), kept_.end(), is_signed) >
           static_cast<int64_t>(kept_.size());
  }

  // The parameters that the model came with, where the target computes with such codes: of the same
  // type, and on a grid that the settings' format has.
  bool TakeKept(const std::string& value, ValuePlan& decided) const {
    const auto it = kept_.find(value);
    if (it == kept_.end() || !IsTaken(it->second.params, decided.format)) return false;
    const QuantParams& kept = it->second.params;
    decided.params = kept;
    decided.format = FullFormat(kept.type);
    const auto real = [&](int32_t code) {
      return DequantizeValue(code, kept.scales[0], kept.zero_points[0]);
    };
    decided.range = {real(decided.format.qmin), real(decided.format.qmax)};
    decided.method = "kept";
    return true;
  }

  bool IsTaken(const QuantParams& kept, const NumericFormat& format) const {
    if (target_.suits_engine && BitsOf(kept.type) == 8 && !format.power_of_two) return true;
    // The fraction of a power of two is 1/2.
    int exponent = 0;
    return kept.type == format.type && (!format.symmetric || kept.zero_points[0] == format.zero) &&
           (!format.power_of_two || std::frexp(kept.scales[0], &exponent) == 0.5F);
  }

  void DecideRangeOf(const std::string& root, const ValueSettings* alone,
                     const TensorSettings& settings, ValuePlan& decided) const {
    const Node* producer = topology_.Producer(root);
    decided.method = "fixed";
    if (alone != nullptr && alone->range) {
      decided.range = *alone->range;
      decided.method = "given";
    } else if (const auto fixed = FixedRange(producer, settings, target_)) {
      decided.range = *fixed;
    } else if (producer != nullptr && producer->Is("HardSigmoid") &&
               placement_.integer_values.contains(root)) {
      // Its integer form is an Add whose saturation is the clip to [0, 1]; see insert_qdq.h.
      decided.range = {0, 1};
    } else if (learned_ != nullptr && learned_->contains(root)) {
      decided.range = learned_->at(root);
      decided.method = "learned";
    } else {
      const std::string& observed = FindObserved(topology_, table_, names_, root);
      decided.range =
          ranges_.Get(observed, settings, [&] { return DecideRange(table_, observed, settings); });
      decided.method = DescribeMethod(settings);
    }
  }

  const Graph& graph_;
  const Topology topology_;
  const Placement& placement_;
  const CalibrationTable& table_;
  const TableNames& names_;
  const ModelSettings& settings_;
  const Target& target_;
  const std::map<std::string, const ValueSettings*> given_;
  const KeptPairs kept_;
  const bool has_signed_codes_;
  RangeCache& ranges_;
  const LearnedRanges* learned_;
};

QuantizationPlan PlanLevel(const Graph& graph, Placement placement, const CalibrationTable& table,
                           const TableNames& names, const ModelSettings& settings,
                           RangeCache& ranges, const LearnedRanges* learned) {
  QuantizationPlan plan;
  const Target& target = TargetOf(settings.config.target_device);
  const ValuePlanner planner(graph, placement, table, names, settings, ranges, learned);
  for (const auto& [value, root] : placement.roots) plan.values[value] = planner.Decide(root);
  plan.placement = std::move(placement);
  // Nodes are planned by the forms, and by scales as they come out of this.
  SetForms(settings.config, plan);
  AlignScales(graph, settings.config, plan);
  if (target.limits_shifts) LimitShifts(graph, settings, plan);
  const auto grid = [&](size_t n, size_t /*input*/, Range range) {
    const NumericFormat format = planner.FormatOf(settings.Of(graph.nodes[n]).activation);
    return OperandGrid{ParamsFromRange(range, format), format};
  };
  PlanNodes(graph, grid, plan);
  if (target.one_type_per_node) ConvertInputs(graph, plan);
  return plan;
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
  RangeCache own;
  RangeCache& known = ranges != nullptr ? *ranges : own;
  const auto as_it_is = [](const std::string& value) { return value; };
  QuantizationPlan plan =
      PlanLevel(graph, std::move(placement), table, as_it_is, settings, known, learned);
  plan.rounded = FindRoundedValues(graph, plan.placement, table, settings);
  ForEachBodyIn(plan.placement.bodies, graph, [&](const BodyGraph& body, const Placement& placed) {
    const auto names = [&](const std::string& value) { return body.FullName(value); };
    plan.bodies.emplace(body.way, PlanLevel(body.graph, placed, table, names,
                                            SettingsOfBody(settings, body), known, nullptr));
  });
  return plan;
}

}  // namespace qconvert
