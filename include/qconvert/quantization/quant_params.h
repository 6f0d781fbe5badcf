// Scales and zero points: what was decided for one tensor.
#ifndef QCONVERT_QUANTIZATION_QUANT_PARAMS_H_
#define QCONVERT_QUANTIZATION_QUANT_PARAMS_H_

#include <cstdint>
#include <vector>

#include "qconvert/calibration/range.h"
#include "qconvert/config/quant_config.h"
#include "qconvert/ir/data_type.h"

namespace qconvert {

// The integer grid values are mapped to.
struct IntegerGrid {
  DataType type = DataType::kUint8;
  int32_t qmin = 0;
  int32_t qmax = 255;
  bool symmetric = false;  // zero point fixed at 0

  bool operator==(const IntegerGrid&) const = default;
};

// The grid of settings, Vitis AI quantizer: symmetric signed [-2^(b-1), 2^(b-1)-1] (one less with
// narrow_range), symmetric unsigned and asymmetric [0, 2^b-1]. bit_width 8 or 16.
IntegerGrid GridOf(const TensorSettings& settings);

// real = (integer - zero_point) * scale. One scale and zero point per tensor, or one of each per
// slice along `axis`.
struct QuantParams {
  DataType type = DataType::kUint8;
  int64_t axis = -1;          // -1: per tensor
  std::vector<float> scales;  // finite, normal, > 0
  std::vector<int32_t> zero_points;

  bool per_tensor() const { return axis < 0; }
  bool operator==(const QuantParams&) const = default;
};

// Parameters of one range (which contains 0):
//   symmetric    scale = max(|min|, |max|) / qmax,        zero point 0
//   asymmetric   scale = (max - min) / (qmax - qmin),     zero point = qmin - round_half_even(min /
//   scale), saturated
// computed in double, scale rounded to float32. Zero is always representable. Degenerate ranges:
// [0, 0] has scale 1; a range so small that the scale would be subnormal has the smallest normal
// scale, 2^-126. A constant c has the range [0, c] and is representable. Source: Vitis AI maxmin
// (Vitis AI quantizer); the same as ONNX DynamicQuantizeLinear for uint8.
QuantParams ParamsFromRange(Range range, const IntegerGrid& grid);

// Quantized min/max of a type: 0..255 for uint8 and so on.
struct IntegerLimits {
  int32_t min = 0;
  int32_t max = 0;
};
IntegerLimits LimitsOf(DataType type);

}  // namespace qconvert

#endif  // QCONVERT_QUANTIZATION_QUANT_PARAMS_H_
