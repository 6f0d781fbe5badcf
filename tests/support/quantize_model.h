// Quantizes a small model in memory, the way the pipeline does.
#ifndef QCONVERT_TESTS_SUPPORT_QUANTIZE_MODEL_H_
#define QCONVERT_TESTS_SUPPORT_QUANTIZE_MODEL_H_

#include "qconvert/calibration/tensor_statistics.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/plan/value_range.h"
#include "qconvert/rewrite/insert_qdq.h"
#include "qconvert/weights/fill_codes.h"
#include "support/graph_builder.h"

namespace qconvert {

struct QuantizedModel {
  Model float_model;  // prepared
  Model model;
  QuantizationPlan plan;
  CalibrationTable table;
};

// Prepares, calibrates on `samples` and quantizes everything that an integer kernel takes.
inline QuantizedModel QuantizeModel(Model model, const std::vector<std::vector<Tensor>>& samples,
                                    const QuantConfig& config = {}) {
  QuantizedModel out;
  PrepareModel(model, "test model");
  out.float_model = model;
  Placement placement = PlaceNodes(
      model.graph, {.place_by = PlaceBy::kKernels, .target = &TargetOf(config.target_device)});
  const std::vector<std::string> observed = placement.Observed();
  Model probe = model;
  probe.graph.value_info.clear();
  for (const std::string& value : observed) {
    if (!probe.graph.IsOutput(value) && !probe.graph.IsInput(value))
      probe.graph.outputs.push_back({value, {}, {}, {}});
  }
  CalibrationTable table;
  Histogram::BinScratch scratch;
  for (const auto& sample : samples) {
    std::vector<Tensor> values = RunModel(probe, sample);
    values.insert(values.end(), sample.begin(), sample.end());
    for (const Tensor& value : values) {
      if (value.type != DataType::kFloat) continue;
      table.values[value.name].Observe(value.values<float>(), TensorStatistics::Detail::kHistogram,
                                       scratch);
    }
  }
  out.plan = MakePlan(model.graph, std::move(placement), table, config);
  CodeCache codes;
  FillCodes(model.graph, config, {}, codes, out.plan);
  InsertQdq(model, out.plan);  // weights of float nodes stay as they are
  out.model = std::move(model);
  out.table = std::move(table);
  return out;
}

// The model quantized once more, with corrections.
inline Model WithCorrections(const QuantizedModel& quantized, const QuantConfig& config,
                             const LayerCorrections& corrections) {
  QuantizationPlan plan = MakePlan(quantized.float_model.graph, quantized.plan.placement,
                                   quantized.table, config, nullptr, &corrections.ranges);
  CodeCache codes;
  FillCodes(quantized.float_model.graph, config, {.corrections = &corrections}, codes, plan);
  Model model = quantized.float_model;
  InsertQdq(model, plan);
  return model;
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_QUANTIZE_MODEL_H_
