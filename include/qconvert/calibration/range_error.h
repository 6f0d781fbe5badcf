// Ranges by least estimated quantization error.
#ifndef QCONVERT_CALIBRATION_RANGE_ERROR_H_
#define QCONVERT_CALIBRATION_RANGE_ERROR_H_

#include <cstddef>
#include <vector>

#include "qconvert/calibration/range.h"
#include "qconvert/calibration/tensor_statistics.h"

namespace qconvert {

// The grid that a range is laid over: `steps` equal steps from min to max (255 for 8 bit).
struct RangeGrid {
  int steps = 255;
  bool symmetric = false;  // only ranges [-t, t]
};

// Estimates the mean squared error of quantizing what a histogram holds:
//
//   e(range) = (1 / n) * ( sum over |x| < s / 2 of x^2                  those become 0
//                        + s^2 / 12 * count of the other x in range     uniform rounding error
//                        + sum over x outside of (distance to range)^2 ),   s = width / steps
//
// in constant time per range from prefix sums of count, x and x^2 (x: middle of the bin). The error
// of a bin's width is 2^-11 of the largest magnitude, an eighth of a step or less.
// Source of the rounding term: Widrow 1956 (additive uniform noise).
class RangeErrorEstimator {
 public:
  // Needs statistics with a histogram.
  explicit RangeErrorEstimator(const TensorStatistics& statistics);

  double Estimate(Range range, const RangeGrid& grid) const;
  // The last of the three sums alone, / n.
  double ClippingError(Range range) const;

 private:
  struct Sums {
    double count = 0;
    double x = 0;
    double x2 = 0;
  };
  // Sums over all bins whose middle is below `value`.
  const Sums& Below(double value) const;

  double bins_per_unit_;  // a power of two
  double first_edge_ = 0;
  std::vector<Sums> prefix_;  // prefix_[i]: bins [0, i)
};

// The range of least estimated error among kMseCandidates shrunken ones per side, from maxmin (all
// of it) down to 1 / kMseCandidates of it; each side on its own when the grid is asymmetric.
inline constexpr int kMseCandidates = 128;
Range MseRange(const TensorStatistics& statistics, const RangeGrid& grid);

// The range of least estimated error among maxmin and percentiles 99.9, 99.99, 99.999 and 99.9999;
// MseRange instead when that halves the error again. Rare large values often matter more than their
// share of the squared error, so clipping them has to be worth much.
Range AutoRange(const TensorStatistics& statistics, const RangeGrid& grid);

}  // namespace qconvert

#endif  // QCONVERT_CALIBRATION_RANGE_ERROR_H_
