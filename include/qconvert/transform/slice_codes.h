// Constants that a file cuts out of larger ones behind their DequantizeLinear.
#ifndef QCONVERT_TRANSFORM_SLICE_CODES_H_
#define QCONVERT_TRANSFORM_SLICE_CODES_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

//   init w -> DequantizeLinear{s, z} -> Slice -> y
//     becomes     init w -> Slice -> DequantizeLinear{s, z} -> y
//
// The same numbers bit for bit, with a constant under the DequantizeLinear once the Slice is
// folded: only such weights have integer kernels. Codes of 8 or 32 bits, with one scale, or one per
// index of axis 0, which the Slice keeps whole or cuts alone. Others that read the first
// DequantizeLinear keep it. Returns how many moved. Needs sorted nodes and constants as
// initializers; types of the new values are not in value_info.
size_t SliceCodes(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_SLICE_CODES_H_
