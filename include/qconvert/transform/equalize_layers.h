// Cross-layer equalization: channels between two layers get equal weight ranges on both sides.
#ifndef QCONVERT_TRANSFORM_EQUALIZE_LAYERS_H_
#define QCONVERT_TRANSFORM_EQUALIZE_LAYERS_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

struct EqualizeOptions {
  // Goes through Clip(0, b) with a finite b, whose bound then differs by channel. Else these are
  // left alone.
  bool bounds_by_channel = false;
  // As the Vitis AI quantizer does it.
  bool single_pass = false;

  bool operator==(const EqualizeOptions&) const = default;
};

//   x -> Conv{W1, b1} -> v -> Relu -> u -> Conv{W2, b2} -> y     becomes
//   x -> Conv{W1 / s, b1 / s} -> v' -> Relu -> u' -> Conv{W2 * s, b2} -> y
//
// with one s per channel c of v:
//
//   s = sqrt(r1 * r2) / r2,   r1 = max(max|W1[c]|, |b1[c]| / 10),   r2 = max|W2[:, c]|
//
// so that both layers have the range sqrt(r1 * r2) in every channel; 1 where r1 or r2 is zero. The
// bias takes part because a channel of small weights and large bias would otherwise become the
// largest of v'. Where several layers read u, all are scaled, and r2 is the largest of theirs.
// Groups overlap (a depthwise layer reads one and is first of the next), so all of them are gone
// through until no s moves by more than 0.1 %, at most 200 times. Source: Nagel et al. 2019,
// "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.1.
//
// Layers: Conv, ConvTranspose, Gemm, MatMul (with an Add of a constant behind it as its bias).
// Between them: what f(s * x) = s * f(x), s > 0, holds for and keeps channels apart: Relu,
// LeakyRelu, PRelu, Clip from 0 upwards, MaxPool, AveragePool, GlobalMaxPool, GlobalAveragePool,
// Pad of spatial axes with zeros, ReduceMean and Squeeze of spatial axes, Flatten and Reshape
// to rows; and, with bounds_by_channel,
//
//   u = Clip(v, 0, b)     which becomes     u' = Min(Relu(v'), b / s)
//
// Exact in real numbers. Left alone: values that anything else reads or that are outputs, weights
// and biases that are no constants of their own.
//
// A LayerNormalization, RMSNormalization or InstanceNormalization is a first layer too, with
//
//   r1 = max(3 |scale[c]|, |bias[c]|)
//
// since what it scales has variance 1: a channel that is far larger than others for every sample
// goes from values, which have one scale, into the weights of the MatMuls behind. Source: Xiao et
// al. 2023, "SmoothQuant", equation 4 with alpha = 0.5 and these ranges in place of observed ones.
//
// With single_pass: pairs of Conv and ConvTranspose on images or volumes through Relu and pooling,
// each once in the order of the graph, biases by VendorShrink, channels with r1 + r2 < 0.5 left
// alone. Source: vai_q_pytorch 3.5.
//
// Values that are scaled get new names: they are no longer those of the model that came. Needs
// value_info with shapes for Reshape, Squeeze and ReduceMean. Returns how many layers were scaled
// together with their readers.
size_t EqualizeLayers(Graph& graph, const EqualizeOptions& options = {});

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_EQUALIZE_LAYERS_H_
