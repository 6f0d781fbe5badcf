// Element types, with the numbers of ONNX TensorProto.DataType.
#ifndef QCONVERT_IR_DATA_TYPE_H_
#define QCONVERT_IR_DATA_TYPE_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace qconvert {

enum class DataType : int32_t {
  kUndefined = 0,
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kComplex64 = 14,
  kComplex128 = 15,
  kBfloat16 = 16,
  kFloat8E4M3FN = 17,
  kFloat8E4M3FNUZ = 18,
  kFloat8E5M2 = 19,
  kFloat8E5M2FNUZ = 20,
  kUint4 = 21,
  kInt4 = 22,
  kFloat4E2M1 = 23,
  kFloat8E8M0 = 24,
  kUint2 = 25,
  kInt2 = 26,
  kFloat6E2M3 = 27,
  kFloat6E3M2 = 28,
};

inline constexpr int32_t kLastDataType = 28;

// The type with ONNX number `number`, or nothing when ONNX 1.23 knows no such type.
std::optional<DataType> DataTypeFromNumber(int64_t number);

// Lower-case ONNX name: "float", "uint8", "float16", "int4", ...
std::string_view DataTypeName(DataType type);

// Bits of one element as stored; 0 for strings and kUndefined. 6-bit floats take 8 (ONNX stores
// them unpacked).
int BitsOf(DataType type);

// Bytes of `count` packed elements (types under 8 bits share bytes), or nothing on overflow,
// negative count, or a type without a fixed size.
std::optional<int64_t> PackedBytes(DataType type, int64_t count);

// True for integer types up to 16 bits: the storage types of quantized values.
bool IsQuantizedType(DataType type);

}  // namespace qconvert

#endif  // QCONVERT_IR_DATA_TYPE_H_
