// HardSwish as operators that have integer kernels.
#ifndef QCONVERT_TRANSFORM_LOWER_HARD_SWISH_H_
#define QCONVERT_TRANSFORM_LOWER_HARD_SWISH_H_

#include <cstddef>
#include <string_view>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Behind the name of a HardSwish, that of its HardSigmoid.
inline constexpr std::string_view kGateSuffix = "/gate";

// y = HardSwish(x)     becomes     y = Mul(x, HardSigmoid{alpha = 1/6, beta = 0.5}(x))
// Exact: the definition in ONNX HardSwish-14. Returns how many were lowered.
size_t LowerHardSwish(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_LOWER_HARD_SWISH_H_
