#include "qconvert/plan/choose_scheme.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <utility>

#include "qconvert/base/log.h"
#include "qconvert/plan/node_settings.h"
#include "qconvert/plan/safe_plan.h"
#include "qconvert/plan/value_range.h"

namespace qconvert {
namespace {

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

bool IsMostlyInteger(const Placement& placement) {
  return Count(placement, {NodeDomain::kInteger, NodeDomain::kFused}) >
         Count(placement, {NodeDomain::kFloat});
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
  if (!AnyInteger(by_weights))
    return weight_only(
        "no integer kernel takes any part of this model; weights are stored for their size");
  choice.weigh_noise = config.objective != Objective::kSpeed;
  const int64_t others = Count(by_weights, {NodeDomain::kFloat, NodeDomain::kOther});
  const double all_ns = by_weights.float_ns + kAnyNodeNs * static_cast<double>(others);
  if (all_ns < kTinyModelNs && config.objective != Objective::kSpeed) {
    choice.reason = "the model is too small for speed to matter; --objective speed goes by time";
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
  weight_only(
      "integer kernels would save no time worth mentioning; --scheme static takes them all the "
      "same");
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
    const TensorSettings& weights = settings.Of(node).weights;
    // What is written for these kernels is 8 bits wide and has no zero point.
    if (kept.contains(n) || weights.bit_width > 8 || !weights.symmetry) continue;
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

}  // namespace

bool AnyInteger(const Placement& placement) { return Count(placement, {NodeDomain::kInteger}) > 0; }

void KeepAllFloat(const Graph& graph, PlaceOptions& options, const std::string& reason) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) options.keep_float.emplace(n, reason);
}

SchemeChoice ChooseScheme(const Graph& graph, ValueSizes sizes, const ModelSettings& settings) {
  const QuantConfig& config = settings.config;
  SchemeChoice choice;
  choice.place.sizes = std::move(sizes);
  choice.place.keep_float = FindNodesKeptFloat(graph, settings);
  choice.place.blocked = FindFloatValues(graph, settings);
  choice.place.keep_float.merge(FindSensitiveNodes(graph));
  choice.scheme = config.scheme == Scheme::kAuto ? Scheme::kStatic : config.scheme;
  choice.reason = "as the settings say";
  choice.place.target = &TargetOf(config.target_device);
  const bool by_time = choice.place.target->places_by_time;
  if (config.scheme == Scheme::kAuto && by_time) ChooseByTime(graph, config, choice);
  if (!by_time) {
    choice.place.place_by = PlaceBy::kKernels;
    choice.reason =
        fmt::format("{}target {}", config.scheme == Scheme::kAuto ? "" : choice.reason + ", ",
                    TargetDeviceName(config.target_device));
  }
  if (config.scheme == Scheme::kWeightOnly || config.scheme == Scheme::kDynamic)
    KeepAllFloat(graph, choice.place, fmt::format("the scheme is {}", SchemeName(config.scheme)));
  if ((config.scheme == Scheme::kAuto && by_time) || config.scheme == Scheme::kDynamic)
    ChooseDynamic(graph, settings, choice);
  return choice;
}

}  // namespace qconvert
