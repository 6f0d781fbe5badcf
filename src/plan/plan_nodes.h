// Forms of integer nodes: constants as codes, clamps that a Q does, bounds on integers.
#ifndef QCONVERT_SRC_PLAN_PLAN_NODES_H_
#define QCONVERT_SRC_PLAN_PLAN_NODES_H_

#include <cstddef>
#include <functional>

#include "qconvert/plan/plan.h"

namespace qconvert {

struct OperandGrid {
  QuantParams params;  // per tensor
  NumericFormat format;
};

// That of constant input `input` of node `n`, whose values lie in `range`. What HardSigmoid adds on
// integers counts as its input 1.
using OperandGrids = std::function<OperandGrid(size_t n, size_t input, Range range)>;

// Fills plan.integer_nodes (all but weights and biases) and plan.own_dequantize from the placement
// and the values' parameters.
void PlanNodes(const Graph& graph, const OperandGrids& grids, QuantizationPlan& plan);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PLAN_PLAN_NODES_H_
