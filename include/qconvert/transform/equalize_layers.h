// Cross-layer equalization: channels between two layers get equal weight ranges on both sides.
#ifndef QCONVERT_TRANSFORM_EQUALIZE_LAYERS_H_
#define QCONVERT_TRANSFORM_EQUALIZE_LAYERS_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

//   x -> Conv{W1, b1} -> v -> Relu -> u -> Conv{W2, b2} -> y     becomes
//   x -> Conv{W1 / s, b1 / s} -> v' -> Relu -> u' -> Conv{W2 * s, b2} -> y
//
// with one s per channel c of v:
//
//   s = sqrt(r1 * r2) / r2,   r1 = max(max|W1[c]|, |b1[c]| / 10),   r2 = max|W2[:, c]|
//
// so that both layers have the range sqrt(r1 * r2) in every channel; 1 where r1 or r2 is zero. The
// bias takes part because a channel of small weights and large bias would otherwise become the
// largest of v'. Pairs overlap (a depthwise layer is second of one and first of the next), so all
// of them are gone through until no s moves by more than 0.1 %, at most 200 times. Source: Nagel et
// al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.1.
//
// Layers: Conv, ConvTranspose, Gemm, MatMul (with an Add of a constant behind it as its bias).
// Between them: what f(s * x) = s * f(x), s > 0, holds for and keeps channels apart: Relu,
// LeakyRelu, PRelu, Clip from 0 upwards, MaxPool, AveragePool, GlobalMaxPool, GlobalAveragePool,
// Pad of spatial axes with zeros, ReduceMean and Squeeze of spatial axes, Flatten and Reshape
// to rows. Exact in real numbers. Left alone: values with several readers or that are outputs,
// weights and biases that are no constants of their own, Clip with an upper bound.
//
// Values that are scaled get new names: they are no longer those of the model that came. Needs
// value_info with shapes for Reshape, Squeeze and ReduceMean. Returns how many pairs were scaled.
size_t EqualizeLayers(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_EQUALIZE_LAYERS_H_
