#include "qconvert/numbers/fixed_point.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "qconvert/base/check.h"

namespace qconvert {
namespace {

constexpr int kFraction = 31;
constexpr int kProductBits = 62;  // of a product of two int32

}  // namespace

FixedPoint ToFixedPoint(double factor) {
  QCONVERT_CHECK(factor > 0 && factor < std::ldexp(1.0, kFraction - 1));
  int exponent = 0;
  const double fraction = std::frexp(factor, &exponent);
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
  const int64_t product = int64_t{accumulator} * factor.multiplier;
  const int64_t floor = product >> shift;
  const int64_t rest = product - (floor << shift);
  const int64_t half = int64_t{1} << (shift - 1);
  const bool is_up = rest > half || (rest == half && (floor & 1) != 0);
  return floor + (is_up ? 1 : 0);
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

}  // namespace qconvert
