#include "qconvert/transform/slice_codes.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "qconvert/ir/topology.h"

namespace qconvert {
namespace {

enum class Parameters { kKept, kCut };

bool IsByteOrBias(DataType type) {
  return type == DataType::kInt8 || type == DataType::kUint8 || type == DataType::kInt32;
}

// Axes of a Slice, from 0; none where they are not known.
std::optional<std::vector<int64_t>> AxesOf(const Graph& graph, const Node& slice, int64_t rank) {
  const Tensor* axes = graph.FindInitializer(slice.input(3));
  if (axes == nullptr || axes->type != DataType::kInt64) return std::nullopt;
  std::vector<int64_t> out;
  for (const int64_t axis : axes->values<int64_t>()) out.push_back(axis < 0 ? axis + rank : axis);
  return out;
}

// What becomes of scale and zero point when the codes are cut; none where they cannot be.
std::optional<Parameters> WhenCut(const Graph& graph, const Node& dequantize, const Node& slice) {
  const Tensor* codes = graph.FindInitializer(dequantize.input(0));
  const Tensor* scale = graph.FindInitializer(dequantize.input(1));
  if (!dequantize.Is("DequantizeLinear") || codes == nullptr || scale == nullptr ||
      !IsByteOrBias(codes->type) || dequantize.GetInt("block_size", 0) != 0)
    return std::nullopt;
  if (!dequantize.input(2).empty() && graph.FindInitializer(dequantize.inputs[2]) == nullptr)
    return std::nullopt;
  if (scale->dims.empty()) return Parameters::kKept;
  const auto rank = static_cast<int64_t>(codes->dims.size());
  const auto axes = AxesOf(graph, slice, rank);
  int64_t axis = dequantize.GetInt("axis", 1);
  if (axis < 0) axis += rank;
  // The engine's Conv takes any scales for those of its output channels, which are on axis 0.
  if (!axes || axis != 0) return std::nullopt;
  if (std::find(axes->begin(), axes->end(), axis) == axes->end()) return Parameters::kKept;
  return axes->size() == 1 ? std::optional(Parameters::kCut) : std::nullopt;
}

}  // namespace

size_t SliceCodes(Graph& graph) {
  const Topology topology(graph);
  NameMaker names(graph);
  std::vector<Node> nodes;
  size_t moved = 0;
  std::string first;  // axis 0, of parameters
  for (const Node& node : graph.nodes) {
    const Node* dequantize = node.Is("Slice") ? topology.Producer(node.input(0)) : nullptr;
    const auto parameters =
        dequantize == nullptr ? std::nullopt : WhenCut(graph, *dequantize, node);
    if (!parameters) {
      nodes.push_back(node);
      continue;
    }
    Node last = *dequantize;
    const auto cut = [&](size_t slot) {
      Node part = node;
      part.inputs[0] = std::exchange(last.inputs[slot], names.Make("cut"));
      part.outputs[0] = part.name = last.inputs[slot];
      // Scales and zero points have this axis alone, which for the codes may be written as
      // negative.
      if (slot > 0) part.inputs[3] = first;
      nodes.push_back(std::move(part));
    };
    cut(0);
    if (*parameters == Parameters::kCut) {
      if (first.empty()) {
        first = names.Make("axis");
        graph.initializers[first] = MakeInt64Tensor(first, {1}, std::vector<int64_t>{0});
      }
      cut(1);
      if (!last.input(2).empty()) cut(2);
    }
    // It writes what the Slice wrote, and stands for it.
    last.name = node.name;
    last.origin = node.origin;
    last.outputs = node.outputs;
    nodes.push_back(std::move(last));
    ++moved;
  }
  graph.nodes = std::move(nodes);
  if (moved > 0) RemoveDeadNodes(graph);
  return moved;
}

}  // namespace qconvert
