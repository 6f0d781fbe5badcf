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
// Transpose{p} -> Softmax{-1} -> Transpose{back}     becomes     Softmax{p[last]}
//
// Transpose -> Split -> Transpose{back} of all       becomes     Split
//
// Pad -> Transpose -> Conv                           becomes     Transpose -> Pad -> Conv
//
// A Transpose moves behind the nodes that read it where these work on each element alone or name
// constant axes, and their other inputs are constants with at most one dimension above 1 or
// transposed alike (x * Sigmoid(x)): behind a convolution always, past arithmetic, so that this
// stands next to it, elsewhere only when there are fewer then. A value in between may have several
// readers, some of which undo the Transpose. The number of Transposes never grows. Exact but for
// the order of sums in Reduce. Returns how many changes were made. Needs sorted nodes.
size_t CancelTransposes(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_CANCEL_TRANSPOSES_H_
