// Reductions whose axes come back behind them.
#ifndef QCONVERT_TRANSFORM_KEEP_REDUCED_AXES_H_
#define QCONVERT_TRANSFORM_KEEP_REDUCED_AXES_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

// x -> ReduceMean{axes, keepdims 0} -> Unsqueeze{axes} -> y
//     becomes     x -> ReduceMean{axes, keepdims 1} -> y
//
// for every reduction (Reduce*), and for a Reshape that gives the same shape. What others read as
// well stays. Returns how many Unsqueezes went. Needs sorted nodes and types.
size_t KeepReducedAxes(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_KEEP_REDUCED_AXES_H_
