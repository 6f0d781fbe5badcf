// Activations replaced by ones that integers represent better. Neither is exact: for settings that
// ask for it.
#ifndef QCONVERT_TRANSFORM_REPLACE_ACTIVATIONS_H_
#define QCONVERT_TRANSFORM_REPLACE_ACTIVATIONS_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

// y = Clip(x, 0, 6)     becomes     y = Relu(x)
// Needs constant bounds. Differs above 6. Returns how many became Relu.
size_t ConvertRelu6ToRelu(Graph& graph);

// y = Mul(x, Sigmoid(x))     becomes     y = Mul(x, HardSigmoid{alpha = 1/6, beta = 0.5}(x))
// The form that LowerHardSwish gives to HardSwish. Differs by at most 0.143, at x = -3 and 3. The
// Sigmoid has no other reader. Returns how many became HardSwish.
size_t ConvertSiluToHardSwish(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_REPLACE_ACTIVATIONS_H_
