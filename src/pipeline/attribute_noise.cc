#include "attribute_noise.h"

#include "compared_models.h"
#include "qconvert/rewrite/parts_of_plan.h"

namespace qconvert {

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
  Model rounded = inputs.model;
  RoundIntegerWeights(rounded.graph, plan);
  PrepareForComparison(inputs.comparer.values(), rounded.graph);
  ExpandWeights(rounded, plan.stored, inputs.floats);
  const Measured weights = MeasureModel(inputs, rounded, samples);
  if (!weights.failure.empty()) return std::nullopt;
  return AttributedNoise{NoiseParts{TypicalNoise(weights.outputs), TypicalNoise(values.outputs)},
                         values.judged_noise()};
}

}  // namespace qconvert
