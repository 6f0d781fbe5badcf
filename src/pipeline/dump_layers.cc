#include "dump_layers.h"

#include <unordered_map>
#include <utility>

#include "inner_values.h"
#include "qconvert/ir/topology.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

using Names = std::unordered_map<std::string, std::string>;

// Everywhere, also where values are written.
void Rename(const Names& names, Graph& graph) {
  RenameUses(graph, names);
  for (Node& node : graph.nodes) {
    for (std::string& output : node.outputs) {
      const auto it = names.find(output);
      if (it != names.end()) output = it->second;
    }
  }
}

}  // namespace

std::vector<std::string> LayerValues(const Graph& graph) {
  std::vector<std::string> values;
  const Topology topology(graph);
  for (const Node& node : graph.nodes) {
    for (const std::string& output : node.outputs)
      if (!output.empty() && !topology.IsGraphOutput(output)) values.push_back(output);
  }
  return values;
}

size_t DumpLayers(const std::vector<std::string>& values, const std::string& place, Model& model) {
  Graph& graph = model.graph;
  Names floats;  // what stands in front of the Quantize gives its name away
  Names readers;
  std::vector<std::string> shown;
  {
    // Both are of the graph before it is renamed.
    const Topology topology(graph);
    NameMaker maker(graph);
    for (const std::string& value : values) {
      if (topology.Producer(value) == nullptr || topology.IsGraphOutput(value)) continue;
      const std::string seen = SeenByReaders(graph, topology, value);
      // It is shown already, and an output keeps its name.
      if (topology.IsGraphOutput(seen)) continue;
      shown.push_back(value);
      if (seen == value) continue;
      floats.emplace(value, maker.Make(value + "/float"));
      readers.emplace(seen, value);
    }
  }
  Rename(floats, graph);
  Rename(readers, graph);
  InferTypes(model, place);
  const size_t before = graph.outputs.size();
  for (const std::string& value : shown) {
    const auto known = graph.value_info.find(value);
    if (known != graph.value_info.end() && known->second.type.is_tensor())
      graph.outputs.push_back(known->second);
  }
  DropInferredTypes(graph);
  return graph.outputs.size() - before;
}

}  // namespace qconvert
