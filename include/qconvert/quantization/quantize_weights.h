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
  Tensor weight;              // params.type, shape of the float weight
  QuantParams params;         // symmetric
  std::optional<Tensor> bias;  // int32, one per output channel
  std::vector<float> bias_scales;  // input_scale * params.scales, one, or one per channel
};

// weight: float, finite. axis: the output channels, -1 for one scale. bias: one number per channel, or empty.
//
//   s_w = max|W| / qmax per channel,   W_q = round(W / s_w),   b_q = round(b / (s_x * s_w)) as int32
//
// Two floors keep s_w useful: a channel (nearly) without weights takes a scale of 2^-16 of the largest one's, and s_w is
// raised until |b_q| <= 2^30, so that neither the bias nor the accumulator overflows int32.
// Source: ONNX QLinearConv-10 (the bias is an int32 with scale s_x * s_w and zero point 0).
QuantizedWeights QuantizeWeights(const Tensor& weight, int64_t axis, std::span<const float> bias, float input_scale,
                                 const TensorSettings& settings);

}  // namespace qconvert

#endif  // QCONVERT_QUANTIZATION_QUANTIZE_WEIGHTS_H_
