#include "qconvert/ir/body_graph.h"

#include <algorithm>
#include <set>
#include <unordered_set>
#include <utility>

#include "qconvert/ir/topology.h"
#include "qconvert/ir/value_types.h"

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
    // Every way holds a slash: a name without one begins like none.
    if (name.find('/') != std::string::npos) found.names.emplace(way + name, way);
  };
  for (const Value& input : graph.inputs) add(input.name);
  for (const auto& [name, tensor] : graph.initializers) add(name);
  for (const SparseTensor& sparse : graph.sparse_initializers) add(sparse.values.name);
  for (const Node& node : graph.nodes) {
    for (const std::string& output : node.outputs) add(output);
    ForEachBody(node, way, [&](const Graph& body, const std::string& inner) {
      ++found.ways[inner];
      Collect(body, inner, found);
    });
  }
}

// A value from outside that is no tensor of known type, or "".
std::string FindUntyped(const Graph& body, const Scope& outer) {
  for (const Value& input : body.inputs)
    if (!input.type.is_tensor()) return input.name;
  // Behind the body's own inputs: PutBack cuts them off by their number.
  for (const std::string& name : CapturedValues(body)) {
    const std::optional<ValueType> type = outer.FindType(name);
    if (!type || !type->is_tensor()) return name;
  }
  return "";
}

class Finder {
 public:
  explicit Finder(const Graph& graph) { Collect(graph, "", spelled_); }

  // `why_float`: of the body whose level this is.
  void Visit(const Graph& graph, const Scope& scope, const std::string& why_float = {}) {
    for (const Node& node : graph.nodes) {
      if (!HoldsBodies(node)) continue;
      ForEachBody(node, scope.way(), [&](const Graph& body, const std::string& way) {
        // Two nodes of one name have bodies of one way.
        if (!visited_.insert(way).second) return;
        const std::string why = why_float.empty() ? WhyNotAlone(body, scope, way) : why_float;
        found.push_back(
            {way, why.empty() ? *StandAlone(body, scope) : body, NamesOutside(body, scope), why});
        for (Node& inside : found.back().graph.nodes)
          if (inside.name.empty()) inside.name = LabelOf(inside);
        Visit(body, Scope(scope, body, way), why);
      });
    }
  }

  std::vector<BodyGraph> found;

 private:
  std::string WhyNotAlone(const Graph& body, const Scope& outer, const std::string& way) const {
    const std::string value = FindUntyped(body, outer);
    if (!value.empty()) return "its body reads \"" + value + "\", which is no tensor of known type";
    return IsTaken(way) ? "another level is called the same as its body" : "";
  }

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
    // Names that begin with the way follow each other in this order.
    for (auto it = spelled_.names.lower_bound({way, ""});
         it != spelled_.names.end() && it->first.starts_with(way); ++it) {
      // Those of the body itself, and of bodies in it, begin so by right.
      if (!it->second.starts_with(way)) return true;
    }
    return false;
  }

  Spelled spelled_;
  std::set<std::string> visited_;  // ways
};

}  // namespace

std::string BodyGraph::FullName(const std::string& value) const {
  const auto it = captured.find(value);
  return it == captured.end() ? way + value : it->second;
}

std::optional<Graph> StandAlone(const Graph& body, const Scope& outer) {
  if (!FindUntyped(body, outer).empty()) return std::nullopt;
  Graph alone = body;
  for (const std::string& name : CapturedValues(body)) {
    if (const Tensor* tensor = outer.FindInitializer(name)) {
      alone.initializers.emplace(name, *tensor);
    } else {
      alone.inputs.push_back({name, *outer.FindType(name), {}, {}});
    }
  }
  return alone;
}

void PutBack(Graph alone, Graph& body) {
  // The body as it still is knows what it captured: those constants belong to the level around it.
  for (const std::string& name : CapturedValues(body)) alone.initializers.erase(name);
  alone.inputs.resize(body.inputs.size());
  body = std::move(alone);
}

bool IsUntyped(const Graph& graph, const std::string& value) {
  const ValueType* type = FindValueType(graph, value);
  return type == nullptr || (type->element == DataType::kUndefined && type->opaque.empty());
}

std::vector<BodyGraph> FindBodyGraphs(const Graph& graph) {
  // Most models have none: then no names are collected.
  if (std::none_of(graph.nodes.begin(), graph.nodes.end(), HoldsBodies)) return {};
  Finder finder(graph);
  finder.Visit(graph, Scope(graph));
  return std::move(finder.found);
}

}  // namespace qconvert
