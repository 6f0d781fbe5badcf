// An input of a batch -> one input per sample.
#ifndef QCONVERT_TRANSFORM_SPLIT_BATCH_H_
#define QCONVERT_TRANSFORM_SPLIT_BATCH_H_

#include <string>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// input x [N,...]     becomes     inputs x_0 ... x_{N-1} [1,...], x = Concat (axis 0)
// Each part has an address of its own, as the buffers of a camera do. A batch of 1 stays as it is.
// Returns the names of the parts, or `input` alone. Throws Error(kModel) naming `place` when there
// is no such input, its first dimension is free, or a name is taken.
std::vector<std::string> SplitBatch(const std::string& input, const std::string& place,
                                    Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_SPLIT_BATCH_H_
