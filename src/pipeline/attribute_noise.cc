#include "attribute_noise.h"

#include "compared_models.h"
#include "qconvert/rewrite/parts_of_plan.h"

namespace qconvert {

std::optional<NoiseParts> AttributeNoise(const PlanInputs& inputs, const QuantizationPlan& plan) {
  Model rounded = inputs.model;
  RoundIntegerWeights(rounded.graph, plan);
  PrepareForComparison(inputs.comparer.values(), rounded.graph);
  ExpandWeights(rounded, plan.stored, inputs.floats);
  const Measured weights = MeasureModel(inputs, rounded);
  const Measured values = MeasurePlan(inputs, WithFloatWeights(plan));
  if (!weights.failure.empty() || !values.failure.empty()) return std::nullopt;
  return NoiseParts{TypicalNoise(weights.outputs), TypicalNoise(values.outputs)};
}

}  // namespace qconvert
