// What is changed about nodes whose weights are codes, their weights, biases and the ranges of what
// they read, to make up for what rounding does.
#ifndef QCONVERT_WEIGHTS_LAYER_CORRECTIONS_H_
#define QCONVERT_WEIGHTS_LAYER_CORRECTIONS_H_

#include <cstddef>
#include <map>
#include <span>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/tensor.h"
#include "qconvert/plan/plan.h"
#include "qconvert/targets/fusions.h"
#include "qconvert/weights/layer_activation.h"
#include "qconvert/weights/quantize_weights.h"

namespace qconvert {

// Scales of a layer's weights in place of those that its settings give.
struct FittedScales {
  QuantParams instead_of;  // what they were found beside; where a plan has others they do not count
  std::vector<float> scales;  // as many
};

// By node with weights. Of nodes that are float in a plan scales and weights alone are looked at,
// those that they read stored.
struct LayerCorrections {
  // Added to the float bias, one number per output channel, before it is rounded. A Conv or Gemm
  // without a bias gets one, a MatMul an Add behind it.
  std::map<size_t, std::vector<float>> bias;
  std::map<size_t, FittedScales> scales;
  // In place of the nearest codes, with the scales that `scales` leaves them.
  std::map<size_t, FittedWeights> weights;
  LearnedRanges ranges;

  bool empty() const { return bias.empty() && scales.empty() && weights.empty() && ranges.empty(); }
};

// Adds to every number of the bias; an empty one is 0.
void AddShift(std::span<const float> shift, std::vector<float>& bias);

// Whether an integer node has a bias that can be moved, or its kernel takes one: not a MatMul of
// stacked matrices.
bool CanMoveBias(const Graph& graph, const Node& node, const FusedUnit& unit);

// Means over all positions, by channel: of axis 1, or of the last one. Needs 2 dimensions or more.
enum class ChannelAxis { kSecond, kLast };
std::vector<double> ChannelMeans(const Tensor& values, ChannelAxis axis);
// Adds one number per channel.
Tensor AddToChannels(const Tensor& values, ChannelAxis axis, std::span<const float> shift);

// The correction of a bias from what the float and the quantized model's mean outputs of a layer
// differ by, [sample][channel]:
//
//   shift[c] = m * max(0, 1 - v / m^2),   m = mean over samples of d[s][c],   v = variance of d / n
//
// v is the variance of the mean m itself: a mean that could as well be chance is left out, since
// it would add an error where there is none. One sample: m. Sources: Nagel et al. 2019,
// "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.2 (the mean);
// James and Stein 1961 (the factor, its positive part).
std::vector<float> BiasShift(const std::vector<std::vector<double>>& differences);

// The same without samples, from what channels of the layer's input hold on average:
//
//   shift[o] = sum over k of (W[o][k] - s W_q[o][k]) E[x[k]]
//
// of Conv (padding is taken for more of the same), Gemm without transA, MatMul with one matrix;
// empty for other nodes, and where `means` are not as many as its input channels. Source: Nagel et
// al. 2019, section 4.2.1.
std::vector<float> ExpectedBiasShift(const Node& node, const Tensor& weight,
                                     const ConstantCodes& codes, std::span<const double> means);

// Takes each shift only so far that the channel's mean behind a clip is that of the float model:
//
//   shift[c] *= t,   the largest t of [0, 1] with mean f(y + t shift[c]) not beyond mean f(x)
//
// x, y: what the float and the quantized model write, a tensor per sample. With the mean before the
// clip alone a channel that varies less than it should, as few bits make it, could vanish below a
// rectifier. To 1/256 of the way; HardSwish, which is no clip, leaves the shift as it is.
void LimitShift(std::span<const Tensor> expected, std::span<const Tensor> actual, ChannelAxis axis,
                const LayerActivation& activation, std::vector<float>& shift);

}  // namespace qconvert

#endif  // QCONVERT_WEIGHTS_LAYER_CORRECTIONS_H_
