#include "check_indices.h"

#include <fmt/format.h>

#include <optional>
#include <vector>

#include "qconvert/base/error.h"
#include "qconvert/ir/scope.h"

namespace qconvert {
namespace {

bool IsAlongOneAxis(const Node& node) {
  return node.Is("Gather") || node.Is("GatherElements") || node.Is("ScatterElements") ||
         node.Is("Scatter");
}

// Axes of the data that the indices count in, in turn: index i counts in axes[i % axes.size()].
std::vector<int64_t> IndexedAxes(const Node& node, const Tensor& indices, int64_t rank) {
  if (IsAlongOneAxis(node)) {
    const int64_t axis = node.GetInt("axis", 0);
    return {axis < 0 ? axis + rank : axis};
  }
  const bool gathers = node.Is("GatherND");
  if ((!gathers && !node.Is("ScatterND")) || indices.dims.empty()) return {};
  // The last dimension of the indices holds one index per axis, behind those of the batch.
  std::vector<int64_t> axes;
  const int64_t first = gathers ? node.GetInt("batch_dims", 0) : 0;
  for (int64_t axis = first; axis < first + indices.dims.back() && axis < rank; ++axis)
    axes.push_back(axis);
  if (static_cast<int64_t>(axes.size()) != indices.dims.back())
    axes.clear();  // the engine's to say
  return axes;
}

void CheckNode(const Scope& scope, const Node& node, const std::string& place) {
  const Tensor* indices = scope.FindInitializer(node.input(1));
  if (indices == nullptr || !node.domain.empty()) return;
  if (indices->type != DataType::kInt64 && indices->type != DataType::kInt32) return;
  const std::optional<ValueType> type = scope.FindType(node.input(0));
  if (!type || !type->shape) return;
  const std::vector<Dim>& shape = *type->shape;
  const auto rank = static_cast<int64_t>(shape.size());
  const std::vector<int64_t> axes = IndexedAxes(node, *indices, rank);
  if (axes.empty()) return;
  const std::vector<int64_t> numbers = ToInt64s(*indices);
  for (size_t i = 0; i < numbers.size(); ++i) {
    const int64_t axis = axes[i % axes.size()];
    if (axis < 0 || axis >= rank || !shape[static_cast<size_t>(axis)].known()) continue;
    const int64_t size = shape[static_cast<size_t>(axis)].value;
    if (numbers[i] >= -size && numbers[i] < size) continue;
    throw Error(
        ExitCode::kModel, place,
        fmt::format("node \"{}\" ({}) has index {} on axis {} of \"{}\", expected {} to {}",
                    LabelOf(node), node.op_type, numbers[i], axis, node.input(0), -size, size - 1));
  }
}

}  // namespace

void CheckConstantIndices(const Scope& scope, const std::string& place) {
  for (const Node& node : scope.graph().nodes)
    if (IsAlongOneAxis(node) || node.Is("GatherND") || node.Is("ScatterND"))
      CheckNode(scope, node, place);
}

}  // namespace qconvert
