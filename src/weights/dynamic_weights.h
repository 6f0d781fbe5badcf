// Integers of weights whose activations are quantized at run time.
#ifndef QCONVERT_SRC_WEIGHTS_DYNAMIC_WEIGHTS_H_
#define QCONVERT_SRC_WEIGHTS_DYNAMIC_WEIGHTS_H_

#include <cstdint>

#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"

namespace qconvert {

// Of a node that CanBeDynamic (targets/op_rules.h), fitted as for static integer nodes
// (quantize_weights.h). MatMul and Gemm: [k, n] with one scale per column, or one. LSTM: W and R as
// [directions, k, 4 * hidden] with one scale per direction and gate row.
DynamicNodePlan MakeDynamicNode(const Graph& graph, const Node& node,
                                const TensorSettings& settings, int32_t pair_limit);

}  // namespace qconvert

#endif  // QCONVERT_SRC_WEIGHTS_DYNAMIC_WEIGHTS_H_
