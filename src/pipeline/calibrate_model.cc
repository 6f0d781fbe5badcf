#include "calibrate_model.h"

#include <memory>
#include <set>
#include <span>

#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/quantization/op_rules.h"
#include "qconvert/runtime/ort_session.h"

namespace qconvert {
namespace {

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

class SizeObserver : public ValueObserver {
 public:
  explicit SizeObserver(size_t values) : sizes(values, 0) {}
  void Observe(int64_t id, std::span<const float> values) override {
    sizes[static_cast<size_t>(id)] = static_cast<int64_t>(values.size());
  }
  std::vector<int64_t> sizes;
};

}  // namespace

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

CalibrationTable CalibrateModel(const Model& model, const std::vector<std::string>& values,
                                const InputFeeder& feeder, const CalibrationOptions& options,
                                const std::string& place) {
  return Calibrate(*OpenObserved(model, values, place), feeder, values, options);
}

}  // namespace qconvert
