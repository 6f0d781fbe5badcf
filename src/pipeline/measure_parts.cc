#include "measure_parts.h"

#include <algorithm>
#include <optional>

#include "measure_plan.h"
#include "qconvert/rewrite/parts_of_plan.h"
#include "qconvert/rewrite/store_weights.h"

namespace qconvert {
namespace {

void MeasurePart(const LayerInputs& inputs, const Model& quantized,
                 std::optional<double> NodeErrors::*part, LayerErrors& errors) {
  const SwitchedModel switched = MakeSwitched(inputs.exact, quantized);
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
  MeasurePart(inputs, rounded, &NodeErrors::weights_alone, errors);
  MeasurePart(inputs, MakeRunnable(inputs.exact, WithFloatWeights(inputs.plan), inputs.workers),
              &NodeErrors::activations_alone, errors);
}

}  // namespace qconvert
