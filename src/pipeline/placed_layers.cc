#include "placed_layers.h"

#include <map>
#include <unordered_map>
#include <utility>

#include "measure_plan.h"
#include "qconvert/base/parallel.h"
#include "qconvert/ir/topology.h"
#include "qconvert/rewrite/store_weights.h"

namespace qconvert {
namespace {

std::string MarkOf(size_t node) { return "layer " + std::to_string(node); }

}  // namespace

size_t EndOfLayer(size_t node, const FusedUnit& unit) {
  return unit.bias_add == FusedUnit::kNone ? node : unit.bias_add;
}

void ReplaceWeights(const PlacedLayer& layer, const FittedWeights& weights, LayerwiseRun& run) {
  if (layer.stored == nullptr) return run.ReplaceConstant(layer.codes, weights.weight);
  StoredWeight stored = *layer.stored;
  stored.codes.bytes = weights.weight.bytes;
  run.ReplaceConstant(layer.codes, ExpandedWeight(stored));
}

PlacedLayers PlaceLayers(const Model& model, const QuantizationPlan& plan,
                         const std::map<size_t, CodedLayer>& layers) {
  Model marked = model;  // shares the bytes of tensors
  for (const auto& [n, layer] : layers) {
    // Rewriting renames and reorders: marks find the layers again in what it makes.
    marked.graph.nodes[n].name = MarkOf(n) + " weights";
    marked.graph.nodes[EndOfLayer(n, layer.unit)].name = MarkOf(n);
  }
  // Floats of stored weights, not what would make them: a layer's are replaced in the middle of a
  // run, when nodes that read constants alone have long run.
  FloatCache floats;
  PlacedLayers out{MakeRunnable(marked, plan, floats), {}};
  const std::vector<Node>& nodes = out.model.graph.nodes;
  const Topology topology(out.model.graph);
  std::unordered_map<std::string, size_t> places;
  for (size_t n = 0; n < nodes.size(); ++n) places.emplace(nodes[n].name, n);
  std::map<size_t, PlacedLayer> in_order;
  for (const auto& [n, layer] : layers) {
    const size_t end = places.at(MarkOf(n));
    // Without an Add behind it the second mark has replaced the first.
    const auto own = places.find(MarkOf(n) + " weights");
    const Node& reader = nodes[own != places.end() ? own->second : end];
    const std::string& codes =
        layer.is_stored ? reader.inputs[1] : topology.Producer(reader.inputs[1])->inputs[0];
    in_order.emplace(
        end,
        PlacedLayer{n, nodes[end].outputs[0], reader.inputs[0],
                    topology.HasSingleUse(codes) ? codes : "",
                    layer.is_stored ? &plan.stored.at(model.graph.nodes[n].inputs[1]) : nullptr});
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
