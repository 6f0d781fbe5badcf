#include "qconvert/report/comparison.h"

#include <algorithm>
#include <cmath>

namespace qconvert {
namespace {

constexpr double kEqualSqnr = 200;

template <typename T>
std::vector<double> Widen(const Tensor& tensor) {
  const auto values = tensor.values<T>();
  return {values.begin(), values.end()};
}

// Elements as numbers; empty for types that are none.
std::vector<double> Numbers(const Tensor& tensor) {
  switch (tensor.type) {
    case DataType::kFloat:
      return Widen<float>(tensor);
    case DataType::kDouble:
      return Widen<double>(tensor);
    case DataType::kFloat16:
    case DataType::kBfloat16: {
      const std::vector<float> values = ToFloats(tensor);
      return {values.begin(), values.end()};
    }
    case DataType::kInt8:
      return Widen<int8_t>(tensor);
    case DataType::kUint8:
    case DataType::kBool:
      return Widen<uint8_t>(tensor);
    case DataType::kInt16:
      return Widen<int16_t>(tensor);
    case DataType::kUint16:
      return Widen<uint16_t>(tensor);
    case DataType::kInt32:
      return Widen<int32_t>(tensor);
    case DataType::kUint32:
      return Widen<uint32_t>(tensor);
    case DataType::kInt64:
      return Widen<int64_t>(tensor);
    default:
      return {};
  }
}

}  // namespace

double OutputComparison::cosine() const {
  if (float_power == 0 && quantized_power == 0) return 1;
  if (float_power == 0 || quantized_power == 0) return 0;
  return std::clamp(dot / std::sqrt(float_power) / std::sqrt(quantized_power), -1.0, 1.0);
}

double OutputComparison::sqnr_db() const {
  if (error_power == 0) return kEqualSqnr;
  if (float_power == 0) return -kEqualSqnr;
  return std::clamp(10 * std::log10(float_power / error_power), -kEqualSqnr, kEqualSqnr);
}

void AddToComparison(const Tensor& expected, const Tensor& actual, OutputComparison& comparison) {
  comparison.name = expected.name;
  comparison.type = expected.type;
  if (expected.dims != actual.dims) {
    ++comparison.mismatched_shapes;
    return;
  }
  const std::vector<double> x = Numbers(expected);
  const std::vector<double> y = Numbers(actual);
  for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    if (!std::isfinite(x[i])) continue;
    if (!std::isfinite(y[i])) {
      ++comparison.non_finite;
      continue;
    }
    ++comparison.count;
    comparison.dot += x[i] * y[i];
    comparison.float_power += x[i] * x[i];
    comparison.quantized_power += y[i] * y[i];
    comparison.error_power += (x[i] - y[i]) * (x[i] - y[i]);
    comparison.max_error = std::max(comparison.max_error, std::fabs(x[i] - y[i]));
  }
}

}  // namespace qconvert
