// Bodies of If, Loop and Scan as graphs of their own.
#ifndef QCONVERT_IR_BODY_GRAPH_H_
#define QCONVERT_IR_BODY_GRAPH_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/scope.h"

namespace qconvert {

struct BodyGraph {
  std::string way;  // of its level, see ir/scope.h
  // StandAlone, or as it is where that is not possible; nodes without a name have that of their
  // first output.
  Graph graph;
  std::map<std::string, std::string> captured;  // value or constant -> its name in the whole model
  // Why all of it computes in float, whatever the target: it cannot stand alone. Mostly empty.
  std::string why_float;

  // How a value of `graph` is named in the whole model.
  std::string FullName(const std::string& value) const;
};

// The body with what it captures as inputs behind its own, constants as initializers. Nothing when
// an input or a captured value is no tensor of known type. `outer` is the level around it.
std::optional<Graph> StandAlone(const Graph& body, const Scope& outer);

// Puts a graph that was made by StandAlone, and rewritten since, in the place of the body:
// what is captured is captured again.
void PutBack(Graph alone, Graph& body);

// All bodies of the standard's If, Loop and Scan, at any depth, each behind the one around it, in
// the order of nodes. Those that cannot stand alone or whose way says the same as a name of another
// level, and what they hold, say so in `why_float`; of several of one way the first stands for all.
// Linear in nodes, times the depth of bodies.
std::vector<BodyGraph> FindBodyGraphs(const Graph& graph);

// True when nothing is known of the value's type: what a body declares is all that there is where
// it cannot stand alone.
bool IsUntyped(const Graph& graph, const std::string& value);

// Calls `visit(body, entry)` for those that `entries` has one of by their way, in this order.
template <typename Entries, typename Visit>
void ForEachBodyIn(Entries& entries, const Graph& graph, const Visit& visit) {
  if (entries.empty()) return;
  for (const BodyGraph& body : FindBodyGraphs(graph)) {
    const auto entry = entries.find(body.way);
    if (entry != entries.end()) visit(body, entry->second);
  }
}

}  // namespace qconvert

#endif  // QCONVERT_IR_BODY_GRAPH_H_
