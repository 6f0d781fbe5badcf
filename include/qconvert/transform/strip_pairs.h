// A model that came quantized, in float again.
#ifndef QCONVERT_TRANSFORM_STRIP_PAIRS_H_
#define QCONVERT_TRANSFORM_STRIP_PAIRS_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

//   x -> QuantizeLinear -> DequantizeLinear -> y -> Conv                becomes     x -> Conv
//   init codes -> DequantizeLinear -> w -> Conv                         becomes     init w -> Conv
//   Conv -> QuantizeLinear(zero point 0 of uint8) -> DequantizeLinear   becomes     Conv -> Relu
//
// on every level: the numbers of weights stay those of their codes; those of activations are no
// longer rounded, nor cut off, except below zero where no code is negative: a Relu in front of such
// a pair is left out when a model is quantized. Parameters have to be constants of the same level,
// scales float32, codes of 8, 16 or 32 bits, one scale or one per index of an axis. A pair with
// movement on the codes between its ends stays, and so does what reads codes itself. Returns how
// many DequantizeLinear went. Needs sorted nodes and initializers for constants (Normalize).
size_t StripPairs(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_STRIP_PAIRS_H_
