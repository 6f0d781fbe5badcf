#include "permute_axes.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>

namespace qconvert {
namespace {

// Where an operator says its axes.
struct AxesSlot {
  std::string_view attribute;      // one axis, or a list that newer opsets have as an input
  size_t input = 0;                // 0: none
  std::optional<int64_t> missing;  // the axis when nothing says it
  int64_t keeps = 1;               // axes, when `keepdims` says nothing
};

std::optional<AxesSlot> SlotOf(const Node& node) {
  if (!node.domain.empty() || node.outputs.size() != 1) return std::nullopt;
  const std::string_view type = node.op_type;
  if (type == "Softmax" || type == "LogSoftmax" || type == "Hardmax") return {{"axis", 0, -1, 1}};
  if (type == "ArgMax" || type == "ArgMin") return {{"axis", 0, 0, 1}};
  if (type == "Squeeze") return {{"axes", 1, {}, 0}};
  if (type == "Slice" || type == "Pad") return {{"", 3, {}, 1}};
  if (type.starts_with("Reduce")) return {{"axes", 1, {}, 1}};
  return std::nullopt;
}

std::optional<std::vector<int64_t>> Constants(const Graph& graph, const std::string& name) {
  const Tensor* tensor = graph.FindInitializer(name);
  if (tensor == nullptr || tensor->dims.size() > 1) return std::nullopt;
  if (tensor->type != DataType::kInt64 && tensor->type != DataType::kInt32) return std::nullopt;
  return ToInt64s(*tensor);
}

// The axes that a node names, from 0 on; nothing where they are computed or not named.
std::optional<std::vector<int64_t>> AxesOf(const Graph& graph, const Node& node,
                                           const AxesSlot& slot, int64_t rank) {
  std::optional<std::vector<int64_t>> axes;
  // The input first: where an opset has one, there is no attribute.
  if (slot.input > 0 && !node.input(slot.input).empty()) {
    axes = Constants(graph, node.input(slot.input));
  } else if (slot.attribute == "axes") {
    if (const auto* list = node.FindInts("axes")) axes = *list;
  } else if (slot.missing) {
    axes = {node.GetInt("axis", *slot.missing)};
  } else if (const auto starts = Constants(graph, node.input(1))) {  // the first ones, or all
    axes.emplace(node.Is("Pad") ? static_cast<size_t>(rank) : starts->size());
    std::iota(axes->begin(), axes->end(), 0);
  }
  if (!axes || axes->empty()) return std::nullopt;
  for (int64_t& axis : *axes) {
    axis += axis < 0 ? rank : 0;
    if (axis < 0 || axis >= rank) return std::nullopt;
  }
  return axes;
}

// `perm` without the axes `gone` of what it writes.
Perm Without(const std::vector<int64_t>& gone, const Perm& perm) {
  std::vector<bool> is_gone(perm.size(), false);  // by axis of x
  for (const int64_t axis : gone)
    is_gone[static_cast<size_t>(perm[static_cast<size_t>(axis)])] = true;
  Perm left;
  for (const int64_t axis : perm) {
    const auto from = static_cast<size_t>(axis);
    if (is_gone[from]) continue;
    // Those behind the ones that are gone move up.
    left.push_back(axis - std::count(is_gone.begin(), is_gone.begin() + axis, true));
  }
  return left;
}

void SetConstant(std::vector<int64_t> numbers, size_t slot, NameMaker& names, Graph& graph,
                 Node& node) {
  if (node.inputs.size() <= slot) node.inputs.resize(slot + 1);
  const auto size = static_cast<int64_t>(numbers.size());
  node.inputs[slot] = names.Make("axes");
  graph.initializers.emplace(node.inputs[slot],
                             MakeInt64Tensor(node.inputs[slot], {size}, std::move(numbers)));
}

}  // namespace

std::optional<Perm> Inverse(const Perm& perm) {
  Perm inverse(perm.size(), -1);
  for (size_t d = 0; d < perm.size(); ++d) {
    const auto from = static_cast<size_t>(perm[d]);
    if (perm[d] < 0 || from >= perm.size() || inverse[from] >= 0) return std::nullopt;
    inverse[from] = static_cast<int64_t>(d);
  }
  return inverse;
}

bool IsIdentity(const Perm& perm) {
  for (size_t d = 0; d < perm.size(); ++d)
    if (perm[d] != static_cast<int64_t>(d)) return false;
  return true;
}

std::optional<Perm> PermBehind(const Graph& graph, const Node& node, const Perm& perm) {
  const std::optional<AxesSlot> slot = SlotOf(node);
  const auto rank = static_cast<int64_t>(perm.size());
  if (!slot || !Inverse(perm)) return std::nullopt;
  const auto axes = AxesOf(graph, node, *slot, rank);
  if (!axes) return std::nullopt;
  if (node.Is("Pad")) {
    const auto pads = Constants(graph, node.input(1));
    if (!pads || pads->size() != 2 * axes->size()) return std::nullopt;
  }
  // A type for the constants is that of int64 tensors; Slice wants one type for all of them.
  if (node.Is("Slice") && !Constants(graph, node.input(1))) return std::nullopt;
  if (node.Is("Slice") && graph.FindInitializer(node.input(1))->type != DataType::kInt64)
    return std::nullopt;
  return node.GetInt("keepdims", slot->keeps) != 0 ? perm : Without(*axes, perm);
}

void PermuteAxes(const Perm& perm, NameMaker& names, Graph& graph, Node& node) {
  const AxesSlot slot = *SlotOf(node);
  const auto rank = static_cast<int64_t>(perm.size());
  std::vector<int64_t> axes = *AxesOf(graph, node, slot, rank);
  // Pads of all axes, in their order: not the axes move but the pads.
  if (node.Is("Pad") && node.input(slot.input).empty()) {
    const std::vector<int64_t> pads = *Constants(graph, node.input(1));
    std::vector<int64_t> moved(pads.size());
    for (size_t d = 0; d < perm.size(); ++d) {
      moved[static_cast<size_t>(perm[d])] = pads[d];
      moved[static_cast<size_t>(perm[d]) + perm.size()] = pads[d + perm.size()];
    }
    return SetConstant(std::move(moved), 1, names, graph, node);
  }
  for (int64_t& axis : axes) axis = perm[static_cast<size_t>(axis)];
  if (slot.attribute == "axis") {
    node.Set("axis", axes[0]);
  } else if (node.FindInts("axes") != nullptr) {
    node.Set("axes", std::move(axes));
  } else {
    SetConstant(std::move(axes), slot.input, names, graph, node);
  }
}

}  // namespace qconvert
