#include "compare_models.h"

#include <algorithm>
#include <utility>

#include "qconvert/base/parallel.h"

namespace qconvert {
namespace {

bool IsComparable(const Tensor& tensor) {
  return tensor.type != DataType::kUndefined && tensor.type != DataType::kString;
}

void Accumulate(const std::vector<Tensor>& expected, const std::vector<Tensor>& actual,
                std::vector<OutputComparison>& sums) {
  sums.resize(expected.size());
  for (size_t o = 0; o < expected.size(); ++o) {
    if (IsComparable(expected[o])) AddToComparison(expected[o], actual[o], sums[o]);
  }
}

}  // namespace

ModelComparer::ModelComparer(std::unique_ptr<Session> reference, const InputFeeder& feeder,
                             std::vector<size_t> order, size_t count, int workers)
    : reference_(std::move(reference)),
      feeder_(feeder),
      order_(std::move(order)),
      count_(std::min(count, feeder.size())),
      workers_(std::max(workers, 1)),
      kept_(count_) {
  RunReference();
}

void ModelComparer::RunReference() {
  if (feeder_.has_feedback()) {
    Outputs before;
    for (size_t k = 0; k < count_ && (k == 0 || kept_[k - 1]); ++k) {
      before = reference_->Run(feeder_.Read(k, before).inputs, nullptr);
      Keep(k, before);
    }
  } else {
    const auto batch = static_cast<size_t>(workers_);
    for (size_t first = 0; first < count_ && kept_bytes_ < kKeptBytes; first += batch) {
      std::vector<Outputs> outputs(std::min(batch, count_ - first));
      ParallelFor(outputs.size(), workers_, [&](size_t k, size_t /*worker*/) {
        outputs[k] = reference_->Run(feeder_.Read(SampleIndex(first + k), {}).inputs, nullptr);
      });
      for (size_t k = 0; k < outputs.size(); ++k) Keep(first + k, outputs[k]);
    }
  }
  const bool all =
      std::all_of(kept_.begin(), kept_.end(), [](const auto& one) { return one.has_value(); });
  if (all) reference_.reset();
}

ModelComparer::Outputs ModelComparer::TakeExpected(size_t k, const Sample& sample) {
  return kept_[k] ? *kept_[k] : reference_->Run(sample.inputs, nullptr);
}

void ModelComparer::Keep(size_t k, const Outputs& outputs) {
  if (kept_[k]) return;
  int64_t bytes = 0;
  for (const Tensor& tensor : outputs) bytes += tensor.byte_size();
  if (kept_bytes_ + bytes > kKeptBytes) return;
  kept_bytes_ += bytes;
  kept_[k] = outputs;
}

std::vector<OutputComparison> ModelComparer::CompareInOrder(const Session& actual, size_t count) {
  std::vector<OutputComparison> sums;
  Outputs expected_before;
  Outputs actual_before;
  for (size_t k = 0; k < count; ++k) {
    Sample expected_sample;
    if (!kept_[k]) expected_sample = feeder_.Read(k, expected_before);
    expected_before = TakeExpected(k, expected_sample);
    Keep(k, expected_before);
    actual_before = actual.Run(feeder_.Read(k, actual_before).inputs, nullptr);
    Accumulate(expected_before, actual_before, sums);
  }
  return sums;
}

std::vector<OutputComparison> ModelComparer::Compare(const Session& actual, size_t count) {
  std::vector<OutputComparison> sums;
  count = std::min(count, count_);
  ++comparisons_;
  if (feeder_.has_feedback()) {
    sums = CompareInOrder(actual, count);
  } else {
    // A few samples at a time: memory must not grow with their number.
    const auto batch = static_cast<size_t>(workers_);
    for (size_t first = 0; first < count; first += batch) {
      const size_t here = std::min(batch, count - first);
      std::vector<std::pair<Outputs, Outputs>> results(here);
      const auto sample_of = [&](size_t k) { return (first + k) * count_ / count; };
      ParallelFor(here, workers_, [&](size_t k, size_t /*worker*/) {
        const size_t sample_index = sample_of(k);
        const Sample sample = feeder_.Read(SampleIndex(sample_index), {});
        results[k] = {TakeExpected(sample_index, sample), actual.Run(sample.inputs, nullptr)};
      });
      for (size_t k = 0; k < here; ++k) {
        Keep(sample_of(k), results[k].first);
        Accumulate(results[k].first, results[k].second, sums);
      }
    }
  }
  std::erase_if(sums, [](const OutputComparison& sum) { return sum.name.empty(); });
  return sums;
}

}  // namespace qconvert
