#include "qconvert/calibration/insert_observers.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "qconvert/ir/scope.h"
#include "qconvert/ir/topology.h"
#include "qconvert/runtime/session.h"

namespace qconvert {
namespace {

using Ids = std::unordered_map<std::string, size_t>;

void ObserveLevel(Graph& graph, const std::string& prefix, const Ids& ids, NameMaker& names) {
  for (Node& node : graph.nodes) {
    ForEachBody(node, prefix,
                [&](Graph& body, const std::string& way) { ObserveLevel(body, way, ids, names); });
  }
  std::unordered_set<std::string> inputs;
  for (const Value& input : graph.inputs) inputs.insert(input.name);
  // In the order of ids, so that names and nodes do not depend on a hash.
  std::map<size_t, std::string> here;  // id -> value of this level
  const auto look_for = [&](const std::string& value) {
    const auto it = ids.find(prefix + value);
    if (it != ids.end()) here.emplace(it->second, value);
  };
  for (const Value& input : graph.inputs) look_for(input.name);
  for (const Node& node : graph.nodes)
    std::for_each(node.outputs.begin(), node.outputs.end(), look_for);
  // Observed value -> what its producer writes now; observed input -> what its readers read now.
  std::unordered_map<std::string, std::string> before;
  std::unordered_map<std::string, std::string> after_input;
  std::vector<Node> observers;
  for (const auto& [id, value] : here) {
    const bool is_input = inputs.contains(value);
    const std::string other = names.Make("observed_");
    Node node = MakeNode(kObserverOpType, {is_input ? value : other}, {is_input ? other : value});
    node.domain = kObserverDomain;
    // Which value of a body came last, of all its rounds, would be chance: the observer tells what
    // stands before the tab.
    node.name = prefix.empty() ? "value " + value
                               : fmt::format("values of body {}\t{}",
                                             prefix.substr(0, prefix.size() - 1), value);
    node.Set("id", static_cast<int64_t>(id));
    (is_input ? after_input : before).emplace(value, other);
    observers.push_back(std::move(node));
  }
  for (Node& node : graph.nodes) {
    for (std::string& output : node.outputs) {
      const auto it = before.find(output);
      if (it != before.end()) output = it->second;
    }
    // A body that reads the input from outside goes on reading the input itself: the same data.
    for (std::string& input : node.inputs) {
      const auto it = after_input.find(input);
      if (it != after_input.end()) input = it->second;
    }
  }
  if (observers.empty()) return;
  // At the end they stand behind their readers.
  for (Node& node : observers) graph.nodes.push_back(std::move(node));
  SortNodes(graph);
}

bool TakesWeights(const Node& node) {
  for (const char* type : {"Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "RNN"})
    if (node.Is(type)) return true;
  return false;
}

void FindInBody(const Scope& body, std::set<std::string>& found) {
  for (const Node& node : body.graph().nodes) {
    ForEachBody(node, body.way(), [&](const Graph& inner, const std::string& way) {
      FindInBody(Scope(body, inner, way), found);
    });
    if (!TakesWeights(node)) continue;
    const Tensor* weight = body.FindInitializer(node.input(1));
    if (weight == nullptr || weight->type != DataType::kFloat) continue;
    // What an outer level defines is observed there, and a constant has no range to learn.
    for (const std::string& value : {node.input(0), node.outputs[0]}) {
      if (body.Defines(value) && body.graph().FindInitializer(value) == nullptr)
        found.insert(body.FullName(value));
    }
  }
}

}  // namespace

Graph InsertObservers(const Graph& graph, const std::vector<std::string>& values) {
  Graph out = graph;
  NameMaker names(graph);
  Ids ids;
  for (size_t id = 0; id < values.size(); ++id) ids.emplace(values[id], id);
  ObserveLevel(out, "", ids, names);
  return out;
}

std::vector<std::string> FindBodyValues(const Graph& graph) {
  std::set<std::string> found;
  const Scope main(graph);
  for (const Node& node : graph.nodes) {
    ForEachBody(node, "", [&](const Graph& body, const std::string& way) {
      FindInBody(Scope(main, body, way), found);
    });
  }
  // A way must not be taken for a value that happens to be called so.
  const auto names = AllNames(graph);
  std::erase_if(found, [&](const std::string& way) { return names.contains(way); });
  return {found.begin(), found.end()};
}

}  // namespace qconvert
