#include "rename_values.h"

#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "qconvert/ir/topology.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

using Renames = std::unordered_map<std::string, std::string>;

template <typename Entry>
void MoveEntry(std::map<std::string, Entry, std::less<>>& entries, const std::string& from,
               const std::string& to) {
  auto entry = entries.extract(from);
  if (entry.empty()) return;
  // A tensor or value has its name twice: as its key and in itself.
  entry.key() = entry.mapped().name = to;
  entries.insert(std::move(entry));
}

class ShadowRenamer {
 public:
  explicit ShadowRenamer(const Graph& graph) : names_(graph) {}

  void Visit(Graph& graph) {
    std::unordered_set<std::string> own;  // an initializer may be the default of an input
    Renames renames;
    const auto define = [&](const std::string& name) {
      if (name.empty() || !own.insert(name).second || visible_.insert(name).second) return;
      renames.emplace(name, names_.Make(name + "_"));
    };
    for (const Value& input : graph.inputs) define(input.name);
    for (const auto& [name, tensor] : graph.initializers) define(name);
    for (const SparseTensor& sparse : graph.sparse_initializers) define(sparse.values.name);
    for (Node& node : graph.nodes) {
      // Before its outputs: a body sees only what stands in front of its node.
      for (Graph* body : SubgraphsOf(node)) Visit(*body);
      for (const std::string& output : node.outputs) define(output);
    }
    RenameDefined(graph, renames);
    // The levels beside this one do not see them.
    for (const std::string& name : own)
      if (!renames.contains(name)) visible_.erase(name);
  }

 private:
  NameMaker names_;
  std::unordered_set<std::string> visible_;  // of the levels around, so far
};

}  // namespace

void RenameDefined(Graph& graph, const Renames& renames) {
  if (renames.empty()) return;
  const auto rename = [&](std::string& name) {
    if (const auto it = renames.find(name); it != renames.end()) name = it->second;
  };
  for (const auto& [from, to] : renames) {
    MoveEntry(graph.initializers, from, to);
    MoveEntry(graph.value_info, from, to);
  }
  for (Value& input : graph.inputs) rename(input.name);
  for (SparseTensor& sparse : graph.sparse_initializers) rename(sparse.values.name);
  for (Node& node : graph.nodes)
    for (std::string& output : node.outputs) rename(output);
  RenameUses(graph, renames);
  for (Value& output : graph.outputs) rename(output.name);
}

void RenameShadows(Graph& graph) { ShadowRenamer(graph).Visit(graph); }

void RenameValues(Graph& graph, const std::set<std::string>& values, const std::string& suffix) {
  NameMaker names(graph);
  Renames renames;
  for (const std::string& value : values) renames.emplace(value, names.Make(value + suffix));
  RenameDefined(graph, renames);
}

}  // namespace qconvert
