#include "fix_positions.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qconvert/numbers/power_of_two.h"
#include "qconvert/plan/value_range.h"

namespace qconvert {
namespace {

constexpr int kMostShift = 16;
constexpr int kAccumulatorBits = 24;
constexpr int kCodeBits = 8;

// Values by the root whose parameters they share.
class Sharing {
 public:
  explicit Sharing(QuantizationPlan& plan) : plan_(plan) {
    for (const auto& [value, decided] : plan.values) by_root_[decided.root].push_back(value);
  }

  // All that share parameters with `value`, itself among them.
  template <typename Change>
  void ForEach(const std::string& value, const Change& change) {
    for (const std::string& one : by_root_.at(plan_.values.at(value).root))
      change(plan_.values.at(one));
  }

 private:
  QuantizationPlan& plan_;
  std::map<std::string, std::vector<std::string>> by_root_;
};

bool IsAligned(const Node& node, const QuantConfig& config) {
  if (node.Is("Concat")) return config.change_concat_input_fix;
  const bool averages = node.Is("AveragePool") || node.Is("GlobalAveragePool");
  return averages && config.change_pool_input_fix;
}

class ShiftLimiter {
 public:
  ShiftLimiter(const Graph& graph, const ModelSettings& settings, QuantizationPlan& plan)
      : graph_(graph), settings_(settings), plan_(plan), sharing_(plan) {}

  void Limit(size_t n) {
    const NodePlacement& place = plan_.placement.nodes[n];
    const Node& node = graph_.nodes[n];
    const Tensor* weight = graph_.FindInitializer(node.input(1));
    const TensorSettings& of = settings_.Of(node).weights;
    const bool has_weights = place.domain == NodeDomain::kInteger &&
                             FindOpRule(node).kind == OpKind::kWeighted && weight != nullptr;
    if (!has_weights || !IsPowerOfTwo(of) || !plan_.values.at(node.inputs[0]).format.power_of_two)
      return;
    const int input = PositionOf(node.inputs[0]);
    const int natural = NaturalPosition(weight->values<float>(), of);
    const int cut = FitOutput(node, place.unit.output, natural + input);
    FitWeightsAndBias(n, {input, natural, cut});
  }

 private:
  struct Positions {
    int input;
    int weights;
    int cut;
  };

  static bool IsPowerOfTwo(const TensorSettings& settings) {
    return settings.is_int() && settings.scale_type == ScaleType::kPowerOfTwo &&
           !settings.per_channel;
  }
  static int NaturalPosition(std::span<const float> values, const TensorSettings& settings) {
    return FixPositionOf(values, settings.bit_width, CandidatesOf(settings),
                         Rounder(settings.round_mode));
  }
  int PositionOf(const std::string& value) const {
    return -std::ilogb(plan_.values.at(value).params.scales[0]);
  }

  void Note(const Node& node, std::string_view what, int from, int to) {
    plan_.position_changes.push_back({node.name, what, from, to});
  }

  // Lowers the output's position where more than all bits would have to be kept; returns shift_cut.
  int FitOutput(const Node& node, const std::string& output, int sum) {
    const auto it = plan_.values.find(output);
    if (it == plan_.values.end() || !it->second.format.power_of_two) return 0;
    const int position = PositionOf(output);
    if (sum >= position) return sum - position;
    sharing_.ForEach(output, [&](ValuePlan& value) {
      // Twice the range for every position less; the scale follows.
      const auto wider = static_cast<float>(std::ldexp(1.0, position - sum));
      value.range = {value.range.min * wider, value.range.max * wider};
      value.params = ParamsFromRange(value.range, value.format);
    });
    Note(node, "output", position, sum);
    return sum - position;  // as before the change: the bias's limit goes by that
  }

  void FitWeightsAndBias(size_t n, const Positions& at) {
    const Node& node = graph_.nodes[n];
    int weights = at.weights - std::max(0, at.cut - kMostShift);
    const Tensor* bias = FindUnitBias(graph_, node, plan_.placement.nodes[n].unit);
    const TensorSettings& of = settings_.Of(node).bias;
    if (bias != nullptr && IsPowerOfTwo(of)) {
      const int natural = NaturalPosition(bias->values<float>(), of);
      const int shift = at.weights + at.input - natural;
      const int least = std::min(0, -(kAccumulatorBits - (kCodeBits + at.cut)));
      weights = std::min(weights, at.weights - std::max(0, shift - kMostShift));
      if (shift < least) {
        const int lowered = at.weights + at.input - least;
        plan_.integer_nodes[n].limits.bias = lowered;
        Note(node, "bias", natural, lowered);
      }
    }
    if (weights == at.weights) return;
    plan_.integer_nodes[n].limits.weights = weights;
    Note(node, "weights", at.weights, weights);
  }

  const Graph& graph_;
  const ModelSettings& settings_;
  QuantizationPlan& plan_;
  Sharing sharing_;
};

}  // namespace

void AlignScales(const Graph& graph, const QuantConfig& config, QuantizationPlan& plan) {
  if (!config.change_concat_input_fix && !config.change_pool_input_fix) return;
  Sharing sharing(plan);
  // From the back: what a later node gives to its input is the output of one before it.
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    const Node& node = graph.nodes[n];
    if (plan.placement.nodes[n].domain != NodeDomain::kInteger || !IsAligned(node, config))
      continue;
    const auto output = plan.values.find(plan.placement.nodes[n].unit.output);
    if (output == plan.values.end()) continue;
    // A copy: the output may share its parameters with an input.
    const ValuePlan aligned = output->second;
    for (const std::string& input : node.inputs) {
      if (!plan.values.contains(input) || plan.values.at(input).format != aligned.format) continue;
      sharing.ForEach(input, [&](ValuePlan& value) {
        value.range = aligned.range;
        value.params = aligned.params;
      });
    }
  }
}

void LimitShifts(const Graph& graph, const ModelSettings& settings, QuantizationPlan& plan) {
  ShiftLimiter limiter(graph, settings, plan);
  for (size_t n = 0; n < graph.nodes.size(); ++n) limiter.Limit(n);
}

}  // namespace qconvert
