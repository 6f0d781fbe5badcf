// Operators that compute in float16 themselves, for engines that take types as they are written.
#ifndef QCONVERT_REWRITE_TYPE_HALF_REGIONS_H_
#define QCONVERT_REWRITE_TYPE_HALF_REGIONS_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Between two roundings (round_values.h) the types are float16, and no pair of casts is left
// inside:
//
//   x -> Cast{half} -> Cast{float} -> Conv -> Cast{half} -> Cast{float} -> Add -> ... ->
//   Cast{float} becomes x -> Cast{half} -> Conv -> Add -> ... -> Cast{float}
//
// A node is typed so where all floats that it reads are float16 behind a Cast, or constants that
// float16 holds exactly, and where all that it writes is rounded to float16 anyway, or only moved
// or clamped. Numbers that are moved alone, with no such computation around them, stay float32, and
// so does what nobody reads in float16: no Cast undoes another one. What is computed otherwise
// stays float32: what overflows float16, what has no kernel for it, and all that a body or a
// QuantizeLinear reads. A strongly typed engine (TensorRT) runs such a node in float16; ONNX
// Runtime's CPU provider, which has no such kernels, in float32. Bodies stay as they are. Needs
// sorted nodes, opset >= 13 and the types of integer values in value_info. Returns how many nodes
// became float16.
size_t TypeHalfRegions(Graph& graph);

// Of the roundings of a graph that is measured and not written, as they stand in front of
// TypeHalfRegions, keeps those that it would leave in the file: around nodes that stay float32 it
// leaves none. Needs what that needs.
void DropLostRoundings(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_REWRITE_TYPE_HALF_REGIONS_H_
