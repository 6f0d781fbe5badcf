#include "placed_layers.h"

#include <map>
#include <unordered_map>
#include <utility>

#include "qconvert/base/parallel.h"
#include "qconvert/ir/topology.h"
#include "qconvert/rewrite/apply_plan.h"

namespace qconvert {
namespace {

std::string MarkOf(size_t node) { return "layer " + std::to_string(node); }

}  // namespace

size_t EndOfLayer(const QuantizationPlan& plan, size_t node) {
  const size_t bias_add = plan.placement.nodes[node].unit.bias_add;
  return bias_add == FusedUnit::kNone ? node : bias_add;
}

PlacedLayers PlaceLayers(const Model& model, const QuantizationPlan& plan) {
  PlacedLayers out{model, {}};
  std::vector<Node>& nodes = out.model.graph.nodes;
  for (const auto& [n, integer] : plan.integer_nodes) {
    if (!integer.weight) continue;
    // Rewriting renames and reorders: marks find the layers again in what it makes.
    nodes[n].name = MarkOf(n) + " weights";
    nodes[EndOfLayer(plan, n)].name = MarkOf(n);
  }
  ApplyPlan(out.model, plan);
  const Topology topology(out.model.graph);
  std::unordered_map<std::string, size_t> places;
  for (size_t n = 0; n < nodes.size(); ++n) places.emplace(nodes[n].name, n);
  std::map<size_t, PlacedLayer> in_order;
  for (const auto& [n, integer] : plan.integer_nodes) {
    if (!integer.weight) continue;
    const size_t end = places.at(MarkOf(n));
    // Without an Add behind it the second mark has replaced the first.
    const auto own = places.find(MarkOf(n) + " weights");
    const Node& reader = nodes[own != places.end() ? own->second : end];
    const std::string& codes = topology.Producer(reader.inputs[1])->inputs[0];
    in_order.emplace(end, PlacedLayer{n, nodes[end].outputs[0], reader.inputs[0],
                                      topology.HasSingleUse(codes) ? codes : ""});
  }
  for (auto& [place, layer] : in_order) out.layers.push_back(std::move(layer));
  return out;
}

ChannelAxis AxisOfLayer(const Node& node) {
  const bool is_conv = node.Is("Conv") || node.Is("ConvTranspose");
  return is_conv ? ChannelAxis::kSecond : ChannelAxis::kLast;
}

void ShiftChannels(const std::string& value, ChannelAxis axis, std::span<const float> shift,
                   LayerwiseRun& run) {
  std::vector<Tensor> values = run.Take(value);
  ParallelFor(values.size(), run.workers(), [&](size_t s, size_t /*worker*/) {
    values[s] = AddToChannels(values[s], axis, shift);
  });
  run.Replace(value, std::move(values));
}

}  // namespace qconvert
