// Elements of a floating-point tensor as float32, some at a time.
#ifndef QCONVERT_SRC_REPORT_FLOAT_BLOCKS_H_
#define QCONVERT_SRC_REPORT_FLOAT_BLOCKS_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "qconvert/ir/tensor.h"

namespace qconvert {

// Elements [first, first + count): those of a float32 tensor themselves, others converted into
// `buffer`, where they stay until it is used again. Doubles are rounded.
inline std::span<const float> FloatBlock(const Tensor& tensor, size_t first, size_t count,
                                         std::vector<float>& buffer) {
  if (tensor.type == DataType::kFloat) return tensor.values<float>().subspan(first, count);
  buffer.resize(count);
  if (tensor.type == DataType::kDouble) {
    const auto values = tensor.values<double>().subspan(first, count);
    for (size_t i = 0; i < count; ++i) buffer[i] = static_cast<float>(values[i]);
    return buffer;
  }
  const auto values = tensor.values<uint16_t>().subspan(first, count);
  const bool half = tensor.type == DataType::kFloat16;
  for (size_t i = 0; i < count; ++i) {
    buffer[i] = half ? HalfToFloat(values[i])
                     : std::bit_cast<float>(static_cast<uint32_t>(values[i]) << 16);
  }
  return buffer;
}

}  // namespace qconvert

#endif  // QCONVERT_SRC_REPORT_FLOAT_BLOCKS_H_
