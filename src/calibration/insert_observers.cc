#include "qconvert/calibration/insert_observers.h"

#include <unordered_map>
#include <utility>

#include "qconvert/ir/topology.h"
#include "qconvert/runtime/session.h"

namespace qconvert {

Graph InsertObservers(const Graph& graph, const std::vector<std::string>& values) {
  Graph out = graph;
  NameMaker names(graph);
  std::unordered_map<std::string, std::string>
      before;  // observed value -> what its producer writes now
  std::unordered_map<std::string, std::string> after_input;
  for (size_t id = 0; id < values.size(); ++id) {
    const std::string& value = values[id];
    const bool is_input = graph.IsInput(value);
    const std::string other = names.Make("observed_");
    Node node = MakeNode(kObserverOpType, {is_input ? value : other}, {is_input ? other : value});
    node.domain = kObserverDomain;
    node.Set("id", static_cast<int64_t>(id));
    (is_input ? after_input : before).emplace(value, other);
    out.nodes.push_back(std::move(node));
  }
  for (Node& node : out.nodes) {
    if (node.domain == kObserverDomain) continue;
    for (std::string& output : node.outputs) {
      const auto it = before.find(output);
      if (it != before.end()) output = it->second;
    }
    for (std::string& input : node.inputs) {
      const auto it = after_input.find(input);
      if (it != after_input.end()) input = it->second;
    }
  }
  SortNodes(out);
  return out;
}

}  // namespace qconvert
