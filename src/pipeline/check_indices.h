// Indices that no sample can make right.
#ifndef QCONVERT_SRC_PIPELINE_CHECK_INDICES_H_
#define QCONVERT_SRC_PIPELINE_CHECK_INDICES_H_

#include <string>

#include "qconvert/ir/scope.h"

namespace qconvert {

// Throws Error(kModel) naming `place`, the node and the first constant index that lies beyond the
// dimension it counts in, where that is a number: of Gather, GatherElements, GatherND,
// ScatterElements and ScatterND on the level of `scope`, whose types the engine has just inferred.
// Met while a sample runs, the same index would be blamed on that sample. Source of the bounds:
// ONNX Operators.md, -n to n - 1.
void CheckConstantIndices(const Scope& scope, const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CHECK_INDICES_H_
