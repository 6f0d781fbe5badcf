#include "measure_parts.h"

#include <algorithm>
#include <optional>

#include "qconvert/rewrite/parts_of_plan.h"
#include "qconvert/rewrite/store_weights.h"

namespace qconvert {
namespace {

void MeasurePart(const LayerInputs& inputs, const SwitchedModel& switched,
                 std::optional<double> NodeErrors::*part, LayerErrors& errors) {
  if (switched.switches.empty()) return;
  const std::vector<size_t> nodes = NodesOfSwitches(switched, inputs.plan);
  SwitchMeter meter(switched, inputs.comparer, inputs.place, inputs.comparer.Spread(errors.samples),
                    inputs.on_run);
  for (size_t s = 0; s < nodes.size(); ++s) {
    NodeErrors& node = errors.nodes[nodes[s]];
    if (!node.alone) continue;  // too many nodes for all of them
    node.*part = std::max((node.*part).value_or(0), meter.Noise({s}));
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
