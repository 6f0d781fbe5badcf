// Forms of integer nodes: constants as codes, clamps that a Q does, bounds on integers.
#ifndef QCONVERT_SRC_PLAN_PLAN_NODES_H_
#define QCONVERT_SRC_PLAN_PLAN_NODES_H_

#include "qconvert/plan/plan.h"

namespace qconvert {

// Fills plan.integer_nodes (all but weights and biases) and plan.own_dequantize from the placement
// and the values' parameters.
void PlanNodes(const Graph& graph, const ModelSettings& settings, QuantizationPlan& plan);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PLAN_PLAN_NODES_H_
