#include "qconvert/targets/pair_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "qconvert/ir/constant_values.h"
#include "qconvert/ir/one_of.h"
#include "qconvert/ir/value_types.h"
#include "qconvert/numbers/numeric_format.h"
#include "qconvert/targets/constant_readers.h"
#include "qconvert/targets/op_rules.h"

namespace qconvert {
namespace {

constexpr int kMostRounds = 10;  // that the engine goes through its first passes
constexpr std::string_view kContrib = "com.microsoft";
constexpr size_t kNone = Topology::kNpos;

bool IsPair(const Node& node, std::string_view type) {
  return node.op_type == type && (node.domain.empty() || node.domain == kContrib) &&
         node.inputs.size() >= 2 && !node.outputs.empty();
}

bool PassesPairs(const Node& node) {
  static constexpr std::array<std::string_view, 6> kTypes = {"MaxPool", "Reshape",   "Transpose",
                                                             "Squeeze", "Unsqueeze", "Slice"};
  return IsOneOf(node, kTypes);
}

// The engine takes one number in a vector as one number.
bool IsConstantScalar(const Graph& graph, const std::string& value) {
  const Tensor* tensor = graph.FindInitializer(value);
  return tensor != nullptr && tensor->dims.size() <= 1 && tensor->element_count() == 1;
}

bool HasScalars(const Graph& graph, const Node& pair) {
  return IsConstantScalar(graph, pair.inputs[1]) &&
         (pair.input(2).empty() || IsConstantScalar(graph, pair.inputs[2]));
}

std::optional<std::vector<Dim>> ShapeOf(const Graph& graph, const std::string& value) {
  if (const Tensor* tensor = graph.FindInitializer(value)) return TypeOf(*tensor).shape;
  const auto it = graph.value_info.find(value);
  if (it != graph.value_info.end()) return it->second.type.shape;
  for (const Value& input : graph.inputs)
    if (input.name == value) return input.type.shape;
  return std::nullopt;
}

bool IsSame(const Dim& a, const Dim& b) {
  return a.known() ? a.value == b.value : !a.symbol.empty() && a.symbol == b.symbol;
}

// Whether the engine makes a Gemm of a product and the sum with `bias`.
bool IsGemmShape(const Graph& graph, const Node& matmul, const std::string& bias) {
  const auto a = ShapeOf(graph, matmul.inputs[0]);
  const auto b = ShapeOf(graph, matmul.inputs[1]);
  const auto c = ShapeOf(graph, bias);
  if (!a || !b || !c || b->size() != 2) return false;
  // With more than two axes it stands between Reshapes, which need all sizes as numbers.
  const bool reshapes = a->size() != 2;
  const bool all_known = std::all_of(a->begin(), a->end(), [](const Dim& d) { return d.known(); });
  if (reshapes && !(all_known && (*b)[0].known() && (*b)[1].known())) return false;
  if (c->size() == 1) return IsSame((*c)[0], (*b)[1]);
  if (reshapes || c->size() != 2) return false;
  const bool row = (*c)[0].value == 1 && IsSame((*c)[1], (*b)[1]);
  return row || (IsSame((*c)[0], (*a)[0]) && ((*c)[1].value == 1 || IsSame((*c)[1], (*b)[1])));
}

}  // namespace

bool IsQuantize(const Node& node) { return IsPair(node, "QuantizeLinear"); }
bool IsDequantize(const Node& node) { return IsPair(node, "DequantizeLinear"); }

PairEnd EndOf(const Graph& graph, const Node& pair) {
  const Tensor* zero = graph.FindInitializer(pair.input(2));
  if (zero != nullptr) return {&pair, zero->type};
  const DataType type = TypeOfValue(graph, IsDequantize(pair) ? pair.inputs[0] : pair.outputs[0]);
  // Where no zero point and no type say otherwise, codes are uint8 (ONNX).
  return {&pair, type == DataType::kUndefined ? DataType::kUint8 : type};
}

PairParameters ParametersOf(const Graph& graph, const Node& pair) {
  PairParameters out;
  const Tensor* scale = graph.FindInitializer(pair.inputs[1]);
  const Tensor* zero = graph.FindInitializer(pair.input(2));
  out.has_zero_point = !pair.input(2).empty();
  if (!HasScalars(graph, pair) || !IsFloatingPoint(scale->type)) return out;
  out.is_scalar = true;
  out.scale = ToFloats(*scale)[0];
  out.has_vectors = !scale->dims.empty() || (zero != nullptr && !zero->dims.empty());
  if (zero == nullptr) return out;
  const std::string& bytes = *zero->bytes;
  const auto low = static_cast<uint8_t>(bytes[0]);
  const int64_t wide = bytes.size() < 2 ? low : low | static_cast<uint8_t>(bytes[1]) << 8;
  out.zero_point = zero->type == DataType::kInt8    ? static_cast<int8_t>(low)
                   : zero->type == DataType::kInt16 ? static_cast<int16_t>(wide)
                                                    : wide;
  return out;
}

PairView::PairView(const Graph& graph, const Target& target)
    : graph_(graph), topology_(graph), ends_(graph.nodes.size()) {
  gone_ = target.suits_engine ? FindGone() : std::vector<bool>(graph.nodes.size(), false);
  // Before the ends are collected, which go by what is joined here.
  if (target.suits_engine) JoinDoublePairs();
  CollectEnds();
  if (!target.suits_engine) return;
  JoinBiasAdds();
  // Both passes by turns, as the engine does: what one moves can be what the other waits for.
  for (int round = 0; round < kMostRounds; ++round) {
    const bool back = MoveBack();
    if (!MoveForward() && !back) break;
  }
  QuantizeWeights();
  AbsorbClamps();
  if (target.unsigns_codes) UnsignCodes();
}

std::pair<size_t, size_t> PairView::Reading(size_t n, size_t slot) const {
  const auto join = bias_adds_.find(n);
  if (join == bias_adds_.end() || slot != 2) return {n, slot};
  const bool second = graph_.nodes[join->second].inputs[0] == graph_.nodes[n].outputs[0];
  return {join->second, second ? 1 : 0};
}

PairEnd PairView::InputEnd(size_t n, size_t slot) const {
  const auto [node, at] = Reading(n, slot);
  return at < ends_[node].size() ? ends_[node][at] : PairEnd{};
}

const std::string& PairView::Input(size_t n, size_t slot) const {
  const auto [node, at] = Reading(n, slot);
  return graph_.nodes[node].input(at);
}

const std::string& PairView::Output(size_t n) const {
  const auto join = bias_adds_.find(n);
  return graph_.nodes[join == bias_adds_.end() ? n : join->second].outputs[0];
}

bool PairView::IsGemm(size_t n) const {
  return graph_.nodes[n].Is("Gemm") || bias_adds_.contains(n);
}

const ValueUses& PairView::Uses(const std::string& value) const {
  static const ValueUses kNobody;
  const auto it = uses_.find(value);
  return it == uses_.end() ? kNobody : it->second;
}

void PairView::CollectEnds() {
  for (const Value& output : graph_.outputs) uses_[output.name].is_output = true;
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    const Node& node = graph_.nodes[n];
    ends_[n].resize(node.inputs.size());
    if (IsQuantize(node)) AddQuantizer(node);
    for (size_t slot = 0; slot < node.inputs.size(); ++slot) {
      const Node* producer = topology_.Producer(node.inputs[slot]);
      if (producer != nullptr && IsDequantize(*producer)) ends_[n][slot] = EndOf(graph_, *producer);
    }
    for (const std::string& output : node.outputs) CountOthers(output);
  }
  for (const Value& input : graph_.inputs) CountOthers(input.name);
}

// Equal Qs of one value are one in the engine (common subexpressions, before it fuses): it knows
// equal scales, but zero points by their names alone.
void PairView::AddQuantizer(const Node& node) {
  std::vector<PairEnd>& known = uses_[node.inputs[0]].quantizers;
  const PairEnd end = EndOf(graph_, node);
  const PairParameters parameters = ParametersOf(graph_, node);
  for (const PairEnd& one : known) {
    const PairParameters others = ParametersOf(graph_, *one.node);
    const bool is_same = one.type == end.type && one.node->domain == node.domain &&
                         one.node->input(2) == node.input(2) && parameters.is_scalar &&
                         others == parameters && others.has_vectors == parameters.has_vectors &&
                         !reset_.contains(&node) && !reset_.contains(one.node);
    if (!is_same) continue;
    merged_.emplace(&node, one.node);
    return;
  }
  known.push_back(end);
}

void PairView::CountOthers(const std::string& value) {
  for (const Use& use : topology_.Uses(value)) {
    if (gone_[use.node]) continue;
    if (use.slot != 0 || !IsQuantize(graph_.nodes[use.node])) ++uses_[value].others;
  }
}

void PairView::JoinBiasAdds() {
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    const Node& node = graph_.nodes[n];
    if (!node.Is("MatMul") || !topology_.HasSingleUse(node.outputs[0])) continue;
    const Use use = topology_.Uses(node.outputs[0])[0];
    const Node& add = graph_.nodes[use.node];
    if (use.slot == Use::kCaptured || !add.Is("Add")) continue;
    if (!IsGemmShape(graph_, node, add.inputs[1 - use.slot])) continue;
    bias_adds_[n] = use.node;
    absorbed_.insert(use.node);
  }
}

// A Q goes in front of the movement before it, as far as nobody else reads on the way.
bool PairView::MoveBack() {
  bool moved = false;
  for (const Node& quantizer : graph_.nodes) {
    if (!IsQuantize(quantizer) || !HasScalars(graph_, quantizer)) continue;
    std::string value = quantizer.inputs[0];
    while (true) {
      const size_t n = topology_.ProducerIndex(value);
      // Only what is moved: the indices of a MaxPool are not.
      if (n == kNone || !Uses(value).OnlyQuantized() || !PassesPairs(graph_.nodes[n]) ||
          value != graph_.nodes[n].outputs[0] || ends_[n][0].exists())
        break;
      const std::string& before = graph_.nodes[n].inputs[0];
      ValueUses& uses = uses_[before];
      const bool is_alone = uses.others == 1 && uses.quantizers.empty() && !uses.is_output;
      // An input of the graph may have other readers.
      if (topology_.ProducerIndex(before) != kNone && !is_alone) break;
      ends_[n][0] = EndOf(graph_, quantizer);
      // From 1 on, and below those of pairs moved forward: UnsignCodes tells the two apart by that.
      ends_[n][0].copy = n + 1;
      uses.quantizers.push_back(ends_[n][0]);
      if (uses.others > 0) --uses.others;
      moved = true;
      value = before;
    }
  }
  return moved;
}

bool PairView::MoveForward() {
  bool moved = false;
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    if (!PassesPairs(graph_.nodes[n]) || !ends_[n][0].exists()) continue;
    moved |= MoveForwardFrom(n, ends_[n][0]);
  }
  return moved;
}

// A DQ goes behind movement, to all its readers and the output of the graph, unless one quantizes.
bool PairView::MoveForwardFrom(size_t n, const PairEnd& end) {
  if (end.node == nullptr || !HasScalars(graph_, *end.node)) return false;
  // Behind constants it stays, but for a Transpose, which the engine folds.
  const bool is_constant = graph_.FindInitializer(end.node->inputs[0]) != nullptr;
  if (is_constant && !graph_.nodes[n].Is("Transpose")) return false;
  const std::string& output = graph_.nodes[n].outputs[0];
  ValueUses& uses = uses_[output];
  if (!uses.quantizers.empty() || (uses.others == 0 && !uses.is_output)) return false;
  const auto& readings = topology_.Uses(output);
  if (std::any_of(readings.begin(), readings.end(),
                  [](const Use& use) { return use.slot == Use::kCaptured; }))
    return false;
  // The pair behind has a Q of its own, whose codes may get another type than those in front.
  PairEnd behind = end;
  behind.copy = graph_.nodes.size() + n + 1;
  // All at once: the engine leaves no reader of the floats behind.
  uses.quantizers.push_back(behind);
  uses.others = 0;
  if (std::exchange(uses.is_output, false)) written_behind_.push_back(behind);
  for (const Use& use : readings) {
    if (!IsQuantize(graph_.nodes[use.node])) ends_[use.node][use.slot] = behind;
  }
  return true;
}

// Only Relu and Clip on the way, and nobody else reads.
bool PairView::LeadsToQuantize(size_t n) const {
  std::string value = Output(n);
  while (true) {
    const ValueUses& uses = Uses(value);
    if (uses.quantizers.size() + uses.others != 1) return false;
    if (!uses.quantizers.empty()) return true;
    const Use use = topology_.Uses(value)[0];
    const Node& reader = graph_.nodes[use.node];
    if (use.slot == Use::kCaptured || (!reader.Is("Relu") && !reader.Is("Clip"))) return false;
    value = reader.outputs[0];
  }
}

// Scales of quantized weights that a bias can be put on: one, or one for each of its numbers.
bool PairView::FitsBias(const PairEnd& weight, size_t n, int64_t bias_size) const {
  const Tensor* scale = graph_.FindInitializer(weight.node->inputs[1]);
  if (IsConstantScalar(graph_, weight.node->inputs[1])) return true;
  if (scale == nullptr || scale->dims.size() != 1 || scale->dims[0] != bias_size ||
      weight.node->GetInt("block_size", 0) != 0)
    return false;
  const bool last = IsGemm(n) && graph_.nodes[n].GetInt("transB", 0) == 0;
  const auto shape = ShapeOf(graph_, Input(n, 1));
  int64_t axis = weight.node->GetInt("axis", 1);
  if (axis < 0 && shape) axis += static_cast<int64_t>(shape->size());
  return axis == (last ? 1 : 0);
}

void PairView::QuantizeWeights() {
  const std::set<std::string> folded = FindFoldedValues(graph_, topology_);
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    const Node& node = graph_.nodes[n];
    if (node.Is("Conv") || node.Is("ConvTranspose") || IsGemm(n)) QuantizeWeightsOf(n, folded);
  }
}

void PairView::QuantizeWeightsOf(size_t n, const std::set<std::string>& folded) {
  const PairEnd input = InputEnd(n, 0);
  if (!input.exists() || !IsConstantScalar(graph_, input.node->inputs[1]) || !LeadsToQuantize(n))
    return;
  // Weights that come in float, or quantized ones whose bias is still float: only then there is
  // anything for the engine to quantize.
  const PairEnd weight = InputEnd(n, 1);
  const bool has_floats = IsConstant(graph_, folded, Input(n, 1)) &&
                          TypeOfValue(graph_, Input(n, 1)) == DataType::kFloat;
  if (!weight.exists() && !has_floats) return;
  const std::string& bias = Input(n, 2);
  const Tensor* numbers = graph_.FindInitializer(bias);
  if (!bias.empty() && (numbers == nullptr || numbers->dims.size() != 1)) return;
  if (weight.exists() && (bias.empty() || !FitsBias(weight, n, numbers->dims[0]))) return;
  const auto set = [&](size_t slot, DataType type) {
    const auto [node, at] = Reading(n, slot);
    ends_[node][at] = {nullptr, type};
  };
  if (!weight.exists()) set(1, DataType::kInt8);
  if (!bias.empty()) set(2, DataType::kInt32);
}

bool PairView::IsClampOfCodes(const Node& clamp, const PairEnd& quantizer) const {
  if (quantizer.node == nullptr || !IsQuantizedType(quantizer.type) || BitsOf(quantizer.type) < 8)
    return false;
  const NumericFormat codes = FullFormat(quantizer.type);
  const PairParameters parameters = Parameters(*quantizer.node);
  if (!parameters.is_scalar) return false;
  // Numbers in vectors stop a Clip, but a Relu only where it goes with a kernel.
  if (parameters.has_vectors && !(clamp.Is("Relu") && parameters.has_zero_point)) return false;
  // Without a zero point only a kernel in front of the clamp, which alone reads it, takes it along.
  const Node* before = topology_.Producer(clamp.inputs[0]);
  const PairForm form = before == nullptr ? PairForm::kNone : FindOpRule(*before).pair_form;
  const bool is_taken = (form == PairForm::kWeighted || form == PairForm::kArithmetic) &&
                        topology_.HasSingleUse(clamp.inputs[0]);
  if (!parameters.has_zero_point && !is_taken) return false;
  if (clamp.Is("Relu")) return parameters.zero_point == codes.qmin;
  const auto code = [&](size_t slot, double none) -> std::optional<double> {
    if (clamp.input(slot).empty()) return none;
    const Tensor* bound = graph_.FindInitializer(clamp.inputs[slot]);
    if (bound == nullptr || bound->type != DataType::kFloat || bound->element_count() != 1)
      return std::nullopt;
    return std::rint(ToFloats(*bound)[0] / parameters.scale) +
           static_cast<double>(parameters.zero_point);
  };
  const auto low = code(1, -HUGE_VAL);
  const auto high = code(2, HUGE_VAL);
  return low && high && *low <= codes.qmin && *high >= codes.qmax;
}

void PairView::AbsorbClamps() {
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    const Node& node = graph_.nodes[n];
    if (!node.Is("Relu") && !node.Is("Clip")) continue;
    const ValueUses& behind = Uses(node.outputs[0]);
    if (!behind.OnlyQuantized() || !IsClampOfCodes(node, behind.quantizers[0])) continue;
    ValueUses& before = uses_[node.inputs[0]];
    before.quantizers.push_back(behind.quantizers[0]);
    // The clamp itself reads no more: what is before it goes straight to the Q.
    if (before.others > 0) --before.others;
    absorbed_.insert(n);
  }
}

}  // namespace qconvert
