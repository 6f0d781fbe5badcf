// How much arithmetic a node is.
#ifndef QCONVERT_PLAN_MULTIPLY_ADDS_H_
#define QCONVERT_PLAN_MULTIPLY_ADDS_H_

#include "qconvert/ir/graph.h"
#include "qconvert/plan/cost_model.h"

namespace qconvert {

// Products of an input and a weight (or of two inputs of a MatMul) that are added up in one run:
//
//   Conv            elements of the output * weights per output channel
//   ConvTranspose   elements of the input * weights per input channel
//   Gemm, MatMul    elements of the output * length of the inner dimension
//   LSTM, GRU, RNN  steps * elements of the weights
//
// 0 for all other operators. Sizes are those of `sizes`: a value without a known one counts as
// CostModel says.
double CountMultiplyAdds(const Graph& graph, const CostModel& sizes, const Node& node);

}  // namespace qconvert

#endif  // QCONVERT_PLAN_MULTIPLY_ADDS_H_
