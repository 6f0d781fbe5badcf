// Removes nodes that hand their input on as it is.
#ifndef QCONVERT_TRANSFORM_ELIMINATE_NO_OPS_H_
#define QCONVERT_TRANSFORM_ELIMINATE_NO_OPS_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

// x -> Cast{to = type of x} -> y -> Relu     becomes     x -> Relu
//
// The same for Concat of one input, Transpose that keeps the order, Pad by nothing, Slice of
// everything, and a Cast back from a type that holds every number (float -> double -> float); a
// Cast behind such a one reads what is in front of it. The same for Reshape, Flatten, Squeeze,
// Unsqueeze, Expand and Tile whose output has the type of the input: every dimension the same
// number or the same symbol; and for x * 1, x / 1 and x - 0, where the constant repeats nothing. A
// node that writes a graph output stays, but for Transpose and Cast. Goes by value_info; what has
// no type there is left alone. Returns how many nodes went. Needs sorted nodes.
size_t EliminateNoOps(Graph& graph);

// The same element type, and every dimension the same number or the same symbol.
bool IsSameShape(const ValueType& a, const ValueType& b);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_ELIMINATE_NO_OPS_H_
