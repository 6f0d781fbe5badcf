// The order of nodes.
#ifndef QCONVERT_IR_SORTED_H_
#define QCONVERT_IR_SORTED_H_

#include "qconvert/ir/graph.h"

namespace qconvert {

// Whether each node stands behind the nodes that write what it or its subgraphs read: such nodes
// form no cycle.
bool IsSorted(const Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_IR_SORTED_H_
