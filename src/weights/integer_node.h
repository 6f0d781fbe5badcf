// What the weights of an integer node are, and where their codes go.
#ifndef QCONVERT_SRC_WEIGHTS_INTEGER_NODE_H_
#define QCONVERT_SRC_WEIGHTS_INTEGER_NODE_H_

#include <cstddef>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"
#include "qconvert/targets/target.h"
#include "qconvert/weights/quantize_weights.h"

namespace qconvert {

bool HasIntegerWeights(const Graph& graph, const Placement& placement, size_t n);

// `has_bias`: also where that is made behind a MatMul without an Add.
void SetWeights(const Node& node, const FittedWeights& fitted, bool has_bias, IntegerNodePlan& out);

// The bias as `form` wants it, behind the weights: in float, on `grid` (`on_grid`, of kOwnScale),
// or in steps of `input_scale` times those of the weights. An empty one is none.
void SetBias(const std::vector<float>& bias, BiasForm form, bool on_grid, const BiasGrid& grid,
             float input_scale, IntegerNodePlan& out);

}  // namespace qconvert

#endif  // QCONVERT_SRC_WEIGHTS_INTEGER_NODE_H_
