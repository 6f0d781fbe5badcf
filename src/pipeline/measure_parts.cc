#include "measure_parts.h"

#include <optional>
#include <vector>

#include "alone_meter.h"
#include "qconvert/rewrite/parts_of_plan.h"
#include "qconvert/rewrite/store_weights.h"

namespace qconvert {
namespace {

// Where the numbers of one part go; `alone` may be null: not of single nodes.
struct Part {
  std::optional<double> NodeErrors::*alone;
  std::optional<double> NodeErrors::*behind;
  std::optional<double> LayerErrors::*whole;
};

void MeasurePart(const LayerInputs& inputs, const Model& quantized, const Part& part,
                 LayerErrors& errors) {
  const SwitchedModel switched = MakeSwitched(inputs.exact, quantized);
  if (switched.switches.empty()) return;
  MeasureBehind(switched, inputs, part.behind, errors);
  const std::vector<size_t> samples = inputs.comparer.Spread(errors.samples);
  SwitchMeter meter(switched, inputs.comparer, inputs.place, samples, inputs.on_run);
  errors.*part.whole = meter.Noise(AllSwitches(switched));
  errors.runs += meter.runs();
  if (part.alone == nullptr) return;
  std::vector<SwitchedNode> nodes = NodesOfSwitches(switched, inputs.plan);
  std::erase_if(nodes, [&](const SwitchedNode& one) {
    return !errors.nodes[one.node].alone;  // too many for all of them
  });
  const std::vector<double> noise = MeasureAlone(
      {inputs.exact, quantized, switched, inputs.comparer, samples, inputs.place, inputs.on_run},
      nodes);
  for (size_t k = 0; k < nodes.size(); ++k) errors.nodes[nodes[k].node].*part.alone = noise[k];
  errors.runs += nodes.size() * samples.size();
}

}  // namespace

void MeasureParts(const LayerInputs& inputs, LayerErrors& errors) {
  if (errors.samples == 0) return;
  Model rounded = inputs.exact;
  RoundIntegerWeights(rounded.graph, inputs.plan);
  FloatCache floats(inputs.workers);
  ExpandWeights(rounded, inputs.plan.stored, floats);
  MeasurePart(
      inputs, rounded,
      {&NodeErrors::weights_alone, &NodeErrors::weights_behind, &LayerErrors::whole_weights},
      errors);
  MeasurePart(inputs, QuantizedOf(inputs, WithFloatWeights(inputs.plan)),
              {&NodeErrors::activations_alone, &NodeErrors::activations_behind,
               &LayerErrors::whole_activations},
              errors);
  // On top of the rounded weights.
  RoundValuesTo16Bits(rounded.graph, inputs.plan);
  MeasurePart(inputs, rounded, {nullptr, &NodeErrors::wide_behind, &LayerErrors::whole_wide},
              errors);
}

}  // namespace qconvert
