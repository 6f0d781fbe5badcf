#include "compare_models.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "qconvert/base/check.h"
#include "qconvert/base/map_in_order.h"
#include "qconvert/base/parallel.h"
#include "qconvert/base/spread.h"

namespace qconvert {
namespace {

using Comparisons = std::vector<OutputComparison>;

// One sample's values, as many as both models show.
Comparisons CompareOutputs(const std::vector<ComparedValue>& values,
                           const std::vector<Tensor>& expected, const std::vector<Tensor>& actual) {
  QCONVERT_CHECK(expected.size() == values.size() && actual.size() <= values.size());
  Comparisons comparisons;
  for (size_t o = 0; o < actual.size(); ++o)
    comparisons.push_back(CompareSample(values[o], expected[o], actual[o]));
  return comparisons;
}

void Merge(const Comparisons& sample, Comparisons& sums) {
  for (size_t o = 0; o < sample.size(); ++o) sums[o].Merge(sample[o]);
}

}  // namespace

ModelComparer::ModelComparer(std::unique_ptr<Session> reference, const InputFeeder& feeder,
                             std::vector<ComparedValue> values, std::vector<size_t> order,
                             const CompareOptions& options)
    : reference_(std::move(reference)),
      feeder_(feeder),
      values_(std::move(values)),
      order_(std::move(order)),
      count_(std::min(options.count, order_.size())),
      workers_(options.in_step ? 1 : std::max(options.workers, 1)),
      in_step_(options.in_step),
      reopen_(options.reopen),
      kept_(count_, options.memory_bytes, options.kept_bytes),
      names_(count_) {
  KeepReference();
}

void ModelComparer::KeepReference() {
  if (RunReference()) {
    reference_.reset();  // all that it has to say is kept
    reopen_ = {};
    return;
  }
  // Draws that are kept would be missing from those that a run once more begins with.
  if (in_step_) kept_.Clear();
}

bool ModelComparer::RunReference() {
  if (feeder_.has_feedback()) {
    Outputs before;
    for (size_t k = 0; k < count_; ++k) {
      before = RunSample(*reference_, feeder_.Read(k, before));
      if (!kept_.Keep(k, before)) return false;
    }
  } else {
    const auto batch = static_cast<size_t>(workers_);
    for (size_t first = 0; first < count_; first += batch) {
      std::vector<Outputs> outputs(std::min(batch, count_ - first));
      ParallelFor(outputs.size(), workers_, [&](size_t k, size_t /*worker*/) {
        outputs[k] = RunSample(*reference_, feeder_.Read(SampleIndex(first + k), {}));
      });
      for (size_t k = 0; k < outputs.size(); ++k) {
        // Up to the cap: the rest is computed again each time, by the session that stays.
        if (!kept_.Keep(first + k, std::move(outputs[k]))) return false;
      }
    }
  }
  return true;
}

std::vector<size_t> ModelComparer::Spread(size_t count) const {
  return SpreadEvenly(count_, count);
}

ModelComparer::Outputs ModelComparer::Expected(size_t k, const Sample& sample) const {
  return kept_.Has(k) ? kept_.Get(k) : RunSample(*reference_, sample);
}

Comparisons ModelComparer::StartSums(size_t outputs) const {
  // A written file does not show the values that stand in for outputs.
  Comparisons sums(outputs);
  for (size_t o = 0; o < sums.size(); ++o) sums[o].value = values_[o];
  return sums;
}

Comparisons ModelComparer::CompareInOrder(const Session& actual, size_t count) {
  Comparisons sums = StartSums(actual.outputs().size());
  Outputs expected_before;
  Outputs actual_before;
  for (size_t k = 0; k < count; ++k) {
    Sample expected_sample;
    if (!kept_.Has(k)) expected_sample = feeder_.Read(k, expected_before);
    expected_before = Expected(k, expected_sample);
    Sample sample = feeder_.Read(k, actual_before);
    actual_before = RunSample(actual, sample);
    names_[k] = std::move(sample.name);
    Merge(CompareOutputs(values_, expected_before, actual_before), sums);
  }
  return sums;
}

Comparisons ModelComparer::CompareEach(const Session* actual, const std::vector<size_t>& which,
                                       int workers, std::vector<std::string>* names) const {
  const auto compare = [&](size_t k, const Sample& sample) {
    if (actual != nullptr) return CompareSampleOf(k, sample, RunSample(*actual, sample));
    const Outputs expected = Expected(k, sample);
    return CompareOutputs(values_, expected, expected);
  };
  Comparisons sums = StartSums(actual != nullptr ? actual->outputs().size() : values_.size());
  MapInOrder(
      which.size(), workers,
      [&](size_t k) {
        Sample sample = ReadSample(which[k]);
        Comparisons of_sample = compare(which[k], sample);
        // Each worker writes those of its own samples.
        if (names != nullptr) (*names)[which[k]] = std::move(sample.name);
        return of_sample;
      },
      [&](size_t /*k*/, const Comparisons& of_sample) {
        Merge(of_sample, sums);
        return true;
      });
  return sums;
}

Comparisons ModelComparer::CompareSampleOf(size_t k, const Sample& sample,
                                           const Outputs& actual) const {
  return CompareOutputs(values_, Expected(k, sample), actual);
}

Comparisons ModelComparer::CompareBeside(const Session& actual,
                                         const std::vector<size_t>& which) const {
  return CompareEach(&actual, which, 1, nullptr);
}

Comparisons ModelComparer::CompareWithItself(const std::vector<size_t>& which) {
  QCONVERT_CHECK(!in_step_ && !has_feedback());
  ++comparisons_;
  return CompareEach(nullptr, SamplesOf(which), workers_, &names_);
}

void ModelComparer::Count(size_t comparisons, size_t samples) {
  comparisons_ += comparisons;
  runs_ += comparisons * samples;
}

void ModelComparer::VisitSamples(const std::function<void(const Sample&)>& visit) {
  for (size_t k = 0; k < count_; ++k) {
    Sample sample = ReadSample(k);
    visit(sample);
    names_[k] = std::move(sample.name);
  }
}

std::vector<size_t> ModelComparer::SamplesOf(const std::vector<size_t>& which) const {
  // A run that is left out would leave its draws to the next.
  if (!which.empty() && !in_step_) return which;
  std::vector<size_t> all(count_);
  std::iota(all.begin(), all.end(), size_t{0});
  return all;
}

Comparisons ModelComparer::Compare(const Session& actual, const std::vector<size_t>& which) {
  const std::vector<size_t> samples = SamplesOf(which);
  ++comparisons_;
  if (in_step_ && reference_ != nullptr) {
    reference_.reset();  // first: the two need not be in memory together
    reference_ = reopen_();
  }
  if (!feeder_.has_feedback()) {
    runs_ += samples.size();
    return CompareEach(&actual, samples, workers_, &names_);
  }
  // States come from the sample before: the wanted ones take all that precede them.
  const size_t count = samples.empty() ? 0 : samples.back() + 1;
  runs_ += count;
  return CompareInOrder(actual, count);
}

}  // namespace qconvert
