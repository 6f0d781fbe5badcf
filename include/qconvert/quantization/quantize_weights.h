// Integer weights and bias of one node with weights.
#ifndef QCONVERT_QUANTIZATION_QUANTIZE_WEIGHTS_H_
#define QCONVERT_QUANTIZATION_QUANTIZE_WEIGHTS_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "qconvert/config/quant_config.h"
#include "qconvert/ir/tensor.h"
#include "qconvert/quantization/quant_params.h"

namespace qconvert {

struct QuantizedWeights {
  Tensor weight;                   // params.type, shape of the float weight
  QuantParams params;              // symmetric
  std::optional<Tensor> bias;      // int32, one per output channel
  std::vector<float> bias_scales;  // input_scale * params.scales, one, or one per channel
};

// The order in which an integer kernel multiplies one output channel's weights with its inputs:
// weight k of channel o in matrix b is element
//   b * batch_stride + o * channel_stride + (k / inner_count) * outer_stride + (k % inner_count) *
//   inner_stride.
struct WeightOrder {
  int64_t axis = -1;  // of the output channels, -1 when the weights have one scale only
  int64_t batches = 1;
  int64_t batch_stride = 0;
  int64_t channels = 1;
  int64_t channel_stride = 0;
  int64_t count = 0;  // weights per channel
  int64_t inner_count = 1;
  int64_t inner_stride = 1;
  int64_t outer_stride = 0;
  // False for depthwise convolutions, whose kernel adds in 32 bits.
  bool pairs_in_16_bits = true;
};

// weight: float, finite. bias: one number per channel, or empty.
//
//   s_w = max|W| / qmax per channel,   W_q = round(W / s_w),   b_q = round(b / (s_x * s_w)) as
//   int32
//
// Two floors keep s_w useful:
//   - A channel (nearly) without weights takes a scale of 2^-16 of the largest one's.
//   - |b_q| <= 2^30, so that neither the bias nor the accumulator overflows int32.
// And on x86 without VNNI, uint8 x int8 kernels add products in pairs of neighbours as 16-bit
// integers that saturate (vpmaddubsw): two weights of one sign must not sum to more than 128, since
// 255 * 128 < 2^15. Channels that have such pairs get the scale of least squared error between the
// plain one, with those pairs lowered, and the one where none needs to be; then no input can
// saturate. All other channels keep the plain scale. With method mse every channel also tries
// scales down to half the plain one, where its largest weights saturate, and keeps the least
// squared error. With percentile and entropy max|W| is the method's threshold over the channel.
// Source: ONNX QLinearConv-10 (the bias is an int32 with scale s_x * s_w and zero point 0).
QuantizedWeights QuantizeWeights(const Tensor& weight, const WeightOrder& order,
                                 std::span<const float> bias, float input_scale,
                                 const TensorSettings& settings, int workers = 1);

// Rounds a bias to the grid of its settings: symmetric, its own scale max|b| / qmax. Nothing
// happens to a float or 32-bit bias, whose codes above are finer.
void RoundBias(const TensorSettings& settings, std::vector<float>& bias);

}  // namespace qconvert

#endif  // QCONVERT_QUANTIZATION_QUANTIZE_WEIGHTS_H_
