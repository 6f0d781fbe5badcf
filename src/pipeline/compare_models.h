// Runs quantized models beside the float one.
#ifndef QCONVERT_SRC_PIPELINE_COMPARE_MODELS_H_
#define QCONVERT_SRC_PIPELINE_COMPARE_MODELS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kept_outputs.h"
#include "qconvert/calibration/input_feeder.h"
#include "qconvert/report/comparison.h"
#include "qconvert/runtime/session.h"

namespace qconvert {

using OpenSession = std::function<std::unique_ptr<Session>()>;

// Of the reference's outputs: in all, and in memory.
inline constexpr int64_t kKeptOutputBytes = int64_t{256} << 20;
inline constexpr int64_t kKeptInMemory = int64_t{32} << 20;

struct CompareOptions {
  size_t count = 0;
  int workers = 1;
  // Models that draw random numbers, seeded: every comparison runs all samples, one by one, so that
  // run k of both models draws the same.
  bool in_step = false;
  // In step only: the reference with its draws from the start, for every comparison where not all
  // of its outputs are kept.
  OpenSession reopen = {};
  int64_t kept_bytes = kKeptOutputBytes;
  int64_t memory_bytes = kKeptInMemory;
};

// Compares models with one reference on the same samples. The reference runs once, beforehand; its
// outputs are kept as far as they fit into `kept_bytes` (kept_outputs.h; in step all or none), and
// when all fit it is closed, so that two models need not be in memory together. Every sample's sums
// are taken by the worker that ran it and merged in sample order: the worker count cannot change
// them, and outputs live no longer than a sample.
class ModelComparer {
 public:
  // Compares `values`, which are the reference's outputs in their order. Takes `count` samples:
  // spread evenly over `order`, which names each sample at most once, or the first ones of the
  // feeder when states are fed back (each model feeds back its own). Keeps the feeder.
  ModelComparer(std::unique_ptr<Session> reference, const InputFeeder& feeder,
                std::vector<ComparedValue> values, std::vector<size_t> order,
                const CompareOptions& options);

  size_t count() const { return count_; }
  const std::vector<ComparedValue>& values() const { return values_; }
  bool is_in_step() const { return in_step_; }
  // `count` of the samples, spread evenly; all where there are fewer.
  std::vector<size_t> Spread(size_t count) const;
  // Models compared so far.
  size_t comparisons() const { return comparisons_; }
  // Names of the samples in the order compared, once all of them have been.
  const std::vector<std::string>& sample_names() const { return names_; }
  // All samples, or the ones asked for (indices below count(), ascending); where states are fed
  // back those from the first one to the last one asked for, in step all. One comparison for every
  // output that `actual` has; its outputs are the first of `values`, or all.
  std::vector<OutputComparison> Compare(const Session& actual,
                                        const std::vector<size_t>& which = {});
  // The same of a model that computes what the reference does, bit for bit: opens and runs none.
  // Not where states are fed back, and not in step.
  std::vector<OutputComparison> CompareWithItself(const std::vector<size_t>& which = {});
  // Compare by the thread that calls, which others may do meanwhile, and uncounted. Not where
  // states are fed back, and not in step.
  std::vector<OutputComparison> CompareBeside(const Session& actual,
                                              const std::vector<size_t>& which) const;
  // What was compared so.
  void Count(size_t comparisons, size_t samples);
  // Sample `k` (below count()), and what is said of a model that gave `actual` for it. Not where
  // states are fed back.
  Sample ReadSample(size_t k) const { return feeder_.Read(SampleIndex(k), {}); }
  // Reads all of them, in the order compared; their names are known from here on.
  void VisitSamples(const std::function<void(const Sample&)>& visit);
  std::vector<OutputComparison> CompareSampleOf(size_t k, const Sample& sample,
                                                const std::vector<Tensor>& actual) const;
  bool has_feedback() const { return feeder_.has_feedback(); }
  // Samples run so far, by models that were compared.
  size_t runs() const { return runs_; }

 private:
  using Outputs = std::vector<Tensor>;

  size_t SampleIndex(size_t k) const { return order_[k * order_.size() / count_]; }
  Outputs Expected(size_t k, const Sample& sample) const;
  void KeepReference();
  bool RunReference();  // false: no room for all outputs
  std::vector<OutputComparison> StartSums(size_t outputs) const;
  std::vector<OutputComparison> CompareInOrder(const Session& actual, size_t count);
  // The samples asked for, all where none are, and in step.
  std::vector<size_t> SamplesOf(const std::vector<size_t>& which) const;
  // By so many threads. `actual`: null for what the reference gives. `names`: gets those of the
  // samples; null: nothing does.
  std::vector<OutputComparison> CompareEach(const Session* actual, const std::vector<size_t>& which,
                                            int workers, std::vector<std::string>* names) const;

  std::unique_ptr<Session> reference_;  // null once all its outputs are kept
  const InputFeeder& feeder_;
  std::vector<ComparedValue> values_;
  std::vector<size_t> order_;
  size_t count_;
  int workers_;
  bool in_step_;
  OpenSession reopen_;
  KeptOutputs kept_;
  std::vector<std::string> names_;
  size_t comparisons_ = 0;
  size_t runs_ = 0;
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_COMPARE_MODELS_H_
