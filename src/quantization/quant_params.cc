#include "qconvert/quantization/quant_params.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "qconvert/base/check.h"

namespace qconvert {

IntegerGrid GridOf(const TensorSettings& settings) {
  const int32_t bits = settings.bit_width;
  QCONVERT_CHECK(bits == 8 || bits == 16);
  const CodeRange codes = CodeRangeOf(settings);
  IntegerGrid grid;
  grid.symmetric = settings.symmetry;
  grid.qmin = static_cast<int32_t>(codes.min);
  grid.qmax = static_cast<int32_t>(codes.max);
  if (settings.symmetry && settings.is_signed) {
    grid.type = bits == 8 ? DataType::kInt8 : DataType::kInt16;
  } else {
    grid.type = bits == 8 ? DataType::kUint8 : DataType::kUint16;
  }
  return grid;
}

IntegerLimits LimitsOf(DataType type) {
  switch (type) {
    case DataType::kUint8:
      return {0, 255};
    case DataType::kInt8:
      return {-128, 127};
    case DataType::kUint16:
      return {0, 65535};
    case DataType::kInt16:
      return {-32768, 32767};
    default:
      QCONVERT_CHECK(false);
  }
}

QuantParams ParamsFromRange(Range range, const IntegerGrid& grid) {
  const double low = std::min(static_cast<double>(range.min), 0.0);
  const double high = std::max(static_cast<double>(range.max), 0.0);
  const double width = grid.symmetric ? std::max(-low, high) : high - low;
  const double steps = grid.symmetric ? grid.qmax : static_cast<double>(grid.qmax) - grid.qmin;
  float scale = static_cast<float>(width / steps);
  if (width == 0) scale = 1.0F;
  scale = std::max(scale, std::numeric_limits<float>::min());
  int32_t zero_point = 0;
  if (!grid.symmetric) {
    const double zero = grid.qmin - std::nearbyint(low / static_cast<double>(scale));
    zero_point = static_cast<int32_t>(
        std::clamp(zero, static_cast<double>(grid.qmin), static_cast<double>(grid.qmax)));
  }
  return {grid.type, -1, {scale}, {zero_point}};
}

}  // namespace qconvert
