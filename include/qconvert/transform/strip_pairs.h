// A model that came quantized, in float again.
#ifndef QCONVERT_TRANSFORM_STRIP_PAIRS_H_
#define QCONVERT_TRANSFORM_STRIP_PAIRS_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

//   x -> QuantizeLinear -> DequantizeLinear -> Conv              becomes     x -> Conv
//   x -> QuantizeLinear -> MaxPool -> DequantizeLinear -> Conv   becomes     x -> MaxPool -> Conv
//   init codes -> DequantizeLinear -> w -> Conv                  becomes     init w -> Conv
//   Conv -> QuantizeLinear(zero point 0 of uint8) -> ...         becomes     Conv -> Clip(0, 255 s)
//
// on every level: the numbers of weights stay those of their codes; those of activations are no
// longer rounded, nor cut off, but where no code is negative, though what is quantized may be: a
// Relu or Clip in front of such a pair is left out when a model is quantized, and its bounds are in
// the codes alone. A Clip of the codes becomes one of the floats, unless it only keeps them in
// fewer bits. Parameters have to be constants of the same level, scales float32, codes of 8, 16 or
// 32 bits, one scale or one per index of an axis; movement wants one scale, and both ends of it the
// same grid. What reads codes otherwise stays, with its pair. Returns how many DequantizeLinear
// went. Needs sorted nodes and initializers for constants (Normalize).
size_t StripPairs(Graph& graph);

// The third of these alone, on this level, where no output of the graph is written: the numbers are
// bit for bit those that an engine computes. Returns how many went.
size_t FoldDequantized(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_STRIP_PAIRS_H_
