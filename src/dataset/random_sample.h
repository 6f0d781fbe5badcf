// Samples for looking at a model without data.
#ifndef QCONVERT_SRC_DATASET_RANDOM_SAMPLE_H_
#define QCONVERT_SRC_DATASET_RANDOM_SAMPLE_H_

#include <cstdint>

#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

// A tensor of the input's type and shape, free dimensions 1: pixels are uniform levels of 0..255,
// normalized as `format` says, other floats are uniform in -1..1, integers are 0. The same for the
// same `seed` on any machine. Throws Error(kData) when the input has no shape, kResource when it is
// larger than 2 GiB.
Tensor RandomTensor(const Value& input, const InputFormat& format, uint64_t seed);

}  // namespace qconvert

#endif  // QCONVERT_SRC_DATASET_RANDOM_SAMPLE_H_
