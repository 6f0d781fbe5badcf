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
// vectors (shapes) may stay. Throws Error(kModel) naming `place` and the first value that does
// not, such as behind a Reshape to a fixed shape.
void SetBatch(int64_t batch, const std::string& place, Model& model);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_SET_BATCH_H_
