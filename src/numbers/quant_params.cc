#include "qconvert/numbers/quant_params.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qconvert {

QuantParams ParamsFromRange(Range range, const NumericFormat& format) {
  const double low = std::min(static_cast<double>(range.min), 0.0);
  const double high = std::max(static_cast<double>(range.max), 0.0);
  const double width = format.symmetric ? std::max(-low, high) : high - low;
  const double steps = format.symmetric ? static_cast<double>(format.qmax) - format.zero
                                        : static_cast<double>(format.qmax) - format.qmin;
  float scale = static_cast<float>(width / steps);
  if (width == 0) scale = 1.0F;
  // A subnormal scale may be taken for zero by an engine: division by it would be infinite.
  scale = std::max(scale, std::numeric_limits<float>::min());
  int32_t zero_point = format.zero;
  if (!format.symmetric) {
    // By the scale as it is stored: the zero point fits the numbers that are computed with.
    const double zero = format.qmin - format.round(low / static_cast<double>(scale));
    zero_point = static_cast<int32_t>(
        std::clamp(zero, static_cast<double>(format.qmin), static_cast<double>(format.qmax)));
  }
  return {format.type, -1, {scale}, {zero_point}};
}

}  // namespace qconvert
