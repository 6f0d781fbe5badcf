// Scales and zero points: what was decided for one tensor.
#ifndef QCONVERT_NUMBERS_QUANT_PARAMS_H_
#define QCONVERT_NUMBERS_QUANT_PARAMS_H_

#include <cstdint>
#include <vector>

#include "qconvert/ir/data_type.h"
#include "qconvert/numbers/numeric_format.h"
#include "qconvert/numbers/range.h"

namespace qconvert {

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
//   symmetric    scale = max(|min|, |max|) / (qmax - zero),  zero point fixed
//   asymmetric   scale = (max - min) / (qmax - qmin),     zero point = qmin - round(min / scale),
//   saturated, rounded as the format says
// computed in double, scale rounded to float32. Zero is always representable. Degenerate ranges:
// [0, 0] has scale 1; a range so small that the scale would be subnormal has the smallest normal
// scale, 2^-126. A constant c has the range [0, c] and is representable. Source: Vitis AI maxmin
// (Vitis AI quantizer); the same as ONNX DynamicQuantizeLinear for uint8.
QuantParams ParamsFromRange(Range range, const NumericFormat& format);

}  // namespace qconvert

#endif  // QCONVERT_NUMBERS_QUANT_PARAMS_H_
