// Calibration methods: statistics -> the real interval to be represented. Pure functions, no graph,
// no file.
#ifndef QCONVERT_CALIBRATION_RANGE_H_
#define QCONVERT_CALIBRATION_RANGE_H_

#include "qconvert/calibration/tensor_statistics.h"
#include "qconvert/numbers/range.h"

namespace qconvert {

// [min, max] of all values, widened to contain 0.
Range MaxMinRange(const TensorStatistics& statistics);

// The interval that leaves out (100 - percentage) / 2 percent of all values at each end, never
// wider than maxmin and widened to contain 0. `percentage` in (0, 100]; 100 is maxmin. Cut points
// are interpolated linearly inside a bin, so they err by at most one bin: 2^-11 of the power of two
// above the largest magnitude. A side without values of its sign stays 0. Definition of the
// two-sided cut: NumPy `percentile` of the pooled values at (100 - p) / 2 and 100 - (100 - p) / 2.
Range PercentileRange(const TensorStatistics& statistics, double percentage);

// The threshold t such that `percentage` percent of the magnitudes are <= t, as [-t, t]: the
// symmetric form.
Range SymmetricPercentileRange(const TensorStatistics& statistics, double percentage);

}  // namespace qconvert

#endif  // QCONVERT_CALIBRATION_RANGE_H_
