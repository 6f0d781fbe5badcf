#include "min_cut.h"

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/push_relabel_max_flow.hpp>

namespace qconvert {
namespace {

using Traits = boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::directedS>;
using FlowGraph = boost::adjacency_list<
    boost::vecS, boost::vecS, boost::directedS,
    boost::property<
        boost::vertex_color_t, boost::default_color_type,
        boost::property<boost::vertex_distance_t, int64_t,
                        boost::property<boost::vertex_predecessor_t, Traits::edge_descriptor>>>,
    boost::property<
        boost::edge_capacity_t, int64_t,
        boost::property<boost::edge_residual_capacity_t, int64_t,
                        boost::property<boost::edge_reverse_t, Traits::edge_descriptor>>>>;

void AddEdge(FlowGraph& graph, size_t from, size_t to, int64_t capacity) {
  const auto forward = boost::add_edge(from, to, graph).first;
  // The algorithm wants the reverse of every edge, without capacity.
  const auto backward = boost::add_edge(to, from, graph).first;
  boost::put(boost::edge_capacity, graph, forward, capacity);
  boost::put(boost::edge_capacity, graph, backward, 0);
  boost::put(boost::edge_reverse, graph, forward, backward);
  boost::put(boost::edge_reverse, graph, backward, forward);
}

// Labels of the nodes of `costs` that its reduction has left, in `integer`.
void SolveRest(const CutReduction& costs, std::vector<bool>& integer) {
  std::vector<size_t> left;
  std::vector<size_t> place(integer.size());
  for (size_t n = 0; n < integer.size(); ++n) {
    if (!costs.IsLeft(n)) continue;
    place[n] = left.size();
    left.push_back(n);
  }
  if (left.empty()) return;
  const size_t source = left.size();
  const size_t sink = left.size() + 1;
  FlowGraph graph(left.size() + 2);
  for (const size_t n : left) {
    const int64_t cost = costs.Cost(n);
    if (cost > 0) AddEdge(graph, place[n], sink, cost);
    if (cost < 0) AddEdge(graph, source, place[n], -cost);
    // The cost the other way round is among the links of the other one.
    for (const auto& [other, link] : costs.LinksOf(n)) {
      if (link.when_integer > 0) AddEdge(graph, place[n], place[other], link.when_integer);
    }
  }
  boost::push_relabel_max_flow(graph, source, sink);
  // Reachable from the source over edges with capacity left: the smallest integer side.
  std::vector<bool> reached(left.size() + 2, false);
  std::vector<size_t> open = {source};
  reached[source] = true;
  while (!open.empty()) {
    const size_t node = open.back();
    open.pop_back();
    for (auto [it, end] = boost::out_edges(node, graph); it != end; ++it) {
      const size_t next = boost::target(*it, graph);
      if (reached[next] || boost::get(boost::edge_residual_capacity, graph, *it) == 0) continue;
      reached[next] = true;
      open.push_back(next);
    }
  }
  for (const size_t n : left) integer[n] = reached[place[n]];
}

}  // namespace

std::vector<bool> MinCut::Solve() const {
  CutReduction costs = costs_;
  costs.Reduce();
  std::vector<bool> integer(costs.size(), false);
  SolveRest(costs, integer);
  costs.FindLabels(integer);
  return integer;
}

}  // namespace qconvert
