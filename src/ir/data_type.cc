#include "qconvert/ir/data_type.h"

#include <array>

#include "qconvert/base/checked.h"

namespace qconvert {
namespace {

struct TypeRow {
  std::string_view name;
  int bits;
};

// Indexed by ONNX number.
constexpr std::array<TypeRow, kLastDataType + 1> kTypes = {{
    {"undefined", 0},      {"float", 32},       {"uint8", 8},          {"int8", 8},
    {"uint16", 16},        {"int16", 16},       {"int32", 32},         {"int64", 64},
    {"string", 0},         {"bool", 8},         {"float16", 16},       {"double", 64},
    {"uint32", 32},        {"uint64", 64},      {"complex64", 64},     {"complex128", 128},
    {"bfloat16", 16},      {"float8e4m3fn", 8}, {"float8e4m3fnuz", 8}, {"float8e5m2", 8},
    {"float8e5m2fnuz", 8}, {"uint4", 4},        {"int4", 4},           {"float4e2m1", 4},
    {"float8e8m0", 8},     {"uint2", 2},        {"int2", 2},           {"float6e2m3", 8},
    {"float6e3m2", 8},
}};

const TypeRow& Row(DataType type) { return kTypes[static_cast<size_t>(type)]; }

}  // namespace

std::optional<DataType> DataTypeFromNumber(int64_t number) {
  if (number < 0 || number > kLastDataType) return std::nullopt;
  return static_cast<DataType>(number);
}

std::string_view DataTypeName(DataType type) { return Row(type).name; }

int BitsOf(DataType type) { return Row(type).bits; }

std::optional<int64_t> PackedBytes(DataType type, int64_t count) {
  const int bits = BitsOf(type);
  if (bits == 0 || count < 0) return std::nullopt;
  if (bits >= 8) return CheckedMul(count, bits / 8);
  const int64_t per_byte = 8 / bits;
  // Rounded up without a sum that could overflow.
  return count / per_byte + (count % per_byte != 0 ? 1 : 0);
}

bool IsQuantizedType(DataType type) {
  switch (type) {
    case DataType::kUint2:
    case DataType::kInt2:
    case DataType::kUint4:
    case DataType::kInt4:
    case DataType::kUint8:
    case DataType::kInt8:
    case DataType::kUint16:
    case DataType::kInt16:
      return true;
    default:
      return false;
  }
}

}  // namespace qconvert
