#include "qconvert/dataset/npy_writer.h"

#include <fmt/format.h>

#include <string_view>

#include "qconvert/base/error.h"

namespace qconvert {
namespace {

constexpr size_t kAlignment = 64;  // of the data, as numpy writes
constexpr size_t kPrefix = 10;     // magic, version, length of the dictionary

std::string_view DescrOf(DataType type) {
  switch (type) {
    case DataType::kFloat:
      return "<f4";
    case DataType::kDouble:
      return "<f8";
    case DataType::kFloat16:
      return "<f2";
    case DataType::kInt8:
      return "|i1";
    case DataType::kUint8:
      return "|u1";
    case DataType::kBool:
      return "|b1";
    case DataType::kInt16:
      return "<i2";
    case DataType::kUint16:
      return "<u2";
    case DataType::kInt32:
      return "<i4";
    case DataType::kUint32:
      return "<u4";
    case DataType::kInt64:
      return "<i8";
    case DataType::kUint64:
      return "<u8";
    default:
      return "";
  }
}

}  // namespace

std::string NpyBytes(const Tensor& tensor) {
  const std::string_view descr = DescrOf(tensor.type);
  if (descr.empty()) {
    throw Error(ExitCode::kData, tensor.name,
                fmt::format("has elements of type {}, which no .npy file can hold",
                            DataTypeName(tensor.type)));
  }
  std::string shape;
  for (const int64_t dim : tensor.dims) shape += fmt::format("{}, ", dim);
  std::string dictionary =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, shape);
  while ((kPrefix + dictionary.size() + 1) % kAlignment != 0) dictionary += ' ';
  dictionary += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(dictionary.size() & 255);
  bytes += static_cast<char>(dictionary.size() >> 8);
  return bytes + dictionary + *tensor.bytes;
}

}  // namespace qconvert
