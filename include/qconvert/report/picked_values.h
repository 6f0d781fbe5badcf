// Values in which near ties decide what stands where.
#ifndef QCONVERT_REPORT_PICKED_VALUES_H_
#define QCONVERT_REPORT_PICKED_VALUES_H_

#include <set>
#include <string>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Indices that TopK, NonMaxSuppression, NonZero and their like find in what a model computes in
// floating point, masks of what equals another such value (peaks: x == MaxPool(x)), and all that is
// gathered, masked or computed by these, up to the next matrix product, convolution or recurrence:
// two models that differ by next to nothing may have other rows there. Not the values of a TopK,
// which are sorted, and nothing that is gathered by constant indices. Linear in nodes.
std::set<std::string> FindPickedValues(const Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_PICKED_VALUES_H_
