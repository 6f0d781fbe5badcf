// Chains of nodes that only change the shape.
#ifndef QCONVERT_TRANSFORM_COLLAPSE_RESHAPES_H_
#define QCONVERT_TRANSFORM_COLLAPSE_RESHAPES_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

// x -> Squeeze -> Reshape{2,-1} -> y     becomes     x -> Reshape{2,-1} -> y
// x -> Unsqueeze -> Squeeze -> y -> Relu, y like x     becomes     x -> Relu
//
// where Reshape, Flatten, Squeeze and Unsqueeze stand in any order before a Reshape to a constant
// shape without zeros, or lead back to the type they came from. Nodes that others read as well stay
// for them. Returns how many readings were moved. Needs sorted nodes.
size_t CollapseReshapes(Graph& graph);

// x -> Shape -> y, x of known dimensions     becomes     init y
// x -> Shape -> Gather{1} -> y, dimension 1 known     becomes     init y     (Slice the same)
// Reshape(x, computed) -> y of type [N, 64, 7]     becomes     Reshape(x, {-1, 64, 7}) -> y
// Reshape(x [N, S, 384], computed) -> y [N, S, 12, 32]     becomes     Reshape(x, {0, 0, 12, 32})
// -> y
//
// The engine does the last by itself where it finds the arithmetic, which begins at x, next to the
// Reshape: not any more when x is quantized between the two.
// Goes by value_info. Returns how many values became constants. Needs sorted nodes.
size_t FoldShapes(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_COLLAPSE_RESHAPES_H_
