// Large models need their float weights only now and then.
#ifndef QCONVERT_SRC_PIPELINE_PARKED_WEIGHTS_H_
#define QCONVERT_SRC_PIPELINE_PARKED_WEIGHTS_H_

#include <functional>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Calls `work` while large weights of files that `read` does not hold are out of memory
// (base/parked_bytes.h): nothing else may be looked at meanwhile, but by sessions that are open.
// Throws what WithOthersParked throws.
void WithOnlyWeightsOf(const Graph& read, const std::function<void()>& work);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_PARKED_WEIGHTS_H_
