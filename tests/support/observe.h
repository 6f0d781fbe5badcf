// Statistics of numbers in code.
#ifndef QCONVERT_TESTS_SUPPORT_OBSERVE_H_
#define QCONVERT_TESTS_SUPPORT_OBSERVE_H_

#include <vector>

#include "qconvert/calibration/tensor_statistics.h"

namespace qconvert {

inline TensorStatistics Observe(const std::vector<float>& values) {
  TensorStatistics statistics;
  Histogram::BinScratch scratch;
  statistics.Observe(values, TensorStatistics::Detail::kHistogram, scratch);
  return statistics;
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_OBSERVE_H_
