// HardSigmoid and HardSwish that a file spells out.
#ifndef QCONVERT_TRANSFORM_FUSE_HARD_SWISH_H_
#define QCONVERT_TRANSFORM_FUSE_HARD_SWISH_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Div{Clip{0, 6}(Add{3}(x)), 6}       becomes     HardSigmoid{alpha = 1/6, beta = 1/2}(x)
// Div{Mul(x, Clip{0, 6}(Add{3}(x))), 6}
//                                     becomes     Mul(x, HardSigmoid{alpha = 1/6, beta = 1/2}(x))
//
// The division may be a Mul by 1/6, may come before or after the product and on either of its
// sides; any b in Add{b} and top t in Clip{0, t} are taken when the whole is divided by t:
//   clip(x + b, 0, t) / t = max(0, min(1, x / t + b / t)) = HardSigmoid{alpha = 1/t, beta =
//   b/t}(x).
// Relu or Max{0} and Min{t}, in either order, or a Clip with one bound for one of them, stand for
// the Clip as well, Sub{-b} for the Add, and x may have a factor in front: x * clip(x / 6 + 1/2, 0,
// 1) needs no division. Left alone: steps that anything else reads. Returns how many were fused.
// Needs sorted nodes. Formula: ONNX HardSigmoid-6, HardSwish-14. This is what LowerHardSwish makes
// of the operator, so both spellings end up the same.
size_t FuseHardSwish(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_FUSE_HARD_SWISH_H_
