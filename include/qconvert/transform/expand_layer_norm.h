// LayerNormalization in the steps that the engine computes faster than the operator.
#ifndef QCONVERT_TRANSFORM_EXPAND_LAYER_NORM_H_
#define QCONVERT_TRANSFORM_EXPAND_LAYER_NORM_H_

#include <cstddef>
#include <cstdint>

#include "qconvert/ir/graph.h"

namespace qconvert {

// y = LayerNormalization{-1, epsilon}(x, w, b)     becomes
//   d = Sub(x, ReduceMean{-1}(x))
//   r = Reciprocal(Sqrt(Add(ReduceMean{-1}(Mul(d, d)), epsilon)))
//   y = Add(Mul(Mul(d, r), w), b)
//
// d = Sub(x, ReduceMean{-1}(x)), Div(d, Sqrt(Add(ReduceMean{-1}(Pow(d, 2)), epsilon)))
// becomes the same steps, which the engine does not make the operator of.
//
// ONNX Runtime 1.28's kernel goes through a row one element after the other: 253 us on 1 x 128 x
// 384, the steps 57 us; 773 and 145 us on 1 x 197 x 768; 14 and 15 us on 32 x 64, 1.6 and 6.1 on 6
// x 16. Left alone: one of fewer than 2048 elements or with a free dimension, which may be one
// token, one that alone reads a sum of two activations (SkipLayerNormalization is as fast as the
// steps), and one behind a Transpose, which the engine moves into the steps (716 us become 999
// behind a convolution of 96 channels of 32 x 32). `opset` is that of ai.onnx. For a model that is
// not going to be quantized any more: integers could come between the steps. Formula: ONNX
// LayerNormalization-17. Returns how many were expanded. Needs sorted nodes, types in value_info
// where they are known.
size_t ExpandLayerNorm(Graph& graph, int64_t opset);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_EXPAND_LAYER_NORM_H_
