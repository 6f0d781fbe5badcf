#include "qconvert/targets/broken_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "qconvert/targets/residual.h"

namespace qconvert {
namespace {

constexpr int kByte = 8;
constexpr int64_t kOpsetOfMaxPool = 12;
constexpr std::string_view kPair = "codes through a DequantizeLinear";
// How far the scale of a bias may be from the product (1.28.0, measured).
constexpr float kBiasSlack = 1e-6F;
constexpr float kBiasTolerance = 1e-2F;

std::string TypeText(DataType type) { return std::string(DataTypeName(type)); }

// The graph with the shapes of dequantized constants as float initializers, without their numbers:
// what the tables of operators look at.
Graph WithFloatWeights(const Graph& graph) {
  Graph out = graph;
  for (const Node& node : graph.nodes) {
    if (!IsDequantize(node)) continue;
    const Tensor* codes = graph.FindInitializer(node.inputs[0]);
    if (codes == nullptr || codes->dims.empty()) continue;
    Tensor weight;
    weight.name = node.outputs[0];
    weight.type = DataType::kFloat;
    // No bytes: copies of all weights in float would be what a large model cannot afford.
    weight.dims = codes->dims;
    out.initializers.emplace(weight.name, std::move(weight));
  }
  return out;
}

bool IsPassed(const Node& node) {
  return FindOpRule(node).kind == OpKind::kMovement || node.Is("AveragePool") ||
         node.Is("GlobalAveragePool") || node.Is("Concat");
}

}  // namespace

RuleFinder::RuleFinder(const Graph& graph, const Target& target, int64_t opset)
    : graph_(graph),
      target_(target),
      view_(graph, target),
      readers_(graph, view_.topology()),
      opset_(opset),
      floats_(target.suits_engine ? Graph{} : WithFloatWeights(graph)) {}

std::optional<BrokenRule> RuleFinder::Find(size_t n) const {
  if (view_.IsAbsorbed(n) || IsIntegerKernel(At(n))) return std::nullopt;
  return target_.suits_engine ? FindOnCpu(n) : FindOnOther(n);
}

bool RuleFinder::IsUncertain(size_t n) const {
  for (size_t slot = 0; slot < InputCount(n); ++slot)
    if (view_.InputEnd(n, slot).is_uncertain) return true;
  const auto& quantizers = view_.Uses(view_.Output(n)).quantizers;
  return std::any_of(quantizers.begin(), quantizers.end(),
                     [](const PairEnd& end) { return end.is_uncertain; });
}

std::string RuleFinder::Describe(const std::string& value) const {
  if (const Tensor* constant = graph_.FindInitializer(value))
    return fmt::format("a {} constant", DataTypeName(constant->type));
  const Node* producer = view_.topology().Producer(value);
  if (producer == nullptr)
    return graph_.IsInput(value) ? "an input of the graph" : "written on the level outside";
  return fmt::format("{} written by {}", DataTypeName(TypeOfValue(graph_, value)),
                     producer->op_type);
}

size_t RuleFinder::InputCount(size_t n) const {
  // Of a MatMul that is computed as a Gemm the bias of its Add is input 2.
  return At(n).Is("MatMul") && view_.IsGemm(n) ? 3 : At(n).inputs.size();
}

RuleFinder::Found RuleFinder::CheckInput(size_t n, size_t slot) const {
  const std::string& value = view_.Input(n, slot);
  if (value.empty() || view_.InputEnd(n, slot).exists()) return std::nullopt;
  return BrokenRule{"input", value, Describe(value), std::string(kPair)};
}

RuleFinder::Found RuleFinder::CheckInputs(size_t n, size_t from) const {
  for (size_t slot = from; slot < InputCount(n); ++slot)
    if (Found broken = CheckInput(n, slot)) return broken;
  return std::nullopt;
}

// Behind a node stands one Q, which reads it alone.
RuleFinder::Found RuleFinder::CheckOutput(const std::string& value) const {
  const ValueUses& uses = view_.Uses(value);
  if (uses.OnlyQuantized()) return std::nullopt;
  const auto& readings = view_.topology().Uses(value);
  const auto other = std::find_if(readings.begin(), readings.end(), [&](const Use& use) {
    return use.slot == Use::kCaptured || !IsQuantize(graph_.nodes[use.node]);
  });
  if (uses.is_output)
    return BrokenRule{"output", value, "an output of the graph", "one QuantizeLinear alone"};
  if (uses.quantizers.size() > 1)
    return BrokenRule{"output", value, fmt::format("{} QuantizeLinear", uses.quantizers.size()),
                      "one QuantizeLinear alone"};
  if (other == readings.end())
    return BrokenRule{"output", value, "no reader", "one QuantizeLinear alone"};
  const Node& reader = graph_.nodes[other->node];
  const bool is_clamp = reader.Is("Relu") || reader.Is("Clip");
  if (is_clamp && view_.Uses(reader.outputs[0]).OnlyQuantized())
    return BrokenRule{
        "clamp", reader.outputs[0],
        fmt::format("a QuantizeLinear whose codes go beyond what {} keeps", reader.op_type),
        "codes that end where the clamp does"};
  return BrokenRule{"output", value, fmt::format("read by {} in float", reader.op_type),
                    "one QuantizeLinear alone"};
}

RuleFinder::Found RuleFinder::CheckBits(size_t n, size_t slot, bool allows_16) const {
  const DataType type = view_.InputEnd(n, slot).type;
  const int bits = BitsOf(type);
  if (bits == kByte || type == DataType::kInt32 || (allows_16 && bits == 2 * kByte))
    return std::nullopt;
  return BrokenRule{"type", view_.Input(n, slot), TypeText(type) + " codes", "codes of 8 bits"};
}

// Signed activations reach x86 kernels as uint8 where one node reads them; others want int8
// weights.
RuleFinder::Found RuleFinder::CheckSigned(size_t n) const {
  if (view_.InputEnd(n, 0).type != DataType::kInt8) return std::nullopt;
  if (target_.unsigns_codes && !view_.IsGemm(n))
    return BrokenRule{"type", view_.Input(n, 0), "int8 codes that several nodes read",
                      "uint8 codes"};
  const DataType weight = view_.InputEnd(n, 1).type;
  if (weight == DataType::kInt8) return std::nullopt;
  return BrokenRule{"type", view_.Input(n, 1), TypeText(weight) + " codes", "int8 codes"};
}

RuleFinder::Found RuleFinder::CheckBias(size_t n) const {
  const PairEnd bias = view_.InputEnd(n, 2);
  if (!bias.exists() || bias.type == DataType::kInt32) return std::nullopt;
  return BrokenRule{"bias", view_.Input(n, 2), TypeText(bias.type) + " codes", "int32 codes"};
}

RuleFinder::Found RuleFinder::CheckParameters(size_t n, const PairEnd& out) const {
  const PairEnd in = view_.InputEnd(n, 0);
  const std::string& value = view_.Input(n, 0);
  const BrokenRule broken{"parameters", value, "other ones than behind the node",
                          "one constant scale and zero point on both sides"};
  if (in.node == nullptr || out.node == nullptr) return broken;
  const PairParameters before = view_.Parameters(in);
  const PairParameters behind = view_.Parameters(out);
  if (!before.is_scalar || !before.has_zero_point || before != behind) return broken;
  const bool picks = At(n).Is("MaxPool") || At(n).Is("ReduceMax") || At(n).Is("ReduceMin");
  // The largest code is the largest number under a positive scale alone.
  if (picks && !(before.scale > 0))
    return BrokenRule{"parameters", value, "a scale that is not positive", "a positive scale"};
  return std::nullopt;
}

RuleFinder::Found RuleFinder::CheckMovement(size_t n) const {
  const Node& node = At(n);
  if (Found broken = CheckInput(n, 0)) return broken;
  if (node.Is("MaxPool") && opset_ < kOpsetOfMaxPool)
    return BrokenRule{"operator", node.outputs[0], fmt::format("MaxPool of opset {}", opset_),
                      fmt::format("opset {}, from which on it takes codes", kOpsetOfMaxPool)};
  if (node.Is("Resize") && node.GetString("mode", "nearest") != "nearest")
    return BrokenRule{"operator", node.outputs[0],
                      "Resize of mode " + node.GetString("mode", "nearest"),
                      "mode nearest, the one that it has for codes"};
  for (const std::string& output : node.outputs) {
    if (output.empty()) continue;
    if (Found broken = CheckOutput(output)) return broken;
    // CheckOutput has seen that there is one.
    const PairEnd out = view_.Uses(output).quantizers[0];
    const DataType in = view_.InputEnd(n, 0).type;
    if (out.type != in)
      return BrokenRule{"type", output, TypeText(out.type) + " codes",
                        TypeText(in) + " codes, as in front of the node"};
    const bool picks = node.Is("MaxPool") || node.Is("ReduceMax") || node.Is("ReduceMin");
    if (Found broken = CheckBits(n, 0, !picks && !node.Is("Resize"))) return broken;
    if (Found broken = CheckParameters(n, out)) return broken;
  }
  return std::nullopt;
}

// The engine takes the DQ away in front of what writes no codes.
RuleFinder::Found RuleFinder::CheckIndices(size_t n) const {
  if (Found broken = CheckInput(n, 0)) return broken;
  if (Found broken = CheckBits(n, 0, false)) return broken;
  const PairEnd in = view_.InputEnd(n, 0);
  const PairParameters parameters = in.node == nullptr ? PairParameters{} : view_.Parameters(in);
  if (parameters.is_scalar && parameters.has_zero_point) return std::nullopt;
  return BrokenRule{"parameters", view_.Input(n, 0), "others in front of the node",
                    "one constant scale and zero point"};
}

RuleFinder::Found RuleFinder::CheckArithmetic(size_t n) const {
  const size_t from = At(n).Is("Where") ? 1 : 0;
  if (Found broken = CheckInputs(n, from)) return broken;
  if (Found broken = CheckOutput(At(n).outputs[0])) return broken;
  const DataType type = view_.InputEnd(n, from).type;
  if (Found broken = CheckBits(n, from, false)) return broken;
  for (size_t slot = from + 1; slot < InputCount(n); ++slot) {
    const DataType other = view_.InputEnd(n, slot).type;
    if (other != type)
      return BrokenRule{"type", view_.Input(n, slot), TypeText(other) + " codes",
                        TypeText(type) + " codes, as its first input"};
  }
  const DataType out = view_.Uses(At(n).outputs[0]).quantizers[0].type;
  if (out == type) return CheckNumbers(n);
  return BrokenRule{"type", At(n).outputs[0], TypeText(out) + " codes",
                    TypeText(type) + " codes, as its inputs"};
}

RuleFinder::Found RuleFinder::CheckConv(size_t n) const {
  if (Found broken = CheckInputs(n, 0)) return broken;
  if (Found broken = CheckOutput(view_.Output(n))) return broken;
  const DataType type = view_.InputEnd(n, 0).type;
  const DataType out = view_.Uses(view_.Output(n)).quantizers[0].type;
  if (out != type)
    return BrokenRule{"type", view_.Output(n), TypeText(out) + " codes",
                      TypeText(type) + " codes, as its input"};
  for (const size_t slot : {0, 1})
    if (Found broken = CheckBits(n, slot, false)) return broken;
  if (Found broken = CheckSigned(n)) return broken;
  if (Found broken = CheckBias(n)) return broken;
  return CheckBiasScale(n);
}

// The integer kernel adds the codes of a bias as they are.
RuleFinder::Found RuleFinder::CheckBiasScale(size_t n) const {
  const auto scales = [&](size_t slot) -> std::vector<float> {
    const PairEnd end = view_.InputEnd(n, slot);
    if (end.node == nullptr) return {};
    const PairParameters one = view_.Parameters(end);
    if (one.is_scalar) return {one.scale};
    const Tensor* tensor = graph_.FindInitializer(end.node->inputs[1]);
    return tensor == nullptr || tensor->type != DataType::kFloat ? std::vector<float>{}
                                                                 : ToFloats(*tensor);
  };
  const std::vector<float> input = scales(0);
  const std::vector<float> weight = scales(1);
  const std::vector<float> bias = scales(2);
  if (input.size() != 1 || weight.empty() || bias.empty()) return std::nullopt;
  for (size_t k = 0; k < std::max(weight.size(), bias.size()); ++k) {
    // A single scale stands for all channels.
    const float wanted = input[0] * weight[std::min(k, weight.size() - 1)];
    const float found = bias[std::min(k, bias.size() - 1)];
    if (std::fabs(found - wanted) > kBiasSlack + kBiasTolerance * std::fabs(wanted))
      return BrokenRule{"bias", view_.Input(n, 2), fmt::format("scale {:.4g}", found),
                        fmt::format("{:.4g}, that of the input times that of the weights", wanted)};
  }
  return std::nullopt;
}

// MatMul and Gemm may leave their result in float, but not behind a clamp.
RuleFinder::Found RuleFinder::CheckProduct(size_t n) const {
  if (!view_.InputEnd(n, 0).exists() && view_.InputEnd(n, 1).exists()) return CheckFewBits(n);
  if (Found broken = CheckInputs(n, 0)) return broken;
  const std::string& output = view_.Output(n);
  const ValueUses& uses = view_.Uses(output);
  if (!uses.quantizers.empty() || IsClamped(n)) {
    if (Found broken = CheckOutput(output)) return broken;
    const DataType out = uses.quantizers[0].type;
    if (out != view_.InputEnd(n, 0).type)
      return BrokenRule{"type", output, TypeText(out) + " codes",
                        TypeText(view_.InputEnd(n, 0).type) + " codes, as its input"};
  }
  for (const size_t slot : {0, 1})
    if (Found broken = CheckBits(n, slot, false)) return broken;
  if (Found broken = CheckSigned(n)) return broken;
  if (Found broken = CheckGemm(n)) return broken;
  const bool has_bias = !view_.Input(n, 2).empty();
  if (has_bias && At(n).GetFloat("beta", 1) != 1)
    return BrokenRule{"bias", view_.Input(n, 2), "beta is not 1", "beta 1"};
  return CheckBias(n);
}

RuleFinder::Found RuleFinder::FindOnCpu(size_t n) const {
  switch (FindOpRule(At(n)).pair_form) {
    case PairForm::kWeighted:
      return At(n).Is("Conv") ? CheckConv(n) : CheckProduct(n);
    case PairForm::kArithmetic:
      return CheckArithmetic(n);
    case PairForm::kMovement:
      return CheckMovement(n);
    case PairForm::kIndices:
      return CheckIndices(n);
    case PairForm::kNone:
      break;
  }
  const std::string name =
      At(n).domain.empty() ? At(n).op_type : At(n).domain + ":" + At(n).op_type;
  // HardSigmoid has codes only as the Add that rewriting makes of it.
  const bool on_codes = FindOpRule(At(n)).kind != OpKind::kFloatOnly && !At(n).Is("HardSigmoid");
  return BrokenRule{
      "operator", At(n).outputs[0], name,
      on_codes ? "the operator on the codes themselves" : "an operator with an integer kernel"};
}

// Of a sum a target with pairs on inputs alone wants one operand in codes: the residual.
RuleFinder::Found RuleFinder::CheckResidual(size_t n) const {
  const bool first = view_.InputEnd(n, 0).exists();
  if (first != view_.InputEnd(n, 1).exists()) return std::nullopt;
  return BrokenRule{"input", At(n).outputs[0],
                    first ? "both operands as codes" : "no operand as codes",
                    "the residual alone as codes"};
}

RuleFinder::Found RuleFinder::FindOnOther(size_t n) const {
  const Node& node = At(n);
  const bool inputs_only = target_.pairs == PairPlacement::kInputs;
  if (inputs_only && IsPassed(node)) return std::nullopt;
  const std::string reason = WhyNoKernelOn(target_, floats_, node);
  if (!reason.empty())
    return BrokenRule{"operator", node.outputs[0], reason,
                      fmt::format("what the table of {} has", target_.name)};
  if (inputs_only && node.Is("Add")) return CheckResidual(n);
  const OpRule& rule = FindOpRule(node);
  // Weights come as codes as well.
  const size_t values = rule.kind == OpKind::kWeighted ? 2 : rule.value_inputs;
  for (size_t slot = 0; slot < std::min(values, node.inputs.size()); ++slot) {
    if (Found broken = CheckInput(n, slot)) return broken;
    const PairEnd end = view_.InputEnd(n, slot);
    if (!end.exists()) continue;  // left out
    const PairParameters parameters = ParametersOf(graph_, *end.node);
    if (inputs_only && (end.type != DataType::kInt8 || parameters.zero_point != 0))
      return BrokenRule{"type", node.inputs[slot], TypeText(end.type) + " codes",
                        "int8 codes with zero point 0"};
  }
  if (inputs_only) {
    if (!view_.InputEnd(n, 2).exists()) return std::nullopt;
    return BrokenRule{"bias", node.inputs[2], "codes", "floats"};
  }
  if (node.Is("Relu") || node.Is("Clip")) return std::nullopt;
  for (const std::string& output : node.outputs) {
    const ValueUses& uses = view_.Uses(output);
    const auto& readings = view_.topology().Uses(output);
    const bool clamped =
        readings.size() == 1 && readings[0].slot != Use::kCaptured &&
        (graph_.nodes[readings[0].node].Is("Relu") || graph_.nodes[readings[0].node].Is("Clip"));
    if (output.empty() || uses.OnlyQuantized() || clamped) continue;
    return CheckOutput(output);
  }
  return std::nullopt;
}

}  // namespace qconvert
