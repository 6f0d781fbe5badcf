#include "qconvert/transform/equalize_layers.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "equalized_group.h"
#include "equalized_layer.h"
#include "matcher.h"
#include "qconvert/ir/topology.h"
#include "rename_values.h"
#include "vendor_shrink.h"

namespace qconvert {
namespace {

constexpr double kBiasShare = 0.1;  // of a bias in the range of its channel
constexpr double kSettled = 1e-3;   // a scale that moves by less has arrived
constexpr int kMostSweeps = 200;
constexpr double kVendorSmall = 0.5;  // channels of less range on both sides stay as they are

// The largest range of what readers multiply channel `c` with.
double ReadRange(const EqualizedGroup& group, const std::vector<std::vector<double>>& ranges,
                 size_t c) {
  double range = 0;
  for (size_t r = 0; r < ranges.size(); ++r) {
    const size_t spread = group.readers[r].spread;
    for (size_t k = 0; k < spread; ++k) range = std::max(range, ranges[r][c * spread + k]);
  }
  return range;
}

// Moves the scales of a group to where both sides have equal ranges; returns the largest change, as
// a logarithm. Biases count by `bias_share`.
double Equalize(const EqualizedGroup& group, double bias_share, double small,
                std::vector<EqualizedLayer>& layers) {
  EqualizedLayer& first = layers[group.first];
  if (first.is_normalization) bias_share = 1;
  std::vector<double> r1 = first.OutputRanges();
  std::vector<std::vector<double>> ranges;
  for (const auto& reader : group.readers) ranges.push_back(layers[reader.layer].InputRanges());
  double largest = 0;
  for (size_t c = 0; c < r1.size(); ++c) {
    if (!first.bias.empty())
      r1[c] = std::max(r1[c], bias_share * std::abs(first.bias_values[c]) * first.out_scale[c]);
    const double r2 = ReadRange(group, ranges, c);
    const double s = std::sqrt(r1[c] * r2) / r2;
    // 0, infinite or NaN where one of the sides has no range.
    if (!(s > 0) || !std::isfinite(s) || r1[c] + r2 < small) continue;
    first.out_scale[c] /= s;
    for (const auto& [reader, spread] : group.readers)
      for (size_t k = 0; k < spread; ++k) layers[reader].in_scale[c * spread + k] *= s;
    largest = std::max(largest, std::abs(std::log(s)));
  }
  return largest;
}

void EqualizeAll(const std::vector<EqualizedGroup>& groups, std::vector<EqualizedLayer>& layers) {
  // Only groups that share a layer with one that moved can move again.
  std::vector<bool> moved(layers.size(), true);
  for (int sweep = 0; sweep < kMostSweeps; ++sweep) {
    std::vector<bool> moves(layers.size(), false);
    for (const EqualizedGroup& group : groups) {
      // In the sweep before, or earlier in this one.
      const auto has_moved = [&](size_t layer) { return moved[layer] || moves[layer]; };
      const bool may = has_moved(group.first) ||
                       std::any_of(group.readers.begin(), group.readers.end(),
                                   [&](const auto& reader) { return has_moved(reader.layer); });
      if (!may || Equalize(group, kBiasShare, 0, layers) <= kSettled) continue;
      moves[group.first] = true;
      for (const auto& reader : group.readers) moves[reader.layer] = true;
    }
    if (std::find(moves.begin(), moves.end(), true) == moves.end()) return;
    moved = std::move(moves);
  }
}

void EqualizeOnce(const std::vector<EqualizedGroup>& groups, std::vector<EqualizedLayer>& layers) {
  for (const EqualizedGroup& group : groups) {
    const double shrink = VendorShrink(layers[group.first]);
    Equalize(group, 1 / shrink, kVendorSmall, layers);
  }
}

bool IsScaled(const std::vector<double>& scales) {
  return std::any_of(scales.begin(), scales.end(), [](double s) { return s != 1; });
}

void ReplaceConstant(Graph& graph, const std::string& name, const std::vector<float>& values) {
  Tensor& tensor = graph.initializers.at(name);
  tensor = MakeFloatTensor(name, tensor.dims, values);
}

// u = Clip(v, 0, b)     becomes     u = Min(Relu(v), b * scale), a bound per channel
void BoundByChannel(Graph& graph, const std::vector<EqualizedGroup>& groups,
                    const std::vector<EqualizedLayer>& layers) {
  const auto has_clip = [](const EqualizedGroup& group) { return !group.clips.empty(); };
  if (std::none_of(groups.begin(), groups.end(), has_clip)) return;
  UnitWriter writer(graph);
  for (const EqualizedGroup& group : groups) {
    const EqualizedLayer& layer = layers[group.first];
    if (!IsScaled(layer.out_scale)) continue;
    // [C] for rows, [C, 1, ...] for images: broadcast over the spatial axes.
    std::vector<int64_t> dims(layer.in_rows ? 1 : layer.weight->dims.size() - 1, 1);
    dims[0] = static_cast<int64_t>(layer.out_scale.size());
    for (const size_t n : group.clips) {
      Node& clip = graph.nodes[n];
      const double bound = graph.FindInitializer(clip.inputs[2])->values<float>()[0];
      std::vector<float> bounds;
      for (const double scale : layer.out_scale)
        bounds.push_back(static_cast<float>(bound * scale));
      const std::string relu = writer.Add(clip, clip.outputs[0], "Relu", {clip.inputs[0]});
      writer.Become(clip, "Min", {relu, writer.Constant(MakeFloatTensor("", dims, bounds))});
    }
  }
  writer.Finish();
}

}  // namespace

size_t EqualizeLayers(Graph& graph, const EqualizeOptions& options) {
  const Topology topology(graph);
  std::vector<EqualizedLayer> layers;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    std::optional<EqualizedLayer> layer = FindEqualizedLayer(graph, topology, n);
    if (layer) layers.push_back(std::move(*layer));
  }
  const std::vector<EqualizedGroup> groups = FindEqualizedGroups(graph, topology, layers, options);
  if (options.single_pass) {
    EqualizeOnce(groups, layers);
  } else {
    EqualizeAll(groups, layers);
  }
  size_t scaled = 0;
  std::set<std::string> values;
  for (const EqualizedGroup& group : groups) {
    if (!IsScaled(layers[group.first].out_scale)) continue;
    values.insert(group.values.begin(), group.values.end());
    ++scaled;
  }
  for (const EqualizedLayer& layer : layers) {
    if (!IsScaled(layer.in_scale) && !IsScaled(layer.out_scale)) continue;
    const std::vector<float> weight = layer.ScaledWeight();
    const std::vector<float> bias = layer.ScaledBias();
    ReplaceConstant(graph, graph.nodes[layer.node].inputs[1], weight);
    if (!layer.bias.empty()) ReplaceConstant(graph, layer.bias, bias);
  }
  RenameValues(graph, values, "_equalized");
  BoundByChannel(graph, groups, layers);
  return scaled;
}

}  // namespace qconvert
