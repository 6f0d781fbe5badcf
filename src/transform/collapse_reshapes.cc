#include "qconvert/transform/collapse_reshapes.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "qconvert/ir/scope.h"
#include "qconvert/ir/topology.h"
#include "qconvert/transform/eliminate_no_ops.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

// A Reshape whose result depends on the elements of its input only.
bool NamesEveryDimension(const Graph& graph, const Node& node) {
  if (!node.Is("Reshape")) return false;
  const Tensor* shape = graph.FindInitializer(node.input(1));
  if (shape == nullptr || shape->type != DataType::kInt64) return false;
  const auto dims = shape->values<int64_t>();
  // A 0 stands for the dimension of its own input, which is another one once the chain is gone.
  return std::find(dims.begin(), dims.end(), 0) == dims.end();
}

std::optional<std::vector<int64_t>> Indices(const Tensor* tensor) {
  if (tensor == nullptr || tensor->type != DataType::kInt64) return std::nullopt;
  return ToInt64s(*tensor);
}

// The dimensions that a Shape node gives, -1 where unknown; nothing for another node.
std::optional<std::vector<int64_t>> ShapeOf(const Node* node, const Scope& scope) {
  if (node == nullptr || !node->Is("Shape")) return std::nullopt;
  const std::optional<ValueType> type = scope.FindType(node->inputs[0]);
  if (!type || !type->shape) return std::nullopt;
  const auto rank = static_cast<int64_t>(type->shape->size());
  // `start` and `end` may lie beyond the shape (ONNX).
  const auto clamp = [&](int64_t axis) {
    return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  const int64_t end = clamp(node->GetInt("end", rank));
  std::vector<int64_t> dims;
  for (int64_t d = clamp(node->GetInt("start", 0)); d < end; ++d)
    dims.push_back((*type->shape)[static_cast<size_t>(d)].value);
  return dims;
}

std::optional<Tensor> Known(std::vector<int64_t> shape, const std::vector<int64_t>& values) {
  if (std::any_of(values.begin(), values.end(), [](int64_t v) { return v < 0; }))
    return std::nullopt;
  return MakeInt64Tensor("", std::move(shape), values);
}

class ShapeFolder {
 public:
  explicit ShapeFolder(const Graph& graph) : graph_(graph), topology_(graph), scope_(graph) {}

  // The value that the node writes when it follows from the types.
  std::optional<Tensor> Find(const Node& node) const {
    if (node.outputs.size() != 1 || topology_.IsGraphOutput(node.outputs[0])) return std::nullopt;
    if (const auto dims = ShapeOf(&node, scope_))
      return Known({static_cast<int64_t>(dims->size())}, *dims);
    if (!node.Is("Gather") && !node.Is("Slice")) return std::nullopt;
    const auto dims = ShapeOf(topology_.Producer(node.input(0)), scope_);
    if (!dims) return std::nullopt;
    return node.Is("Gather") ? FindGathered(node, *dims) : FindSliced(node, *dims);
  }

  // The shape of a Reshape with a computed one, when its type leaves at most one dimension open
  // that is not the input's of the same place.
  std::optional<Tensor> FindTarget(const Node& node) const {
    if (!node.Is("Reshape") || node.input(1).empty() ||
        graph_.FindInitializer(node.input(1)) != nullptr ||
        topology_.IsGraphOutput(node.outputs[0]))
      return std::nullopt;
    const std::optional<ValueType> type = scope_.FindType(node.outputs[0]);
    if (!type || !type->shape) return std::nullopt;
    const std::optional<ValueType> from = scope_.FindType(node.input(0));
    std::vector<int64_t> dims;
    for (size_t d = 0; d < type->shape->size(); ++d) {
      const Dim& dim = (*type->shape)[d];
      // In the shape of a Reshape it would say "as the input".
      if (dim.known() && dim.value == 0) return std::nullopt;
      dims.push_back(dim.known() ? dim.value : IsDim(from, d, dim.symbol) ? kAsInput : kOpen);
    }
    // A Reshape without zeros can be taken out of a chain of them.
    const auto free = [](int64_t dim) { return dim <= 0; };
    if (std::count_if(dims.begin(), dims.end(), free) == 1)
      std::replace_if(dims.begin(), dims.end(), free, kOpen);
    if (std::count(dims.begin(), dims.end(), kOpen) > 1) return std::nullopt;
    return MakeInt64List(dims);
  }

 private:
  // In the shape that a Reshape reads.
  static constexpr int64_t kAsInput = 0;
  static constexpr int64_t kOpen = -1;

  static bool IsDim(const std::optional<ValueType>& type, size_t d, const std::string& symbol) {
    return !symbol.empty() && type && type->shape && d < type->shape->size() &&
           !(*type->shape)[d].known() && (*type->shape)[d].symbol == symbol;
  }

  std::optional<Tensor> FindGathered(const Node& node, const std::vector<int64_t>& dims) const {
    const Tensor* tensor = graph_.FindInitializer(node.input(1));
    const auto indices = Indices(tensor);
    if (!indices) return std::nullopt;
    const auto count = static_cast<int64_t>(dims.size());
    std::vector<int64_t> picked;
    for (const int64_t index : *indices) {
      const int64_t d = index < 0 ? index + count : index;
      if (d < 0 || d >= count) return std::nullopt;
      picked.push_back(dims[static_cast<size_t>(d)]);
    }
    return Known(tensor->dims, picked);
  }

  std::optional<Tensor> FindSliced(const Node& node, const std::vector<int64_t>& dims) const {
    const auto starts = Indices(graph_.FindInitializer(node.input(1)));
    const auto ends = Indices(graph_.FindInitializer(node.input(2)));
    const auto steps = Indices(graph_.FindInitializer(node.input(4)));
    if (!starts || !ends || starts->size() != 1 || ends->size() != 1) return std::nullopt;
    if (!node.input(4).empty() && (!steps || *steps != std::vector<int64_t>{1}))
      return std::nullopt;
    const auto count = static_cast<int64_t>(dims.size());
    const auto clamp = [&](int64_t at) {
      return std::clamp<int64_t>(at < 0 ? at + count : at, 0, count);
    };
    const int64_t from = clamp((*starts)[0]);
    const int64_t to = std::max(from, clamp((*ends)[0]));
    return Known({to - from}, {dims.begin() + from, dims.begin() + to});
  }

  const Graph& graph_;
  const Topology topology_;
  const Scope scope_;
};

}  // namespace

size_t CollapseReshapes(Graph& graph) {
  const Topology topology(graph);
  const Scope scope(graph);
  size_t moved = 0;
  std::unordered_map<std::string, std::string> renames;
  // Where a chain of reshapes begins; nodes are sorted, so that of an inner link is known.
  std::unordered_map<std::string, std::string> start_of;
  std::vector<std::pair<size_t, std::string>> new_inputs;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (!OnlyReshapes(node) || node.inputs.empty() || node.outputs.empty()) continue;
    const auto before = start_of.find(node.inputs[0]);
    const std::string start = before == start_of.end() ? node.inputs[0] : before->second;
    start_of.emplace(node.outputs[0], start);
    if (start == node.inputs[0]) continue;
    const auto from = scope.FindType(start);
    const auto to = scope.FindType(node.outputs[0]);
    if (from && to && IsSameShape(*from, *to) && !topology.IsGraphOutput(node.outputs[0])) {
      renames.emplace(node.outputs[0], start);
      ++moved;
    } else if (NamesEveryDimension(graph, node)) {
      new_inputs.emplace_back(n, start);
      ++moved;
    }
  }
  for (auto& [n, start] : new_inputs) graph.nodes[n].inputs[0] = std::move(start);
  RenameUses(graph, renames);
  if (moved > 0) RemoveDeadNodes(graph);
  return moved;
}

size_t FoldShapes(Graph& graph) {
  NameMaker names(graph);
  std::vector<std::pair<std::string, Tensor>> found;
  std::vector<bool> folded(graph.nodes.size(), false);
  {
    const ShapeFolder folder(graph);
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      Node& node = graph.nodes[n];
      std::optional<Tensor> value = folder.Find(node);
      folded[n] = value.has_value();
      if (value) {
        found.emplace_back(node.outputs[0], std::move(*value));
      } else if ((value = folder.FindTarget(node))) {
        found.emplace_back(names.Make("shape"), std::move(*value));
        node.inputs[1] = found.back().first;
        // The zeros written above mean the input's dimensions.
        node.attributes.erase("allowzero");
      }
    }
  }
  for (auto& [name, tensor] : found) {
    tensor.name = name;
    graph.initializers.insert_or_assign(name, std::move(tensor));
  }
  RemoveNodes(graph, folded);
  if (!found.empty()) RemoveDeadNodes(graph);
  return found.size();
}

}  // namespace qconvert
