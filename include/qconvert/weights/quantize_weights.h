// Integer weights and bias of one node with weights.
#ifndef QCONVERT_WEIGHTS_QUANTIZE_WEIGHTS_H_
#define QCONVERT_WEIGHTS_QUANTIZE_WEIGHTS_H_

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "qconvert/config/quant_config.h"
#include "qconvert/ir/tensor.h"
#include "qconvert/numbers/bias_grid.h"
#include "qconvert/numbers/quant_params.h"
#include "qconvert/targets/op_rules.h"

namespace qconvert {

struct FittedWeights {
  Tensor weight;  // params.type, shape of the float weight
  QuantParams params;
  NumericFormat format = {};
  int32_t pair_limit = 0;  // that the codes keep
  // Weights of a channel under one scale, of those that stand in blocks (StoredWeight::block_size);
  // 0: one per tensor or channel.
  int64_t block_size = 0;
};

// One per output channel; scales are input_scale * those of the weights, one or one each (int32),
// or one of its own.
struct QuantizedBias {
  Tensor codes;
  std::vector<float> scales;
};

struct QuantizedWeights {
  FittedWeights fitted;
  std::optional<QuantizedBias> bias;
};

struct WeightOptions {
  // The most that two neighbouring codes of one sign may sum to where the kernel adds them in 16
  // bits; 0: any.
  int32_t pair_limit = 0;
  int workers = 1;
};

// weight: float, finite. bias: one number per channel, or empty.
//
//   s_w = max|W| / qmax per channel,   W_q = round(W / s_w),   b_q = round(b / (s_x * s_w)) as
//   int32
//
// Two floors keep s_w useful:
//   - A channel (nearly) without weights takes a scale of 2^-16 of the largest one's.
//   - |b_q| <= 2^30, so that neither the bias nor the accumulator overflows int32.
// And where the kernel adds products in pairs of neighbours as 16-bit integers that saturate
// (WeightOptions::pair_limit): channels that have pairs above the limit get the scale of least
// squared error between the plain one, with those pairs lowered, and the one where none needs to
// be; then no input can saturate. All other channels keep the plain scale. With method mse every
// channel also tries scales down to half the plain one, where its largest weights saturate, and
// keeps the least squared error. With percentile and entropy max|W| is the method's threshold over
// the channel. Asymmetric weights have a zero point beside each scale (ParamsFromRange). Source:
// ONNX QLinearConv-10 (the bias is an int32 with scale s_x * s_w and zero point 0).
//
// Throws Error(kNumeric) for negative weights where the settings are symmetric and unsigned.
QuantizedWeights QuantizeWeights(const Tensor& weight, const WeightOrder& order,
                                 std::span<const float> bias, float input_scale,
                                 const TensorSettings& settings, const WeightOptions& options);

// The weights alone. `least_scale` says below what the scale of output channels [first, last) must
// not be; may be empty.
using LeastScale = std::function<double(size_t first, size_t last)>;
FittedWeights FitWeights(const Tensor& weight, const WeightOrder& order,
                         const TensorSettings& settings, const WeightOptions& options,
                         const LeastScale& least_scale = {});

// The codes that FitWeights gives these parameters, without looking for others: per tensor, or
// along order.axis. `pair_limit` of the options holds whatever the order says.
FittedWeights RoundWeights(const Tensor& weight, const WeightOrder& order, QuantParams params,
                           const NumericFormat& format, const WeightOptions& options);

// True when |b_q| <= 2^30 with these scales of the weights: then QuantizeWeights gives them too.
bool BiasFits(std::span<const float> bias, float input_scale, const std::vector<float>& scales);
QuantizedBias QuantizeBias(std::span<const float> bias, float input_scale,
                           const std::vector<float>& scales, Rounder round);

// The grid of a bias that has one scale of its own, by its settings: 2^-p with p at most
// `most_position` where scales are powers of two.
BiasGrid FindOwnGrid(const TensorSettings& settings, std::span<const float> bias,
                     std::optional<int> most_position = {});
// The codes on that grid, in the narrowest of int8, int16 and int32.
QuantizedBias QuantizeOwnBias(std::span<const float> bias, const BiasGrid& grid);

// The grid of a bias by its settings, method, symmetry and rounding; codes are counted from the
// zero point. None for a float or 32-bit bias, whose codes above are finer.
BiasGrid FindBiasGrid(const TensorSettings& settings, std::span<const float> bias);
// Nothing happens without a grid.
void RoundBias(const BiasGrid& grid, std::vector<float>& bias);

}  // namespace qconvert

#endif  // QCONVERT_WEIGHTS_QUANTIZE_WEIGHTS_H_
