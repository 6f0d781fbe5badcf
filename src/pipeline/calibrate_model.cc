#include "calibrate_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "kept_results.h"
#include "long_models.h"
#include "qconvert/calibration/insert_observers.h"
#include "qconvert/config/any_settings.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/ir/body_graph.h"
#include "qconvert/ir/topology.h"
#include "qconvert/ir/value_types.h"
#include "qconvert/plan/body_plans.h"
#include "qconvert/plan/moved_values.h"
#include "qconvert/plan/placement.h"
#include "qconvert/plan/round_values.h"
#include "qconvert/plan/safe_plan.h"
#include "qconvert/plan/value_range.h"
#include "qconvert/runtime/ort_session.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/transform/random_nodes.h"

namespace qconvert {
namespace {

class SizeObserver : public ValueObserver {
 public:
  explicit SizeObserver(size_t values) : sizes(values, 0), runs(values, 0) {}
  void Observe(int64_t id, const TensorView& value) override {
    sizes[static_cast<size_t>(id)] = static_cast<int64_t>(value.count);
    ++runs[static_cast<size_t>(id)];
  }
  std::vector<int64_t> sizes;  // in the last run
  std::vector<int64_t> runs;
};

void CollectFloats(const Graph& graph, std::set<std::string>& floats) {
  for (const Node& node : graph.nodes) {
    for (const auto* list : {&node.inputs, &node.outputs}) {
      for (const std::string& value : *list) {
        if (!value.empty() && graph.FindInitializer(value) == nullptr &&
            TypeOfValue(graph, value) == DataType::kFloat) {
          floats.insert(value);
        }
      }
    }
  }
}

// The way to the body of each of its values.
std::map<std::string, std::string> FindFloatsInBodies(const Graph& graph) {
  std::map<std::string, std::string> way_of;
  for (const BodyGraph& body : FindBodyGraphs(graph)) {
    if (!body.why_float.empty()) continue;
    std::set<std::string> floats;
    CollectFloats(body.graph, floats);
    for (const std::string& value : floats)
      if (!body.captured.contains(value)) way_of.emplace(body.way + value, body.way);
  }
  return way_of;
}

// What the engine inferred of every value; nothing where a size is free, or only declared.
std::optional<ValueSizes> FixedSizes(const Graph& graph, const std::set<std::string>& values) {
  ValueSizes sizes;
  for (const std::string& value : values) {
    if (!HasFixedShape(graph, value) || graph.declared.contains(value)) return std::nullopt;
    int64_t& size = sizes[value] = 1;
    for (const Dim& dim : *FindShape(graph, value)) size *= dim.value;
  }
  return sizes;
}

// True when `predicate` holds for activations or inputs, of the model or of a layer entry.
template <typename Predicate>
bool AnyValue(const QuantConfig& config, const Predicate& predicate) {
  return AnySettings(config, [&](const NodeSettings& tensors) {
    return predicate(tensors.activation) || predicate(tensors.input);
  });
}

bool NeedsHistogram(const QuantConfig& config) {
  using M = CalibrationMethod;
  return AnyValue(config, [](const TensorSettings& settings) {
    return settings.method != M::kMaxMin && settings.method != M::kMovingAverageAbsMax &&
           settings.method != M::kRangeAbsMax;
  });
}

// Quantized values with those that a plan may go by for them: the inputs of the movement nodes that
// they went through.
std::set<std::string> NeededValues(const Graph& graph, const Placement& placement) {
  const Topology topology(graph);
  std::set<std::string> needed;
  for (const auto& [quantized, root] : placement.roots) {
    needed.insert(root);
    for (std::string& value : WithSources(topology, quantized)) needed.insert(std::move(value));
  }
  return needed;
}

// Of everything that a table depends on; empty where samples do on each other, or what runs draws
// random numbers. Answers for batches depend on the order of files too.
std::string KeyOfTable(const Model& model, const InputFeeder& feeder,
                       std::span<const size_t> by_content, const std::vector<std::string>& values,
                       const CalibrationOptions& options) {
  if (feeder.has_feedback() || by_content.empty() || !FindRandomNodes(model.graph).empty())
    return "";
  std::string asked = fmt::format("{}\n", options.batch_size);
  for (size_t v = 0; v < values.size(); ++v) {
    asked += fmt::format("{} {}", values[v], static_cast<int>(options.requests[v].statistics));
    for (const BatchQuestion& question : options.requests[v].batches) asked += " " + question.key;
    asked += "\n";
  }
  const bool by_batch = std::any_of(options.requests.begin(), options.requests.end(),
                                    [](const auto& request) { return !request.batches.empty(); });
  if (by_batch) asked += fmt::format("{}", fmt::join(by_content, " "));
  std::string samples;
  for (const size_t k : by_content) samples += HashOf(std::vector{feeder.Read(k, {})});
  return KeyOf({kKeptTable, HashOf(model), asked, samples});
}

}  // namespace

std::unique_ptr<Session> OpenObserved(const Model& model, const std::vector<std::string>& values,
                                      const std::string& place, OptimizationLevel optimization) {
  Model instrumented;
  instrumented.ir_version = model.ir_version;
  instrumented.opsets = model.opsets;
  instrumented.functions = model.functions;
  instrumented.opsets.emplace(kObserverDomain, 1);
  instrumented.graph = InsertObservers(model.graph, values);
  instrumented.graph.value_info.clear();
  const EngineModel engine = SerializeForFewRuns(instrumented);
  if (IsLongToOptimize(model.graph)) optimization = OptimizationLevel::kNone;
  return OpenOrtSession(
      engine.bytes, place,
      {.optimization = optimization, .external_initializers = engine.external, .fed = engine.fed});
}

ValueSizes MeasureSizes(const Model& model, const InputFeeder& feeder, size_t index,
                        const std::string& place) {
  std::set<std::string> floats;
  CollectFloats(model.graph, floats);
  const std::map<std::string, std::string> way_of = FindFloatsInBodies(model.graph);
  if (way_of.empty()) {
    if (std::optional<ValueSizes> fixed = FixedSizes(model.graph, floats)) return *std::move(fixed);
  }
  for (const auto& [value, way] : way_of) floats.insert(value);
  const std::vector<std::string> values(floats.begin(), floats.end());
  SizeObserver observer(values.size());
  // One run only: what optimizing takes would not come back.
  RunSample(*OpenObserved(model, values, place, OptimizationLevel::kNone), feeder.Read(index, {}),
            &observer);
  ValueSizes sizes;
  for (size_t v = 0; v < values.size(); ++v) {
    const auto body = way_of.find(values[v]);
    if (body != way_of.end()) {
      if (observer.runs[v] == 0) continue;  // not in this sample
      int64_t& runs = sizes[body->second];
      runs = std::max(runs, observer.runs[v]);
    }
    sizes[values[v]] = observer.sizes[v];
  }
  return sizes;
}

std::vector<std::string> CalibratedValues(const Graph& graph) {
  std::vector<std::string> values = FindQuantizable(graph);  // one table serves every target
  std::set<std::string> known(values.begin(), values.end());
  for (const auto& found : {FindBodyValues(graph), FindQuantizableInBodies(graph)}) {
    for (const std::string& value : found)
      if (known.insert(value).second) values.push_back(value);
  }
  return values;
}

CalibrationTable CalibrateModel(const Model& model, const std::vector<Placement>& placements,
                                const ModelSettings& settings, const InputFeeder& feeder,
                                std::span<const size_t> by_content, CalibrationOptions options,
                                const std::string& place, ResultCache* cache) {
  const QuantConfig& config = settings.config;
  std::vector<std::string> values = CalibratedValues(model.graph);
  const std::set<std::string> known(values.begin(), values.end());
  std::set<std::string> needed;
  for (const Placement& placement : placements) {
    needed.merge(NeededValues(model.graph, placement));
    for (std::string& value : FindQuantizedInBodies(model.graph, placement))
      needed.insert(std::move(value));
  }
  for (const std::string& value : FindFloat16Values(model.graph, settings)) {
    needed.insert(value);
    if (!known.contains(value)) values.push_back(value);
  }
  using Statistics = ValueRequests::Statistics;
  const ValueRequests wanted{
      .statistics = NeedsHistogram(config) ? Statistics::kHistogram : Statistics::kRange,
      .batches = BatchQuestionsOf(config)};
  options.requests.assign(values.size(), wanted);
  for (size_t v = 0; v < values.size(); ++v) {
    if (!needed.contains(values[v])) options.requests[v] = {.statistics = Statistics::kNone};
  }
  if (!wanted.batches.empty())
    options.batch_size = static_cast<size_t>(config.calibration.batch_size);
  CalibrationTable table;
  RecallOrMake<CalibrationTable>(
      cache, kKeptTable,
      cache == nullptr ? "" : KeyOfTable(model, feeder, by_content, values, options),
      [&](CalibrationTable kept) {
        table = std::move(kept);
        return true;
      },
      [&] { table = Calibrate(*OpenObserved(model, values, place), feeder, values, options); },
      [&] { return TextOf(table); });
  return table;
}

}  // namespace qconvert
