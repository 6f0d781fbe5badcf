#include "weigh_noise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>

#include "give_back.h"
#include "narrow_weights.h"
#include "qconvert/ir/topology.h"
#include "qconvert/plan/cost_model.h"
#include "qconvert/targets/op_rules.h"

namespace qconvert {
namespace {

// Integers that take more than this part of the float time are held to kGoodNoise.
constexpr double kWorthItsNoise = 0.95;

// What is left of the outputs, for a reason.
std::string LeftWith(double noise) {
  return std::isinf(noise) ? "NaN or an error" : fmt::format("{:.1f} dB", SqnrOfNoise(noise));
}

bool HasKernel(const Node& node) { return FindOpRule(node).kind != OpKind::kFloatOnly; }

// An LSTM or GRU that begins with a state from outside, and whose last one is read.
bool CarriesState(const Graph& graph, const Topology& topology, const Node& node) {
  if (HasKernel(node)) return false;
  constexpr size_t kFirstState = 5;
  const bool begins = std::any_of(
      node.inputs.begin() + static_cast<ptrdiff_t>(std::min(kFirstState, node.inputs.size())),
      node.inputs.end(), [&](const std::string& state) {
        return !state.empty() && graph.FindInitializer(state) == nullptr;
      });
  return begins &&
         std::any_of(node.outputs.begin() + 1, node.outputs.end(), [&](const std::string& state) {
           return !state.empty() &&
                  (!topology.Uses(state).empty() || topology.IsGraphOutput(state));
         });
}

// Its error comes back in every run, of which only one is measured.
bool AnyCarriesState(const Graph& graph, const std::map<size_t, std::string>& nodes) {
  const Topology topology(graph);
  return std::any_of(nodes.begin(), nodes.end(), [&](const auto& node) {
    return CarriesState(graph, topology, graph.nodes[node.first]);
  });
}

// The estimated time that the nodes save, of that of all nodes that compute on integers somewhere.
double SavedTime(const Graph& graph, const SchemeChoice& choice) {
  const PlaceOptions& place = choice.place;
  const CostModel costs(graph, place.sizes, place.costs);
  PlaceOptions by_kernels{.place_by = PlaceBy::kKernels, .target = place.target};
  by_kernels.sizes = place.sizes;
  by_kernels.costs = place.costs;
  double all = PlaceNodes(graph, by_kernels).float_ns;
  double saved = 0;
  for (const auto& [n, output] : choice.dynamic) {
    const double on_float = costs.FloatCost(graph.nodes[n]);
    saved += on_float - costs.DynamicCost(graph.nodes[n]);
    if (!HasKernel(graph.nodes[n])) all += on_float;
  }
  return saved / std::max(all, 1.0);
}

// Without the noise of the weights that float nodes are stored with, which the guard sees to.
Measured MeasureAlone(const PlanInputs& inputs, PlanDraft draft) {
  if (!WantsNarrowWeights(inputs.settings)) {
    for (const auto& [way, weight] : CompletePlan(inputs, draft).stored)
      draft.wide_weights.insert(way);
  }
  return MeasurePlan(inputs, draft);
}

// Decibels up to the aim that the nodes leave a typical sample short of, at what they may cost.
bool AreWorthTheirNoise(const PlanInputs& inputs, const SchemeChoice& choice,
                        const Measured& measured) {
  if (!measured.verdict.passed) return false;
  if (inputs.settings.config.objective == Objective::kSpeed) return true;
  const double aim = inputs.aim_sqnr_db.value_or(kAimSqnrDb);
  const double missing = std::max(aim - SqnrOfNoise(measured.typical_noise(inputs.gate)), 0.0);
  return missing * kTimeOfDecibel < SavedTime(inputs.model.graph, choice);
}

}  // namespace

void WeighNoiseAgainstTime(const PlanInputs& inputs, const std::set<std::string>& wide,
                           SchemeChoice& choice) {
  if (!choice.weigh_noise || choice.estimated_ratio < kWorthItsNoise) return;
  const Graph& graph = inputs.model.graph;
  const double noise =
      MeasurePlan(inputs, {PlaceNodes(graph, choice.place), {}, wide}).pooled_noise();
  if (noise <= kGoodNoise) return;
  choice.scheme = Scheme::kWeightOnly;
  const std::string why = choice.reason.substr(0, choice.reason.find("; "));  // without its advice
  choice.reason = fmt::format(
      "{}, but integers would leave the outputs with {}; --objective speed takes them all the same",
      why, LeftWith(noise));
  KeepAllFloat(graph, choice.place, "integers would save too little time for their noise");
}

void WeighDynamicNoise(const PlanInputs& inputs, const std::set<std::string>& wide,
                       SchemeChoice& choice) {
  if (choice.dynamic.empty() || inputs.settings.config.scheme == Scheme::kDynamic) return;
  const Graph& graph = inputs.model.graph;
  PlaceOptions all_float = choice.place;
  KeepAllFloat(graph, all_float, "everything is float");
  const PlanDraft draft{PlaceNodes(graph, all_float), choice.dynamic, wide};
  Measured alone = MeasurePlan(inputs, draft);
  if (alone.pooled_noise() <= kGoodNoise) return;
  if (!AnyCarriesState(graph, choice.dynamic)) {
    alone = MeasureAlone(inputs, draft);
    if (AreWorthTheirNoise(inputs, choice, alone)) return;
  }
  const std::string left = LeftWith(alone.pooled_noise());
  for (const auto& [n, output] : choice.dynamic) {
    // Others are float for what their integer kernels would take.
    if (choice.scheme == Scheme::kDynamic || !HasKernel(graph.nodes[n]))
      choice.place.keep_float.insert_or_assign(
          n, fmt::format("quantized at run time it would leave the outputs with {}", left));
  }
  choice.dynamic.clear();
  if (choice.scheme != Scheme::kDynamic) return;
  choice.scheme = Scheme::kWeightOnly;
  choice.reason = fmt::format(
      "activations quantized at run time would leave the outputs with {}; --scheme dynamic takes "
      "them all the same",
      left);
}

}  // namespace qconvert
