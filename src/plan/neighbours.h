// Neighbours in a graph and what is reached along them.
#ifndef QCONVERT_SRC_PLAN_NEIGHBOURS_H_
#define QCONVERT_SRC_PLAN_NEIGHBOURS_H_

#include <cstddef>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// By node: the nodes that read what it writes, and those that write what it reads.
struct Neighbours {
  std::vector<std::vector<size_t>> readers;
  std::vector<std::vector<size_t>> producers;
};
Neighbours FindNeighbours(const Graph& graph);

// Nodes reached from `seeds`, they included, along `next`.
std::vector<bool> Reach(const std::vector<std::vector<size_t>>& next,
                        const std::vector<size_t>& seeds);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PLAN_NEIGHBOURS_H_
