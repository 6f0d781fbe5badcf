// What was seen of one value during calibration.
#ifndef QCONVERT_CALIBRATION_TENSOR_STATISTICS_H_
#define QCONVERT_CALIBRATION_TENSOR_STATISTICS_H_

#include <cstdint>
#include <span>

#include "qconvert/calibration/histogram.h"

namespace qconvert {

// Exact signed range and histogram of all finite values; NaN and infinities are counted apart.
struct TensorStatistics {
  float min = 0;  // of the finite values; 0 when there are none
  float max = 0;
  int64_t count = 0;  // finite values
  int64_t nan_count = 0;
  int64_t inf_count = 0;
  Histogram histogram;

  enum class Detail { kRangeOnly, kHistogram };
  void Observe(std::span<const float> values, Detail detail, Histogram::BinScratch& scratch);
  void Merge(const TensorStatistics& other);

  bool operator==(const TensorStatistics&) const = default;
};

}  // namespace qconvert

#endif  // QCONVERT_CALIBRATION_TENSOR_STATISTICS_H_
