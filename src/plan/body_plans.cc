#include "qconvert/plan/body_plans.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "match_body_layers.h"
#include "qconvert/ir/topology.h"
#include "qconvert/plan/moved_values.h"
#include "qconvert/plan/plan.h"
#include "qconvert/plan/safe_plan.h"

namespace qconvert {
namespace {

// What the whole model knows of the body's values, by their names in it.
template <typename T>
std::map<std::string, T> OfBody(const std::map<std::string, T>& whole, const BodyGraph& body) {
  std::map<std::string, T> own;
  const auto take = [&](const std::string& value) {
    const auto it = whole.find(body.FullName(value));
    if (it != whole.end()) own.emplace(value, it->second);
  };
  for (const Value& input : body.graph.inputs) take(input.name);
  for (const Node& node : body.graph.nodes)
    std::for_each(node.outputs.begin(), node.outputs.end(), take);
  return own;
}

// Why values that would be quantized cannot be.
std::map<std::string, std::string> FindBlocked(const Graph& graph, const CalibrationTable& seen,
                                               const PlaceOptions& options) {
  const Topology topology(graph);
  std::map<std::string, std::string> blocked;
  for (const auto& [value, root] : PlaceNodes(graph, options).roots) {
    const std::vector<std::string> sources = WithSources(topology, value);
    // The nearest that was observed speaks for what was moved from it.
    const auto source = std::find_if(sources.begin(), sources.end(),
                                     [&](const auto& one) { return seen.values.contains(one); });
    const TensorStatistics* found = source == sources.end() ? nullptr : &seen.values.at(*source);
    if (found == nullptr || found->count + found->inf_count + found->nan_count == 0) {
      blocked.emplace(value, "was never computed in calibration");
    } else if (found->inf_count > 0) {
      blocked.emplace(value, "holds infinities");
    }
  }
  return blocked;
}

}  // namespace

ModelSettings SettingsOfBody(const ModelSettings& settings, const BodyGraph& body) {
  ModelSettings own(settings.config);
  QuantConfig& config = own.config;
  config.tensors.input = config.tensors.activation;
  config.keep_first_last_layer_accuracy = false;
  std::erase_if(config.values,
                [&](const ValueSettings& one) { return !one.value.starts_with(body.way); });
  for (ValueSettings& one : config.values) one.value.erase(0, body.way.size());
  own.layer_of = MatchBodyLayers(body, config);
  return own;
}

std::string WhyBodyIsFloat(const BodyGraph& body, const Target& target) {
  return target.quantizes_bodies ? body.why_float : WhyBodiesAreFloat(target);
}

bool MayComputeFloat(const Graph& graph, const Node& node) {
  return ComputesFloat(graph, node) ||
         (!node.outputs.empty() && !node.outputs[0].empty() && IsUntyped(graph, node.outputs[0]));
}

ValueSizes SizesOfBody(const ValueSizes& sizes, const BodyGraph& body) {
  return OfBody(sizes, body);
}

std::vector<std::string> FindQuantizable(const Graph& graph) {
  // What some targets write as floats, others write as codes.
  Target every = kCpuTarget;
  every.products_write_floats = false;
  every.unsigns_codes = false;  // which keeps nodes float
  return PlaceNodes(graph, {.keep_float = FindSensitiveNodes(graph),
                            .place_by = PlaceBy::kKernels,
                            .target = &every})
      .Observed();
}

std::vector<std::string> FindQuantizableInBodies(const Graph& graph) {
  std::set<std::string> found;
  for (const BodyGraph& body : FindBodyGraphs(graph)) {
    if (!body.why_float.empty()) continue;
    for (const std::string& value : FindQuantizable(body.graph)) found.insert(body.FullName(value));
  }
  return {found.begin(), found.end()};
}

std::vector<std::string> FindQuantizedInBodies(const Graph& graph, const Placement& placement) {
  std::vector<std::string> found;
  ForEachBodyIn(placement.bodies, graph, [&](const BodyGraph& body, const Placement& placed) {
    const Topology topology(body.graph);
    for (const auto& [quantized, root] : placed.roots) {
      for (const std::string& value : WithSources(topology, quantized))
        found.push_back(body.FullName(value));
    }
  });
  return found;
}

void KeepUnseenFloat(const Graph& graph, const CalibrationTable& table, PlaceOptions& place) {
  ForEachBodyIn(place.bodies, graph, [&](const BodyGraph& body, auto& placing) {
    // Placings are shared and never changed: a copy takes the place of one.
    BodyPlacing own = *placing;
    const CalibrationTable seen{.values = OfBody(table.values, body)};
    own.options.blocked.merge(FindBlocked(own.graph, seen, own.options));
    own.options.keep_float.merge(FindRangeClashes(own.graph, seen));
    placing = std::make_shared<const BodyPlacing>(std::move(own));
  });
}

}  // namespace qconvert
