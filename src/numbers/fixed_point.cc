#include "qconvert/numbers/fixed_point.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "qconvert/base/check.h"

namespace qconvert {
namespace {

constexpr int kFraction = 31;
constexpr int kProductBits = 62;  // of a product of two int32

// round(number / 2^shift), halves to even.
int64_t RoundShift(int64_t number, int shift) {
  // A shift rounds down for negative numbers too, so the rest is never negative.
  const int64_t floor = number >> shift;
  const int64_t rest = number - (floor << shift);
  const int64_t half = int64_t{1} << (shift - 1);
  const bool is_up = rest > half || (rest == half && (floor & 1) != 0);
  return floor + (is_up ? 1 : 0);
}

// `most` too, whatever the steps.
std::vector<int32_t> StepsOf(const CodeSpan& span) {
  const int32_t step = std::max(1, (span.most - span.least) / kMostBorders);
  std::vector<int32_t> out;
  for (int32_t code = span.least; code < span.most; code += step) out.push_back(code);
  out.push_back(span.most);
  return out;
}

}  // namespace

FixedPoint ToFixedPoint(double factor) {
  QCONVERT_CHECK(factor > 0 && factor < std::ldexp(1.0, kFraction - 1));
  int exponent = 0;
  const double fraction = std::frexp(factor, &exponent);
  // frexp's fraction is in [0.5, 1): 31 bits of it fill the multiplier.
  auto multiplier = std::llround(std::ldexp(fraction, kFraction));
  if (multiplier == int64_t{1} << kFraction) {  // a fraction next to 1
    multiplier /= 2;
    ++exponent;
  }
  return {static_cast<int32_t>(multiplier), -exponent};
}

int64_t RequantizeInteger(int32_t accumulator, const FixedPoint& factor) {
  const int shift = kFraction + factor.shift;
  QCONVERT_CHECK(shift > 0);
  if (shift > kProductBits) return 0;  // below half a code whatever was added
  return RoundShift(int64_t{accumulator} * factor.multiplier, shift);
}

int64_t RequantizeFloat(int32_t accumulator, float factor) {
  return static_cast<int64_t>(std::nearbyint(static_cast<float>(accumulator) * factor));
}

int64_t WorstRequantization(float factor, int32_t least, int32_t most) {
  const FixedPoint fixed = ToFixedPoint(factor);
  const auto clamp = [&](int64_t code) { return std::clamp<int64_t>(code, least, most); };
  constexpr double kEnd = std::numeric_limits<int32_t>::max();
  const int32_t step = std::max(1, (most - least) / kMostBorders);
  int64_t worst = 0;
  for (int32_t code = least; code < most; code += step) {
    // Where code goes over into code + 1.
    const double border = (code + 0.5) / factor;
    if (std::fabs(border) >= kEnd - 2) continue;  // no accumulator reaches it
    const auto below = static_cast<int32_t>(std::floor(border));
    for (int32_t accumulator = below - 1; accumulator <= below + 2; ++accumulator) {
      // Only beside a border can the two differ: far from it both round the same way.
      const int64_t difference = clamp(RequantizeInteger(accumulator, fixed)) -
                                 clamp(RequantizeFloat(accumulator, factor));
      worst = std::max<int64_t>(worst, std::llabs(difference));
    }
  }
  return worst;
}

int64_t RequantizeIntegerSum(int32_t a, const FixedPoint& a_factor, int32_t b,
                             const FixedPoint& b_factor) {
  // By the smaller one, products are only ever shifted down.
  const int base = std::min(a_factor.shift, b_factor.shift);
  const int shift = kFraction + base;
  QCONVERT_CHECK(shift > 0);
  if (shift > kProductBits) return 0;
  // What is shifted out is below 2^-31 of what counts.
  const auto product = [&](int32_t code, const FixedPoint& factor) {
    const int down = std::min(factor.shift - base, kProductBits);
    return (int64_t{code} * factor.multiplier) >> down;
  };
  return RoundShift(product(a, a_factor) + product(b, b_factor), shift);
}

int64_t WorstSum(float a_factor, const CodeSpan& a, float b_factor, const CodeSpan& b,
                 const CodeSpan& out) {
  const FixedPoint a_fixed = ToFixedPoint(a_factor);
  const FixedPoint b_fixed = ToFixedPoint(b_factor);
  const auto clamp = [&](int64_t code) { return std::clamp<int64_t>(code, out.least, out.most); };
  const std::vector<int32_t> b_steps = StepsOf(b);
  int64_t worst = 0;
  for (const int32_t first : StepsOf(a)) {
    for (const int32_t second : b_steps) {
      const float sum =
          static_cast<float>(first) * a_factor + static_cast<float>(second) * b_factor;
      const auto expected = static_cast<int64_t>(std::nearbyint(sum));
      const int64_t difference =
          clamp(RequantizeIntegerSum(first, a_fixed, second, b_fixed)) - clamp(expected);
      worst = std::max<int64_t>(worst, std::llabs(difference));
    }
  }
  return worst;
}

}  // namespace qconvert
