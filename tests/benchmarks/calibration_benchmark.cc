// What calibration costs: observers next to plain inference in turns within one run, and the
// kernels alone.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>

#include "mobilenet_v2.h"
#include "qconvert/calibration/entropy_range.h"
#include "qconvert/calibration/insert_observers.h"
#include "qconvert/calibration/range_error.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/quantization/plan.h"
#include "qconvert/quantization/quantize.h"
#include "qconvert/runtime/ort_session.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

class StatisticsObserver : public ValueObserver {
 public:
  StatisticsObserver(size_t values, TensorStatistics::Detail detail)
      : statistics_(values), detail_(detail) {}
  void Observe(int64_t id, std::span<const float> values) override {
    statistics_[static_cast<size_t>(id)].Observe(values, detail_, scratch_);
  }

 private:
  std::vector<TensorStatistics> statistics_;
  TensorStatistics::Detail detail_;
  Histogram::BinScratch scratch_;
};

double SecondsOf(const Session& session, const Tensor& x, ValueObserver* observer) {
  const auto start = std::chrono::steady_clock::now();
  benchmark::DoNotOptimize(session.Run(std::span(&x, 1), observer));
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

// Reports observed / plain as the counter "ratio": medians of runs taken in turns.
void BM_Calibration(benchmark::State& state) {
  const auto detail = state.range(0) != 0 ? TensorStatistics::Detail::kHistogram
                                          : TensorStatistics::Detail::kRangeOnly;
  Model model = MobileNetV2();
  PrepareModel(model, "benchmark");
  const std::vector<std::string> observed = PlaceNodes(model.graph, {}).Observed();
  Model instrumented = model;
  instrumented.graph = InsertObservers(model.graph, observed);
  instrumented.graph.value_info.clear();
  instrumented.opsets.emplace(kObserverDomain, 1);
  const auto plain = OpenOrtSession(SerializeModel(MobileNetV2()), "plain", {});
  const auto observing = OpenOrtSession(SerializeModel(instrumented), "observing", {});
  StatisticsObserver observer(observed.size(), detail);
  const Tensor x = RandomTensor("x", {1, 3, 224, 224}, 1);
  std::vector<double> plain_seconds;
  std::vector<double> observed_seconds;
  for (auto _ : state) {
    plain_seconds.push_back(SecondsOf(*plain, x, nullptr));
    observed_seconds.push_back(SecondsOf(*observing, x, &observer));
    state.SetIterationTime(observed_seconds.back());
  }
  state.counters["plain_ms"] = 1e3 * Median(plain_seconds);
  state.counters["ratio"] = Median(observed_seconds) / Median(plain_seconds);
  state.counters["values"] = static_cast<double>(observed.size());
}
BENCHMARK(BM_Calibration)
    ->ArgName("histogram")
    ->Arg(0)
    ->Arg(1)
    ->UseManualTime()
    ->Iterations(60)
    ->Unit(benchmark::kMillisecond);

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
  for (auto _ : state) benchmark::DoNotOptimize(QuantizeToBytes(values, {}, params, -127, 127));
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
