#include "qconvert/numbers/numeric_format.h"

#include <cstddef>

#include "qconvert/base/check.h"

namespace qconvert {
namespace {

template <typename T>
std::string Pack(std::span<const int32_t> codes) {
  std::string bytes(codes.size() * sizeof(T), '\0');
  T* out = reinterpret_cast<T*>(bytes.data());
  for (size_t i = 0; i < codes.size(); ++i) out[i] = static_cast<T>(codes[i]);
  return bytes;
}

std::string PackBits(std::span<const int32_t> codes, int bits) {
  const size_t per_byte = 8 / static_cast<size_t>(bits);
  const uint32_t mask = (1U << static_cast<unsigned>(bits)) - 1;
  std::string bytes((codes.size() + per_byte - 1) / per_byte, '\0');
  for (size_t i = 0; i < codes.size(); ++i) {
    const size_t shift = i % per_byte * static_cast<size_t>(bits);
    // Two's complement, cut to its bits: a sign must not reach the neighbours.
    const uint32_t code = (static_cast<uint32_t>(codes[i]) & mask) << shift;
    bytes[i / per_byte] = static_cast<char>(static_cast<uint8_t>(bytes[i / per_byte]) | code);
  }
  return bytes;
}

constexpr int64_t kOpsetOfFourBits = 21;
constexpr int64_t kOpsetOfTwoBits = 25;

}  // namespace

NumericFormat IntegerFormat(int bits, bool is_signed, bool symmetric, bool narrow) {
  QCONVERT_CHECK(bits >= 2 && bits <= 16);
  NumericFormat format;
  format.symmetric = symmetric;
  if (is_signed) {
    format.type = bits <= 8 ? DataType::kInt8 : DataType::kInt16;
    format.qmax = (int32_t{1} << (bits - 1)) - 1;
    format.qmin = narrow ? -format.qmax : -format.qmax - 1;
  } else {
    format.type = bits <= 8 ? DataType::kUint8 : DataType::kUint16;
    format.qmin = 0;
    format.qmax = (int32_t{1} << bits) - 1;
  }
  return format;
}

NumericFormat FullFormat(DataType type) {
  QCONVERT_CHECK(IsQuantizedType(type));
  const bool is_signed = type == DataType::kInt8 || type == DataType::kInt16;
  return IntegerFormat(BitsOf(type), is_signed, /*symmetric=*/false);
}

NumericFormat Unsigned(const NumericFormat& format) {
  QCONVERT_CHECK(format.type == DataType::kInt8 || format.type == DataType::kInt16);
  // `symmetric`, `round` and the rest stay: the same numbers under other codes.
  NumericFormat out = format;
  const bool narrow = format.type == DataType::kInt8;
  out.type = narrow ? DataType::kUint8 : DataType::kUint16;
  const int32_t shift = narrow ? 128 : 32768;
  out.qmin += shift;
  out.qmax += shift;
  out.zero += shift;
  return out;
}

DataType NarrowestType(const NumericFormat& format, int64_t opset) {
  const auto holds = [&](int32_t low, int32_t high) {
    return format.qmin >= low && format.qmax <= high;
  };
  if (opset >= kOpsetOfTwoBits && holds(-2, 1)) return DataType::kInt2;
  if (opset >= kOpsetOfTwoBits && holds(0, 3)) return DataType::kUint2;
  if (opset >= kOpsetOfFourBits && holds(-8, 7)) return DataType::kInt4;
  if (opset >= kOpsetOfFourBits && holds(0, 15)) return DataType::kUint4;
  return format.type;
}

std::string PackCodes(std::span<const int32_t> codes, DataType type) {
  switch (type) {
    case DataType::kUint8:
      return Pack<uint8_t>(codes);
    case DataType::kInt8:
      return Pack<int8_t>(codes);
    case DataType::kUint16:
      return Pack<uint16_t>(codes);
    case DataType::kInt16:
      return Pack<int16_t>(codes);
    case DataType::kInt32:
      return Pack<int32_t>(codes);
    case DataType::kUint4:
    case DataType::kInt4:
    case DataType::kUint2:
    case DataType::kInt2:
      return PackBits(codes, BitsOf(type));
    default:
      QCONVERT_CHECK(false);
  }
}

}  // namespace qconvert
