// Runs samples through a model with observers and collects what is seen.
#ifndef QCONVERT_CALIBRATION_CALIBRATOR_H_
#define QCONVERT_CALIBRATION_CALIBRATOR_H_

#include <cstddef>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "qconvert/calibration/range.h"
#include "qconvert/calibration/tensor_statistics.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"
#include "qconvert/runtime/session.h"

namespace qconvert {

// What was seen, by value name. Plain data: printed, saved and loaded without a model.
struct CalibrationTable {
  std::map<std::string, TensorStatistics> values;
  // The range of every batch, in the order of the samples; of values whose settings ask for it.
  std::map<std::string, std::vector<Range>> batches;
  size_t samples = 0;
};

// Where an input without data comes from: zeros at first, then, when `output` is named, that output
// of the run before.
struct StateInput {
  std::string input;
  std::string output;  // "" : always zero
};

// Supplies the complete inputs of sample `index`, from files and states.
class InputFeeder {
 public:
  // `inputs`: all model inputs. Free dimensions of a state input are 1, or take the size that the
  // same symbol has in the sample's data.
  InputFeeder(const SampleSource& samples, std::vector<Value> inputs,
              std::vector<StateInput> states);

  size_t size() const { return samples_.size(); }
  bool has_feedback() const;
  // `previous` holds the outputs of the run before (with feedback only), or is empty for the first
  // sample.
  Sample Read(size_t index, const std::vector<Tensor>& previous) const;

 private:
  const SampleSource& samples_;
  std::vector<Value> inputs_;
  std::vector<StateInput> states_;
};

struct CalibrationOptions {
  int workers =
      1;  // threads calling Run at the same time; one when inputs are fed back from outputs
  TensorStatistics::Detail detail = TensorStatistics::Detail::kHistogram;
  size_t shard = 0;  // samples k with k % shards == shard only, see table_file.h
  size_t shards = 1;
  size_t first = 0;  // of those, `count` from `first` on
  size_t count = std::numeric_limits<size_t>::max();
  size_t batch_size = 1;  // samples of one batch; the last one may be shorter
  // The range of one batch of value `v`, nothing where none is needed. Empty: batches play no part.
  std::function<std::optional<Range>(size_t v, const TensorStatistics& batch)> batch_range;
  std::function<void(size_t done, size_t total)> progress;  // called from one thread at a time
};

// Copies `graph` with an observer node on each of `values` (float tensors of this level):
//
//   producer -> v -> readers      becomes      producer -> v' -> Observe{id} -> v -> readers
//
// so that graph outputs keep their names. A graph input x keeps its name too: its readers are moved
// to the observer's output. Node i of `values` has id i.
Graph InsertObservers(const Graph& graph, const std::vector<std::string>& values);

// Runs all samples. `values` in the order given to InsertObservers. The result does not depend on
// the worker count. Throws Error(kNumeric) naming value, sample and count when an activation is
// NaN.
CalibrationTable Calibrate(const Session& session, const InputFeeder& feeder,
                           const std::vector<std::string>& values,
                           const CalibrationOptions& options);

// How many of `samples` belong to a shard.
size_t ShardSize(size_t samples, size_t shard, size_t shards);

// Calls `work(index)` for 0 .. count-1 from `workers` threads, each index once, in increasing order
// of start. The first exception (of the lowest index) is rethrown after all threads have stopped.
void ParallelFor(size_t count, int workers,
                 const std::function<void(size_t index, size_t worker)>& work);

}  // namespace qconvert

#endif  // QCONVERT_CALIBRATION_CALIBRATOR_H_
