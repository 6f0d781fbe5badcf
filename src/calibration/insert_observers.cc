#include "qconvert/calibration/insert_observers.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>
#include <variant>

#include "qconvert/ir/topology.h"
#include "qconvert/runtime/session.h"

namespace qconvert {
namespace {

using Ids = std::unordered_map<std::string, size_t>;

// Calls `visit(body, way)` for each body that a node of this level holds; `way` ends with a slash.
template <typename NodeT, typename Visit>
void ForEachBody(NodeT& node, const std::string& prefix, const Visit& visit) {
  const std::string label = !node.name.empty()     ? node.name
                            : node.outputs.empty() ? ""
                                                   : node.outputs[0];
  for (auto& [key, attribute] : node.attributes) {
    const std::string way = fmt::format("{}{}/{}/", prefix, label, key);
    if (auto* one = std::get_if<Subgraph>(&attribute.data)) visit(one->graph(), way);
    if (auto* many = std::get_if<std::vector<Subgraph>>(&attribute.data)) {
      for (size_t i = 0; i < many->size(); ++i)
        visit((*many)[i].graph(), fmt::format("{}{}/", way, i));
    }
  }
}

void ObserveLevel(Graph& graph, const std::string& prefix, const Ids& ids, NameMaker& names) {
  for (Node& node : graph.nodes) {
    ForEachBody(node, prefix,
                [&](Graph& body, const std::string& way) { ObserveLevel(body, way, ids, names); });
  }
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
    const bool is_input = graph.IsInput(value);
    const std::string other = names.Make("observed_");
    Node node = MakeNode(kObserverOpType, {is_input ? value : other}, {is_input ? other : value});
    node.domain = kObserverDomain;
    node.name = fmt::format("value {}{}", prefix, value);
    node.Set("id", static_cast<int64_t>(id));
    (is_input ? after_input : before).emplace(value, other);
    observers.push_back(std::move(node));
  }
  for (Node& node : graph.nodes) {
    for (std::string& output : node.outputs) {
      const auto it = before.find(output);
      if (it != before.end()) output = it->second;
    }
    for (std::string& input : node.inputs) {
      const auto it = after_input.find(input);
      if (it != after_input.end()) input = it->second;
    }
  }
  if (observers.empty()) return;
  for (Node& node : observers) graph.nodes.push_back(std::move(node));
  SortNodes(graph);
}

bool TakesWeights(const Node& node) {
  for (const char* type : {"Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "RNN"})
    if (node.Is(type)) return true;
  return false;
}

// `scopes`: the graphs around this body, the innermost last; the body itself is the last one.
void FindInBody(std::vector<const Graph*> scopes, const std::string& prefix,
                std::set<std::string>& found) {
  const Graph& body = *scopes.back();
  std::set<std::string> own;
  for (const Value& input : body.inputs) own.insert(input.name);
  for (const Node& node : body.nodes) own.insert(node.outputs.begin(), node.outputs.end());
  const auto is_float_weight = [&](const std::string& name) {
    for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope) {
      if (const Tensor* tensor = (*scope)->FindInitializer(name))
        return tensor->type == DataType::kFloat;
    }
    return false;
  };
  for (const Node& node : body.nodes) {
    ForEachBody(node, prefix, [&](const Graph& inner, const std::string& way) {
      std::vector<const Graph*> inside = scopes;
      inside.push_back(&inner);
      FindInBody(std::move(inside), way, found);
    });
    if (!TakesWeights(node) || !is_float_weight(node.input(1))) continue;
    for (const std::string& value : {node.input(0), node.outputs[0]})
      if (!value.empty() && own.contains(value)) found.insert(prefix + value);
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
  for (const Node& node : graph.nodes) {
    ForEachBody(node, "", [&](const Graph& body, const std::string& way) {
      FindInBody({&graph, &body}, way, found);
    });
  }
  // A way must not be taken for a value that happens to be called so.
  const auto names = AllNames(graph);
  std::erase_if(found, [&](const std::string& way) { return names.contains(way); });
  return {found.begin(), found.end()};
}

}  // namespace qconvert
