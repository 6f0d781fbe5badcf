// Branches that are known to be taken.
#ifndef QCONVERT_TRANSFORM_INLINE_CONSTANT_IF_H_
#define QCONVERT_TRANSFORM_INLINE_CONSTANT_IF_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

// init c = true, y = If{then: Neg(x), else: ...}(c)     becomes     y = Neg(x)
//
// On the main level, and on with the branches that come up to it. Values of the branch get fresh
// names where the main level has theirs already. An If whose condition is computed is left alone.
// Returns how many went. Needs sorted nodes; leaves them sorted.
size_t InlineConstantIf(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_INLINE_CONSTANT_IF_H_
