// What two graphs have in common, node for node.
#ifndef QCONVERT_SRC_PIPELINE_SAME_NODES_H_
#define QCONVERT_SRC_PIPELINE_SAME_NODES_H_

#include "qconvert/ir/graph.h"

namespace qconvert {

// Whether node `one` of `a` and node `other` of `b` are alike in everything: names, values,
// attributes and the constants that they read. False for nodes with bodies, which are not looked
// into.
bool AreSame(const Graph& a, const Node& one, const Graph& b, const Node& other);

// Whether both models are the same nodes in the same order between the same inputs and outputs, so
// that an engine gives the same bits with both, whatever the nodes are called; `other` may show
// more values behind the outputs of `model`. False where that would have to be looked for in bodies
// or functions.
bool ComputeTheSame(const Model& model, const Model& other);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_SAME_NODES_H_
