#include "cut_to_outputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "other_passes.h"
#include "qconvert/base/suggest.h"
#include "qconvert/ir/topology.h"
#include "qconvert/pipeline/prepare_model.h"

namespace qconvert {
namespace {

// The node of that name; null, and told, where there is none.
const Node* FindNode(const Graph& graph, const std::string& name, const ConfigPlace& written,
                     ConfigProblems& problems) {
  const auto it = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                               [&](const Node& node) { return node.name == name; });
  if (it != graph.nodes.end()) return &*it;
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) names.push_back(node.name);
  problems.Add(written, fmt::format("output_nodes has \"{}\", which is no node of the model{}",
                                    name, DidYouMean(name, names)));
  return nullptr;
}

}  // namespace

void CutToOutputs(const std::vector<std::string>& nodes, const ConfigPlace& written,
                  const std::string& place, Model& model, const PassOptions& passes) {
  if (nodes.empty()) return;
  ConfigProblems problems(place);
  std::vector<Value> outputs;
  for (const std::string& name : nodes) {
    const Node* node = FindNode(model.graph, name, written, problems);
    if (node == nullptr) continue;
    for (const std::string& output : node->outputs) {
      // A node may be named twice.
      const bool known = std::any_of(outputs.begin(), outputs.end(),
                                     [&](const Value& value) { return value.name == output; });
      if (!output.empty() && !known) outputs.push_back({output, {}, {}, {}});
    }
  }
  problems.ThrowIfAny();
  RunnerOfOthers("outputs", passes, place, model).Run("cut_to_outputs", [&] {
    model.graph.outputs = std::move(outputs);
    const size_t removed = RemoveDeadNodes(model.graph);
    // An output must say its type; inside a graph nobody had to.
    InferTypes(model, place);
    for (Value& output : model.graph.outputs)
      output.type = model.graph.value_info.at(output.name).type;
    return removed;
  });
}

}  // namespace qconvert
