// Whether floats are numbers.
#ifndef QCONVERT_BASE_FINITE_H_
#define QCONVERT_BASE_FINITE_H_

#include <bit>
#include <cstdint>
#include <span>

namespace qconvert {

// True when no value is NaN or infinite (IEEE 754 binary32: an exponent of ones).
inline bool AllFinite(std::span<const float> values) {
  constexpr uint32_t kExponent = 0x7F800000U;
  uint32_t bad = 0;  // no early exit: the loop becomes SIMD
  for (const float v : values) bad |= (std::bit_cast<uint32_t>(v) & kExponent) == kExponent ? 1 : 0;
  return bad == 0;
}

}  // namespace qconvert

#endif  // QCONVERT_BASE_FINITE_H_
