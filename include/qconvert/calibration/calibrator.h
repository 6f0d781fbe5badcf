// Runs samples through a model with observers and collects what is seen.
#ifndef QCONVERT_CALIBRATION_CALIBRATOR_H_
#define QCONVERT_CALIBRATION_CALIBRATOR_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "qconvert/calibration/calibration_table.h"
#include "qconvert/calibration/input_feeder.h"
#include "qconvert/calibration/shard.h"
#include "qconvert/runtime/session.h"

namespace qconvert {

// Sees the values of one batch a second time, for what can be counted only once their range is
// known.
class SecondLook {
 public:
  virtual ~SecondLook() = default;
  virtual void Observe(std::span<const float> values) = 0;
  virtual Range Decide() const = 0;
};

// What is asked about a value for every batch of samples.
struct BatchQuestion {
  std::string key;  // of the answers in CalibrationTable::batches
  // The answer, from a batch's statistics ...
  std::function<Range(const TensorStatistics& batch)> range;
  // ... unless this is given: then the batch runs a second time.
  std::function<std::unique_ptr<SecondLook>(const TensorStatistics& batch)> second_look;
};

// What to collect of one value; what is not asked for costs nothing.
struct ValueRequests {
  enum class Statistics { kNone, kRange, kHistogram };
  Statistics statistics = Statistics::kHistogram;  // -> CalibrationTable::values
  std::vector<BatchQuestion> batches;              // -> batches; go by the statistics
};

struct CalibrationOptions {
  // Threads calling Run at the same time; one when inputs are fed back from outputs.
  int workers = 1;
  Shard shard;  // samples of other shards are left out
  // By value, as `values` of Calibrate; empty: histograms of all. Observers of values that nothing
  // is asked about stay in the graph: other observers would let the engine fuse other nodes, and
  // give other bits.
  std::vector<ValueRequests> requests;
  size_t batch_size = 1;   // 1 or more
  size_t first_batch = 0;  // of the shard's batches, `batches` from here on
  size_t batches = std::numeric_limits<size_t>::max();
  // Bytes that the process may have resident; 0: any. As many workers run as fit; Error(kResource)
  // when one does not.
  int64_t memory_limit = 0;
  // Samples done, also before first_batch, of the shard's; called from one thread at a time.
  std::function<void(size_t done, size_t total)> progress;
};

// Runs the samples. `values` in the order given to InsertObservers. The result does not depend on
// the worker count. Throws Error(kNumeric) naming value, sample and count when an activation is
// NaN.
CalibrationTable Calibrate(const Session& session, const InputFeeder& feeder,
                           const std::vector<std::string>& values,
                           const CalibrationOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_CALIBRATION_CALIBRATOR_H_
