#include "neighbours.h"

#include "qconvert/ir/topology.h"

namespace qconvert {

std::vector<bool> Reach(const std::vector<std::vector<size_t>>& next,
                        const std::vector<size_t>& seeds) {
  std::vector<bool> reached(next.size(), false);
  std::vector<size_t> open = seeds;
  while (!open.empty()) {
    const size_t n = open.back();
    open.pop_back();
    if (reached[n]) continue;
    reached[n] = true;
    open.insert(open.end(), next[n].begin(), next[n].end());
  }
  return reached;
}

Neighbours FindNeighbours(const Graph& graph) {
  const Topology topology(graph);
  Neighbours out{std::vector<std::vector<size_t>>(graph.nodes.size()),
                 std::vector<std::vector<size_t>>(graph.nodes.size())};
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const std::string& output : graph.nodes[n].outputs) {
      for (const Use& use : topology.Uses(output)) {
        out.readers[n].push_back(use.node);
        out.producers[use.node].push_back(n);
      }
    }
  }
  return out;
}

}  // namespace qconvert
