#include "qconvert/dataset/npy_writer.h"

#include <fmt/format.h>

#include <string>

#include "npy_types.h"
#include "qconvert/base/error.h"

namespace qconvert {
namespace {

constexpr size_t kAlignment = 64;  // of the data, as numpy writes
constexpr size_t kPrefix = 10;     // magic, version, length of the dictionary

// Empty for what numpy has no type for. '|': a single byte has no order.
std::string DescrOf(DataType type) {
  for (const auto& [code, known] : kNpyTypes)
    if (known == type) return (BitsOf(type) > 8 ? '<' : '|') + std::string(code);
  return "";
}

}  // namespace

std::string NpyBytes(const Tensor& tensor) {
  const std::string descr = DescrOf(tensor.type);
  if (descr.empty()) {
    throw Error(ExitCode::kData, tensor.name,
                fmt::format("has elements of type {}, which no .npy file can hold",
                            DataTypeName(tensor.type)));
  }
  std::string shape;
  // numpy needs the last comma where there is one dimension, and takes it elsewhere.
  for (const int64_t dim : tensor.dims) shape += fmt::format("{}, ", dim);
  std::string dictionary =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, shape);
  // One more: the newline that ends it.
  while ((kPrefix + dictionary.size() + 1) % kAlignment != 0) dictionary += ' ';
  dictionary += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  // Two bytes hold it: 64 dimensions take far less than 64 KiB.
  bytes += static_cast<char>(dictionary.size() & 255);
  bytes += static_cast<char>(dictionary.size() >> 8);
  return bytes + dictionary + *tensor.bytes;
}

}  // namespace qconvert
