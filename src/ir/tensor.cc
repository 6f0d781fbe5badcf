#include "qconvert/ir/tensor.h"

#include <bit>
#include <cmath>
#include <utility>

#include "qconvert/base/checked.h"

namespace qconvert {

int64_t Tensor::element_count() const {
  const std::optional<int64_t> count = ElementCount(dims);
  QCONVERT_CHECK(count.has_value());
  return *count;
}

bool HaveSameElements(const Tensor& a, const Tensor& b) {
  if (a.type != b.type || a.dims != b.dims || a.strings != b.strings) return false;
  // Shared bytes are equal without a look at them.
  return a.bytes == b.bytes || (a.bytes != nullptr && b.bytes != nullptr && *a.bytes == *b.bytes);
}

Tensor MakeFloatTensor(std::string name, std::vector<int64_t> dims, std::span<const float> values) {
  return MakeTensor<float>(std::move(name), DataType::kFloat, std::move(dims), values);
}

Tensor MakeInt64Tensor(std::string name, std::vector<int64_t> dims,
                       std::span<const int64_t> values) {
  return MakeTensor<int64_t>(std::move(name), DataType::kInt64, std::move(dims), values);
}

Tensor MakeInt64List(std::span<const int64_t> values) {
  return MakeInt64Tensor("", {std::ssize(values)}, values);
}

Tensor FillFloatTensor(std::string name, std::vector<int64_t> dims,
                       const std::function<void(std::span<float>)>& fill) {
  Tensor tensor;
  tensor.name = std::move(name);
  tensor.type = DataType::kFloat;
  tensor.dims = std::move(dims);
  const auto count = static_cast<size_t>(tensor.element_count());
  const auto bytes = std::make_shared<std::string>(count * sizeof(float), '\0');
  fill({reinterpret_cast<float*>(bytes->data()), count});
  tensor.bytes = bytes;
  return tensor;
}

float HalfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000U) << 16;
  const uint32_t exponent = (half >> 10) & 0x1FU;
  const uint32_t mantissa = half & 0x3FFU;
  // Infinity and NaN, whose payload moves along.
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000U | (mantissa << 13));
  // Subnormal: multiples of 2^-24, which a float holds exactly.
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  // 112: the bias of a float less that of a half, 127 - 15.
  return std::bit_cast<float>(sign | ((exponent + 112U) << 23) | (mantissa << 13));
}

uint16_t FloatToHalf(float value) {
  const float magnitude = std::fabs(value);
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isnan(value)) return static_cast<uint16_t>(sign | 0x7E00);
  // Half way between the largest half, 65504, and the next power: from there on it rounds up.
  if (magnitude >= 65520.0F) return static_cast<uint16_t>(sign | 0x7C00);
  // Subnormal: multiples of 2^-24; 1024 of them carry into the smallest normal by themselves.
  if (magnitude < 0x1p-14F)
    return static_cast<uint16_t>(sign | static_cast<int>(std::nearbyint(magnitude * 0x1p24F)));
  int exponent = 0;
  const float fraction = std::frexp(magnitude, &exponent);  // in [0.5, 1)
  // 11 bits, of which the leading one is not stored.
  int mantissa = static_cast<int>(std::nearbyint(fraction * 2048.0F)) - 1024;
  int biased = exponent + 14;
  // Rounded up to the next power of two.
  if (mantissa == 1024) {
    mantissa = 0;
    ++biased;
  }
  return static_cast<uint16_t>(sign | (biased << 10) | mantissa);
}

uint16_t FloatToBfloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  // A NaN whose payload lies in the lower bits alone would become infinite.
  if (std::isnan(value)) return static_cast<uint16_t>((bits >> 16) | 0x40U);  // quiet
  // The last bit that stays decides about halves; a carry may run on into the exponent.
  return static_cast<uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

Tensor Narrowed(const Tensor& tensor, DataType type) {
  const bool half = type == DataType::kFloat16;
  QCONVERT_CHECK(half || type == DataType::kBfloat16);
  std::vector<uint16_t> out;
  out.reserve(static_cast<size_t>(tensor.element_count()));
  for (const float v : tensor.values<float>())
    out.push_back(half ? FloatToHalf(v) : FloatToBfloat16(v));
  return MakeTensor<uint16_t>(tensor.name, type, tensor.dims, out);
}

bool IsFloatingPoint(DataType type) {
  return type == DataType::kFloat || type == DataType::kFloat16 || type == DataType::kBfloat16 ||
         type == DataType::kDouble;
}

std::vector<float> ToFloats(const Tensor& tensor) {
  std::vector<float> out;
  out.reserve(static_cast<size_t>(tensor.element_count()));
  switch (tensor.type) {
    case DataType::kFloat: {
      const auto values = tensor.values<float>();
      out.assign(values.begin(), values.end());
      break;
    }
    case DataType::kDouble:
      for (const double v : tensor.values<double>()) out.push_back(static_cast<float>(v));
      break;
    case DataType::kFloat16:
      for (const uint16_t v : tensor.values<uint16_t>()) out.push_back(HalfToFloat(v));
      break;
    case DataType::kBfloat16:
      for (const uint16_t v : tensor.values<uint16_t>()) {
        out.push_back(std::bit_cast<float>(static_cast<uint32_t>(v) << 16));
      }
      break;
    default:
      QCONVERT_CHECK(false);
  }
  return out;
}

std::vector<int64_t> ToInt64s(const Tensor& tensor) {
  std::vector<int64_t> out;
  if (tensor.type == DataType::kInt64) {
    const auto values = tensor.values<int64_t>();
    out.assign(values.begin(), values.end());
    return out;
  }
  for (const int32_t v : tensor.values<int32_t>()) out.push_back(v);
  return out;
}

}  // namespace qconvert
