// How large a file will be.
#ifndef QCONVERT_EXPORTER_WRITTEN_BYTES_H_
#define QCONVERT_EXPORTER_WRITTEN_BYTES_H_

#include <cstdint>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Bytes of the model's file and its data, up to a few bytes a large tensor more. Copies no weights.
int64_t WrittenBytes(const Model& model);

}  // namespace qconvert

#endif  // QCONVERT_EXPORTER_WRITTEN_BYTES_H_
