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
  const auto backward = boost::add_edge(to, from, graph).first;
  boost::put(boost::edge_capacity, graph, forward, capacity);
  boost::put(boost::edge_capacity, graph, backward, 0);
  boost::put(boost::edge_reverse, graph, forward, backward);
  boost::put(boost::edge_reverse, graph, backward, forward);
}

}  // namespace

std::vector<bool> MinCut::Solve() const {
  const size_t source = nodes_;
  const size_t sink = nodes_ + 1;
  FlowGraph graph(nodes_ + 2);
  for (const Edge& edge : edges_) {
    AddEdge(graph, edge.from == kSource ? source : edge.from, edge.to == kSink ? sink : edge.to,
            edge.capacity);
  }
  boost::push_relabel_max_flow(graph, source, sink);
  // Reachable from the source over edges with capacity left: the smallest integer side.
  std::vector<bool> integer(nodes_ + 2, false);
  std::vector<size_t> open = {source};
  integer[source] = true;
  while (!open.empty()) {
    const size_t node = open.back();
    open.pop_back();
    for (auto [it, end] = boost::out_edges(node, graph); it != end; ++it) {
      const size_t next = boost::target(*it, graph);
      if (integer[next] || boost::get(boost::edge_residual_capacity, graph, *it) == 0) continue;
      integer[next] = true;
      open.push_back(next);
    }
  }
  integer.resize(nodes_);
  return integer;
}

}  // namespace qconvert
