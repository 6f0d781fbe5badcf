#include "qconvert/pipeline/measure_costs.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cost_networks.h"
#include "qconvert/base/checked.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/plan/fit_cost_table.h"
#include "qconvert/plan/plan.h"
#include "qconvert/plan/processor.h"
#include "qconvert/rewrite/apply_plan.h"
#include "qconvert/runtime/ort_session.h"
#include "qconvert/weights/fill_codes.h"

namespace qconvert {
namespace {

using Clock = std::chrono::steady_clock;
using Nanoseconds = std::chrono::duration<double, std::nano>;

constexpr const char* kPlace = "the network that is timed";
constexpr int kWarmUps = 3;
constexpr int kLeastRuns = 10;
constexpr int kMostRuns = 2'000;
constexpr double kNsInMs = 1e6;
constexpr float kInputRange = 1;

double LeastTime(const Model& model, const Tensor& input, double enough_ns) {
  const auto session = OpenOrtSession(SerializeModel(model), kPlace, {.plans_memory = true});
  double least = std::numeric_limits<double>::infinity();
  double all = 0;
  for (int run = -kWarmUps; run < kMostRuns && (run < kLeastRuns || all < enough_ns); ++run) {
    const auto start = Clock::now();
    session->Run({&input, 1}, nullptr);
    const double ns = Nanoseconds(Clock::now() - start).count();
    if (run < 0) continue;
    // Whatever else the machine does only adds.
    least = std::min(least, ns);
    all += ns;
  }
  return least;
}

Tensor InputOf(const Graph& graph) {
  std::vector<int64_t> dims;
  for (const Dim& dim : *graph.inputs[0].type.shape) dims.push_back(dim.value);
  std::vector<float> values(static_cast<size_t>(ElementCount(dims).value()));
  for (size_t k = 0; k < values.size(); ++k)
    values[k] = kInputRange * (static_cast<float>(k % 17) / 8 - 1);
  return MakeFloatTensor(graph.inputs[0].name, dims, values);
}

// Any range will do: time does not depend on it.
CalibrationTable AnyRanges(const Placement& placement) {
  CalibrationTable table;
  table.samples = 1;
  for (const std::string& value : placement.Observed()) {
    TensorStatistics& seen = table.values[value];
    seen.min = -kInputRange;
    seen.max = kInputRange;
    seen.count = 1;
  }
  return table;
}

// Everything that has a kernel on integers.
Model OnIntegers(const Model& model, const Placement& placement, std::set<size_t> dynamic) {
  ModelSettings settings{QuantConfig{}};
  for (const TensorType type : kTensorTypes)
    settings.config.tensors[type].method = CalibrationMethod::kMaxMin;
  QuantizationPlan plan = MakePlan(model.graph, placement, AnyRanges(placement), settings);
  CodeCache codes;
  FillCodes(model.graph, settings, {.dynamic = std::move(dynamic)}, codes, plan);
  Model quantized = model;
  ApplyPlan(quantized, plan);
  return quantized;
}

// Float convolutions compute on blocks of channels: an image goes in and comes out once.
void AddLayoutChanges(const Graph& graph, const CostModel& costs, CostCounts& counts) {
  const bool has_images = std::any_of(graph.nodes.begin(), graph.nodes.end(),
                                      [](const Node& node) { return node.Is("Conv"); });
  if (!has_images) return;
  for (const Value& border : {graph.inputs[0], graph.outputs[0]})
    counts.Add({{CostTerm::kKernel, 1}, {CostTerm::kLayout, costs.SizeOf(border.name)}});
}

struct Timing {
  const CostModel& costs;
  const Tensor input;
  double enough_ns = 0;
};

TimedNetwork Timed(CostCounts counts, const Model& model, const Timing& timing) {
  const double results = timing.costs.SizeOf(model.graph.outputs[0].name);
  counts.Add({{CostTerm::kRun, 1}, {CostTerm::kResult, results}});
  return {counts, LeastTime(model, timing.input, timing.enough_ns)};
}

void TimeNetwork(CostNetwork network, double enough_ns, std::vector<TimedNetwork>& out) {
  Model& model = network.model;
  InferTypes(model, kPlace);
  const CostModel costs(model.graph, {});
  const Timing timing{costs, InputOf(model.graph), enough_ns};
  // By kernels: by time would take what is measured here for known.
  PlaceOptions options{.place_by = PlaceBy::kKernels};
  if (!network.is_dynamic) {
    Placement placement = PlaceNodes(model.graph, options);
    AddLayoutChanges(model.graph, costs, placement.in_float);
    out.push_back(Timed(placement.in_float, model, timing));
    out.push_back(Timed(placement.chosen, OnIntegers(model, placement, {}), timing));
    if (model.graph.nodes.size() < 3) return;
    // With one node or the first two in float: what conversions take in a network.
    const size_t count = model.graph.nodes.size();
    for (const std::set<size_t>& kept : {std::set<size_t>{count / 2}, {0, 1}, {count - 1}}) {
      options.keep_float.clear();
      for (const size_t n : kept) options.keep_float.emplace(n, "is timed in float");
      placement = PlaceNodes(model.graph, options);
      for (const size_t n : kept) placement.chosen.Add(costs.FloatShares(model.graph.nodes[n]));
      out.push_back(Timed(placement.chosen, OnIntegers(model, placement, {}), timing));
    }
    return;
  }
  CostCounts on_float;
  CostCounts at_run_time;
  std::set<size_t> dynamic;
  for (size_t n = 0; n < model.graph.nodes.size(); ++n) {
    options.keep_float.emplace(n, "quantized at run time");
    dynamic.insert(n);
    on_float.Add(costs.FloatShares(model.graph.nodes[n]));
    at_run_time.Add(costs.DynamicShares(model.graph.nodes[n]));
  }
  const Placement placement = PlaceNodes(model.graph, options);
  out.push_back(Timed(on_float, model, timing));
  out.push_back(Timed(at_run_time, OnIntegers(model, placement, std::move(dynamic)), timing));
}

}  // namespace

MeasuredCosts MeasureCosts(const MeasureCostsOptions& options) {
  std::vector<CostNetwork> networks = CostNetworks();
  std::vector<TimedNetwork> timed;
  for (size_t n = 0; n < networks.size(); ++n) {
    TimeNetwork(std::move(networks[n]), kNsInMs * options.milliseconds, timed);
    if (options.progress) options.progress(n + 1, networks.size());
  }
  const CostTable& prior = CostTableOf(Processor::kHost);
  MeasuredCosts out;
  out.table = FitCostTable(timed, prior);
  out.networks = timed.size();
  out.mean_error = MeanRelativeError(timed, out.table);
  out.default_error = MeanRelativeError(timed, prior);
  return out;
}

}  // namespace qconvert
