// A model of batch 1 -> the same model for several samples at once.
#ifndef QCONVERT_SRC_PIPELINE_SET_BATCH_H_
#define QCONVERT_SRC_PIPELINE_SET_BATCH_H_

#include <cstdint>
#include <string>

#include "qconvert/ir/graph.h"

namespace qconvert {

// The first dimension of every input and output becomes `batch`, and of every value between that
// is computed from an input. Only for models that keep it apart from all other dimensions: each
// such value has a first dimension of 1 before and `batch` after and is else the same; integer
// vectors (shapes) may stay. Exporters write the batch of 1 into shapes:
//
//   [1, C, H, W] -> Reshape{[1, -1]} -> [1, C * H * W]     becomes
//   [N, C, H, W] -> Reshape{[0, -1]} -> [N, C * H * W]
//
// Throws Error(kModel) naming `place` and the first value that does not keep samples apart, such as
// behind a Reshape to [C, -1], or what the engine says of the model at that batch.
void SetBatch(int64_t batch, const std::string& place, Model& model);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_SET_BATCH_H_
