// Calls of a model's own functions.
#ifndef QCONVERT_TRANSFORM_INLINE_FUNCTIONS_H_
#define QCONVERT_TRANSFORM_INLINE_FUNCTIONS_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

// f(a) = MatMul(a, Constant{w}),  y = f(x)     becomes     y = MatMul(x, Constant{w})
//
// On the main level, functions inside functions as well: weights in them can be quantized like all
// others. Attributes that refer to those of the call get its values, or the defaults. The nodes
// made stand for the call (Node::origin). Left alone: functions that import another version of an
// opset than the model, that hold subgraphs, and those of com.microsoft, for which an engine may
// have a kernel. Functions that nobody calls any more go. Needs a valid model (no function calls
// itself). Returns how many calls were replaced.
size_t InlineFunctions(Model& model);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_INLINE_FUNCTIONS_H_
