// Operators that stay spelled out, and are to be kept whole.
#ifndef QCONVERT_TRANSFORM_FIND_UNITS_H_
#define QCONVERT_TRANSFORM_FIND_UNITS_H_

#include <cstddef>
#include <map>
#include <string>

#include "qconvert/ir/graph.h"

namespace qconvert {

// The steps of GELU, Mish, LayerNormalization and RMSNormalization (with the product and the sum
// with constants behind these), and of BatchNormalization (a product with a vector of constants
// behind a difference or in front of a sum): index in graph.nodes -> the operator. An integer step
// would put a Q into the unit, which costs more accuracy than a Q behind it and the engine's own
// fusion.
std::map<size_t, std::string> FindUnits(const Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_FIND_UNITS_H_
