// The one place where numbers become whole.
#ifndef QCONVERT_NUMBERS_ROUNDER_H_
#define QCONVERT_NUMBERS_ROUNDER_H_

#include <cmath>

namespace qconvert {

// Where halves go; everything else goes to the nearest whole number. Source: rounding codes of the
// Vitis AI quantizer (8, 2, 6, 3).
enum class RoundMode {
  kHalfEven,  // to the even neighbour: ONNX QuantizeLinear
  kHalfUp,    // towards plus infinity
  kHalfDown,  // towards zero, of both signs
  kStdRound,  // away from zero: C round()
};

// Rounds floats and doubles without change of type. A half is recognized exactly, not by adding
// 0.5: the float below 0.5 goes to 0 in every mode. NaN and infinities come back as they are.
class Rounder {
 public:
  constexpr Rounder() = default;
  constexpr explicit Rounder(RoundMode mode) : mode_(mode) {}

  template <typename T>
  T operator()(T x) const {
    if (mode_ == RoundMode::kHalfEven) return std::nearbyint(x);
    if (mode_ == RoundMode::kStdRound || !IsHalf(x)) return std::round(x);
    const bool up = mode_ == RoundMode::kHalfUp || x < 0;
    return up ? std::ceil(x) : std::floor(x);
  }

  constexpr RoundMode mode() const { return mode_; }
  bool operator==(const Rounder&) const = default;

 private:
  template <typename T>
  static bool IsHalf(T x) {
    return std::fabs(x - std::trunc(x)) == T{0.5};
  }

  RoundMode mode_ = RoundMode::kHalfEven;
};

}  // namespace qconvert

#endif  // QCONVERT_NUMBERS_ROUNDER_H_
