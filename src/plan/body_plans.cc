#include "qconvert/plan/body_plans.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "match_body_layers.h"
#include "qconvert/ir/topology.h"
#include "qconvert/plan/plan.h"
#include "qconvert/plan/safe_plan.h"

namespace qconvert {
namespace {

// What the codes of `value` may take their range from: itself, and what movement nodes made it of.
std::vector<std::string> WithMoved(const Topology& topology, std::string value) {
  std::vector<std::string> out = {value};
  for (const Node* producer = topology.Producer(value);
       producer != nullptr && FindOpRule(*producer).kind == OpKind::kMovement;
       producer = topology.Producer(value)) {
    value = producer->inputs[0];
    out.push_back(value);
  }
  return out;
}

CalibrationTable TableOfBody(const CalibrationTable& table, const BodyGraph& body) {
  CalibrationTable own;
  const auto take = [&](const std::string& value) {
    const auto seen = table.values.find(body.FullName(value));
    if (seen != table.values.end()) own.values.emplace(value, seen->second);
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
    const std::vector<std::string> sources = WithMoved(topology, value);
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

ValueSizes SizesOfBody(const ValueSizes& sizes, const BodyGraph& body) {
  ValueSizes own;
  const auto take = [&](const std::string& value) {
    const auto it = sizes.find(body.FullName(value));
    if (it != sizes.end()) own.emplace(value, it->second);
  };
  for (const Value& input : body.graph.inputs) take(input.name);
  for (const Node& node : body.graph.nodes)
    std::for_each(node.outputs.begin(), node.outputs.end(), take);
  return own;
}

std::vector<std::string> FindQuantizableInBodies(const Graph& graph) {
  // For the target with bodies on integers that writes the most values as codes.
  Target every = kCpuTarget;
  every.products_write_floats = false;
  std::set<std::string> found;
  for (const BodyGraph& body : FindBodyGraphs(graph)) {
    const Placement placement =
        PlaceNodes(body.graph, {.keep_float = FindSensitiveNodes(body.graph),
                                .place_by = PlaceBy::kKernels,
                                .target = &every});
    for (const std::string& value : placement.Observed()) found.insert(body.FullName(value));
  }
  return {found.begin(), found.end()};
}

std::vector<std::string> FindQuantizedInBodies(const Graph& graph, const Placement& placement) {
  std::vector<std::string> found;
  if (placement.bodies.empty()) return found;
  for (const BodyGraph& body : FindBodyGraphs(graph)) {
    const auto placed = placement.bodies.find(body.way);
    if (placed == placement.bodies.end()) continue;
    const Topology topology(body.graph);
    for (const auto& [quantized, root] : placed->second.roots) {
      for (const std::string& value : WithMoved(topology, quantized))
        found.push_back(body.FullName(value));
    }
  }
  return found;
}

void KeepUnseenFloat(const Graph& graph, const CalibrationTable& table, PlaceOptions& place) {
  if (place.bodies.empty()) return;
  for (const BodyGraph& body : FindBodyGraphs(graph)) {
    const auto found = place.bodies.find(body.way);
    if (found == place.bodies.end()) continue;
    BodyPlacing own = *found->second;
    const CalibrationTable seen = TableOfBody(table, body);
    own.options.blocked.merge(FindBlocked(own.graph, seen, own.options));
    own.options.keep_float.merge(FindRangeClashes(own.graph, seen));
    found->second = std::make_shared<const BodyPlacing>(std::move(own));
  }
}

}  // namespace qconvert
