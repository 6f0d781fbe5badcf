// Rounding in vector loops.
#ifndef QCONVERT_NUMBERS_HALF_EVEN_H_
#define QCONVERT_NUMBERS_HALF_EVEN_H_

namespace qconvert {

// The whole number nearest to `x`, halves to the even one, for |x| <= 2^22: floats from 1.5 * 2^23
// on have no fraction, so that adding it rounds by the processor's own mode (IEEE 754,
// section 4.3.1). Unlike std::nearbyint compilers make vectors of it.
inline float RoundHalfEven(float x) {
  constexpr float kNoFraction = 12582912.0F;  // 1.5 * 2^23
  return (x + kNoFraction) - kNoFraction;
}

}  // namespace qconvert

#endif  // QCONVERT_NUMBERS_HALF_EVEN_H_
