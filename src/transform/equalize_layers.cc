#include "qconvert/transform/equalize_layers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "conv_weights.h"
#include "equalized_layer.h"
#include "qconvert/ir/topology.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

constexpr double kBiasShare = 0.1;  // of a bias in the range of its channel
constexpr double kSettled = 1e-3;   // a scale that moves by less has arrived
constexpr int kMostSweeps = 200;

using Shape = std::vector<Dim>;

const Shape* ShapeOf(const Graph& graph, const std::string& value) {
  const auto it = graph.value_info.find(value);
  return it == graph.value_info.end() || !it->second.type.shape ? nullptr : &*it->second.type.shape;
}

// What a value looks like on the way from one layer to the next.
struct Walk {
  std::string value;
  bool in_rows = false;  // [..., channels * spread]; else [N, channels, spatial...]
};

// Constant axes in an attribute or in input 1; nothing when there are none.
std::optional<std::vector<int64_t>> AxesOf(const Graph& graph, const Node& node) {
  if (const auto* axes = node.FindInts("axes")) return *axes;
  const Tensor* tensor = graph.FindInitializer(node.input(1));
  if (tensor == nullptr || tensor->type != DataType::kInt64) return std::nullopt;
  return ToInt64s(*tensor);
}

// Squeeze and ReduceMean of spatial axes: [N, C, H, W] -> [N, C, ...].
bool LeavesChannels(const Graph& graph, const Node& node, Walk& walk) {
  const auto axes = AxesOf(graph, node);
  const Shape* before = ShapeOf(graph, walk.value);
  const Shape* after = ShapeOf(graph, node.outputs[0]);
  if (walk.in_rows || !axes || axes->empty() || before == nullptr || after == nullptr) return false;
  for (const int64_t axis : *axes)
    if ((axis < 0 ? axis + static_cast<int64_t>(before->size()) : axis) < 2) return false;
  walk.in_rows = after->size() == 2;
  return true;
}

// Flatten and Reshape: [N, C, H, W] -> [N, C * H * W].
bool MakesRows(const Graph& graph, const Node& node, Walk& walk) {
  if (walk.in_rows) return false;
  walk.in_rows = true;
  if (node.Is("Flatten")) return node.GetInt("axis", 1) == 1;
  const Tensor* target = graph.FindInitializer(node.input(1));
  const Shape* shape = ShapeOf(graph, walk.value);
  if (target == nullptr || target->element_count() != 2 || shape == nullptr || shape->size() < 2 ||
      node.GetInt("allowzero", 0) != 0)
    return false;
  int64_t row = 1;
  for (size_t d = 1; d < shape->size(); ++d) {
    if (!(*shape)[d].known()) return false;
    row *= (*shape)[d].value;
  }
  const std::vector<int64_t> dims = ToInt64s(*target);
  const Dim& batch = (*shape)[0];
  return dims[1] == row ||
         (dims[1] == -1 && (dims[0] == 0 || (batch.known() && dims[0] == batch.value)));
}

// A constant float number; NaN, which equals nothing, for what is none.
float NumberOf(const Graph& graph, const std::string& name) {
  const Tensor* tensor = graph.FindInitializer(name);
  const bool is_number =
      tensor != nullptr && tensor->type == DataType::kFloat && tensor->element_count() == 1;
  return is_number ? tensor->values<float>()[0] : std::numeric_limits<float>::quiet_NaN();
}

// Clip(0, infinity) is a Relu.
bool IsRelu(const Graph& graph, const Node& clip) {
  return NumberOf(graph, clip.input(1)) == 0 &&
         (clip.input(2).empty() || std::isinf(NumberOf(graph, clip.input(2))));
}

// Takes the walk through a node that scales with its input, channel by channel; false at others.
bool Pass(const Graph& graph, const Node& node, Walk& walk) {
  if (node.outputs.size() != 1) return false;
  bool passes = false;
  if (node.Is("Relu") || node.Is("LeakyRelu") || node.Is("PRelu")) {
    passes = true;
  } else if (node.Is("Clip")) {
    passes = IsRelu(graph, node);
  } else if (node.Is("MaxPool") || node.Is("AveragePool") || node.Is("GlobalMaxPool") ||
             node.Is("GlobalAveragePool")) {
    passes = !walk.in_rows;
  } else if (node.Is("Pad")) {
    const Shape* shape = ShapeOf(graph, walk.value);
    passes = !walk.in_rows && shape != nullptr &&
             ZeroSpatialPads(graph, node, shape->size()).has_value();
  } else if (node.Is("Squeeze") || node.Is("ReduceMean")) {
    passes = LeavesChannels(graph, node, walk);
  } else if (node.Is("Flatten") || node.Is("Reshape")) {
    passes = MakesRows(graph, node, walk);
  }
  walk.value = node.outputs[0];
  return passes;
}

// Two layers with what lies between them.
struct LayerPair {
  size_t first = 0;  // in the list of layers
  size_t second = 0;
  size_t spread = 1;  // input channels of the second for each output channel of the first
  std::vector<std::string> values;  // from the first's output to the second's input
};

std::optional<LayerPair> FindPair(const Graph& graph, const Topology& topology,
                                  const std::vector<EqualizedLayer>& layers,
                                  const std::map<size_t, size_t>& layer_of, size_t first) {
  LayerPair pair{.first = first};
  const EqualizedLayer& layer = layers[first];
  if (layer.bias_node != layer.node && !layer.bias.empty())
    pair.values.push_back(graph.nodes[layer.node].outputs[0]);
  Walk walk{layer.output, layer.in_rows};
  while (topology.HasSingleUse(walk.value)) {
    pair.values.push_back(walk.value);
    const Use use = topology.Uses(walk.value)[0];
    if (use.slot != 0) return std::nullopt;
    const auto next = layer_of.find(use.node);
    if (next == layer_of.end()) {
      if (!Pass(graph, graph.nodes[use.node], walk)) return std::nullopt;
      continue;
    }
    pair.second = next->second;
    const size_t inputs = layers[pair.second].in_scale.size();
    const size_t channels = layer.out_scale.size();
    if (layers[pair.second].in_rows != walk.in_rows || inputs % channels != 0) return std::nullopt;
    pair.spread = inputs / channels;
    // Only what flattening makes gives a channel several inputs.
    if (pair.spread > 1 && layer.in_rows) return std::nullopt;
    return pair;
  }
  return std::nullopt;
}

// Moves the scales of a pair to where both have equal ranges; returns the largest change, as a
// logarithm.
double Equalize(const LayerPair& pair, std::vector<EqualizedLayer>& layers) {
  EqualizedLayer& first = layers[pair.first];
  EqualizedLayer& second = layers[pair.second];
  std::vector<double> r1 = first.OutputRanges();
  const std::vector<double> inputs = second.InputRanges();
  double largest = 0;
  for (size_t c = 0; c < r1.size(); ++c) {
    if (!first.bias.empty())
      r1[c] = std::max(r1[c], kBiasShare * std::abs(first.bias_values[c]) * first.out_scale[c]);
    double r2 = 0;
    for (size_t k = 0; k < pair.spread; ++k) r2 = std::max(r2, inputs[c * pair.spread + k]);
    const double s = std::sqrt(r1[c] * r2) / r2;
    if (!(s > 0) || !std::isfinite(s)) continue;
    first.out_scale[c] /= s;
    for (size_t k = 0; k < pair.spread; ++k) second.in_scale[c * pair.spread + k] *= s;
    largest = std::max(largest, std::abs(std::log(s)));
  }
  return largest;
}

void EqualizeAll(const std::vector<LayerPair>& pairs, std::vector<EqualizedLayer>& layers) {
  // Only pairs that share a layer with one that moved can move again.
  std::vector<bool> moved(layers.size(), true);
  for (int sweep = 0; sweep < kMostSweeps; ++sweep) {
    std::vector<bool> moves(layers.size(), false);
    for (const LayerPair& pair : pairs) {
      const bool may =
          moved[pair.first] || moved[pair.second] || moves[pair.first] || moves[pair.second];
      if (may && Equalize(pair, layers) > kSettled) moves[pair.first] = moves[pair.second] = true;
    }
    if (std::find(moves.begin(), moves.end(), true) == moves.end()) return;
    moved = std::move(moves);
  }
}

bool IsScaled(const std::vector<double>& scales) {
  return std::any_of(scales.begin(), scales.end(), [](double s) { return s != 1; });
}

void ReplaceConstant(Graph& graph, const std::string& name, const std::vector<float>& values) {
  Tensor& tensor = graph.initializers.at(name);
  tensor = MakeFloatTensor(name, tensor.dims, values);
}

// Gives scaled values new names, in nodes and types.
void RenameScaled(Graph& graph, const std::set<std::string>& values) {
  NameMaker names(graph);
  std::unordered_map<std::string, std::string> renames;
  for (const std::string& value : values) {
    const std::string& name = renames[value] = names.Make(value + "_equalized");
    const auto type = graph.value_info.find(value);
    if (type == graph.value_info.end()) continue;
    Value renamed = std::move(type->second);
    graph.value_info.erase(type);
    renamed.name = name;
    graph.value_info.emplace(name, std::move(renamed));
  }
  for (Node& node : graph.nodes) {
    for (std::string& output : node.outputs)
      if (const auto it = renames.find(output); it != renames.end()) output = it->second;
  }
  RenameUses(graph, renames);
}

}  // namespace

size_t EqualizeLayers(Graph& graph) {
  const Topology topology(graph);
  std::vector<EqualizedLayer> layers;
  std::map<size_t, size_t> layer_of;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    std::optional<EqualizedLayer> layer = FindEqualizedLayer(graph, topology, n);
    if (!layer) continue;
    layer_of[n] = layers.size();
    layers.push_back(std::move(*layer));
  }
  std::vector<LayerPair> pairs;
  for (size_t k = 0; k < layers.size(); ++k) {
    std::optional<LayerPair> pair = FindPair(graph, topology, layers, layer_of, k);
    if (pair) pairs.push_back(std::move(*pair));
  }
  EqualizeAll(pairs, layers);
  size_t scaled = 0;
  std::set<std::string> values;
  for (const LayerPair& pair : pairs) {
    if (!IsScaled(layers[pair.first].out_scale)) continue;
    values.insert(pair.values.begin(), pair.values.end());
    ++scaled;
  }
  for (const EqualizedLayer& layer : layers) {
    if (!IsScaled(layer.in_scale) && !IsScaled(layer.out_scale)) continue;
    const std::vector<float> weight = layer.ScaledWeight();
    const std::vector<float> bias = layer.ScaledBias();
    ReplaceConstant(graph, graph.nodes[layer.node].inputs[1], weight);
    if (!layer.bias.empty()) ReplaceConstant(graph, layer.bias, bias);
  }
  RenameScaled(graph, values);
  return scaled;
}

}  // namespace qconvert
