// High-bias absorption: what channels never go below, moved from values into the biases behind
// them.
#ifndef QCONVERT_TRANSFORM_ABSORB_BIASES_H_
#define QCONVERT_TRANSFORM_ABSORB_BIASES_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// By value in front of a Relu: c of each channel, what it is lowered by; finite, at least 0.
using AbsorbedBiases = std::map<std::string, std::vector<float>>;

// A value whose channels can be lowered.
struct AbsorbableValue {
  size_t channels = 0;
  bool in_rows = false;   // channels are its last axis, not axis 1
  std::string rectified;  // what the Relu writes

  bool operator==(const AbsorbableValue&) const = default;
};

// The values v of AbsorbBiases, by name. Needs value_info with shapes for Reshape, Squeeze and
// ReduceMean.
std::map<std::string, AbsorbableValue> FindAbsorbableValues(const Graph& graph);

//   x -> Conv{W1, b1} -> v -> Relu -> u -> Conv{W2, b2} -> y     becomes
//   x -> Conv{W1, b1 - c} -> v' -> Relu -> u' -> Conv{W2, b2'} -> y
//
//   v' = v - c,   u' = u - c,   b2'[o] = b2[o] + sum over i, k of W2[o, i, k] c[i]
//
// In real numbers exact as long as v >= c, since Relu(v - c) = Relu(v) - c there; an element below
// is off by at most c. With a c that v never goes below, the range of u gets narrower where its
// largest channels have one, and the weights stay. Source: Nagel et al. 2019, "Data-Free
// Quantization Through Weight Equalization and Bias Correction", section 4.1.3, which takes mean -
// 3 deviations of each channel for c.
//
// Layers in front: Conv, ConvTranspose, Gemm (alpha = beta = 1), MatMul with an Add of a constant
// behind it; behind: the same without ConvTranspose, whose outputs read unequal parts of a kernel,
// and Conv only without padding, which is 0 and not -c at the border. All layers that read u take
// part; a Conv or Gemm without a bias gets one. Between Relu and the layers behind: Relu, MaxPool,
// AveragePool (not over padding), GlobalMaxPool, GlobalAveragePool, ReduceMean and Squeeze of
// spatial axes, Flatten and Reshape to rows. Left alone: what anything else reads, outputs of the
// graph, Clip with an upper bound, weights and biases that are no constants of their own.
//
// v, u and what is between have new names then: they are no longer values of the model that came.
// Throws Error(kConfig) naming `place` where a value is none of FindAbsorbableValues, has another
// number of channels, or a c is negative or not finite. Returns how many values were lowered.
size_t AbsorbBiases(Graph& graph, const AbsorbedBiases& absorbed, const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_ABSORB_BIASES_H_
