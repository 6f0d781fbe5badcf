#include "qconvert/calibration/calibrator.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "qconvert/base/check.h"
#include "qconvert/base/counted.h"
#include "qconvert/base/error.h"
#include "qconvert/base/memory.h"
#include "qconvert/base/parallel.h"

namespace qconvert {
namespace {

using Statistics = ValueRequests::Statistics;

// What one worker sees: private statistics of all samples and of the batch it is in.
class WorkerObserver : public ValueObserver {
 public:
  // `requests`: by value.
  explicit WorkerObserver(const std::vector<ValueRequests>& requests)
      : requests_(&requests),
        all_(requests.size()),
        batch_(requests.size()),
        first_infinite_(requests.size()) {}

  void Observe(int64_t id, const TensorView& value) override {
    const auto v = static_cast<size_t>(id);
    const Statistics statistics = (*requests_)[v].statistics;
    if (statistics == Statistics::kNone) return;
    batch_[v].Observe(value.floats(),
                      statistics == Statistics::kRange ? TensorStatistics::Detail::kRangeOnly
                                                       : TensorStatistics::Detail::kHistogram,
                      scratch_);
  }

  const std::vector<TensorStatistics>& batch() const { return batch_; }
  const std::vector<TensorStatistics>& all() const { return all_; }
  const std::vector<std::optional<SampleAt>>& first_infinite() const { return first_infinite_; }

  // Samples of a worker come in increasing order, so the first one noted is the first.
  void NoteInfinite(size_t index, const std::string& name) {
    for (size_t v = 0; v < batch_.size(); ++v) {
      if (batch_[v].inf_count > 0 && !first_infinite_[v]) first_infinite_[v] = {index, name};
    }
  }

  void EndBatch() {
    for (size_t v = 0; v < all_.size(); ++v) {
      all_[v].Merge(batch_[v]);
      batch_[v] = {};
    }
  }

 private:
  const std::vector<ValueRequests>* requests_;
  std::vector<TensorStatistics> all_;
  std::vector<TensorStatistics> batch_;
  std::vector<std::optional<SampleAt>> first_infinite_;  // by value
  Histogram::BinScratch scratch_;
};

// Shows the values of a batch to those who asked for a second look.
class SecondLooks : public ValueObserver {
 public:
  explicit SecondLooks(size_t values) : looks_(values) {}

  void Observe(int64_t id, const TensorView& value) override {
    for (const auto& look : looks_[static_cast<size_t>(id)])
      if (look) look->Observe(value.floats());
  }

  // By value and question; null where one look is enough.
  std::vector<std::vector<std::unique_ptr<SecondLook>>>& looks() { return looks_; }

 private:
  std::vector<std::vector<std::unique_ptr<SecondLook>>> looks_;
};

// One pass over samples, a batch at a time per worker.
class CalibrationRun {
 public:
  CalibrationRun(const Session& session, const InputFeeder& feeder,
                 const std::vector<std::string>& values, const CalibrationOptions& options)
      : session_(session),
        feeder_(feeder),
        values_(values),
        options_(options),
        requests_(options.requests.empty() ? std::vector<ValueRequests>(values.size())
                                           : options.requests) {
    QCONVERT_CHECK(options.batch_size > 0);
    QCONVERT_CHECK(requests_.size() == values.size());
    const size_t mine = ShardBatches(feeder.size(), options.batch_size, options.shard);
    // A first batch behind the last leaves none; the difference of unsigned numbers would wrap.
    batches_ = std::min(mine - std::min(mine, options.first_batch), options.batches);
    total_ = ShardSamples(feeder.size(), options.batch_size, options.shard);
    for (const ValueRequests& one : requests_) {
      answers_.emplace_back(one.batches.size(), std::vector<Range>(batches_));
      is_asked_ |= !one.batches.empty();
    }
  }

  CalibrationTable Run() {
    const int wanted = feeder_.has_feedback() ? 1 : std::max(1, options_.workers);
    // The first batch tells what a worker takes.
    const bool is_measured = wanted > 1 || options_.memory_limit > 0;
    const size_t alone = is_measured ? std::min<size_t>(batches_, 1) : 0;
    const int64_t before = ResidentBytes();
    // Copied for every further worker; the first one keeps what it saw of the first batch.
    const WorkerObserver fresh(requests_);
    observers_.push_back(fresh);
    if (alone > 0) RunBatch(0, observers_[0]);
    const int workers = alone > 0 ? CountWorkers(wanted, before) : wanted;
    observers_.resize(static_cast<size_t>(workers), fresh);
    ParallelFor(batches_ - alone, workers,
                [&](size_t b, size_t worker) { RunBatch(alone + b, observers_[worker]); });
    // Without questions about batches everything seen is still in one.
    for (WorkerObserver& observer : observers_) observer.EndBatch();
    return Table();
  }

 private:
  // After the first batch: how many workers may run without passing the limit, or without taking
  // the last of the machine.
  int CountWorkers(int wanted, int64_t before) const {
    // What one worker takes may be over the limit already; then fewer workers do not help.
    CheckMemory("");
    const int64_t now = ResidentBytes();
    // By what the first batch has added to the memory of the process.
    return FittingWorkers(wanted, now - before,
                          RoomLeft(options_.memory_limit, now, MemoryOfMachine()));
  }

  void CheckMemory(const std::string& sample) const {
    if (options_.memory_limit == 0) return;
    const int64_t now = ResidentBytes();
    if (now <= options_.memory_limit) return;
    throw Error(
        ExitCode::kResource, sample,
        fmt::format(
            "calibration takes {} MB of memory, memory_limit allows {}; smaller samples take "
            "less, a larger --memory-limit allows more",
            now >> 20, options_.memory_limit >> 20));
  }

  void RunBatch(size_t batch, WorkerObserver& observer) {
    // Batches of this run are counted in the shard, whose batches alternate with those of the
    // others.
    const size_t shard_batch = options_.first_batch + batch;
    const size_t first =
        (shard_batch * options_.shard.count + options_.shard.index) * options_.batch_size;
    const size_t end = std::min(first + options_.batch_size, feeder_.size());
    // A second look runs the samples again from the state that stood before the batch.
    const std::vector<Tensor> state = previous_;
    for (size_t index = first; index < end; ++index) {
      const std::string name = RunSample(index, observer);
      // After every sample, so that the one that gave it is named.
      CheckNaN(name, observer);
      observer.NoteInfinite(index, name);
      CheckMemory(name);
      const std::lock_guard lock(progress_mutex_);
      ++done_;
      if (options_.progress)
        options_.progress(options_.first_batch * options_.batch_size + done_, total_);
    }
    // Nobody asks about batches: one grows until the end of the run, and nothing is merged
    // meanwhile.
    if (!is_asked_) return;
    // Before EndBatch, which clears what the answers go by.
    AnswerQuestions(batch, first, end, state, observer.batch());
    observer.EndBatch();
  }

  std::string RunSample(size_t index, ValueObserver& observer) {
    const Sample sample = feeder_.Read(index, previous_);
    std::vector<Tensor> outputs = qconvert::RunSample(session_, sample, &observer);
    if (feeder_.has_feedback()) previous_ = std::move(outputs);
    return sample.name;
  }

  void CheckNaN(const std::string& sample, const WorkerObserver& observer) const {
    for (size_t v = 0; v < values_.size(); ++v) {
      const int64_t nans = observer.batch()[v].nan_count;
      if (nans == 0) continue;
      throw Error(ExitCode::kNumeric, sample,
                  fmt::format("the float model gives NaN in {} of \"{}\"", Counted(nans, "value"),
                              values_[v]));
    }
  }

  // A batch belongs to one worker, and so do its answers.
  void AnswerQuestions(size_t batch, size_t first, size_t end, const std::vector<Tensor>& state,
                       const std::vector<TensorStatistics>& seen) {
    SecondLooks again(values_.size());
    bool any = false;
    for (size_t v = 0; v < values_.size(); ++v) {
      for (size_t q = 0; q < requests_[v].batches.size(); ++q) {
        const BatchQuestion& question = requests_[v].batches[q];
        auto& looks = again.looks()[v];
        looks.push_back(question.second_look ? question.second_look(seen[v]) : nullptr);
        if (looks.back() == nullptr) answers_[v][q][batch] = question.range(seen[v]);
        any |= looks.back() != nullptr;
      }
    }
    if (!any) return;
    if (feeder_.has_feedback()) previous_ = state;  // else it is shared, and empty
    for (size_t index = first; index < end; ++index) RunSample(index, again);
    for (size_t v = 0; v < values_.size(); ++v) {
      for (size_t q = 0; q < again.looks()[v].size(); ++q) {
        const auto& look = again.looks()[v][q];
        if (look) answers_[v][q][batch] = look->Decide();
      }
    }
  }

  void AddStatistics(size_t v, CalibrationTable& table) const {
    TensorStatistics& merged = table.values[values_[v]];
    for (const WorkerObserver& observer : observers_) {
      merged.Merge(observer.all()[v]);
      const std::optional<SampleAt>& infinite = observer.first_infinite()[v];
      if (!infinite) continue;
      // Each worker knows its own first sample; the first of the data set is the least of these.
      SampleAt& first = table.infinite.try_emplace(values_[v], *infinite).first->second;
      if (infinite->index < first.index) first = *infinite;
    }
    for (size_t q = 0; q < answers_[v].size(); ++q)
      table.batches[values_[v]][requests_[v].batches[q].key] = answers_[v][q];
  }

  CalibrationTable Table() const {
    CalibrationTable table;
    table.samples = done_;
    table.batch_size = options_.batch_size;
    for (size_t v = 0; v < values_.size(); ++v) {
      if (requests_[v].statistics != Statistics::kNone) AddStatistics(v, table);
    }
    return table;
  }

  const Session& session_;
  const InputFeeder& feeder_;
  const std::vector<std::string>& values_;
  const CalibrationOptions& options_;
  const std::vector<ValueRequests> requests_;             // by value
  bool is_asked_ = false;                                 // whether anything is, about batches
  std::vector<WorkerObserver> observers_;                 // by worker
  std::vector<std::vector<std::vector<Range>>> answers_;  // by value, question and batch
  std::vector<Tensor> previous_;                          // outputs, where they are fed back
  std::mutex progress_mutex_;
  size_t batches_ = 0;  // of this run
  size_t total_ = 0;    // samples of the shard
  size_t done_ = 0;     // samples of this run
};

}  // namespace

CalibrationTable Calibrate(const Session& session, const InputFeeder& feeder,
                           const std::vector<std::string>& values,
                           const CalibrationOptions& options) {
  return CalibrationRun(session, feeder, values, options).Run();
}

}  // namespace qconvert
