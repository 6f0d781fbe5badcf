// Sums of floats without rounding: any order of terms gives the same bits.
#ifndef QCONVERT_SRC_CALIBRATION_EXACT_SUM_H_
#define QCONVERT_SRC_CALIBRATION_EXACT_SUM_H_

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace qconvert {

// A fixed-point number with the bits of all finite floats, 2^-149 to 2^127, in digits of 32 bits
// that carry late: good for 2^30 terms.
class ExactSum {
 public:
  // `value` is finite.
  void Add(float value) {
    int exponent = 0;
    const float fraction = std::frexp(value, &exponent);  // 24 bits below the point
    const auto mantissa = static_cast<int64_t>(std::ldexp(fraction, kMantissa));
    int low = exponent - kMantissa + kLowest;  // position of its last bit
    // A subnormal number has zeros below the lowest position.
    const int64_t bits = low < 0 ? mantissa >> -low : mantissa;
    low = low < 0 ? 0 : low;
    const auto digit = static_cast<size_t>(low / kDigit);
    // Below 2^56: the parts of two digits.
    const int64_t shifted = bits * (int64_t{1} << (low % kDigit));
    const int64_t high = shifted >> kDigit;
    digits_[digit + 1] += high;
    digits_[digit] += shifted - high * (int64_t{1} << kDigit);
  }

  void Merge(const ExactSum& other) {
    for (size_t d = 0; d < digits_.size(); ++d) digits_[d] += other.digits_[d];
  }

  // Rounded once per digit, from the highest: a function of the sum alone.
  double Value() const {
    std::array<int64_t, kDigits> carried = digits_;
    for (size_t d = 0; d + 1 < carried.size(); ++d) {
      const int64_t carry = carried[d] >> kDigit;
      carried[d] -= carry * (int64_t{1} << kDigit);
      carried[d + 1] += carry;
    }
    double sum = 0;
    for (size_t d = carried.size(); d-- > 0;)
      sum += std::ldexp(static_cast<double>(carried[d]), static_cast<int>(d) * kDigit - kLowest);
    return sum;
  }

 private:
  static constexpr int kMantissa = 24;
  static constexpr int kLowest = 149;
  static constexpr int kDigit = 32;
  static constexpr size_t kDigits = (kLowest + 128) / kDigit + 2;

  std::array<int64_t, kDigits> digits_ = {};
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_CALIBRATION_EXACT_SUM_H_
