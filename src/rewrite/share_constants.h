// Equal constants of several bodies, stored once.
#ifndef QCONVERT_SRC_REWRITE_SHARE_CONSTANTS_H_
#define QCONVERT_SRC_REWRITE_SHARE_CONSTANTS_H_

#include <set>
#include <string>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Equal codes of weights (8 bits or fewer, two dimensions or more), among those in `made`, that
// several levels hold go to the innermost level around all of them, whose bodies capture them:
//
//   If{then: W -> Conv(x, W); else: V -> Conv(x, V)}   becomes   W, If{then: Conv(x, W); else:
//   Conv(x, W)}
//
// Scales and biases stay where they are: they are small, and ONNX Runtime 1.28 loses the bias of an
// integer Conv that comes from outside of its body, and refuses models without a path whose scales
// do. `made`: names of initializers that no two levels use for different things. Linear in bytes.
void ShareConstants(Graph& graph, const std::set<std::string>& made);

}  // namespace qconvert

#endif  // QCONVERT_SRC_REWRITE_SHARE_CONSTANTS_H_
