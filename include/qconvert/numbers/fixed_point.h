// Requantization without floats, as integer-only devices do it.
#ifndef QCONVERT_NUMBERS_FIXED_POINT_H_
#define QCONVERT_NUMBERS_FIXED_POINT_H_

#include <cstdint>

namespace qconvert {

// M = 2^-shift * M0, M0 = multiplier / 2^31 in [0.5, 1). Source: Jacob et al., "Quantization and
// Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", equation (6).
struct FixedPoint {
  int32_t multiplier = 0;  // 2^30 to 2^31 - 1
  int shift = 0;           // negative where M is 1 or more

  bool operator==(const FixedPoint&) const = default;
};

// The nearest to `factor`, which is finite, > 0 and below 2^30: off by at most 2^-31 of it.
FixedPoint ToFixedPoint(double factor);

// round(accumulator * M), halves to even, in 64-bit integers alone.
int64_t RequantizeInteger(int32_t accumulator, const FixedPoint& factor);

// The same in float32, as ONNX Runtime's kernels compute it: factor and product are rounded.
int64_t RequantizeFloat(int32_t accumulator, float factor);

// The greatest difference in codes between both, over the accumulators on both sides of the borders
// between neighbouring codes `least` to `most` (zero point taken off), of fewer than twice
// `kMostBorders` in even steps: between borders both are the same code.
inline constexpr int kMostBorders = 256;
int64_t WorstRequantization(float factor, int32_t least, int32_t most);

// round(a * Ma + b * Mb), halves to even, in 64-bit integers alone: both products are brought to
// the smaller shift. Codes of at most 17 bits with sign.
int64_t RequantizeIntegerSum(int32_t a, const FixedPoint& a_factor, int32_t b,
                             const FixedPoint& b_factor);

// Codes with the zero point taken off.
struct CodeSpan {
  int32_t least = 0;
  int32_t most = 0;
};

// The greatest difference in codes between RequantizeIntegerSum and the same sum in float32, over
// pairs of codes of `a` and `b`, at most 256 of each in even steps, both ends among them.
int64_t WorstSum(float a_factor, const CodeSpan& a, float b_factor, const CodeSpan& b,
                 const CodeSpan& out);

}  // namespace qconvert

#endif  // QCONVERT_NUMBERS_FIXED_POINT_H_
