#include "qconvert/ir/body_graph.h"

#include <algorithm>
#include <set>
#include <unordered_set>
#include <utility>

#include "qconvert/ir/topology.h"

namespace qconvert {
namespace {

bool HoldsBodies(const Node& node) { return node.Is("If") || node.Is("Loop") || node.Is("Scan"); }

// Names that could be taken for ways, with the way of their level, and how many bodies have a way.
struct Spelled {
  std::set<std::pair<std::string, std::string>> names;
  std::map<std::string, size_t> ways;
};

void Collect(const Graph& graph, const std::string& way, Spelled& found) {
  const auto add = [&](const std::string& name) {
    if (name.find('/') != std::string::npos) found.names.emplace(way + name, way);
  };
  for (const Value& input : graph.inputs) add(input.name);
  for (const auto& [name, tensor] : graph.initializers) add(name);
  for (const Node& node : graph.nodes) {
    for (const std::string& output : node.outputs) add(output);
    ForEachBody(node, way, [&](const Graph& body, const std::string& inner) {
      ++found.ways[inner];
      Collect(body, inner, found);
    });
  }
}

class Finder {
 public:
  explicit Finder(const Graph& graph) { Collect(graph, "", spelled_); }

  void Visit(const Graph& graph, const Scope& scope) {
    for (const Node& node : graph.nodes) {
      if (!HoldsBodies(node)) continue;
      ForEachBody(node, scope.way(), [&](const Graph& body, const std::string& way) {
        std::optional<Graph> alone = StandAlone(body, scope);
        if (!alone || IsTaken(way)) return;
        found.push_back({way, *std::move(alone), NamesOutside(body, scope)});
        for (Node& inside : found.back().graph.nodes)
          if (inside.name.empty()) inside.name = LabelOf(inside);
        Visit(body, Scope(scope, body, way));
      });
    }
  }

  std::vector<BodyGraph> found;

 private:
  static std::map<std::string, std::string> NamesOutside(const Graph& body, const Scope& scope) {
    std::map<std::string, std::string> names;
    for (const std::string& value : CapturedValues(body)) {
      const Scope* owner = scope.FindDefining(value);
      names.emplace(value, owner == nullptr ? value : owner->FullName(value));
    }
    return names;
  }

  // By another body, or as the beginning of a name that is none of this body's.
  bool IsTaken(const std::string& way) const {
    if (spelled_.ways.at(way) > 1) return true;
    for (auto it = spelled_.names.lower_bound({way, ""});
         it != spelled_.names.end() && it->first.starts_with(way); ++it) {
      if (!it->second.starts_with(way)) return true;
    }
    return false;
  }

  Spelled spelled_;
};

}  // namespace

std::string BodyGraph::FullName(const std::string& value) const {
  const auto it = captured.find(value);
  return it == captured.end() ? way + value : it->second;
}

std::optional<Graph> StandAlone(const Graph& body, const Scope& outer) {
  const auto is_tensor = [](const Value& input) { return input.type.is_tensor(); };
  if (!std::all_of(body.inputs.begin(), body.inputs.end(), is_tensor)) return std::nullopt;
  Graph alone = body;
  for (const std::string& name : CapturedValues(body)) {
    const std::optional<ValueType> type = outer.FindType(name);
    if (!type || !type->is_tensor()) return std::nullopt;
    if (const Tensor* tensor = outer.FindInitializer(name)) {
      alone.initializers.emplace(name, *tensor);
    } else {
      alone.inputs.push_back({name, *type, {}, {}});
    }
  }
  return alone;
}

void PutBack(Graph alone, Graph& body) {
  for (const std::string& name : CapturedValues(body)) alone.initializers.erase(name);
  alone.inputs.resize(body.inputs.size());
  body = std::move(alone);
}

std::vector<BodyGraph> FindBodyGraphs(const Graph& graph) {
  if (std::none_of(graph.nodes.begin(), graph.nodes.end(), HoldsBodies)) return {};
  Finder finder(graph);
  finder.Visit(graph, Scope(graph));
  return std::move(finder.found);
}

}  // namespace qconvert
