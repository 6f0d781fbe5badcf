// HardSwish as operators that have integer kernels.
#ifndef QCONVERT_TRANSFORM_LOWER_HARD_SWISH_H_
#define QCONVERT_TRANSFORM_LOWER_HARD_SWISH_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

// y = HardSwish(x)     becomes     y = Mul(x, HardSigmoid{alpha = 1/6, beta = 0.5}(x))
// Exact: the definition in ONNX HardSwish-14. Both stand for the HardSwish
// (Node::origin). Returns how many were lowered.
size_t LowerHardSwish(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_LOWER_HARD_SWISH_H_
