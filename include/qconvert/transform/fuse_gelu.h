// GELU in the words that the engine computes fastest.
#ifndef QCONVERT_TRANSFORM_FUSE_GELU_H_
#define QCONVERT_TRANSFORM_FUSE_GELU_H_

#include <cstddef>
#include <cstdint>

#include "qconvert/ir/graph.h"

namespace qconvert {

// x / 2 * (1 + Erf(x / sqrt(2)))      becomes, from opset 20 on,     Gelu(x)
// x / 2 * (1 + Tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))              Gelu{approximate = tanh}(x)
//
// and before it
//   Mul(Mul(x, Add(Erf(Div(x, sqrt(2))), 1)), 0.5)
//   Mul(Mul(0.5, x), Add(1, Tanh(Mul(Add(x, Mul(Pow(x, 3), 0.044715)), sqrt(2 / pi)))))
//
// Factors may come in any order, as Mul or Div, with any of x, the gate and their product; the
// argument may be any sum and product that gives the polynomial, and Pow. Left alone: other
// numbers, steps that anything else reads.
//
// ONNX Runtime 1.28 makes its Gelu and FastGelu of few spellings before opset 20, these among them,
// and only where all readings of x are of one value: behind a DequantizeLinear, which it copies for
// each reader, a Sum of one input holds them together. Measured on 1 x 128 x 1536: other spellings
// of the first 259 us, this one 131, behind a DequantizeLinear (with its and the QuantizeLinear's
// time) 365 and 243; the second 336 and 163 (with a Relu and a Neg around). For a model that is not
// going to be quantized any more. `opset` is that of ai.onnx. Formula: ONNX Gelu-20. Returns how
// many were written anew. Needs sorted nodes.
size_t FuseGelu(Graph& graph, int64_t opset);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_FUSE_GELU_H_
