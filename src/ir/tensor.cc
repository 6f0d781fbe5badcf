#include "qconvert/ir/tensor.h"

#include <bit>
#include <utility>

#include "qconvert/base/checked.h"

namespace qconvert {

int64_t Tensor::element_count() const {
  const std::optional<int64_t> count = ElementCount(dims);
  QCONVERT_CHECK(count.has_value());
  return *count;
}

Tensor MakeFloatTensor(std::string name, std::vector<int64_t> dims, std::span<const float> values) {
  return MakeTensor<float>(std::move(name), DataType::kFloat, std::move(dims), values);
}

Tensor MakeInt64Tensor(std::string name, std::vector<int64_t> dims,
                       std::span<const int64_t> values) {
  return MakeTensor<int64_t>(std::move(name), DataType::kInt64, std::move(dims), values);
}

float HalfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000U) << 16;
  const uint32_t exponent = (half >> 10) & 0x1FU;
  const uint32_t mantissa = half & 0x3FFU;
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000U | (mantissa << 13));
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | ((exponent + 112U) << 23) | (mantissa << 13));
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
