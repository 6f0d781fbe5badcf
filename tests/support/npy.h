// Writes npy files for tests.
#ifndef QCONVERT_TESTS_SUPPORT_NPY_H_
#define QCONVERT_TESTS_SUPPORT_NPY_H_

#include <fmt/format.h>

#include <span>
#include <string>
#include <vector>

namespace qconvert {

// A version 1.0 file with this header dictionary and these bytes of data.
inline std::string NpyBytes(std::string dictionary, const std::string& data) {
  while ((dictionary.size() + 11) % 64 != 0) dictionary += ' ';
  dictionary += '\n';
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(dictionary.size() & 255);
  file += static_cast<char>(dictionary.size() >> 8);
  return file + dictionary + data;
}

inline std::string NpyFloats(const std::vector<int64_t>& shape, std::span<const float> values) {
  return NpyBytes(fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({},), }}",
                              fmt::join(shape, ", ")),
                  std::string(reinterpret_cast<const char*>(values.data()), values.size_bytes()));
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_NPY_H_
