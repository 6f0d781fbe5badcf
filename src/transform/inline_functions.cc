#include "qconvert/transform/inline_functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "qconvert/ir/topology.h"

namespace qconvert {
namespace {

using Key = std::tuple<std::string, std::string, std::string>;

Key KeyOf(const Node& node) { return {node.domain, node.op_type, node.overload}; }
Key KeyOf(const Function& function) { return {function.domain, function.name, function.overload}; }

void CollectCalls(const std::vector<Node>& nodes, std::set<Key>& calls) {
  for (const Node& node : nodes) {
    calls.insert(KeyOf(node));
    for (const Graph* subgraph : SubgraphsOf(node)) CollectCalls(subgraph->nodes, calls);
  }
}

class FunctionInliner {
 public:
  explicit FunctionInliner(Model& model) : model_(model), names_(model.graph) {
    for (const Function& function : model.functions) {
      if (CanInline(function)) functions_.emplace(KeyOf(function), &function);
    }
  }

  size_t Run() {
    std::vector<Node> nodes = std::exchange(model_.graph.nodes, {});
    for (Node& node : nodes) Emit(std::move(node));
    DropUncalled();
    return inlined_;
  }

 private:
  bool CanInline(const Function& function) const {
    const bool same_opsets =
        std::all_of(function.opsets.begin(), function.opsets.end(), [&](const auto& import) {
          const auto it = model_.opsets.find(import.first);
          return it != model_.opsets.end() && it->second == import.second;
        });
    return same_opsets && !function.domain.empty() && function.domain != "com.microsoft" &&
           std::all_of(function.nodes.begin(), function.nodes.end(),
                       [](const Node& node) { return SubgraphsOf(node).empty(); });
  }

  void Emit(Node node) {
    const auto it = functions_.find(KeyOf(node));
    if (it == functions_.end()) {
      model_.graph.nodes.push_back(std::move(node));
      return;
    }
    ++inlined_;
    const Function& function = *it->second;
    // An input that a call leaves out is left out inside as well.
    std::unordered_map<std::string, std::string> names = {{"", ""}};
    for (size_t i = 0; i < function.inputs.size(); ++i)
      names.emplace(function.inputs[i], node.input(i));
    std::vector<std::pair<std::string, std::string>> copies;  // outputs that are inputs as well
    for (size_t i = 0; i < function.outputs.size() && i < node.outputs.size(); ++i) {
      if (node.outputs[i].empty()) continue;
      const auto [known, fresh] = names.emplace(function.outputs[i], node.outputs[i]);
      if (!fresh) copies.emplace_back(known->second, node.outputs[i]);
    }
    size_t index = 0;
    for (const Node& inner : function.nodes) Emit(Instance(inner, function, node, names, index++));
    for (const auto& [from, to] : copies)
      model_.graph.nodes.push_back(MakeNode("Identity", {from}, {to}));
  }

  // A node of the function's body with the names and attributes of this call.
  Node Instance(const Node& inner, const Function& function, const Node& call,
                std::unordered_map<std::string, std::string>& names, size_t index) {
    Node node = inner;
    const auto rename = [&](std::string& name) {
      auto it = names.find(name);
      // What the function computes on the way has other names in every call.
      if (it == names.end()) it = names.emplace(name, names_.Make(name + "_")).first;
      name = it->second;
    };
    std::for_each(node.inputs.begin(), node.inputs.end(), rename);
    std::for_each(node.outputs.begin(), node.outputs.end(), rename);
    for (auto it = node.attributes.begin(); it != node.attributes.end();) {
      const bool stays = Resolve(function, call, it->second);
      it = stays ? std::next(it) : node.attributes.erase(it);
    }
    const std::string step = inner.name.empty() ? std::to_string(index) : inner.name;
    node.name = call.name.empty() ? "" : fmt::format("{}/{}", call.name, step);
    node.origin = call.origin_name();
    return node;
  }

  // Gives an attribute that refers to one of the call its value; false when there is none.
  static bool Resolve(const Function& function, const Node& call, Attribute& attribute) {
    if (attribute.reference.empty()) return true;
    const auto given = call.attributes.find(attribute.reference);
    const auto fallback = function.attribute_defaults.find(attribute.reference);
    if (given == call.attributes.end() && fallback == function.attribute_defaults.end())
      return false;
    attribute = Attribute(given != call.attributes.end() ? given->second : fallback->second);
    return true;
  }

  void DropUncalled() {
    std::set<Key> calls;
    CollectCalls(model_.graph.nodes, calls);
    // What was put in place of its calls calls nobody any more.
    for (const Function& function : model_.functions) {
      if (!functions_.contains(KeyOf(function))) CollectCalls(function.nodes, calls);
    }
    // They point into the list that is changed below.
    functions_.clear();
    std::erase_if(model_.functions,
                  [&](const Function& function) { return !calls.contains(KeyOf(function)); });
  }

  Model& model_;
  NameMaker names_;
  std::map<Key, const Function*> functions_;
  size_t inlined_ = 0;
};

}  // namespace

size_t InlineFunctions(Model& model) {
  return model.functions.empty() ? 0 : FunctionInliner(model).Run();
}

}  // namespace qconvert
