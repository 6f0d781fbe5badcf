#include "qconvert/targets/weight_slots.h"

#include <utility>

namespace qconvert {
namespace {

// Axes of a matrix product's operand but for the one that is summed over.
std::vector<size_t> OuterAxes(size_t rank, size_t summed) {
  std::vector<size_t> axes;
  for (size_t axis = 0; axis < rank; ++axis)
    if (axis != summed) axes.push_back(axis);
  return axes;
}

}  // namespace

std::optional<WeightSlot> FindWeightSlot(const Node& node, size_t slot, size_t rank) {
  const auto at = [&](std::vector<size_t> axes) { return WeightSlot{slot, std::move(axes), 1}; };
  if (rank < 2) return std::nullopt;
  if (node.Is("Conv") && slot == 1) return at({0});
  if (node.Is("ConvTranspose") && slot == 1) return WeightSlot{1, {1}, node.GetInt("group", 1)};
  if (node.Is("Gemm") && slot == 1)
    return at({node.GetInt("transB", 0) != 0 ? size_t{0} : size_t{1}});
  if (node.Is("MatMul") && slot < 2) return at(OuterAxes(rank, slot == 1 ? rank - 2 : rank - 1));
  const bool recurrent = node.Is("LSTM") || node.Is("GRU") || node.Is("RNN");
  if (recurrent && (slot == 1 || slot == 2)) return at({0, 1});
  if (node.Is("Gather") && slot == 0) {
    const int64_t axis = node.GetInt("axis", 0);
    return at({static_cast<size_t>(axis < 0 ? axis + static_cast<int64_t>(rank) : axis)});
  }
  return std::nullopt;
}

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
