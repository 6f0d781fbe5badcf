#include "qconvert/calibration/calibrator.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include "qconvert/base/checked.h"
#include "qconvert/base/error.h"
#include "qconvert/ir/topology.h"

namespace qconvert {
namespace {

// Private statistics of one worker: of all it saw, and of the batch it is in.
class StatisticsObserver : public ValueObserver {
 public:
  StatisticsObserver(size_t values, TensorStatistics::Detail detail)
      : all_(values), batch_(values), detail_(detail) {}

  void Observe(int64_t id, std::span<const float> values) override {
    batch_[static_cast<size_t>(id)].Observe(values, detail_, scratch_);
  }

  const std::vector<TensorStatistics>& batch() const { return batch_; }
  const std::vector<TensorStatistics>& all() const { return all_; }

  void EndBatch() {
    for (size_t v = 0; v < all_.size(); ++v) {
      all_[v].Merge(batch_[v]);
      batch_[v] = {};
    }
  }

 private:
  std::vector<TensorStatistics> all_;
  std::vector<TensorStatistics> batch_;
  TensorStatistics::Detail detail_;
  Histogram::BinScratch scratch_;
};

// One pass over all samples, a batch at a time per worker.
class CalibrationRun {
 public:
  CalibrationRun(const Session& session, const InputFeeder& feeder,
                 const std::vector<std::string>& values, const CalibrationOptions& options)
      : session_(session),
        feeder_(feeder),
        values_(values),
        options_(options),
        workers_(feeder.has_feedback() ? 1 : std::max(1, options.workers)),
        observers_(static_cast<size_t>(workers_),
                   StatisticsObserver(values.size(), options.detail)) {}

  CalibrationTable Run() {
    // Without ranges of batches, a worker's "batch" never ends: nothing is merged in between.
    const bool batched = static_cast<bool>(options_.batch_range);
    const size_t size = batched ? std::max<size_t>(options_.batch_size, 1) : 1;
    const size_t mine = ShardSize(feeder_.size(), options_.shard, options_.shards);
    total_ = mine;
    samples_ = std::min(mine - std::min(mine, options_.first), options_.count);
    const size_t count = (samples_ + size - 1) / size;
    ranges_.assign(batched ? values_.size() : 0, std::vector<std::optional<Range>>(count));
    ParallelFor(count, workers_, [&](size_t batch, size_t worker) {
      const size_t end = std::min(samples_, (batch + 1) * size);
      for (size_t k = batch * size; k < end; ++k)
        RunSample((options_.first + k) * options_.shards + options_.shard, observers_[worker]);
      if (batched) EndBatch(batch, observers_[worker]);
    });
    for (StatisticsObserver& observer : observers_) observer.EndBatch();
    return Table();
  }

 private:
  void RunSample(size_t index, StatisticsObserver& observer) {
    const Sample sample = feeder_.Read(index, previous_);
    std::vector<Tensor> outputs;
    try {
      outputs = session_.Run(sample.inputs, &observer);
    } catch (const Error& e) {
      throw Error(e.code(), sample.name, e.what());
    }
    for (size_t v = 0; v < values_.size(); ++v) {
      const int64_t nans = observer.batch()[v].nan_count;
      if (nans == 0) continue;
      throw Error(ExitCode::kNumeric, sample.name,
                  fmt::format("{} values of \"{}\" are NaN in the float model", nans, values_[v]));
    }
    if (feeder_.has_feedback()) previous_ = std::move(outputs);
    const std::lock_guard lock(progress_mutex_);
    if (options_.progress) options_.progress(options_.first + ++done_, total_);
  }

  // A batch belongs to one worker, and so do its ranges.
  void EndBatch(size_t batch, StatisticsObserver& observer) {
    for (size_t v = 0; v < values_.size(); ++v)
      ranges_[v][batch] = options_.batch_range(v, observer.batch()[v]);
    observer.EndBatch();
  }

  CalibrationTable Table() const {
    CalibrationTable table;
    table.samples = samples_;
    for (size_t v = 0; v < values_.size(); ++v) {
      TensorStatistics& merged = table.values[values_[v]];
      for (const StatisticsObserver& observer : observers_) merged.Merge(observer.all()[v]);
    }
    for (size_t v = 0; v < ranges_.size(); ++v) {
      for (const std::optional<Range>& range : ranges_[v]) {
        if (range) table.batches[values_[v]].push_back(*range);
      }
    }
    return table;
  }

  const Session& session_;
  const InputFeeder& feeder_;
  const std::vector<std::string>& values_;
  const CalibrationOptions& options_;
  int workers_;
  std::vector<StatisticsObserver> observers_;
  std::vector<std::vector<std::optional<Range>>> ranges_;  // by value and batch
  std::vector<Tensor> previous_;
  std::mutex progress_mutex_;
  size_t total_ = 0;    // samples of this shard
  size_t samples_ = 0;  // of them, those of this run
  size_t done_ = 0;
};

std::vector<int64_t> StateShape(const Value& state, const std::vector<Value>& inputs,
                                const Sample& sample) {
  std::unordered_map<std::string, int64_t> symbols;
  for (const Tensor& tensor : sample.inputs) {
    const auto it = std::find_if(inputs.begin(), inputs.end(),
                                 [&](const Value& v) { return v.name == tensor.name; });
    if (it == inputs.end() || !it->type.shape) continue;
    for (size_t d = 0; d < tensor.dims.size(); ++d) {
      const Dim& dim = (*it->type.shape)[d];
      if (!dim.symbol.empty()) symbols.emplace(dim.symbol, tensor.dims[d]);
    }
  }
  std::vector<int64_t> dims;
  if (!state.type.shape) return dims;
  for (const Dim& dim : *state.type.shape) {
    const auto it = symbols.find(dim.symbol);
    dims.push_back(dim.known() ? dim.value : it != symbols.end() ? it->second : 1);
  }
  return dims;
}

Tensor Zeros(const Value& value, std::vector<int64_t> dims) {
  Tensor tensor;
  tensor.name = value.name;
  tensor.type = value.type.element;
  const std::optional<int64_t> count = ElementCount(dims);
  const std::optional<int64_t> bytes = count ? PackedBytes(tensor.type, *count) : std::nullopt;
  if (!bytes) {
    throw Error(ExitCode::kModel, "",
                fmt::format("input \"{}\" cannot be a state: it has no usable shape", value.name));
  }
  tensor.dims = std::move(dims);
  tensor.bytes = std::make_shared<const std::string>(static_cast<size_t>(*bytes), '\0');
  return tensor;
}

}  // namespace

InputFeeder::InputFeeder(const SampleSource& samples, std::vector<Value> inputs,
                         std::vector<StateInput> states)
    : samples_(samples), inputs_(std::move(inputs)), states_(std::move(states)) {}

bool InputFeeder::has_feedback() const {
  return std::any_of(states_.begin(), states_.end(),
                     [](const StateInput& s) { return !s.output.empty(); });
}

Sample InputFeeder::Read(size_t index, const std::vector<Tensor>& previous) const {
  Sample sample = samples_.Read(index);
  for (const StateInput& state : states_) {
    const auto fed = std::find_if(previous.begin(), previous.end(), [&](const Tensor& t) {
      return !state.output.empty() && t.name == state.output;
    });
    if (fed != previous.end()) {
      sample.inputs.push_back(*fed);
      sample.inputs.back().name = state.input;
      continue;
    }
    const auto input = std::find_if(inputs_.begin(), inputs_.end(),
                                    [&](const Value& v) { return v.name == state.input; });
    sample.inputs.push_back(Zeros(*input, StateShape(*input, inputs_, sample)));
  }
  return sample;
}

Graph InsertObservers(const Graph& graph, const std::vector<std::string>& values) {
  Graph out = graph;
  NameMaker names(graph);
  std::unordered_map<std::string, std::string>
      before;  // observed value -> what its producer writes now
  std::unordered_map<std::string, std::string> after_input;
  for (size_t id = 0; id < values.size(); ++id) {
    const std::string& value = values[id];
    const bool is_input = graph.IsInput(value);
    const std::string other = names.Make("observed_");
    Node node = MakeNode(kObserverOpType, {is_input ? value : other}, {is_input ? other : value});
    node.domain = kObserverDomain;
    node.Set("id", static_cast<int64_t>(id));
    (is_input ? after_input : before).emplace(value, other);
    out.nodes.push_back(std::move(node));
  }
  for (Node& node : out.nodes) {
    if (node.domain == kObserverDomain) continue;
    for (std::string& output : node.outputs) {
      const auto it = before.find(output);
      if (it != before.end()) output = it->second;
    }
    for (std::string& input : node.inputs) {
      const auto it = after_input.find(input);
      if (it != after_input.end()) input = it->second;
    }
  }
  SortNodes(out);
  return out;
}

void ParallelFor(size_t count, int workers, const std::function<void(size_t, size_t)>& work) {
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  size_t failed_index = count;
  std::exception_ptr failure;
  const auto loop = [&](size_t worker) {
    for (size_t i = next++; i < count && !failed; i = next++) {
      try {
        work(i, worker);
      } catch (...) {
        const std::lock_guard lock(mutex);
        failed = true;
        if (i < failed_index) {
          failed_index = i;
          failure = std::current_exception();
        }
      }
    }
  };
  std::vector<std::thread> threads;
  const size_t wanted = std::min(count, static_cast<size_t>(std::max(workers, 1)));
  for (size_t w = 1; w < wanted; ++w) {
    try {
      threads.emplace_back(loop, w);
    } catch (const std::system_error&) {
      break;  // fewer threads, the same result
    }
  }
  loop(0);
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

size_t ShardSize(size_t samples, size_t shard, size_t shards) {
  return samples > shard ? (samples - shard - 1) / shards + 1 : 0;
}

CalibrationTable Calibrate(const Session& session, const InputFeeder& feeder,
                           const std::vector<std::string>& values,
                           const CalibrationOptions& options) {
  return CalibrationRun(session, feeder, values, options).Run();
}

}  // namespace qconvert
