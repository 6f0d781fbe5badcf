// What one worker collects of one value beside its statistics.
#ifndef QCONVERT_SRC_CALIBRATION_VALUE_COLLECTOR_H_
#define QCONVERT_SRC_CALIBRATION_VALUE_COLLECTOR_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "exact_sum.h"
#include "qconvert/calibration/calibrator.h"

namespace qconvert {

// Means of channels and captured samples, as the requests say.
class ValueCollector {
 public:
  explicit ValueCollector(const ValueRequests& requests) : requests_(&requests) {}

  // The samples of a worker come in order.
  void Observe(size_t sample, const TensorView& value);
  void Merge(const ValueCollector& other);
  // Over all samples; empty when they have different numbers of channels.
  std::vector<double> ChannelMeans() const;
  // The first samples, in order, that fit the bound together.
  std::vector<CapturedValue> Captured() const;

 private:
  void AddChannels(const TensorView& value);

  const ValueRequests* requests_;
  std::vector<ExactSum> channels_;  // of means of single observations
  size_t observations_ = 0;
  bool same_channels_ = true;
  std::vector<CapturedValue> captured_;
  int64_t captured_bytes_ = 0;
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_CALIBRATION_VALUE_COLLECTOR_H_
