#include "convert_type.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "qconvert/base/error.h"

namespace qconvert {
namespace {

// Calls `visit` with a span of the tensor's native element type (floats of 16 bits excluded).
template <typename Visitor>
void VisitElements(const Tensor& tensor, Visitor&& visit) {
  switch (tensor.type) {
    case DataType::kFloat:
      return visit(tensor.values<float>());
    case DataType::kDouble:
      return visit(tensor.values<double>());
    case DataType::kInt8:
      return visit(tensor.values<int8_t>());
    case DataType::kInt16:
      return visit(tensor.values<int16_t>());
    case DataType::kInt32:
      return visit(tensor.values<int32_t>());
    case DataType::kInt64:
      return visit(tensor.values<int64_t>());
    case DataType::kUint16:
      return visit(tensor.values<uint16_t>());
    case DataType::kUint32:
      return visit(tensor.values<uint32_t>());
    case DataType::kUint64:
      return visit(tensor.values<uint64_t>());
    // bool and uint8 are bytes both.
    default:
      return visit(tensor.values<uint8_t>());
  }
}

template <typename To>
Tensor ConvertTo(const Tensor& tensor, DataType to, const std::string& place) {
  std::vector<To> out;
  out.reserve(static_cast<size_t>(tensor.element_count()));
  VisitElements(tensor, [&](auto values) {
    for (const auto v : values) {
      using From = std::decay_t<decltype(v)>;
      if constexpr (std::is_integral_v<To> && std::is_integral_v<From>) {
        // A code that wraps is another class or token, silently.
        if (!std::in_range<To>(v)) {
          throw Error(ExitCode::kData, place,
                      fmt::format("holds {}, which does not fit type {}", v, DataTypeName(to)));
        }
      }
      // From floats to integers nothing comes here: CanConvert refuses it, pixels are rounded
      // before.
      out.push_back(static_cast<To>(v));
    }
  });
  return MakeTensor<To>(tensor.name, to, tensor.dims, out);
}

void CheckFinite(const Tensor& tensor, const std::string& place) {
  if (!IsFloatingPoint(tensor.type)) return;
  const auto count = [](const auto& values) {
    return std::count_if(values.begin(), values.end(), [](auto v) { return !std::isfinite(v); });
  };
  // Doubles as they are: large ones would be infinite as floats.
  const int64_t bad = tensor.type == DataType::kFloat    ? count(tensor.values<float>())
                      : tensor.type == DataType::kDouble ? count(tensor.values<double>())
                                                         : count(ToFloats(tensor));
  if (bad > 0) {
    throw Error(ExitCode::kNumeric, place,
                fmt::format("{} of {} values are NaN or infinite", bad, tensor.element_count()));
  }
}

}  // namespace

bool IsInteger(DataType type) {
  switch (type) {
    case DataType::kInt8:
    case DataType::kInt16:
    case DataType::kInt32:
    case DataType::kInt64:
    case DataType::kUint8:
    case DataType::kUint16:
    case DataType::kUint32:
    case DataType::kUint64:
    // Fed as 0 and 1.
    case DataType::kBool:
      return true;
    default:
      return false;
  }
}

bool CanConvert(DataType from, DataType to) {
  if (from == to) return true;
  const bool from_number = IsInteger(from) || IsFloatingPoint(from);
  // As raw files have it: a byte each.
  if (to == DataType::kBool) return from == DataType::kUint8;
  return IsFloatingPoint(to) ? from_number : IsInteger(from) && IsInteger(to);
}

Tensor ConvertSample(Tensor tensor, DataType to, const std::string& place) {
  CheckFinite(tensor, place);
  if (tensor.type == to) return tensor;
  if (tensor.type == DataType::kFloat16 || tensor.type == DataType::kBfloat16) {
    // No C++ type has 16 bits of a float: the way leads through float32, which holds all of them.
    tensor = MakeFloatTensor(tensor.name, tensor.dims, ToFloats(tensor));
    if (to == DataType::kFloat) return tensor;
  }
  switch (to) {
    case DataType::kFloat: {
      Tensor out = ConvertTo<float>(tensor, to, place);
      CheckFinite(out, place);  // a double may overflow
      return out;
    }
    case DataType::kDouble:
      return ConvertTo<double>(tensor, to, place);
    case DataType::kFloat16:
    case DataType::kBfloat16: {
      Tensor half = Narrowed(ConvertTo<float>(tensor, DataType::kFloat, place), to);
      CheckFinite(half, place);  // a float above 65504 becomes infinite
      return half;
    }
    case DataType::kInt8:
      return ConvertTo<int8_t>(tensor, to, place);
    case DataType::kInt16:
      return ConvertTo<int16_t>(tensor, to, place);
    case DataType::kInt32:
      return ConvertTo<int32_t>(tensor, to, place);
    case DataType::kInt64:
      return ConvertTo<int64_t>(tensor, to, place);
    case DataType::kUint16:
      return ConvertTo<uint16_t>(tensor, to, place);
    case DataType::kUint32:
      return ConvertTo<uint32_t>(tensor, to, place);
    case DataType::kUint64:
      return ConvertTo<uint64_t>(tensor, to, place);
    default:
      return ConvertTo<uint8_t>(tensor, to, place);
  }
}

Tensor RoundedToIntegers(const Tensor& values, const std::string& place) {
  constexpr float kEnd = 0x1p63F;  // the first that int64 does not hold; its negative it does
  CheckFinite(values, place);
  std::vector<int64_t> rounded;
  for (const float v : values.values<float>()) {
    // What does not fit would become the least of all codes, silently.
    if (!(v >= -kEnd && v < kEnd)) {
      throw Error(ExitCode::kData, place,
                  fmt::format("holds {} once scaled, which does not fit type int64", v));
    }
    rounded.push_back(std::llrint(v));
  }
  return MakeTensor<int64_t>(values.name, DataType::kInt64, values.dims, rounded);
}

}  // namespace qconvert
