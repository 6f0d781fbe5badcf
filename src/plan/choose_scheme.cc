#include "qconvert/plan/choose_scheme.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>

#include "qconvert/base/log.h"
#include "qconvert/plan/body_plans.h"
#include "qconvert/plan/node_settings.h"
#include "qconvert/plan/processor.h"
#include "qconvert/plan/safe_plan.h"
#include "qconvert/plan/value_range.h"
#include "qconvert/targets/op_rules.h"

namespace qconvert {
namespace {

// Below this the estimates, mostly calls of kernels, say little.
constexpr double kTinyModelNs = 100'000;
constexpr double kMaxTinyRatio = 1.1;  // they err by about a tenth: beyond, integers are slower
constexpr double kAnyNodeNs = 4'000;   // of a node that no estimate exists for
// The estimates err by about a tenth: islands of integers have to show a gain.
constexpr double kMaxWholeRatio = 1.0;
constexpr double kMaxPartRatio = 0.98;
constexpr double kMaxEagerness = 0.05;  // of the float time may be given up for more integer nodes
// Between the times of processors with int8 dot products (0) and of those without (1).
constexpr std::array kBlends = {0.0, 0.25, 0.5, 0.75, 1.0};
// Quantizing at run time must save a fifth of a node's time.
constexpr double kWorthRunTime = 0.8;

double Ratio(const Placement& placement, const CostTable& table) {
  const double on_float = TimeOf(placement.in_float, table);
  return on_float > 0 ? TimeOf(placement.chosen, table) / on_float : 1;
}

// Time on integers / in float of what `options` place, where it runs.
struct Ratios {
  double slow = 1;  // on processors without int8 dot products
  double fast = 1;  // on those with

  double mean() const { return std::sqrt(slow * fast); }
};

// A table that was given, or is of one kind of processor, speaks for all it will run on.
Ratios RatiosOf(const Placement& placement, const PlaceOptions& options, bool on_any) {
  if (on_any) return {Ratio(placement, kAvx2Costs), Ratio(placement, kVnniCosts)};
  const double ratio = Ratio(placement, options.costs);
  return {ratio, ratio};
}

CostTable Blend(double slow) {
  CostTable out;
  for (size_t k = 0; k < kCostTerms; ++k)
    out.ns[k] = slow * kAvx2Costs.ns[k] + (1 - slow) * kVnniCosts.ns[k];
  return out;
}

int64_t Count(const Placement& placement, std::initializer_list<NodeDomain> domains) {
  return std::count_if(
      placement.nodes.begin(), placement.nodes.end(), [&](const NodePlacement& node) {
        return std::find(domains.begin(), domains.end(), node.domain) != domains.end();
      });
}

bool IsMostlyInteger(const Placement& placement) {
  return Count(placement, {NodeDomain::kInteger, NodeDomain::kFused}) >
         Count(placement, {NodeDomain::kFloat});
}

// Or integers in bodies, which are not looked into.
bool PutsWeightsOnIntegers(const Graph& graph, const Placement& placement) {
  if (std::any_of(placement.bodies.begin(), placement.bodies.end(),
                  [](const auto& body) { return AnyInteger(body.second); }))
    return true;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (placement.nodes[n].domain == NodeDomain::kInteger &&
        FindOpRule(graph.nodes[n]).kind == OpKind::kWeighted &&
        graph.FindInitializer(graph.nodes[n].input(1)) != nullptr)
      return true;
  }
  return false;
}

// Whether the same nodes compute on integers and read the same values in float.
bool AreAlike(const Placement& a, const Placement& b) {
  return std::equal(a.nodes.begin(), a.nodes.end(), b.nodes.begin(), b.nodes.end(),
                    [](const NodePlacement& one, const NodePlacement& other) {
                      return one.domain == other.domain && one.float_inputs == other.float_inputs;
                    });
}

// The fastest placement: of one table; on any processor, the one of least time on average among
// those that save time without int8 dot products too.
Ratios PlaceByTime(const Graph& graph, bool on_any, PlaceOptions& place) {
  place.place_by = PlaceBy::kTime;
  if (!on_any) return RatiosOf(PlaceNodes(graph, place), place, on_any);
  const CostTable given = place.costs;
  const auto placed = [&](double slow) {
    place.costs = Blend(slow);
    return PlaceNodes(graph, place);
  };
  std::vector<std::pair<double, Placement>> placements;
  for (const double slow : {kBlends.front(), kBlends.back()})
    placements.emplace_back(slow, placed(slow));
  // Time is linear in the table: what is fastest with the tables of both ends is so between them.
  if (!AreAlike(placements.front().second, placements.back().second)) {
    for (size_t k = 1; k + 1 < kBlends.size(); ++k)
      placements.emplace(placements.end() - 1, kBlends[k], placed(kBlends[k]));
  }
  place.costs = given;
  Ratios best;
  for (const auto& [slow, placement] : placements) {
    const Ratios ratios = RatiosOf(placement, place, on_any);
    if (ratios.slow > kMaxPartRatio || ratios.mean() >= best.mean()) continue;
    best = ratios;
    place.costs = Blend(slow);
  }
  return best;
}

std::string TellRatios(const Ratios& ratios, bool on_any) {
  return fmt::format("integer kernels take an estimated {:.2f} of the float time{}", ratios.slow,
                     on_any ? fmt::format(", {:.2f} with int8 dot products", ratios.fast) : "");
}

// Static where integers save time, else weight-only.
void ChooseByTime(const Graph& graph, const QuantConfig& config, bool on_any,
                  SchemeChoice& choice) {
  PlaceOptions& place = choice.place;
  const Placement by_weights = PlaceNodes(graph, place);
  const auto weight_only = [&](std::string reason) {
    choice.scheme = Scheme::kWeightOnly;
    choice.reason = std::move(reason);
    choice.weigh_noise = false;  // there are no integers to weigh
    KeepAllFloat(graph, place, "integers would not save time here");
  };
  if (!AnyInteger(by_weights)) {
    return weight_only(
        fmt::format("no integer kernel takes any part of this model{}, float weights "
                    "are stored for their size",
                    place.bodies.empty() ? "" : " or saves time in its bodies"));
  }
  choice.weigh_noise = config.objective != Objective::kSpeed;
  const int64_t others = Count(by_weights, {NodeDomain::kFloat, NodeDomain::kOther});
  const double all_ns = by_weights.float_ns + kAnyNodeNs * static_cast<double>(others);
  if (all_ns < kTinyModelNs && config.objective != Objective::kSpeed) {
    const Ratios whole = RatiosOf(by_weights, place, on_any);
    if (whole.slow > kMaxTinyRatio) {
      return weight_only(fmt::format(
          "the model is small, and integers would take an estimated {:.2f} of the float time; "
          "--scheme static takes them all the same",
          whole.slow));
    }
    choice.reason = "the model is too small for speed to matter; --objective speed goes by time";
    return;
  }
  Ratios ratios = RatiosOf(by_weights, place, on_any);
  LogDebug("all nodes with weights on integers: " + TellRatios(ratios, on_any));
  PlaceOptions fastest = place;
  const Ratios best = PlaceByTime(graph, on_any, fastest);
  // Without weights, which get smaller, only time could be saved.
  const bool all = ratios.slow <= kMaxWholeRatio && IsMostlyInteger(by_weights) &&
                   PutsWeightsOnIntegers(graph, by_weights) &&
                   ratios.mean() <= best.mean() + kMaxEagerness &&
                   config.objective != Objective::kSpeed;
  if (!all) {
    ratios = best;
    place = std::move(fastest);
  }
  choice.estimated_ratio = ratios.mean();
  choice.reason = TellRatios(ratios, on_any);
  if (all || ratios.slow <= kMaxPartRatio) return;  // without integer nodes it is 1
  weight_only(
      "integer kernels would save no time worth mentioning; --scheme static takes them all the "
      "same");
}

// Nodes that can be quantized at run time: all when the settings ask for it, else those that save
// time by it.
std::map<size_t, std::string> FindRunTimeNodes(const Graph& graph, const ModelSettings& settings,
                                               const PlaceOptions& place) {
  const std::map<size_t, std::string> kept = FindNodesKeptFloat(graph, settings);
  const std::set<size_t> front_end = FindFrontEndNodes(graph);
  const CostModel costs(graph, place.sizes, place.costs);
  std::map<size_t, std::string> out;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (kept.contains(n) || front_end.contains(n)) continue;
    if (node.outputs.empty() || !CanBeDynamic(graph, node)) continue;
    const TensorSettings& weights = settings.Of(node).weights;
    // What is written for these kernels is int8 without a zero point.
    if (weights.bit_width > 8 || !weights.symmetry || !weights.is_signed) continue;
    const bool saves = costs.DynamicCost(node) < kWorthRunTime * costs.FloatCost(node);
    if (saves || settings.config.scheme == Scheme::kDynamic) out[n] = node.outputs[0];
  }
  return out;
}

void ChooseDynamic(const Graph& graph, const ModelSettings& settings, SchemeChoice& choice) {
  choice.run_time = FindRunTimeNodes(graph, settings, choice.place);
  if (choice.run_time.empty()) return;
  const Placement placement = PlaceNodes(graph, choice.place);
  // What is placed on integers has ranges from calibration.
  for (const auto& [n, output] : choice.run_time)
    if (placement.nodes[n].domain == NodeDomain::kFloat) choice.dynamic[n] = output;
  if (choice.dynamic.empty() || choice.scheme != Scheme::kWeightOnly) return;
  choice.scheme = Scheme::kDynamic;
  choice.reason =
      "only matrix products and recurrent nodes save time on integers, with ranges "
      "taken at run time";
}

// What decides on the level of `graph`; `bodies` are those in it.
SchemeChoice ChooseLevel(const Graph& graph, ValueSizes sizes, const ModelSettings& settings,
                         const CostTable* measured, decltype(PlaceOptions::bodies) bodies) {
  const QuantConfig& config = settings.config;
  SchemeChoice choice;
  choice.place.bodies = std::move(bodies);
  choice.place.costs = measured == nullptr ? CostTableOf(config.processor) : *measured;
  choice.place.sizes = std::move(sizes);
  choice.place.keep_float = FindNodesKeptFloat(graph, settings);
  for (const std::string& value : FindFloatValues(graph, settings))
    choice.place.blocked.emplace(value, "is float by the settings");
  // What has a reason already keeps it: the settings' own comes first.
  choice.place.keep_float.merge(FindSensitiveNodes(graph));
  choice.scheme = config.scheme == Scheme::kAuto ? Scheme::kStatic : config.scheme;
  choice.reason = "as the settings say";
  choice.place.target = &TargetOf(config.target_device);
  if (AsksForCodedOutputs(config)) {
    // Static, since options keep a pointer to it.
    static const Target kCoded = WithCodedProducts(kBpuTarget);  // no other has such outputs
    choice.place.target = &kCoded;
  }
  const bool by_time = choice.place.target->places_by_time;
  const bool on_any = measured == nullptr && config.processor == Processor::kAny;
  if (config.scheme == Scheme::kAuto && by_time) {
    ChooseByTime(graph, config, on_any, choice);
    if (choice.scheme == Scheme::kStatic && config.tensors.activation.bit_width > 8) {
      choice.reason =
          "values have more than 8 bits: the engine computes in float between them, which saves no "
          "time";
    }
  }
  if (!by_time) {
    choice.place.place_by = PlaceBy::kKernels;
    choice.reason =
        fmt::format("{}target {}", config.scheme == Scheme::kAuto ? "" : choice.reason + ", ",
                    TargetDeviceName(config.target_device));
  }
  if (config.scheme == Scheme::kWeightOnly || config.scheme == Scheme::kDynamic)
    KeepAllFloat(graph, choice.place, fmt::format("the scheme is {}", SchemeName(config.scheme)));
  return choice;
}

// Each by what saves time in it: a body is too small for anything else, and runs many times.
decltype(PlaceOptions::bodies) ChooseBodies(const Graph& graph, const ValueSizes& sizes,
                                            const ModelSettings& settings,
                                            const CostTable* measured) {
  const Target& target = TargetOf(settings.config.target_device);
  decltype(PlaceOptions::bodies) out;
  for (BodyGraph& body : FindBodyGraphs(graph)) {
    ModelSettings own = SettingsOfBody(settings, body);
    own.config.objective = Objective::kSpeed;
    BodyPlacing placing;
    const std::string why_float = WhyBodyIsFloat(body, target);
    if (why_float.empty()) {
      placing.options = ChooseLevel(body.graph, SizesOfBody(sizes, body), own, measured, {}).place;
    } else {
      placing.options.target = &target;
      KeepAllFloat(body.graph, placing.options, why_float);
    }
    // A body that did not run counts as one run.
    const auto runs = sizes.find(body.way);
    if (runs != sizes.end()) placing.runs = std::max(1.0, static_cast<double>(runs->second));
    placing.graph = std::move(body.graph);
    out.emplace(body.way, std::make_shared<const BodyPlacing>(std::move(placing)));
  }
  return out;
}

}  // namespace

bool AnyInteger(const Placement& placement) {
  const auto inside = [](const auto& body) { return AnyInteger(body.second); };
  return Count(placement, {NodeDomain::kInteger}) > 0 ||
         std::any_of(placement.bodies.begin(), placement.bodies.end(), inside);
}

void KeepBodyFloat(const std::string& way, PlaceOptions& options, const std::string& reason) {
  std::shared_ptr<const BodyPlacing>& body = options.bodies.at(way);
  BodyPlacing in_float = *body;
  KeepAllFloat(in_float.graph, in_float.options, reason);
  body = std::make_shared<const BodyPlacing>(std::move(in_float));
}

void KeepAllFloat(const Graph& graph, PlaceOptions& options, const std::string& reason) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) options.keep_float.emplace(n, reason);
  for (const auto& [way, body] : options.bodies) KeepBodyFloat(way, options, reason);
}

SchemeChoice ChooseScheme(const Graph& graph, ValueSizes sizes, const ModelSettings& settings,
                          const CostTable* measured) {
  auto bodies = ChooseBodies(graph, sizes, settings, measured);
  SchemeChoice choice = ChooseLevel(graph, std::move(sizes), settings, measured, std::move(bodies));
  const Scheme asked = settings.config.scheme;
  if ((asked == Scheme::kAuto && choice.place.target->places_by_time) || asked == Scheme::kDynamic)
    ChooseDynamic(graph, settings, choice);
  return choice;
}

}  // namespace qconvert
