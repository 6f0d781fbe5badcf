// Values that movement nodes hand on.
#ifndef QCONVERT_PLAN_MOVED_VALUES_H_
#define QCONVERT_PLAN_MOVED_VALUES_H_

#include <string>
#include <vector>

#include "qconvert/ir/topology.h"

namespace qconvert {

// The value, and what movement nodes (targets/op_rules.h) made it of, the nearest first: its
// numbers are among those of each.
std::vector<std::string> WithSources(const Topology& topology, std::string value);

// By node: whether it moves what a body of If, Loop or Scan reads around it, or what such a node
// moves. ONNX Runtime pulls a DequantizeLinear through these operators and is killed by it
// (1.28, QDQPropagationTransformer), so floats that they move must not come from codes.
std::vector<bool> FindMovesIntoBodies(const Graph& graph, const Topology& topology);

}  // namespace qconvert

#endif  // QCONVERT_PLAN_MOVED_VALUES_H_
