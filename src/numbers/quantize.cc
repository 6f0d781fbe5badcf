#include "qconvert/numbers/quantize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "qconvert/base/check.h"
#include "qconvert/numbers/half_even.h"

namespace qconvert {
namespace {

// Neighbours with one scale.
size_t SliceSize(std::span<const int64_t> dims, const QuantParams& params) {
  size_t inner = 1;
  if (params.per_tensor()) return inner;
  for (size_t d = static_cast<size_t>(params.axis) + 1; d < dims.size(); ++d)
    inner *= static_cast<size_t>(dims[d]);
  return inner;
}

// Calls visit(codes) with a span of the type they have.
template <typename Visit>
auto VisitCodes(const Tensor& codes, const Visit& visit) {
  switch (codes.type) {
    case DataType::kInt8:
      return visit(codes.values<int8_t>());
    case DataType::kUint8:
      return visit(codes.values<uint8_t>());
    case DataType::kInt16:
      return visit(codes.values<int16_t>());
    default:
      QCONVERT_CHECK(codes.type == DataType::kUint16);
      return visit(codes.values<uint16_t>());
  }
}

}  // namespace

int32_t QuantizeValue(float x, float scale, int32_t zero_point, const NumericFormat& format) {
  // Clamping the quotient to whole numbers before rounding gives the same result as after, and
  // keeps the conversion to an integer in range for infinities too.
  const float low = static_cast<float>(format.qmin - zero_point);
  const float high = static_cast<float>(format.qmax - zero_point);
  const float quotient = x / scale;
  if (!(quotient > low)) return format.qmin;  // NaN as well
  return zero_point + static_cast<int32_t>(format.round(std::min(quotient, high)));
}

template <typename Code>
void QuantizeRow(std::span<const float> values, const float* scales, size_t step,
                 int32_t zero_point, const NumericFormat& format, Code* codes) {
  const size_t count = values.size();
  // The loop below sends halves to the even neighbour alone.
  if (format.round.mode() != RoundMode::kHalfEven) {
    for (size_t k = 0; k < count; ++k)
      codes[k] = static_cast<Code>(QuantizeValue(values[k], scales[k * step], zero_point, format));
    return;
  }
  const auto low = static_cast<float>(format.qmin - zero_point);
  const auto high = static_cast<float>(format.qmax - zero_point);
  const auto round = [&](float value, float scale) {
    const float quotient = value / scale;
    // In this order NaN becomes the lowest code too.
    // Between the bounds it is far below 2^22: codes have 16 bits at most.
    const float clamped = std::min(quotient > low ? quotient : low, high);
    return static_cast<Code>(static_cast<int32_t>(RoundHalfEven(clamped)) + zero_point);
  };
  if (step == 0) {
    const float scale = scales[0];
    for (size_t k = 0; k < count; ++k) codes[k] = round(values[k], scale);
  } else {
    for (size_t k = 0; k < count; ++k) codes[k] = round(values[k], scales[k * step]);
  }
}

template void QuantizeRow(std::span<const float>, const float*, size_t, int32_t,
                          const NumericFormat&, int8_t*);
template void QuantizeRow(std::span<const float>, const float*, size_t, int32_t,
                          const NumericFormat&, uint8_t*);
template void QuantizeRow(std::span<const float>, const float*, size_t, int32_t,
                          const NumericFormat&, int16_t*);
template void QuantizeRow(std::span<const float>, const float*, size_t, int32_t,
                          const NumericFormat&, uint16_t*);
template void QuantizeRow(std::span<const float>, const float*, size_t, int32_t,
                          const NumericFormat&, int32_t*);

std::string QuantizeToBytes(std::span<const float> values, std::span<const int64_t> dims,
                            const QuantParams& params, const NumericFormat& format) {
  const size_t inner = SliceSize(dims, params);
  const size_t channels = params.scales.size();
  std::vector<int32_t> codes(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    // One scale may come with an axis: it is that of every slice.
    const size_t c = channels == 1 ? 0 : i / inner % channels;
    codes[i] = QuantizeValue(values[i], params.scales[c], params.zero_points[c], format);
  }
  return PackCodes(codes, params.type);
}

std::vector<int32_t> CodesOf(const Tensor& codes) {
  return VisitCodes(codes, [](const auto& integers) {
    return std::vector<int32_t>(integers.begin(), integers.end());
  });
}

void DequantizeTensor(const Tensor& codes, const QuantParams& params, std::span<float> values) {
  QCONVERT_CHECK(static_cast<int64_t>(values.size()) == codes.element_count());
  const size_t channels = params.scales.size();
  // Slice by slice, which spares a division per value.
  const size_t run =
      channels == 1 ? std::max<size_t>(values.size(), 1) : SliceSize(codes.dims, params);
  VisitCodes(codes, [&](const auto& integers) {
    size_t c = 0;
    for (size_t first = 0; first < values.size(); first += run) {
      for (size_t k = first; k < std::min(first + run, values.size()); ++k)
        values[k] = DequantizeValue(integers[k], params.scales[c], params.zero_points[c]);
      c = c + 1 == channels ? 0 : c + 1;
    }
  });
}

std::vector<float> DequantizeTensor(const Tensor& codes, const QuantParams& params) {
  std::vector<float> values(static_cast<size_t>(codes.element_count()));
  DequantizeTensor(codes, params, values);
  return values;
}

}  // namespace qconvert
