// Softmax that a file spells out, and Softmax along an axis that is not the last.
#ifndef QCONVERT_TRANSFORM_FUSE_SOFTMAX_H_
#define QCONVERT_TRANSFORM_FUSE_SOFTMAX_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

// m = ReduceMax{a}(x), e = Exp(Sub(x, m)), y = Div(e, ReduceSum{a}(e))
//                                             becomes     y = Softmax{a}(x)
//
// for one axis that is kept as 1, with Mul by a Reciprocal for the Div, and without the maximum.
// Left alone: steps that anything else reads, x of unknown rank. Formula: ONNX Softmax-13. Returns
// how many were fused. Needs sorted nodes and types in value_info.
size_t FuseSoftmax(Graph& graph);

// x [a, b, c, d] -> Softmax{1} -> y     becomes
//   x -> Reshape{0, 0, -1} -> Softmax{1} -> Reshape{0, 0, c, d} -> y
//
// for Softmax and LogSoftmax with two or more axes behind theirs, of which at most one has unknown
// size. Exact. The engine swaps the axis with the last one, which is a plain transpose of matrices
// when the last follows at once, and takes two to five times as long otherwise (measured: 4.9 ms
// and 0.9 ms on 1 x 16 x 4 x 8400). Returns how many were reshaped. Needs sorted nodes and types.
size_t FlattenSoftmax(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_FUSE_SOFTMAX_H_
