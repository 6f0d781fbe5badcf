#include "measure_parts.h"

#include <optional>

#include "qconvert/rewrite/parts_of_plan.h"
#include "qconvert/rewrite/store_weights.h"

namespace qconvert {
namespace {

void MeasurePart(const LayerInputs& inputs, const SwitchedModel& switched,
                 std::optional<double> NodeErrors::*part, LayerErrors& errors) {
  if (switched.switches.empty()) return;
  SwitchMeter meter(switched, inputs.comparer, inputs.place, inputs.comparer.Spread(errors.samples),
                    inputs.on_run);
  for (const auto& [node, numbers] : NodesOfSwitches(switched, inputs.plan)) {
    NodeErrors& of_node = errors.nodes[node];
    if (of_node.alone) of_node.*part = meter.Noise(numbers);  // else too many for all of them
  }
  errors.runs += meter.runs();
}

}  // namespace

void MeasureParts(const LayerInputs& inputs, LayerErrors& errors) {
  if (errors.samples == 0) return;
  Model rounded = inputs.exact;
  RoundIntegerWeights(rounded.graph, inputs.plan);
  ExpandWeights(rounded, inputs.plan.stored, inputs.workers);
  MeasurePart(inputs, MakeSwitched(inputs.exact, rounded), &NodeErrors::weights_alone, errors);
  MeasurePart(inputs, SwitchPlan(inputs, WithFloatWeights(inputs.plan)),
              &NodeErrors::activations_alone, errors);
}

}  // namespace qconvert
