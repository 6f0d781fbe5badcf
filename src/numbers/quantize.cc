#include "qconvert/numbers/quantize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace qconvert {

int32_t QuantizeValue(float x, float scale, int32_t zero_point, const NumericFormat& format) {
  // Clamping the quotient to whole numbers before rounding gives the same result as after, and
  // keeps the conversion to an integer in range for infinities too.
  const float low = static_cast<float>(format.qmin - zero_point);
  const float high = static_cast<float>(format.qmax - zero_point);
  const float quotient = x / scale;
  if (!(quotient > low)) return format.qmin;  // NaN as well
  return zero_point + static_cast<int32_t>(format.round(std::min(quotient, high)));
}

std::string QuantizeToBytes(std::span<const float> values, std::span<const int64_t> dims,
                            const QuantParams& params, const NumericFormat& format) {
  size_t inner = 1;
  if (!params.per_tensor()) {
    for (size_t d = static_cast<size_t>(params.axis) + 1; d < dims.size(); ++d)
      inner *= static_cast<size_t>(dims[d]);
  }
  const size_t channels = params.scales.size();
  std::vector<int32_t> codes(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t c = channels == 1 ? 0 : i / inner % channels;
    codes[i] = QuantizeValue(values[i], params.scales[c], params.zero_points[c], format);
  }
  return PackCodes(codes, params.type);
}

}  // namespace qconvert
