#include "qconvert/rewrite/store_weights.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "qconvert/ir/topology.h"
#include "qconvert/numbers/quantize.h"
#include "qconvert/targets/weight_slots.h"

namespace qconvert {
namespace {

constexpr int32_t kLargestCode = 127;
constexpr int32_t kLargestWideCode = 32767;
constexpr int64_t kNodeBytes = 256;  // of the two nodes, the names and the scale tensor around it

// Dimensions along which a weight has scales of its own: those of its output channels.
using ScaleAxes = std::vector<size_t>;

// The scale axes of input `slot` of a node when that is a weight of `rank` dimensions.
std::optional<ScaleAxes> FindScaleAxes(const Node& node, size_t slot, size_t rank) {
  std::optional<WeightSlot> weight = FindWeightSlot(node, slot, rank);
  if (!weight) return std::nullopt;
  return std::move(weight->channel_axes);
}

struct Codes {
  Tensor integers;
  std::vector<int64_t> scale_dims;  // 1 in all but the scale axes
  std::vector<float> scales;
};

template <typename T>
Codes Quantize(const Tensor& weight, const ScaleAxes& axes, DataType type, int32_t largest_code) {
  const auto values = weight.values<float>();
  Codes out;
  out.scale_dims.assign(weight.dims.size(), 1);
  for (const size_t axis : axes) out.scale_dims[axis] = weight.dims[axis];
  // Stride of each dimension in the scale tensor; 0 where it is broadcast.
  std::vector<size_t> strides(weight.dims.size(), 0);
  size_t groups = 1;
  for (size_t d = weight.dims.size(); d-- > 0;) {
    if (out.scale_dims[d] == 1) continue;
    strides[d] = groups;
    groups *= static_cast<size_t>(weight.dims[d]);
  }
  std::vector<size_t> group_of(values.size());
  std::vector<int64_t> index(weight.dims.size(), 0);
  for (size_t i = 0, group = 0; i < values.size(); ++i) {
    group_of[i] = group;
    for (size_t d = weight.dims.size(); d-- > 0;) {
      group += strides[d];
      if (++index[d] < weight.dims[d]) break;
      group -= strides[d] * static_cast<size_t>(weight.dims[d]);
      index[d] = 0;
    }
  }
  std::vector<float> largest(groups, 0);
  for (size_t i = 0; i < values.size(); ++i) {
    largest[group_of[i]] = std::max(largest[group_of[i]], std::fabs(values[i]));
  }
  for (const float magnitude : largest) {
    out.scales.push_back(
        std::max(magnitude / static_cast<float>(largest_code), std::numeric_limits<float>::min()));
  }
  const NumericFormat format =
      IntegerFormat(BitsOf(type), /*is_signed=*/true, /*symmetric=*/true, /*narrow=*/true);
  std::vector<T> codes;
  for (size_t i = 0; i < values.size(); ++i)
    codes.push_back(static_cast<T>(QuantizeValue(values[i], out.scales[group_of[i]], 0, format)));
  out.integers = MakeTensor<T>("", type, weight.dims, codes);
  return out;
}

bool Shrinks(const Tensor& weight, const ScaleAxes& axes, int64_t code_bytes) {
  int64_t scales = 1;
  for (const size_t axis : axes) {
    if (axis >= weight.dims.size()) return false;
    scales *= weight.dims[axis];
  }
  const int64_t elements = weight.element_count();
  return code_bytes * elements + 4 * scales + kNodeBytes < 4 * elements;
}

bool AllFinite(const Tensor& weight) {
  const auto values = weight.values<float>();
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

// True for an Unsqueeze or Reshape whose output is a weight: what a recurrent node exported with
// one direction reads. Rows of the source are output channels.
bool IsRearrangedWeight(const Graph& graph, const Node& node) {
  if (!node.Is("Unsqueeze") && !node.Is("Reshape")) return false;
  for (const Node& reader : graph.nodes) {
    for (size_t slot = 0; slot < reader.inputs.size(); ++slot) {
      if (reader.inputs[slot] == node.outputs[0] && FindScaleAxes(reader, slot, 3)) return true;
    }
  }
  return false;
}

// Weights of `graph` that nodes of this level or below read, with the scale axes of the first
// reader. A name that an inner graph defines anew hides the outer one, so it is not followed there.
void FindWeights(const Graph& owner, const Graph& graph, std::map<std::string, ScaleAxes>& found) {
  for (const Node& node : graph.nodes) {
    for (size_t slot = 0; slot < node.inputs.size(); ++slot) {
      const Tensor* tensor = owner.FindInitializer(node.inputs[slot]);
      if (tensor == nullptr || tensor->type != DataType::kFloat) continue;
      if (&graph != &owner && graph.FindInitializer(node.inputs[slot]) != nullptr) continue;
      auto axes = FindScaleAxes(node, slot, tensor->dims.size());
      if (!axes && slot == 0 && IsRearrangedWeight(graph, node) && tensor->dims.size() >= 2)
        axes = ScaleAxes{0};
      if (axes) found.emplace(node.inputs[slot], std::move(*axes));
    }
    for (const Graph* subgraph : SubgraphsOf(node)) FindWeights(owner, *subgraph, found);
  }
}

void StoreGraph(Graph& graph, const StoreWeightsOptions& options, NameMaker& names,
                std::vector<StoredWeight>& out) {
  for (Node& node : graph.nodes) {
    for (Graph* subgraph : SubgraphsOf(node)) StoreGraph(*subgraph, options, names, out);
  }
  std::map<std::string, ScaleAxes> weights;
  FindWeights(graph, graph, weights);
  std::vector<Node> nodes;
  for (const auto& [name, axes] : weights) {
    const Tensor& weight = graph.initializers.find(name)->second;
    const bool wide = options.wide.contains(name);
    if (options.keep.contains(name) || graph.IsInput(name) || graph.IsOutput(name)) continue;
    if (!Shrinks(weight, axes, wide ? 2 : 1) || !AllFinite(weight)) continue;
    Codes quantized = wide ? Quantize<int16_t>(weight, axes, DataType::kInt16, kLargestWideCode)
                           : Quantize<int8_t>(weight, axes, DataType::kInt8, kLargestCode);
    const std::string codes = names.Make("w");
    const std::string scale = names.Make("s");
    const std::string cast = names.Make("t");
    out.push_back({name, wide ? 16 : 8, weight.element_count(), quantized.scales.size()});
    quantized.integers.name = codes;
    graph.initializers.emplace(codes, std::move(quantized.integers));
    graph.initializers.emplace(scale,
                               MakeFloatTensor(scale, quantized.scale_dims, quantized.scales));
    graph.initializers.erase(name);
    nodes.push_back(MakeNode("Cast", {codes}, {cast}));
    nodes.back().Set("to", int64_t{1});  // TensorProto.FLOAT
    nodes.push_back(MakeNode("Mul", {cast, scale}, {name}));
  }
  graph.nodes.insert(graph.nodes.begin(), std::make_move_iterator(nodes.begin()),
                     std::make_move_iterator(nodes.end()));
}

}  // namespace

std::vector<StoredWeight> StoreWeights(Model& model, const StoreWeightsOptions& options) {
  std::vector<StoredWeight> out;
  NameMaker names(model.graph);
  StoreGraph(model.graph, options, names, out);
  return out;
}

}  // namespace qconvert
