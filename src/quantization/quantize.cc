#include "qconvert/quantization/quantize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "qconvert/base/check.h"

namespace qconvert {
namespace {

template <typename T>
std::string Pack(std::span<const float> values, std::span<const int64_t> dims,
                 const QuantParams& params, int32_t qmin, int32_t qmax) {
  size_t inner = 1;
  if (!params.per_tensor()) {
    for (size_t d = static_cast<size_t>(params.axis) + 1; d < dims.size(); ++d)
      inner *= static_cast<size_t>(dims[d]);
  }
  const size_t channels = params.scales.size();
  std::string bytes(values.size() * sizeof(T), '\0');
  T* out = reinterpret_cast<T*>(bytes.data());
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t c = channels == 1 ? 0 : i / inner % channels;
    out[i] = static_cast<T>(
        QuantizeValue(values[i], params.scales[c], params.zero_points[c], qmin, qmax));
  }
  return bytes;
}

}  // namespace

int32_t QuantizeValue(float x, float scale, int32_t zero_point, int32_t qmin, int32_t qmax) {
  // Clamping the quotient to whole numbers before rounding gives the same result as after, and
  // keeps the conversion to an integer in range for infinities too.
  const float low = static_cast<float>(qmin - zero_point);
  const float high = static_cast<float>(qmax - zero_point);
  const float quotient = x / scale;
  if (!(quotient > low)) return qmin;  // NaN as well
  return zero_point + static_cast<int32_t>(std::nearbyint(std::min(quotient, high)));
}

std::string QuantizeToBytes(std::span<const float> values, std::span<const int64_t> dims,
                            const QuantParams& params, int32_t qmin, int32_t qmax) {
  switch (params.type) {
    case DataType::kUint8:
      return Pack<uint8_t>(values, dims, params, qmin, qmax);
    case DataType::kInt8:
      return Pack<int8_t>(values, dims, params, qmin, qmax);
    case DataType::kUint16:
      return Pack<uint16_t>(values, dims, params, qmin, qmax);
    case DataType::kInt16:
      return Pack<int16_t>(values, dims, params, qmin, qmax);
    default:
      QCONVERT_CHECK(false);
  }
}

}  // namespace qconvert
