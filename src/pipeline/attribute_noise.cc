#include "attribute_noise.h"

#include "compared_models.h"
#include "measure_layers.h"
#include "parked_weights.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/rewrite/parts_of_plan.h"

namespace qconvert {

namespace {

// Without the weights that no node reads any more when all are rounded.
Graph WithoutRounded(const Graph& graph, const QuantizationPlan& plan) {
  Graph out = graph;  // shares the bytes of tensors
  for (const auto& [n, integer] : plan.integer_nodes)
    if (integer.weight) out.nodes[n].inputs[1].clear();
  DropUnreadWeights(out, plan);
  for (const auto& [way, weight] : plan.stored) out.initializers.erase(way);
  return out;
}

// Of the weights alone.
Measured MeasureRounded(const PlanInputs& inputs, const QuantizationPlan& plan,
                        const std::vector<size_t>& samples) {
  const auto measure = [&](FloatCache& floats) {
    Model rounded = inputs.model;
    RoundIntegerWeights(rounded.graph, plan);
    PrepareForComparison(inputs.comparer.values(), rounded.graph);
    ExpandWeights(rounded, plan.stored, floats);
    return MeasureModel(inputs, rounded, samples);
  };
  if (WeightBytes(inputs.model.graph) < kLargeWeights) return measure(inputs.floats);
  // All floats twice would be too much.
  Measured measured;
  WithOnlyWeightsOf(WithoutRounded(inputs.model.graph, plan), [&] {
    FloatCache floats(inputs.codes.workers());
    measured = measure(floats);
  });
  return measured;
}

}  // namespace

std::optional<AttributedNoise> AttributeNoise(const PlanInputs& inputs,
                                              const QuantizationPlan& plan,
                                              const std::vector<size_t>& samples,
                                              double most_of_values) {
  // The engine would quantize the float weights between the pairs by itself, and as it likes.
  const Measured values =
      MeasurePlan(inputs, WithFloatWeights(plan), samples, /*integer_kernels=*/false);
  if (!values.failure.empty()) return std::nullopt;
  if (values.judged_noise() > most_of_values)
    return AttributedNoise{std::nullopt, values.judged_noise()};
  const Measured weights = MeasureRounded(inputs, plan, samples);
  if (!weights.failure.empty()) return std::nullopt;
  return AttributedNoise{NoiseParts{TypicalNoise(weights.outputs), TypicalNoise(values.outputs)},
                         values.judged_noise()};
}

}  // namespace qconvert
