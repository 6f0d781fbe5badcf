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
  NumericFormat out = format;
  const bool narrow = format.type == DataType::kInt8;
  out.type = narrow ? DataType::kUint8 : DataType::kUint16;
  const int32_t shift = narrow ? 128 : 32768;
  out.qmin += shift;
  out.qmax += shift;
  out.zero += shift;
  return out;
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
    default:
      QCONVERT_CHECK(false);
  }
}

}  // namespace qconvert
