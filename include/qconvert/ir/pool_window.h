// What a pool averages over.
#ifndef QCONVERT_IR_POOL_WINDOW_H_
#define QCONVERT_IR_POOL_WINDOW_H_

#include <cstdint>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Lengths of the window of an AveragePool, padding included, or of all that a GlobalAveragePool
// reads. Empty for other nodes, and where a length is not known.
std::vector<int64_t> AverageWindow(const Graph& graph, const Node& node);

}  // namespace qconvert

#endif  // QCONVERT_IR_POOL_WINDOW_H_
