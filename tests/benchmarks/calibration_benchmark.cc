// What calibration costs: observers next to plain inference in turns within one run, and the
// kernels alone.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>

#include "models.h"
#include "qconvert/calibration/calibrator.h"
#include "qconvert/calibration/entropy_range.h"
#include "qconvert/calibration/insert_observers.h"
#include "qconvert/calibration/range_error.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/numbers/quantize.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/plan/plan.h"
#include "qconvert/plan/safe_plan.h"
#include "qconvert/runtime/ort_session.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

class StatisticsObserver : public ValueObserver {
 public:
  StatisticsObserver(std::vector<bool> is_seen, TensorStatistics::Detail detail)
      : is_seen_(std::move(is_seen)), statistics_(is_seen_.size()), detail_(detail) {}
  void Observe(int64_t id, const TensorView& value) override {
    const std::span<const float> values = value.floats();
    runs_ += id == 0 ? 1 : 0;
    if (!is_seen_[static_cast<size_t>(id)]) return;
    statistics_[static_cast<size_t>(id)].Observe(values, detail_, scratch_);
  }

  // Values seen in one run, in millions.
  double MillionsPerRun() const {
    int64_t values = 0;
    for (const TensorStatistics& one : statistics_) values += one.count;
    return static_cast<double>(values) / 1e6 / runs_;
  }

 private:
  std::vector<bool> is_seen_;
  double runs_ = 0;
  std::vector<TensorStatistics> statistics_;
  TensorStatistics::Detail detail_;
  Histogram::BinScratch scratch_;
};

double SecondsOf(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

// A model as it is, and with observers on all that a plan would quantize.
struct Sessions {
  std::unique_ptr<Session> plain;
  std::unique_ptr<Session> observing;
  std::vector<std::string> observed;
  std::vector<bool>
      is_seen;  // of `observed`: what a plan needs that puts nodes with weights on integers
};

Sessions Open(Model (*make)()) {
  Model model = make();
  Sessions out;
  out.plain = OpenOrtSession(SerializeModel(model), "plain", {});
  PrepareModel(model, "benchmark");
  out.observed = PlaceNodes(model.graph, {.keep_float = FindSensitiveNodes(model.graph),
                                          .place_by = PlaceBy::kKernels})
                     .Observed();
  const Placement plan = PlaceNodes(model.graph, {.keep_float = FindSensitiveNodes(model.graph)});
  for (const std::string& value : out.observed) out.is_seen.push_back(plan.IsQuantized(value));
  Model instrumented = model;
  instrumented.graph = InsertObservers(model.graph, out.observed);
  instrumented.graph.value_info.clear();
  instrumented.opsets.emplace(kObserverDomain, 1);
  out.observing = OpenOrtSession(SerializeModel(instrumented), "observing", {});
  return out;
}

// Reports observed / plain as the counter "ratio": the median over pairs of runs taken in turns.
// With observers that do nothing (0), see ranges (1), or histograms too (2).
template <Model (*Make)()>
void BM_Calibration(benchmark::State& state) {
  const auto detail = state.range(0) == 2 ? TensorStatistics::Detail::kHistogram
                                          : TensorStatistics::Detail::kRangeOnly;
  Sessions sessions = Open(Make);
  if (state.range(0) == 0) sessions.is_seen.assign(sessions.observed.size(), false);
  StatisticsObserver observer(sessions.is_seen, detail);
  const Tensor x = RandomTensor("x", {1, 3, 224, 224}, 1);
  const auto run = [&](const Session& session, ValueObserver* seen) {
    return SecondsOf([&] { benchmark::DoNotOptimize(session.Run(std::span(&x, 1), seen)); });
  };
  run(*sessions.plain, nullptr);
  run(*sessions.observing, &observer);
  std::vector<double> plain;
  std::vector<double> ratios;
  for (auto _ : state) {
    plain.push_back(run(*sessions.plain, nullptr));
    const double observed = run(*sessions.observing, &observer);
    ratios.push_back(observed / plain.back());
    state.SetIterationTime(observed);
  }
  state.counters["plain_ms"] = 1e3 * Median(plain);
  state.counters["ratio"] = Median(ratios);
  state.counters["values"] =
      static_cast<double>(std::count(sessions.is_seen.begin(), sessions.is_seen.end(), true));
  state.counters["Mfloats"] = observer.MillionsPerRun();
}

// The whole calibration of 16 samples by N workers, over plain runs of them in one thread.
template <Model (*Make)()>
void BM_Workers(benchmark::State& state) {
  constexpr size_t kSamples = 16;
  const Sessions sessions = Open(Make);
  const TempDir folder;
  for (uint32_t i = 0; i < kSamples; ++i) {
    const Tensor x = RandomTensor("x", {1, 3, 224, 224}, i);
    folder.Write(std::to_string(i) + ".npy", NpyFloats(x.dims, x.values<float>()));
  }
  const Value input{"x", FloatType({"1", "3", "224", "224"}), {}, {}};
  const SampleSource samples = OpenSamples(folder.path(), {input}, {});
  const InputFeeder feeder(samples, {input}, {});
  std::vector<double> ratios;
  for (auto _ : state) {
    const double plain = SecondsOf([&] {
      for (size_t k = 0; k < kSamples; ++k)
        benchmark::DoNotOptimize(sessions.plain->Run(feeder.Read(k, {}).inputs, nullptr));
    });
    const double calibration = SecondsOf([&] {
      Calibrate(*sessions.observing, feeder, sessions.observed,
                {.workers = static_cast<int>(state.range(0))});
    });
    ratios.push_back(calibration / plain);
    state.SetIterationTime(calibration);
  }
  state.counters["ratio"] = Median(ratios);
}

#define QCONVERT_BENCHMARK_MODEL(make, pairs) \
  BENCHMARK(BM_Calibration<make>)             \
      ->ArgName("work")                       \
      ->DenseRange(0, 2)                      \
      ->UseManualTime()                       \
      ->Iterations(pairs)                     \
      ->Unit(benchmark::kMillisecond);        \
  BENCHMARK(BM_Workers<make>)                 \
      ->ArgName("workers")                    \
      ->Arg(1)                                \
      ->Arg(2)                                \
      ->UseManualTime()                       \
      ->Iterations(std::max((pairs) / 16, 3)) \
      ->Unit(benchmark::kMillisecond)
QCONVERT_BENCHMARK_MODEL(MobileNetV2, 100);
QCONVERT_BENCHMARK_MODEL(ResNet50, 30);
QCONVERT_BENCHMARK_MODEL(VisionTransformer, 16);

void BM_Observe(benchmark::State& state) {
  const auto detail = state.range(0) != 0 ? TensorStatistics::Detail::kHistogram
                                          : TensorStatistics::Detail::kRangeOnly;
  std::vector<float> values = RandomFloats(1 << 18, 1);
  for (float& v : values) v = std::max(v, 0.0F);  // as after a Relu: half are zeros
  TensorStatistics statistics;
  Histogram::BinScratch scratch;
  for (auto _ : state) statistics.Observe(values, detail, scratch);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(values.size()));
}
BENCHMARK(BM_Observe)->ArgName("histogram")->Arg(0)->Arg(1);

void BM_Quantize(benchmark::State& state) {
  const std::vector<float> values = RandomFloats(1 << 18, 1);
  const QuantParams params{DataType::kInt8, -1, {0.02F}, {0}};
  for (auto _ : state)
    benchmark::DoNotOptimize(
        QuantizeToBytes(values, {}, params, IntegerFormat(8, true, true, /*narrow=*/true)));
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(values.size()));
}
BENCHMARK(BM_Quantize);

// Ranges of 100 tensors with heavy tails from their histograms.
template <Range (*Method)(const TensorStatistics&, const RangeGrid&)>
void BM_Range100(benchmark::State& state) {
  std::vector<TensorStatistics> tensors(100);
  Histogram::BinScratch scratch;
  for (uint32_t t = 0; t < tensors.size(); ++t) {
    std::vector<float> values = RandomFloats(20000, t);
    for (float& v : values) v = v * v * v;
    tensors[t].Observe(values, TensorStatistics::Detail::kHistogram, scratch);
  }
  for (auto _ : state) {
    for (const TensorStatistics& tensor : tensors)
      benchmark::DoNotOptimize(Method(tensor, {255, false}));
  }
}
BENCHMARK(BM_Range100<EntropyRange>)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Range100<MseRange>)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Range100<AutoRange>)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace qconvert
