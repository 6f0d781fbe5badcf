#include "qconvert/plan/requantization.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "qconvert/ir/pool_window.h"

namespace qconvert {
namespace {

constexpr double kMostFactor = 1 << 30;

const QuantParams* ParamsOf(const QuantizationPlan& plan, const std::string& value) {
  const auto found = plan.values.find(value);
  return found == plan.values.end() ? nullptr : &found->second.params;
}

// The scales that sums of products of the node have.
std::vector<float> ScalesOfSums(const Graph& graph, const QuantizationPlan& plan, size_t n) {
  const Node& node = graph.nodes[n];
  const IntegerNodePlan& integer = plan.integer_nodes.at(n);
  if (plan.placement.nodes[n].float_inputs.contains(0)) return {};
  std::vector<float> second;
  if (integer.weight) {
    second = integer.weight->params.scales;
  } else if (node.Is("Mul") || node.Is("MatMul")) {
    const auto operand = integer.operands.find(1);
    const QuantParams* params = operand == integer.operands.end() ? ParamsOf(plan, node.inputs[1])
                                                                  : &operand->second.params;
    if (params != nullptr) second = params->scales;
  }
  const auto operand = integer.operands.find(0);
  const bool reads_codes = operand != integer.operands.end() || integer.converted.contains(0) ||
                           plan.values.contains(node.inputs[0]);
  if (!reads_codes) return {};
  const float first = operand != integer.operands.end() ? operand->second.params.scales[0]
                                                        : FirstInputParams(plan, n, node).scales[0];
  for (float& scale : second) scale *= first;
  return second;
}

struct Operand {
  QuantParams params;
  CodeSpan codes;  // without the zero point
};

CodeSpan SpanOf(const NumericFormat& format, int32_t zero) {
  return {static_cast<int32_t>(format.qmin) - zero, static_cast<int32_t>(format.qmax) - zero};
}

// How input `slot` of node `n` arrives; nothing where it is float.
std::optional<Operand> FindOperand(const Graph& graph, const QuantizationPlan& plan, size_t n,
                                   size_t slot) {
  const IntegerNodePlan& integer = plan.integer_nodes.at(n);
  if (plan.placement.nodes[n].float_inputs.contains(slot)) return std::nullopt;
  const auto operand = integer.operands.find(slot);
  const auto converted = integer.converted.find(slot);
  const auto value = plan.values.find(graph.nodes[n].inputs[slot]);
  const auto as = [](const auto& grid) {
    return Operand{grid.params, SpanOf(grid.format, grid.params.zero_points[0])};
  };
  // What is converted for this reader comes before the value as it was written.
  if (operand != integer.operands.end()) return as(operand->second);
  if (converted != integer.converted.end()) return as(converted->second);
  if (value != plan.values.end()) return as(value->second);
  return std::nullopt;
}

// How many values an average is of, everywhere; 0: not known, or fewer at the edges.
int64_t AreaOf(const Graph& graph, const Node& node) {
  const std::vector<int64_t>* pads = node.FindInts("pads");
  // Where padding counts as values the area is the same at the edges.
  const bool counts_pads = node.GetInt("count_include_pad", 0) != 0;
  const bool has_edges = (pads != nullptr && !counts_pads &&
                          std::any_of(pads->begin(), pads->end(), [](auto p) { return p != 0; })) ||
                         node.GetString("auto_pad", "NOTSET") != "NOTSET" ||
                         node.GetInt("ceil_mode", 0) != 0;
  const std::vector<int64_t> window = AverageWindow(graph, node);
  if (window.empty() || has_edges) return 0;
  return std::accumulate(window.begin(), window.end(), int64_t{1}, std::multiplies<>());
}

bool IsAverage(const Node& node) { return node.Is("AveragePool") || node.Is("GlobalAveragePool"); }

// Of what adds, joins or averages codes of its inputs.
std::optional<Requantization> FindByInput(const Graph& graph, const QuantizationPlan& plan,
                                          size_t n, const ValuePlan& output) {
  const Node& node = graph.nodes[n];
  const bool adds = (node.Is("Add") || node.Is("Sub")) && node.inputs.size() == 2;
  if (!adds && !node.Is("Concat") && !IsAverage(node)) return std::nullopt;
  const int64_t area = IsAverage(node) ? AreaOf(graph, node) : 1;
  if (area < 1) return std::nullopt;
  const CodeSpan codes = SpanOf(output.format, output.params.zero_points[0]);
  Requantization out{.of = Requantization::Of::kInputs};
  std::vector<float> factors;
  std::vector<CodeSpan> spans;
  for (size_t slot = 0; slot < node.inputs.size(); ++slot) {
    const auto operand = FindOperand(graph, plan, n, slot);
    if (!operand || operand->params.scales.size() != 1) return std::nullopt;
    const float factor =
        operand->params.scales[0] / (static_cast<float>(area) * output.params.scales[0]);
    if (!(factor > 0 && factor < kMostFactor)) return std::nullopt;
    factors.push_back(factor);
    spans.push_back(operand->codes);
    out.factors.push_back(ToFixedPoint(factor));
    if (!adds)
      out.worst = std::max(out.worst, WorstRequantization(factor, codes.least, codes.most));
  }
  if (!adds) return out;
  // a - b is the sum with the negative codes of b.
  const CodeSpan second = node.Is("Sub") ? CodeSpan{-spans[1].most, -spans[1].least} : spans[1];
  out.worst = WorstSum(factors[0], spans[0], factors[1], second, codes);
  return out;
}

// One factor above zero, another below.
std::optional<Requantization> FindBySign(const Graph& graph, const QuantizationPlan& plan, size_t n,
                                         const ValuePlan& output) {
  const Node& node = graph.nodes[n];
  const auto operand = FindOperand(graph, plan, n, 0);
  if (!node.Is("LeakyRelu") || !operand) return std::nullopt;
  const CodeSpan codes = SpanOf(output.format, output.params.zero_points[0]);
  const float above = operand->params.scales[0] / output.params.scales[0];
  const float below = above * node.GetFloat("alpha", 0.01F);
  // A slope of 0 or less has no multiplier.
  if (!(below > 0 && above < kMostFactor && below < kMostFactor)) return std::nullopt;
  Requantization out{.factors = {ToFixedPoint(above), ToFixedPoint(below)},
                     .of = Requantization::Of::kSigns};
  // Each factor serves the codes of its sign.
  out.worst = std::max(WorstRequantization(above, std::max(codes.least, 0), codes.most),
                       WorstRequantization(below, codes.least, std::min(codes.most, 0)));
  return out;
}

}  // namespace

std::optional<Requantization> FindRequantization(const Graph& graph, const QuantizationPlan& plan,
                                                 size_t n) {
  const auto integer = plan.integer_nodes.find(n);
  if (integer == plan.integer_nodes.end()) return std::nullopt;
  const auto output = plan.values.find(plan.placement.nodes[n].unit.output);
  if (output == plan.values.end()) return std::nullopt;
  const ValuePlan& value = output->second;
  if (auto by_input = FindByInput(graph, plan, n, value)) return by_input;
  if (auto by_sign = FindBySign(graph, plan, n, value)) return by_sign;
  Requantization out;
  for (const float scale : ScalesOfSums(graph, plan, n)) {
    const float factor = scale / value.params.scales[0];
    if (!(factor > 0 && factor < kMostFactor)) return std::nullopt;
    const int32_t zero = value.params.zero_points[0];
    out.factors.push_back(ToFixedPoint(factor));
    out.worst = std::max(
        out.worst, WorstRequantization(factor, value.format.qmin - zero, value.format.qmax - zero));
  }
  return out.factors.empty() ? std::nullopt : std::optional(std::move(out));
}

}  // namespace qconvert
