#include "choose_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>

#include "compared_models.h"
#include "qconvert/base/log.h"
#include "qconvert/calibration/diagnose.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/plan/node_settings.h"
#include "qconvert/plan/safe_plan.h"
#include "qconvert/rewrite/apply_plan.h"
#include "qconvert/runtime/ort_session.h"

namespace qconvert {

QuantizationPlan CompletePlan(const PlanInputs& inputs, const GuardedPlan& guarded) {
  const Graph& graph = inputs.model.graph;
  QuantizationPlan plan =
      MakePlan(graph, guarded.placement, inputs.table, inputs.settings, &inputs.ranges);
  CodeOptions options{.wide = guarded.wide_weights,
                      .keep = FindFloatWeights(graph, inputs.settings)};
  for (const auto& [node, output] : guarded.dynamic) options.dynamic.insert(node);
  FillCodes(graph, inputs.settings, options, inputs.codes, plan);
  return plan;
}

namespace {

constexpr size_t kQuickSamples = 8;     // for comparing parts of a plan with each other
constexpr double kPercentage = 99.999;  // of method percentile as a candidate
// What changes that save little time may cost: error power / signal power at the worst output.
constexpr double kGoodNoise = 1e-3;
// Integers that take more than this part of the float time are held to kGoodNoise.
constexpr double kWorthItsNoise = 0.95;
// Below this the estimates, mostly calls of kernels, say nothing.
constexpr double kTinyModelNs = 100'000;
constexpr double kAnyNodeNs = 4'000;  // of a node that no estimate exists for
// The estimates err by about a tenth: islands of integers have to show a gain.
constexpr double kMaxWholeRatio = 1.0;
constexpr double kMaxPartRatio = 0.98;
constexpr double kMaxEagerness = 0.05;  // of the float time may be given up for more integer nodes
// How much integer nodes with weights are preferred, most eager first: the estimates are those of a
// processor without int8 dot products, on others integers are faster still.
constexpr std::array kFavors = {0.6, 0.7, 0.8, 0.9, 1.0};
// Quantizing at run time must save a fifth of a node's time.
constexpr double kWorthRunTime = 0.8;

double Ratio(const Placement& placement) {
  return placement.float_ns > 0 ? placement.chosen_ns / placement.float_ns : 1;
}

int64_t Count(const Placement& placement, std::initializer_list<NodeDomain> domains) {
  return std::count_if(
      placement.nodes.begin(), placement.nodes.end(), [&](const NodePlacement& node) {
        return std::find(domains.begin(), domains.end(), node.domain) != domains.end();
      });
}

bool AnyInteger(const Placement& placement) { return Count(placement, {NodeDomain::kInteger}) > 0; }

bool IsMostlyInteger(const Placement& placement) {
  return Count(placement, {NodeDomain::kInteger, NodeDomain::kFused}) >
         Count(placement, {NodeDomain::kFloat});
}

void KeepAllFloat(const Graph& graph, PlaceOptions& options, const std::string& reason) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) options.keep_float.emplace(n, reason);
}

Placement PlaceAllFloat(const Graph& graph, PlaceOptions options) {
  KeepAllFloat(graph, options, "everything is float");
  return PlaceNodes(graph, options);
}

// Static where integers save time, else weight-only.
void ChooseByTime(const Graph& graph, const QuantConfig& config, SchemeChoice& choice) {
  PlaceOptions& place = choice.place;
  const Placement by_weights = PlaceNodes(graph, place);
  const auto weight_only = [&](const char* reason) {
    choice.scheme = Scheme::kWeightOnly;
    choice.reason = reason;
    KeepAllFloat(graph, place, "integers would not save time here");
  };
  if (!AnyInteger(by_weights)) return weight_only("no integer kernel takes any part of this model");
  choice.weigh_noise = config.objective != Objective::kSpeed;
  const int64_t others = Count(by_weights, {NodeDomain::kFloat, NodeDomain::kOther});
  const double all_ns = by_weights.float_ns + kAnyNodeNs * static_cast<double>(others);
  if (all_ns < kTinyModelNs && config.objective != Objective::kSpeed) {
    choice.reason = "the model is too small for speed to matter";
    return;
  }
  LogDebug(fmt::format("all nodes with weights on integers: an estimated {:.2f} of the float time",
                       Ratio(by_weights)));
  const auto take = [&](const Placement& placement) {
    choice.estimated_ratio = Ratio(placement);
    choice.reason = fmt::format("integer kernels take an estimated {:.2f} of the float time",
                                choice.estimated_ratio);
  };
  if (Ratio(by_weights) <= kMaxWholeRatio && IsMostlyInteger(by_weights) &&
      config.objective != Objective::kSpeed)
    return take(by_weights);
  place.place_by = PlaceBy::kTime;
  const double best = Ratio(PlaceNodes(graph, place));
  for (const double favor : kFavors) {
    if (favor < 1 && config.objective == Objective::kSpeed) continue;
    place.favor = favor;
    const Placement placement = PlaceNodes(graph, place);
    if (AnyInteger(placement) && Ratio(placement) <= std::min(kMaxPartRatio, best + kMaxEagerness))
      return take(placement);
  }
  weight_only("integer kernels would save no time worth mentioning");
}

// Float nodes that are worth quantizing at run time: all that can be when the settings ask for it,
// else those that save time by it.
void ChooseDynamic(const Graph& graph, const ModelSettings& settings, SchemeChoice& choice) {
  const std::map<size_t, std::string> kept = FindNodesKeptFloat(graph, settings);
  const std::set<size_t> front_end = FindFrontEndNodes(graph);
  const Placement placement = PlaceNodes(graph, choice.place);
  const CostModel costs(graph, choice.place.sizes);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (placement.nodes[n].domain != NodeDomain::kFloat || front_end.contains(n)) continue;
    if (kept.contains(n)) continue;
    if (node.outputs.empty() || !CanBeDynamic(graph, node)) continue;
    const bool saves = costs.DynamicCost(node) < kWorthRunTime * costs.FloatCost(node);
    if (saves || settings.config.scheme == Scheme::kDynamic) choice.dynamic[n] = node.outputs[0];
  }
  if (choice.dynamic.empty() || choice.scheme != Scheme::kWeightOnly) return;
  choice.scheme = Scheme::kDynamic;
  choice.reason =
      "only matrix products and recurrent nodes save time on integers, with ranges "
      "taken at run time";
}

// Weights stored in 8 bit by this plan, with their elements.
std::map<std::string, int64_t> WeightsIn8Bit(const PlanInputs& inputs, const GuardedPlan& plan) {
  std::map<std::string, int64_t> names;
  for (const auto& [way, weight] : CompletePlan(inputs, plan).stored) {
    if (weight.bits() == 8) names[weight.name] = weight.codes.element_count();
  }
  return names;
}

std::vector<OutputComparison> Measure(const PlanInputs& inputs, const GuardedPlan& plan,
                                      size_t samples) {
  Model quantized = inputs.model;
  PrepareForComparison(inputs.comparer.values(), quantized.graph);
  ApplyPlan(quantized, CompletePlan(inputs, plan));
  const EngineModel engine = SerializeForEngine(quantized);
  const auto session =
      OpenOrtSession(engine.bytes, inputs.place, {.external_initializers = engine.external});
  std::vector<OutputComparison> outputs = inputs.comparer.Compare(*session, samples);
  if (inputs.on_measurement) inputs.on_measurement(inputs.comparer.comparisons());
  return outputs;
}

// Replaces method auto of one kind of tensors by the candidate of least measured noise.
void ChooseMethod(PlanInputs& inputs, const GuardedPlan& plan,
                  const std::vector<TensorSettings*>& settings,
                  std::initializer_list<CalibrationMethod> candidates) {
  std::vector<TensorSettings*> open;
  for (TensorSettings* one : settings) {
    if (one->method == CalibrationMethod::kAuto) open.push_back(one);
  }
  if (open.empty()) return;
  double least = INFINITY;
  CalibrationMethod best = *candidates.begin();
  const auto apply = [&](CalibrationMethod method) {
    for (TensorSettings* one : open) {
      one->method = method;
      one->percentage = kPercentage;
    }
  };
  for (const CalibrationMethod method : candidates) {
    apply(method);
    const double noise = WorstNoise(Measure(inputs, plan, inputs.comparer.count()));
    if (noise >= least) continue;
    least = noise;
    best = method;
  }
  apply(best);
}

// Settings of these types, of the model and of its layer entries.
std::vector<TensorSettings*> SettingsOf(PlanInputs& inputs,
                                        std::initializer_list<TensorType> types) {
  std::vector<TensorSettings*> out;
  for (const TensorType type : types) {
    out.push_back(&inputs.settings.config.tensors[type]);
    for (LayerSettings& layer : inputs.settings.config.layers) out.push_back(&layer.tensors[type]);
  }
  return out;
}

// Squared error on a histogram does not say what an error does to the outputs, so the methods are
// compared on the whole model.
void ChooseMethods(PlanInputs& inputs, const std::set<std::string>& wide,
                   const PlaceOptions& place) {
  const GuardedPlan plan{PlaceNodes(inputs.model.graph, place), {}, wide};
  if (!AnyInteger(plan.placement)) return;
  ChooseMethod(inputs, plan, SettingsOf(inputs, {TensorType::kInput, TensorType::kActivation}),
               {CalibrationMethod::kAuto, CalibrationMethod::kMaxMin,
                CalibrationMethod::kPercentile, CalibrationMethod::kMse});
  ChooseMethod(inputs, plan, SettingsOf(inputs, {TensorType::kWeights}),
               {CalibrationMethod::kMaxMin, CalibrationMethod::kMse});
}

// Integers that save little time are held to the bound of stored weights.
void WeighNoiseAgainstTime(const PlanInputs& inputs, const std::set<std::string>& wide,
                           SchemeChoice& choice) {
  if (!choice.weigh_noise || choice.estimated_ratio < kWorthItsNoise) return;
  const Graph& graph = inputs.model.graph;
  const double noise = WorstNoise(
      Measure(inputs, {PlaceNodes(graph, choice.place), {}, wide}, inputs.comparer.count()));
  if (noise <= kGoodNoise) return;
  choice.scheme = Scheme::kWeightOnly;
  choice.reason = fmt::format("{}, but leave {:.1f} dB", choice.reason, -10 * std::log10(noise));
  KeepAllFloat(graph, choice.place, "integers would save too little time for their noise");
}

// The same for nodes quantized at run time.
void WeighDynamicNoise(const PlanInputs& inputs, const std::set<std::string>& wide,
                       SchemeChoice& choice) {
  if (choice.dynamic.empty() || inputs.settings.config.scheme == Scheme::kDynamic) return;
  const double noise = WorstNoise(
      Measure(inputs, {PlaceAllFloat(inputs.model.graph, choice.place), choice.dynamic, wide},
              inputs.comparer.count()));
  if (noise <= kGoodNoise) return;
  choice.dynamic.clear();
  if (choice.scheme != Scheme::kDynamic) return;
  choice.scheme = Scheme::kWeightOnly;
  choice.reason =
      fmt::format("activations quantized at run time leave {:.1f} dB", -10 * std::log10(noise));
}

GuardResult Guard(const PlanInputs& inputs, const std::set<std::string>& wide,
                  const SchemeChoice& choice) {
  GuardOptions guard{.gate = inputs.gate, .max_weight_noise = kGoodNoise};
  if (inputs.settings.config.objective == Objective::kSize) {
    guard.max_weight_noise = NoiseOfSqnr(inputs.gate.min_sqnr_db) / 2;
    guard.good_weight_noise = guard.max_weight_noise;
  }
  const Graph& graph = inputs.model.graph;
  const std::map<std::string, int64_t> judged =
      WeightsIn8Bit(inputs, {PlaceNodes(graph, choice.place), choice.dynamic, wide});
  for (const auto& [weight, elements] : judged) {
    guard.weights.push_back(weight);
    guard.weight_elements.push_back(elements);
  }
  for (const auto& [weight, elements] :
       WeightsIn8Bit(inputs, {PlaceAllFloat(graph, choice.place), {}, wide})) {
    if (!judged.contains(weight)) guard.other_weights.push_back(weight);
  }
  guard.dynamic = choice.dynamic;
  guard.measure = [&](GuardedPlan plan, GuardLook look) {
    plan.wide_weights.insert(wide.begin(), wide.end());
    return Measure(inputs, plan,
                   look == GuardLook::kQuick ? kQuickSamples : inputs.comparer.count());
  };
  GuardResult result = RunGuard(graph, choice.place, guard);
  result.plan.wide_weights.insert(wide.begin(), wide.end());
  return result;
}

// The verdict without corrections.
GuardResult Judge(const PlanInputs& inputs, const std::set<std::string>& wide,
                  const SchemeChoice& choice) {
  GuardResult result;
  result.plan = {PlaceNodes(inputs.model.graph, choice.place), choice.dynamic, wide};
  result.measurements = 1;
  result.outputs = Measure(inputs, result.plan, inputs.comparer.count());
  result.verdict = JudgeOutputs(result.outputs, inputs.gate);
  return result;
}

}  // namespace

SchemeChoice ChooseScheme(const Graph& graph, ValueSizes sizes, const ModelSettings& settings) {
  const QuantConfig& config = settings.config;
  SchemeChoice choice;
  choice.place.sizes = std::move(sizes);
  choice.place.keep_float = FindNodesKeptFloat(graph, settings);
  choice.place.blocked = FindFloatValues(graph, settings);
  choice.place.keep_float.merge(FindSensitiveNodes(graph));
  choice.scheme = config.scheme == Scheme::kAuto ? Scheme::kStatic : config.scheme;
  choice.reason = "as the settings say";
  const bool on_cpu = config.target_device == TargetDevice::kCpu;
  if (config.scheme == Scheme::kAuto && on_cpu) ChooseByTime(graph, config, choice);
  if (!on_cpu) {
    choice.place.place_by = PlaceBy::kKernels;
    choice.reason =
        fmt::format("{}target {}", config.scheme == Scheme::kAuto ? "" : choice.reason + ", ",
                    TargetDeviceName(config.target_device));
  }
  if (config.scheme == Scheme::kWeightOnly || config.scheme == Scheme::kDynamic)
    KeepAllFloat(graph, choice.place, fmt::format("the scheme is {}", SchemeName(config.scheme)));
  if ((config.scheme == Scheme::kAuto && on_cpu) || config.scheme == Scheme::kDynamic)
    ChooseDynamic(graph, settings, choice);
  return choice;
}

ChosenPlan ChoosePlan(PlanInputs inputs, SchemeChoice scheme) {
  const Graph& graph = inputs.model.graph;
  ChosenPlan chosen;
  chosen.warnings = Diagnose(inputs.table, PlaceNodes(graph, scheme.place).Observed());
  // Values with infinities stay float. Only fewer values can be needed than were observed.
  const std::set<std::string> infinite = NonFiniteValues(inputs.table);
  scheme.place.blocked.insert(infinite.begin(), infinite.end());
  scheme.place.keep_float.merge(FindRangeClashes(graph, inputs.table));
  std::set<std::string> wide;
  if (inputs.settings.config.objective != Objective::kSize) wide = FindSensitiveWeights(graph);
  GuardedPlan guarded;
  if (inputs.guard == GuardMode::kOff) {
    guarded = {PlaceNodes(graph, scheme.place), scheme.dynamic, std::move(wide)};
  } else {
    ChooseMethods(inputs, wide, scheme.place);
    WeighNoiseAgainstTime(inputs, wide, scheme);
    WeighDynamicNoise(inputs, wide, scheme);
    GuardResult result = inputs.guard == GuardMode::kCorrect ? Guard(inputs, wide, scheme)
                                                             : Judge(inputs, wide, scheme);
    guarded = std::move(result.plan);
    chosen.outputs = std::move(result.outputs);
    chosen.guard = {.ran = true,
                    .passed = result.verdict.passed,
                    .measurements = result.measurements,
                    .kept_float = std::move(result.kept_float),
                    .kept_wide = std::move(result.kept_wide)};
  }
  chosen.plan = CompletePlan(inputs, guarded);
  chosen.scheme = std::move(scheme);
  return chosen;
}

}  // namespace qconvert
