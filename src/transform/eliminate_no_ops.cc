#include "qconvert/transform/eliminate_no_ops.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qconvert/ir/one_of.h"
#include "qconvert/ir/scope.h"
#include "qconvert/ir/topology.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

// The numbers of an input that is a constant; nothing else.
std::optional<std::vector<int64_t>> Numbers(const Graph& graph, const Node& node, size_t slot) {
  const Tensor* tensor = graph.FindInitializer(node.input(slot));
  if (tensor == nullptr || (tensor->type != DataType::kInt64 && tensor->type != DataType::kInt32))
    return std::nullopt;
  return ToInt64s(*tensor);
}

bool KeepsOrder(const Node& node) {
  const std::vector<int64_t>* perm = node.FindInts("perm");
  // A permutation in order is the identity.
  return perm != nullptr && std::is_sorted(perm->begin(), perm->end());
}

bool PadsNothing(const Graph& graph, const Node& node) {
  const auto pads = Numbers(graph, node, 1);
  return pads && std::all_of(pads->begin(), pads->end(), [](int64_t p) { return p == 0; });
}

// Starts at 0 or before, ends where the axis ends or later, every element.
bool SlicesEverything(const Graph& graph, const Node& node, const ValueType& input) {
  const auto starts = Numbers(graph, node, 1);
  const auto ends = Numbers(graph, node, 2);
  if (!starts || !ends || starts->size() != ends->size()) return false;
  const auto steps = Numbers(graph, node, 4);
  if (!node.input(4).empty() &&
      (!steps || std::any_of(steps->begin(), steps->end(), [](int64_t s) { return s != 1; })))
    return false;
  const auto axes = Numbers(graph, node, 3);
  if (!node.input(3).empty() && (!axes || axes->size() != starts->size())) return false;
  for (size_t k = 0; k < starts->size(); ++k) {
    // "To the end" is written as the largest number of 32 or of 64 bits.
    if ((*starts)[k] == 0 && (*ends)[k] >= std::numeric_limits<int32_t>::max()) continue;
    if (!input.shape) return false;
    const auto rank = static_cast<int64_t>(input.shape->size());
    int64_t axis = axes ? (*axes)[k] : static_cast<int64_t>(k);
    if (axis < 0) axis += rank;
    if (axis < 0 || axis >= rank) return false;
    const Dim& dim = (*input.shape)[static_cast<size_t>(axis)];
    const bool from_start = (*starts)[k] == 0 || ((*starts)[k] < 0 && (*starts)[k] <= -dim.value);
    if (!dim.known() || !from_start || (*ends)[k] < dim.value) return false;
  }
  return true;
}

bool IsFilledWith(const Tensor& tensor, float number) {
  if (tensor.type != DataType::kFloat || tensor.element_count() == 0) return false;
  const auto values = tensor.values<float>();
  return std::all_of(values.begin(), values.end(), [&](float value) {
    return value == number && std::signbit(value) == std::signbit(number);
  });
}

// x * 1, x / 1 and x - 0 are x to the bit; x + 0 is not, of -0.
bool ComputesNothing(const Graph& graph, const Scope& scope, const Node& node, size_t slot) {
  const bool may =
      node.op_type == "Mul" || (slot == 0 && (node.op_type == "Div" || node.op_type == "Sub"));
  const Tensor* other =
      may && node.inputs.size() == 2 ? graph.FindInitializer(node.inputs[1 - slot]) : nullptr;
  if (other == nullptr || !IsFilledWith(*other, node.op_type == "Sub" ? 0 : 1)) return false;
  const std::optional<ValueType> input = scope.FindType(node.inputs[slot]);
  if (!input || !input->shape) return false;
  // What has more elements or dimensions may repeat x.
  if (other->element_count() == 1 && other->dims.size() <= input->shape->size()) return true;
  const std::optional<ValueType> output = scope.FindType(node.outputs[0]);
  return output && IsSameShape(*input, *output);
}

bool HandsOn(const Graph& graph, const Scope& scope, const Node& node) {
  static constexpr std::array<std::string_view, 6> kShapers = {"Reshape",   "Flatten", "Squeeze",
                                                               "Unsqueeze", "Expand",  "Tile"};
  if (!node.domain.empty() || node.inputs.empty() || node.outputs.size() != 1) return false;
  if (node.op_type == "Concat") return node.inputs.size() == 1;
  if (node.op_type == "Transpose") return KeepsOrder(node);
  if (node.op_type == "Pad") return PadsNothing(graph, node);
  if (ComputesNothing(graph, scope, node, 0)) return true;
  const bool shaper = IsOneOf(node, kShapers);
  if (!shaper && node.op_type != "Cast" && node.op_type != "Slice") return false;
  const std::optional<ValueType> input = scope.FindType(node.inputs[0]);
  if (!input || !input->is_tensor()) return false;
  if (node.op_type == "Cast") return node.GetInt("to", 0) == static_cast<int64_t>(input->element);
  if (node.op_type == "Slice") return SlicesEverything(graph, node, *input);
  const std::optional<ValueType> output = scope.FindType(node.outputs[0]);
  return output && IsSameShape(*input, *output);
}

// Whether every number of `narrow` is one of `wide`.
bool HoldsAll(DataType wide, DataType narrow) {
  using enum DataType;
  static constexpr std::array<std::pair<DataType, DataType>, 12> kHeld = {{{kFloat, kFloat16},
                                                                           {kFloat, kBfloat16},
                                                                           {kDouble, kFloat16},
                                                                           {kDouble, kBfloat16},
                                                                           {kDouble, kFloat},
                                                                           {kInt32, kInt8},
                                                                           {kInt32, kUint8},
                                                                           {kInt32, kInt16},
                                                                           {kInt64, kInt8},
                                                                           {kInt64, kUint8},
                                                                           {kInt64, kInt16},
                                                                           {kInt64, kInt32}}};
  return std::find(kHeld.begin(), kHeld.end(), std::pair(wide, narrow)) != kHeld.end();
}

// x -> Cast to a type that holds all of x -> Cast     becomes     x -> Cast
size_t CastFromTheFirst(Graph& graph) {
  std::vector<std::pair<size_t, std::string>> moved;
  if (std::none_of(graph.nodes.begin(), graph.nodes.end(),
                   [](const Node& node) { return node.Is("Cast"); }))
    return 0;
  {
    const Topology topology(graph);
    const Scope scope(graph);
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      if (!graph.nodes[n].Is("Cast")) continue;
      const Node* before = topology.Producer(graph.nodes[n].inputs[0]);
      if (before == nullptr || !before->Is("Cast")) continue;
      const std::optional<ValueType> from = scope.FindType(before->inputs[0]);
      const auto to = DataTypeFromNumber(before->GetInt("to", 0));
      if (from && to && HoldsAll(*to, from->element)) moved.emplace_back(n, before->inputs[0]);
    }
  }
  for (const auto& [n, value] : moved) graph.nodes[n].inputs[0] = value;
  if (!moved.empty()) RemoveDeadNodes(graph);
  return moved.size();
}

// x -> Transpose as it is, or Cast to its own type -> y, an output     becomes     y in the place
// of x
//
// Where a way back to the layout of the outputs was cancelled, and where an export in half floats
// was widened; other no-ops at outputs are named in settings of what to remove there.
size_t EndInFrontOfOutputs(Graph& graph) {
  const Topology topology(graph);
  const Scope scope(graph);
  std::vector<bool> marked(graph.nodes.size(), false);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if ((!node.Is("Transpose") && !node.Is("Cast")) || !topology.IsGraphOutput(node.outputs[0]) ||
        !topology.HasSingleUse(node.inputs[0]) || !HandsOn(graph, scope, node))
      continue;
    const size_t before = topology.ProducerIndex(node.inputs[0]);
    // It goes by itself; the next call finds what is in front then.
    if (before == Topology::kNpos || marked[before]) continue;
    std::vector<std::string>& outputs = graph.nodes[before].outputs;
    std::replace(outputs.begin(), outputs.end(), node.inputs[0], node.outputs[0]);
    graph.value_info.erase(node.inputs[0]);
    marked[n] = true;
  }
  return RemoveNodes(graph, marked);
}

}  // namespace

bool IsSameShape(const ValueType& a, const ValueType& b) {
  return a.shape && b.shape && a.element == b.element && *a.shape == *b.shape &&
         std::all_of(a.shape->begin(), a.shape->end(),
                     [](const Dim& dim) { return dim.is_said(); });
}

size_t EliminateNoOps(Graph& graph) {
  const size_t moved = CastFromTheFirst(graph);
  const Topology topology(graph);
  const Scope scope(graph);
  std::vector<bool> marked(graph.nodes.size(), false);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    marked[n] = HandsOn(graph, scope, node) && !topology.IsGraphOutput(node.outputs[0]);
  }
  const size_t bypassed = BypassNodes(graph, marked);
  return moved + bypassed + EndInFrontOfOutputs(graph);
}

}  // namespace qconvert
