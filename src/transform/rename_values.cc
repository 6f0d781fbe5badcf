#include "rename_values.h"

#include <unordered_map>
#include <utility>

#include "qconvert/ir/topology.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {

void RenameValues(Graph& graph, const std::set<std::string>& values, const std::string& suffix) {
  NameMaker names(graph);
  std::unordered_map<std::string, std::string> renames;
  for (const std::string& value : values) {
    const std::string& name = renames[value] = names.Make(value + suffix);
    const auto type = graph.value_info.find(value);
    if (type == graph.value_info.end()) continue;
    Value renamed = std::move(type->second);
    graph.value_info.erase(type);
    renamed.name = name;
    graph.value_info.emplace(name, std::move(renamed));
  }
  for (Node& node : graph.nodes) {
    for (std::string& output : node.outputs)
      if (const auto it = renames.find(output); it != renames.end()) output = it->second;
  }
  RenameUses(graph, renames);
}

}  // namespace qconvert
