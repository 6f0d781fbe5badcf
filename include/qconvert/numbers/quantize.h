// Quantize and dequantize on spans: no graph, no file.
#ifndef QCONVERT_NUMBERS_QUANTIZE_H_
#define QCONVERT_NUMBERS_QUANTIZE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "qconvert/ir/tensor.h"
#include "qconvert/numbers/quant_params.h"

namespace qconvert {

// saturate(round(x / scale) + zero_point) with a float32 division, saturated to the format's codes:
// with half_even bit-equal to ONNX QuantizeLinear-21 in ONNX Runtime for uint8, int8, uint16,
// int16. Infinities saturate; NaN gives qmin.
int32_t QuantizeValue(float x, float scale, int32_t zero_point, const NumericFormat& format);

// QuantizeValue of each value by the scale at its place, scales[k * step]: with a step of 0 all
// have one. Code: an integer type of 8 or 16 bits that holds the format's codes, or int32_t.
template <typename Code>
void QuantizeRow(std::span<const float> values, const float* scales, size_t step,
                 int32_t zero_point, const NumericFormat& format, Code* codes);

// (q - zero_point) * scale in float32, ONNX DequantizeLinear-21.
inline float DequantizeValue(int32_t q, float scale, int32_t zero_point) {
  return static_cast<float>(q - zero_point) * scale;
}

// Quantizes a tensor of shape `dims`, per tensor or along params.axis, and packs it as raw_data of
// params.type.
std::string QuantizeToBytes(std::span<const float> values, std::span<const int64_t> dims,
                            const QuantParams& params, const NumericFormat& format);

// Codes of int8, uint8, int16 or uint16, in the order of the tensor, and what they stand for.
std::vector<int32_t> CodesOf(const Tensor& codes);
std::vector<float> DequantizeTensor(const Tensor& codes, const QuantParams& params);
// The same into a buffer with a place per element: weights may take half of the memory there is.
void DequantizeTensor(const Tensor& codes, const QuantParams& params, std::span<float> values);

}  // namespace qconvert

#endif  // QCONVERT_NUMBERS_QUANTIZE_H_
