#include "plan_nodes.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "qconvert/numbers/quantize.h"

namespace qconvert {
namespace {

class NodePlanner {
 public:
  NodePlanner(const Graph& graph, const OperandGrids& grids, QuantizationPlan& plan)
      : graph_(graph), grids_(grids), plan_(plan) {}

  void Run() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const NodePlacement& place = plan_.placement.nodes[n];
      const Node& node = graph_.nodes[n];
      if (place.domain == NodeDomain::kInteger) {
        PlanInteger(n, place.unit, plan_.integer_nodes[n]);
      } else if (place.domain != NodeDomain::kFused && IsIntegerValue(node.input(0))) {
        const int64_t channels = ChannelsOfOwnDequantize(graph_, node);
        if (channels > 0) plan_.own_dequantize.emplace(n, channels);
      }
    }
  }

 private:
  bool IsIntegerValue(const std::string& value) const {
    return plan_.placement.integer_values.contains(value);
  }
  const ValuePlan& ValueOf(const std::string& value) const { return plan_.values.at(value); }

  void PlanInteger(size_t n, const FusedUnit& unit, IntegerNodePlan& out) {
    const Node& node = graph_.nodes[n];
    if (node.Is("Relu") || node.Is("Clip")) {
      const ValuePlan& value = ValueOf(node.inputs[0]);
      out.bounds = {IntegerBound(node, 1, value), IntegerBound(node, 2, value)};
      return;
    }
    if (FindOpRule(node).kind == OpKind::kMovement) return;
    if (node.Is("HardSigmoid") && unit.tail.empty()) out.hard_sigmoid = PlanHardSigmoid(n);
    const bool weighted = FindOpRule(node).kind == OpKind::kWeighted &&
                          graph_.FindInitializer(node.input(1)) != nullptr;
    if (!weighted && !out.hard_sigmoid) PlanOperands(n, out);
    if (!unit.tail.empty() && unit.tail.back() != unit.bias_add)
      PlanClamp(unit.tail.back(), unit.output, out);
  }

  // A clamp that is not its Q's saturation would keep the engine from fusing it: it follows on
  // codes.
  void PlanClamp(size_t t, const std::string& output, IntegerNodePlan& out) {
    const Node& clamp = graph_.nodes[t];
    if (!IsIntegerValue(output)) return;
    const ValuePlan& value = ValueOf(output);
    if (IsImpliedClamp(clamp, output)) {
      out.implied.insert(t);
    } else if (BitsOf(value.params.type) == 8 && plan_.works_on_codes) {
      out.implied.insert(t);
      out.bounds = {IntegerBound(clamp, 1, value), IntegerBound(clamp, 2, value)};
    }
  }

  void PlanOperands(size_t n, IntegerNodePlan& out) {
    const Node& node = graph_.nodes[n];
    const OpRule& rule = FindOpRule(node);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      // Input 1 of a MatMul is a value where it is no weights, which the rules leave open.
      if (i >= rule.value_inputs && !(node.Is("MatMul") && i == 1)) continue;
      const Tensor* constant = graph_.FindInitializer(node.inputs[i]);
      if (constant == nullptr) continue;
      const auto values = constant->values<float>();
      const auto [low, high] = std::minmax_element(values.begin(), values.end());
      const Range range = values.empty() ? Range{} : Range{*low, *high};
      out.operands[i] = Codes(n, i, *constant, range);
      out.operands[i].name = node.inputs[i];
    }
  }

  ConstantCodes Codes(size_t n, size_t input, const Tensor& constant, Range range) const {
    const OperandGrid grid = grids_(n, input, range);
    ConstantCodes out{"", {}, grid.params, grid.format};
    out.codes.type = out.params.type;
    out.codes.dims = constant.dims;
    out.codes.bytes = std::make_shared<const std::string>(
        QuantizeToBytes(constant.values<float>(), constant.dims, out.params, out.format));
    return out;
  }

  // Bound `slot` of a Relu (0 below) or Clip as a code; nothing when there is none.
  std::optional<int32_t> IntegerBound(const Node& clamp, size_t slot,
                                      const ValuePlan& value) const {
    const std::optional<float> bound = ClampBound(graph_, clamp, slot);
    if (!bound) return std::nullopt;
    return QuantizeValue(*bound, value.params.scales[0], value.params.zero_points[0], value.format);
  }

  // True when the saturation of the output's Q clamps just like `clamp`, to half a step.
  bool IsImpliedClamp(const Node& clamp, const std::string& output) const {
    if (!IsIntegerValue(output)) return false;
    const NumericFormat& codes = ValueOf(output).format;
    const QuantParams& params = ValueOf(output).params;
    const float half_step = params.scales[0] / 2;
    const float low = DequantizeValue(codes.qmin, params.scales[0], params.zero_points[0]);
    const float high = DequantizeValue(codes.qmax, params.scales[0], params.zero_points[0]);
    return low >= ClampBound(graph_, clamp, 1).value_or(-INFINITY) - half_step &&
           high <= ClampBound(graph_, clamp, 2).value_or(INFINITY) + half_step;
  }

  std::optional<HardSigmoidPlan> PlanHardSigmoid(size_t n) const {
    const Node& node = graph_.nodes[n];
    if (!IsIntegerValue(node.outputs[0])) return std::nullopt;
    const NumericFormat& codes = ValueOf(node.outputs[0]).format;
    const QuantParams& params = ValueOf(node.outputs[0]).params;
    const float alpha = node.GetFloat("alpha", 0.2F);
    const float beta = node.GetFloat("beta", 0.5F);
    // The form is one of the engine's kernels. Its clip is that of its own QuantizeLinear: no other
    // rounding fits in front of it, and the output's grid has to be that of [0, 1].
    const bool rounds = plan_.exact_rounding && codes.round.mode() != RoundMode::kHalfEven;
    const bool is_unit = params.zero_points[0] == 0 && params.scales[0] == 1.0F / 255;
    if (rounds || !plan_.works_on_codes || codes.type != DataType::kUint8 || codes.qmax != 255 ||
        !is_unit || !(alpha > 0))
      return std::nullopt;
    const float shift = beta / alpha;
    const Tensor constant = MakeFloatTensor("", {}, std::vector<float>{shift});
    HardSigmoidPlan out{Codes(n, 1, constant, {shift, shift}), params};
    out.clip.scales[0] = static_cast<float>(1.0 / (255.0 * alpha));
    return out;
  }

  const Graph& graph_;
  const OperandGrids& grids_;
  QuantizationPlan& plan_;
};

}  // namespace

std::vector<std::string> Placement::Observed() const {
  std::set<std::string> distinct;
  for (const auto& [value, root] : roots) distinct.insert(root);
  return {distinct.begin(), distinct.end()};
}

void PlanNodes(const Graph& graph, const OperandGrids& grids, QuantizationPlan& plan) {
  NodePlanner(graph, grids, plan).Run();
}

}  // namespace qconvert
