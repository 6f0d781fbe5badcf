// Stored weights of a model that was written, as floats.
#ifndef QCONVERT_REWRITE_EXPAND_CODES_H_
#define QCONVERT_REWRITE_EXPAND_CODES_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

// What StoreWeights writes becomes the floats that it stands for, bit for bit those that an engine
// makes, on this level:
//
//   W_q (initializer) -> Cast -> Mul{s} -> W      becomes      W (initializer)
//
// An engine that does not fold constants makes them in every run, with a copy between. Returns how
// many weights; those whose codes or floats between other nodes read stay.
size_t ExpandCodes(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_REWRITE_EXPAND_CODES_H_
