// Transposes that undo each other: islands of channels-last in a channels-first graph.
#ifndef QCONVERT_TRANSFORM_CANCEL_TRANSPOSES_H_
#define QCONVERT_TRANSFORM_CANCEL_TRANSPOSES_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

// x -> Transpose{p} -> Transpose{q} -> y     becomes     x -> Transpose{p, then q} -> y,
// or x in the place of y when both undo each other
//
// Conv -> Transpose{p} -> Add{c} -> Relu -> y     becomes     Conv -> Add{c'} -> Relu ->
// Transpose{p} Transpose{p}(a) + Transpose{p}(b)               becomes     Transpose{p}(a + b)
//
// A Transpose that one node reads moves behind it where that node works on each element alone and
// its other inputs are constants with at most one dimension above 1; behind a convolution always,
// so that arithmetic stands next to it, elsewhere only when the way ends at a Transpose that undoes
// it. The number of Transposes never grows. Exact. Returns how many changes were made. Needs sorted
// nodes.
size_t CancelTransposes(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_CANCEL_TRANSPOSES_H_
