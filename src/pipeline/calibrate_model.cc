#include "calibrate_model.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <span>

#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/quantization/node_settings.h"
#include "qconvert/quantization/op_rules.h"
#include "qconvert/runtime/ort_session.h"

namespace qconvert {
namespace {

class SizeObserver : public ValueObserver {
 public:
  explicit SizeObserver(size_t values) : sizes(values, 0) {}
  void Observe(int64_t id, std::span<const float> values) override {
    sizes[static_cast<size_t>(id)] = static_cast<int64_t>(values.size());
  }
  std::vector<int64_t> sizes;
};

// True when `predicate` holds for activations or inputs, of the model or of a layer entry.
template <typename Predicate>
bool AnySettings(const QuantConfig& config, const Predicate& predicate) {
  const auto any = [&](const NodeSettings& tensors) {
    return predicate(tensors.activation) || predicate(tensors.input);
  };
  return any(config.tensors) ||
         std::any_of(config.layers.begin(), config.layers.end(),
                     [&](const LayerSettings& layer) { return any(layer.tensors); });
}

bool NeedsHistogram(const QuantConfig& config) {
  using M = CalibrationMethod;
  return AnySettings(config, [](const TensorSettings& settings) {
    return settings.method != M::kMaxMin && settings.method != M::kMovingAverageAbsMax &&
           settings.method != M::kRangeAbsMax;
  });
}

// Settings that a value goes by batches with; null for all others.
std::vector<const TensorSettings*> FindBatchSettings(const Graph& graph, const Placement& placement,
                                                     const std::vector<std::string>& values,
                                                     const ModelSettings& settings) {
  const Topology topology(graph);
  std::vector<const TensorSettings*> out;
  for (const std::string& value : values) {
    const TensorSettings* found = FindValueSettings(graph, topology, placement, settings, value);
    out.push_back(found != nullptr && GoesByBatches(*found) ? found : nullptr);
  }
  return out;
}

}  // namespace

std::unique_ptr<Session> OpenObserved(const Model& model, const std::vector<std::string>& values,
                                      const std::string& place) {
  Model instrumented;
  instrumented.ir_version = model.ir_version;
  instrumented.opsets = model.opsets;
  instrumented.functions = model.functions;
  instrumented.opsets.emplace(kObserverDomain, 1);
  instrumented.graph = InsertObservers(model.graph, values);
  instrumented.graph.value_info.clear();
  const EngineModel engine = SerializeForEngine(instrumented);
  return OpenOrtSession(engine.bytes, place, {.external_initializers = engine.external});
}

ValueSizes MeasureSizes(const Model& model, const InputFeeder& feeder, const std::string& place) {
  std::set<std::string> floats;
  for (const Node& node : model.graph.nodes) {
    for (const auto* list : {&node.inputs, &node.outputs}) {
      for (const std::string& value : *list) {
        if (!value.empty() && model.graph.FindInitializer(value) == nullptr &&
            TypeOfValue(model.graph, value) == DataType::kFloat) {
          floats.insert(value);
        }
      }
    }
  }
  const std::vector<std::string> values(floats.begin(), floats.end());
  SizeObserver observer(values.size());
  OpenObserved(model, values, place)->Run(feeder.Read(0, {}).inputs, &observer);
  ValueSizes sizes;
  for (size_t v = 0; v < values.size(); ++v) sizes[values[v]] = observer.sizes[v];
  return sizes;
}

bool AnyGoesByBatches(const QuantConfig& config) {
  return AnySettings(config, [](const TensorSettings& settings) {
    return settings.is_int() && GoesByBatches(settings);
  });
}

CalibrationTable CalibrateModel(const Model& model, const Placement& placement,
                                const ModelSettings& settings, const InputFeeder& feeder,
                                CalibrationOptions options, const std::string& place) {
  const std::vector<std::string> values = placement.Observed();
  const auto by_batches = FindBatchSettings(model.graph, placement, values, settings);
  options.detail = NeedsHistogram(settings.config) ? TensorStatistics::Detail::kHistogram
                                                   : TensorStatistics::Detail::kRangeOnly;
  options.batch_size = static_cast<size_t>(settings.config.calibration.batch_size);
  const bool any = std::any_of(by_batches.begin(), by_batches.end(),
                               [](const TensorSettings* one) { return one != nullptr; });
  if (any) {
    options.batch_range = [&](size_t v, const TensorStatistics& batch) -> std::optional<Range> {
      if (by_batches[v] == nullptr) return std::nullopt;
      return RangeOf(batch, *by_batches[v]);
    };
  }
  return Calibrate(*OpenObserved(model, values, place), feeder, values, options);
}

}  // namespace qconvert
