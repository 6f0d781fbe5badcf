#include "qconvert/transform/keep_reduced_axes.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "matcher.h"

namespace qconvert {
namespace {

// Whether `node`, behind `reduction`, gives what that would write if it kept its axes.
bool BringsBack(const Matcher& matcher, const Node& reduction, const Node& node) {
  const auto axes = matcher.Axes(reduction);
  auto shape = matcher.Shape(reduction.inputs[0]);
  const auto to = matcher.Shape(node.outputs[0]);
  if (!axes || !shape || !to || axes->back() >= static_cast<int64_t>(shape->size())) return false;
  for (const int64_t axis : *axes) (*shape)[static_cast<size_t>(axis)] = {1, {}};
  return *shape == *to &&
         std::all_of(to->begin(), to->end(), [](const Dim& dim) { return dim.is_said(); });
}

}  // namespace

size_t KeepReducedAxes(Graph& graph) {
  const auto drops_axes = [](const Node& node) {
    return node.op_type.starts_with("Reduce") && node.GetInt("keepdims", 1) == 0;
  };
  if (std::none_of(graph.nodes.begin(), graph.nodes.end(), drops_axes)) return 0;
  std::vector<std::pair<size_t, size_t>> found;  // the reduction and what is behind it
  {
    const Matcher matcher(graph);
    for (const Node& node : graph.nodes) {
      if (!drops_axes(node)) continue;
      const Node* reader = matcher.Reader(node.outputs[0]);
      if (reader != nullptr && OnlyReshapes(*reader) && reader->inputs[0] == node.outputs[0] &&
          BringsBack(matcher, node, *reader))
        found.emplace_back(matcher.IndexOf(node), matcher.IndexOf(*reader));
    }
  }
  std::vector<bool> remove(graph.nodes.size(), false);
  for (const auto& [n, reader] : found) {
    remove[reader] = true;
    graph.nodes[n].outputs[0] = graph.nodes[reader].outputs[0];
    graph.nodes[n].attributes.erase("keepdims");
  }
  const size_t removed = RemoveNodes(graph, remove);
  if (removed > 0) RemoveDeadNodes(graph);
  return removed;
}

}  // namespace qconvert
