// Ranges by least Kullback-Leibler divergence.
#ifndef QCONVERT_CALIBRATION_ENTROPY_RANGE_H_
#define QCONVERT_CALIBRATION_ENTROPY_RANGE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "qconvert/calibration/range.h"
#include "qconvert/calibration/range_error.h"

namespace qconvert {

// Divergences, in nats, of quantizing magnitudes up to bin `last` (exclusive) of `bins` on
// `levels` levels:
//
//   P = bins[0, last), everything behind added to bin last - 1
//   Q = bins[0, last) in `levels` groups of equal width; a group's sum lies evenly on those of its
//       bins where P > 0
//   D(P || Q) = sum over P > 0 of p * ln(p / q), p and q normalized
//
// A bin of P that no value of its own fell into, but the outliers, keeps Q above 0 by kLeastCount,
// so that no threshold is ruled out for standing in a gap. Source: Migacz, "8-bit inference with
// TensorRT", GTC 2017.
//
// From prefix sums of count, used bins and p ln p: one logarithm per level and threshold.
inline constexpr double kLeastCount = 1e-3;
class EntropyEstimator {
 public:
  explicit EntropyEstimator(std::span<const double> bins);

  // 1 <= last <= bins.
  double Divergence(size_t last, int levels) const;

 private:
  struct Sums {
    double count = 0;
    double used = 0;
    double x_log_x = 0;
  };
  std::vector<Sums> prefix_;  // prefix_[i]: bins [0, i)
};

// The threshold of least divergence, as [-t, t] for a symmetric grid, else cut to what occurs:
// among every kEntropyStride-th bin edge from `levels` bins behind the smallest magnitude on, and
// the largest magnitude: values that stay away from 0 have no threshold below them. Exact zeros,
// which every grid represents, do not count. The largest magnitude when the bins that values fall
// into are no more than the levels (16 bit).
inline constexpr size_t kEntropyStride = 8;
Range EntropyRange(const TensorStatistics& statistics, const RangeGrid& grid);

}  // namespace qconvert

#endif  // QCONVERT_CALIBRATION_ENTROPY_RANGE_H_
