// Integers of weights whose activations are quantized at run time.
#ifndef QCONVERT_SRC_WEIGHTS_DYNAMIC_WEIGHTS_H_
#define QCONVERT_SRC_WEIGHTS_DYNAMIC_WEIGHTS_H_

#include <cstddef>
#include <functional>

#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"
#include "qconvert/weights/quantize_weights.h"

namespace qconvert {

// Why a node that is float for the plan is none in the file.
inline constexpr const char* kAtRunTime = "quantized at run time";

// Codes of one matrix [k, n]: of weight `w` of the node (of a recurrent one: W is 0, R is 1),
// direction `d`.
using FitMatrix = std::function<FittedWeights(const Tensor& matrix, const WeightOrder& order,
                                              size_t w, int64_t d)>;

// Of a node that CanBeDynamic (targets/op_rules.h), fitted as for static integer nodes
// (quantize_weights.h). MatMul and Gemm: [k, n] with one scale per column, or one. LSTM, GRU: W and
// R as [directions, k, gates * hidden] with one scale per direction and gate row.
DynamicNodePlan MakeDynamicNode(const Graph& graph, const Node& node, const FitMatrix& fit);

// Names of the weights in that order.
std::vector<std::string> DynamicWeightsOf(const Node& node);

}  // namespace qconvert

#endif  // QCONVERT_SRC_WEIGHTS_DYNAMIC_WEIGHTS_H_
