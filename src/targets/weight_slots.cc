#include "qconvert/targets/weight_slots.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace qconvert {
namespace {

constexpr std::string_view kFusedDomain = "com.microsoft";

// Axes of a matrix product's operand but for the one that is summed over.
std::vector<size_t> OuterAxes(size_t rank, size_t summed) {
  std::vector<size_t> axes;
  for (size_t axis = 0; axis < rank; ++axis)
    if (axis != summed) axes.push_back(axis);
  return axes;
}

// The axes of operand `slot` whose letters the result has; nothing when none is summed over, one
// comes twice, or the equation has dots.
std::optional<std::vector<size_t>> EinsumAxes(std::string equation, size_t slot, size_t rank) {
  std::erase(equation, ' ');
  const size_t arrow = equation.find("->");
  const std::string left = equation.substr(0, arrow);
  std::string operand;
  for (size_t i = 0, from = 0; i <= slot; ++i) {
    // The equation has fewer operands than the node.
    if (from > left.size()) return std::nullopt;
    const size_t comma = std::min(left.find(',', from), left.size());
    operand = left.substr(from, comma - from);
    from = comma + 1;
  }
  if (equation.find('.') != std::string::npos) return std::nullopt;
  // Without an arrow the result has the letters that occur once.
  const auto in_result = [&](char letter) {
    return arrow != std::string::npos ? equation.find(letter, arrow) != std::string::npos
                                      : std::count(left.begin(), left.end(), letter) == 1;
  };
  std::vector<size_t> axes;
  for (size_t axis = 0; axis < operand.size(); ++axis) {
    // A letter that comes twice takes a diagonal.
    if (std::count(operand.begin(), operand.end(), operand[axis]) > 1) return std::nullopt;
    if (in_result(operand[axis])) axes.push_back(axis);
  }
  if (axes.size() == operand.size() || operand.size() < 2) return std::nullopt;
  return operand.size() == rank || rank == 2 ? std::optional(axes) : std::nullopt;
}

}  // namespace

std::optional<WeightSlot> FindWeightSlot(const Node& node, size_t slot, size_t rank) {
  const auto at = [&](std::vector<size_t> axes) { return WeightSlot{slot, std::move(axes), 1}; };
  const auto is = [&](std::string_view fused, std::string_view standard) {
    return node.Is(standard) || (node.op_type == fused && node.domain == kFusedDomain);
  };
  if (rank < 2) return std::nullopt;
  if ((is("FusedConv", "Conv") || node.Is("DeformConv")) && slot == 1) return at({0});
  if (node.Is("ConvTranspose") && slot == 1) return WeightSlot{1, {1}, node.GetInt("group", 1)};
  if (is("FusedGemm", "Gemm") && slot < 2) {
    const bool transposed = node.GetInt(slot == 0 ? "transA" : "transB", 0) != 0;
    return at({transposed == (slot == 0) ? size_t{1} : size_t{0}});
  }
  if (is("FusedMatMul", "MatMul") && slot < 2) {
    // Summed over are the last axis of the first operand and the last but one of the second, unless
    // transposed.
    const bool transposed = node.GetInt(slot == 0 ? "transA" : "transB", 0) != 0;
    return at(OuterAxes(rank, transposed == (slot == 0) ? rank - 2 : rank - 1));
  }
  if (node.Is("Einsum")) {
    auto axes = EinsumAxes(node.GetString("equation", ""), slot, rank);
    return axes ? std::optional(at(std::move(*axes))) : std::nullopt;
  }
  if (IsRecurrent(node) && (slot == 1 || slot == 2)) return at({0, 1});
  if (node.Is("Gather") && slot == 0) {
    const int64_t axis = node.GetInt("axis", 0);
    return at({static_cast<size_t>(axis < 0 ? axis + static_cast<int64_t>(rank) : axis)});
  }
  return std::nullopt;
}

bool IsRecurrent(const Node& node) { return node.Is("LSTM") || node.Is("GRU") || node.Is("RNN"); }

std::vector<std::string> WeightsOf(const Node& node) {
  std::vector<std::string> out;
  for (size_t slot = 0; slot < node.inputs.size(); ++slot)
    if (FindWeightSlot(node, slot, 2)) out.push_back(node.inputs[slot]);
  return out;
}

const Tensor* FindBias(const Graph& graph, const Node& node) {
  if (!node.Is("Conv") && !node.Is("ConvTranspose") && !node.Is("Gemm")) return nullptr;
  const Tensor* bias = graph.FindInitializer(node.input(2));
  return bias != nullptr && bias->type == DataType::kFloat ? bias : nullptr;
}

}  // namespace qconvert
