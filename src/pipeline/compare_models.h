// Runs quantized models beside the float one.
#ifndef QCONVERT_SRC_PIPELINE_COMPARE_MODELS_H_
#define QCONVERT_SRC_PIPELINE_COMPARE_MODELS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "qconvert/calibration/input_feeder.h"
#include "qconvert/report/comparison.h"
#include "qconvert/runtime/session.h"

namespace qconvert {

// Compares models with one reference on the same samples. The reference runs once, beforehand; its
// outputs are kept as far as they fit into kKeptBytes, and when all fit it is closed, so that two
// models need not be in memory together. Sums are taken in sample order: the worker count cannot
// change them.
class ModelComparer {
 public:
  static constexpr int64_t kKeptBytes = int64_t{256} << 20;

  // Takes `count` samples: spread evenly over `order`, which names each sample once, or the first
  // ones of the feeder when states are fed back (each model feeds back its own). Keeps the feeder.
  ModelComparer(std::unique_ptr<Session> reference, const InputFeeder& feeder,
                std::vector<size_t> order, size_t count, int workers);

  size_t count() const { return count_; }
  // Models compared so far.
  size_t comparisons() const { return comparisons_; }
  // `count` of the samples, spread evenly.
  std::vector<OutputComparison> Compare(const Session& actual, size_t count);

 private:
  using Outputs = std::vector<Tensor>;

  size_t SampleIndex(size_t k) const { return order_[k * order_.size() / count_]; }
  Outputs TakeExpected(size_t k, const Sample& sample);
  void RunReference();
  void Keep(size_t k, const Outputs& outputs);
  std::vector<OutputComparison> CompareInOrder(const Session& actual, size_t count);

  std::unique_ptr<Session> reference_;  // null once all its outputs are kept
  const InputFeeder& feeder_;
  std::vector<size_t> order_;
  size_t count_;
  int workers_;
  std::vector<std::optional<Outputs>> kept_;
  int64_t kept_bytes_ = 0;
  size_t comparisons_ = 0;
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_COMPARE_MODELS_H_
