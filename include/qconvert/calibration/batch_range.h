// Ranges of batches -> one range.
#ifndef QCONVERT_CALIBRATION_BATCH_RANGE_H_
#define QCONVERT_CALIBRATION_BATCH_RANGE_H_

#include <cstddef>
#include <span>

#include "qconvert/calibration/range.h"

namespace qconvert {

// How; each bound on its own. A scale is a bound over a constant, so for symmetric ranges these are
// the statistics of scales of the Vitis AI quantizer (its calib_statistic_method).
enum class BatchRule {
  kMax,            // the widest
  kMean,           // arithmetic mean; a short last batch counts fully
  kMedian,         // mean of the middle two for an even count
  kModal,          // most frequent; the narrowest of several
  kMovingAverage,  // a = sum of rate^(n - k) x_k / sum of rate^(n - k), over |x|, in order
  kLargestOfLast,  // greatest |x| of the last `window`, in order
};

struct BatchRuleOptions {
  double rate = 0.9;      // of kMovingAverage
  size_t window = 10000;  // of kLargestOfLast
};

// `batches` in the order of the samples, at least one. Sources: Vitis AI quantizer (max, mean,
// median, modal); PaddlePaddle fake_quantize_moving_average_abs_max and
// fake_quantize_range_abs_max.
Range CombineBatches(std::span<const Range> batches, BatchRule rule,
                     const BatchRuleOptions& options);

// Scales and zero points of batches on their own, asymmetric on `steps` steps: scales by `rule`
// (max, mean, median or modal), the zero point is the most frequent one, the smallest of several.
// The range that has both. Source: Vitis AI quantizer, behaviour of its calibration.
Range CombineScales(std::span<const Range> batches, BatchRule rule, double steps);

}  // namespace qconvert

#endif  // QCONVERT_CALIBRATION_BATCH_RANGE_H_
