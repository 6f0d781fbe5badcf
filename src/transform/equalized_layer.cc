#include "equalized_layer.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "qconvert/base/finite.h"

namespace qconvert {
namespace {

constexpr double kNormalReach = 3;  // standard deviations that normalized values reach

const Tensor* OwnConstant(const Graph& graph, const Topology& topology, const std::string& name) {
  const Tensor* tensor = graph.FindInitializer(name);
  const bool is_own = tensor != nullptr && tensor->type == DataType::kFloat &&
                      tensor->element_count() > 0 && topology.HasSingleUse(name);
  return is_own ? tensor : nullptr;
}

bool NormalizesLastAxis(const Graph& graph, const Node& node) {
  const int64_t axis = node.GetInt("axis", -1);
  if (axis == -1) return true;
  // Of the output, which has the same rank: unlike the input it is an inner value.
  const auto output = graph.value_info.find(node.outputs[0]);
  return output != graph.value_info.end() && output->second.type.shape &&
         axis + 1 == static_cast<int64_t>(output->second.type.shape->size());
}

// One factor and one addend per channel behind values of mean 0 and variance 1.
bool SetNormalization(const Graph& graph, const Node& node, EqualizedLayer& layer) {
  const bool by_image = node.Is("InstanceNormalization");
  const bool by_row = node.Is("LayerNormalization") || node.Is("RMSNormalization");
  if (!by_image && !(by_row && NormalizesLastAxis(graph, node))) return false;
  if (layer.weight->dims.size() != 1) return false;
  layer.is_normalization = true;
  layer.in_rows = by_row;
  layer.rows = static_cast<size_t>(layer.weight->dims[0]);
  layer.columns = 1;
  layer.in_scale.assign(1, 1.0);
  layer.out_scale.assign(layer.rows, 1.0);
  return true;
}

// Lays the weight out; false for what is no layer.
bool SetLayout(const Graph& graph, const Node& node, EqualizedLayer& layer) {
  if (SetNormalization(graph, node, layer)) return true;
  const std::vector<int64_t>& dims = layer.weight->dims;
  const bool is_conv = node.Is("Conv") || node.Is("ConvTranspose");
  const bool is_gemm = node.Is("Gemm") && node.GetInt("transA", 0) == 0;
  if (!(is_conv && dims.size() >= 3) && !((is_gemm || node.Is("MatMul")) && dims.size() == 2))
    return false;
  layer.rows = static_cast<size_t>(dims[0]);
  layer.columns = static_cast<size_t>(dims[1]);
  // No dimension is 0: OwnConstant wants elements.
  layer.inner = static_cast<size_t>(layer.weight->element_count()) / (layer.rows * layer.columns);
  layer.in_rows = !is_conv;
  layer.rows_are_inputs =
      node.Is("ConvTranspose") || node.Is("MatMul") || (is_gemm && node.GetInt("transB", 0) == 0);
  const int64_t groups = is_conv ? node.GetInt("group", 1) : 1;
  if (groups < 1 || dims[0] % groups != 0) return false;
  layer.groups = static_cast<size_t>(groups);
  const size_t grouped = layer.groups * layer.columns;
  layer.in_scale.assign(layer.rows_are_inputs ? layer.rows : grouped, 1.0);
  layer.out_scale.assign(layer.rows_are_inputs ? grouped : layer.rows, 1.0);
  return true;
}

// Input 2 of the layer; false when it is there but no constant per channel.
bool SetBias(const Graph& graph, const Topology& topology, EqualizedLayer& layer) {
  const auto take = [&](const std::string& name, size_t reader) {
    const Tensor* bias = OwnConstant(graph, topology, name);
    const auto channels = static_cast<int64_t>(layer.out_scale.size());
    if (bias == nullptr || bias->element_count() != channels || bias->dims.empty() ||
        bias->dims.back() != channels || !AllFinite(bias->values<float>()))
      return false;
    layer.bias = name;
    layer.bias_node = reader;
    layer.bias_values = ToFloats(*bias);
    return true;
  };
  const Node& node = graph.nodes[layer.node];
  if (!node.Is("MatMul")) return node.input(2).empty() || take(node.inputs[2], layer.node);
  if (!topology.HasSingleUse(layer.output)) return true;
  const Use use = topology.Uses(layer.output)[0];
  const Node& add = graph.nodes[use.node];
  if (use.slot != Use::kCaptured && add.Is("Add") && add.inputs.size() == 2 &&
      take(add.inputs[1 - use.slot], use.node))
    layer.output = add.outputs[0];
  return true;
}

// Largest of `sizes[row, column]` by channel.
template <typename ChannelOf>
std::vector<double> RangesBy(const EqualizedLayer& layer, size_t channels, ChannelOf channel_of) {
  std::vector<double> ranges(channels, 0.0);
  for (size_t r = 0; r < layer.rows; ++r) {
    for (size_t c = 0; c < layer.columns; ++c) {
      const double scaled = layer.largest[r * layer.columns + c] *
                            layer.in_scale[layer.InputOf(r, c)] *
                            layer.out_scale[layer.OutputOf(r, c)];
      double& range = ranges[channel_of(r, c)];
      range = std::max(range, scaled);
    }
  }
  return ranges;
}

}  // namespace

std::vector<double> EqualizedLayer::InputRanges() const {
  return RangesBy(*this, in_scale.size(), [&](size_t r, size_t c) { return InputOf(r, c); });
}

std::vector<double> EqualizedLayer::OutputRanges() const {
  std::vector<double> ranges =
      RangesBy(*this, out_scale.size(), [&](size_t r, size_t c) { return OutputOf(r, c); });
  if (!is_normalization) return ranges;
  for (double& range : ranges) range *= kNormalReach;
  return ranges;
}

std::vector<float> EqualizedLayer::ScaledWeight() const {
  std::vector<float> values = ToFloats(*weight);
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t row = i / inner / columns;
    const size_t column = i / inner % columns;
    values[i] = static_cast<float>(values[i] * in_scale[InputOf(row, column)] *
                                   out_scale[OutputOf(row, column)]);
  }
  return values;
}

std::vector<float> EqualizedLayer::ScaledBias() const {
  std::vector<float> values = bias_values;
  for (size_t o = 0; o < values.size(); ++o)
    values[o] = static_cast<float>(values[o] * out_scale[o]);
  return values;
}

std::optional<EqualizedLayer> FindEqualizedLayer(const Graph& graph, const Topology& topology,
                                                 size_t n) {
  const Node& node = graph.nodes[n];
  EqualizedLayer layer;
  layer.node = n;
  layer.weight = node.inputs.size() < 2 ? nullptr : OwnConstant(graph, topology, node.inputs[1]);
  if (layer.weight == nullptr || node.outputs.size() != 1 || !SetLayout(graph, node, layer))
    return std::nullopt;
  layer.output = node.outputs[0];
  const auto values = layer.weight->values<float>();
  // One infinity or NaN would spread to every scale of the group.
  if (!AllFinite(values) || !SetBias(graph, topology, layer)) return std::nullopt;
  layer.largest.assign(layer.rows * layer.columns, 0.0F);
  for (size_t i = 0; i < values.size(); ++i) {
    float& largest = layer.largest[i / layer.inner];
    largest = std::max(largest, std::abs(values[i]));
  }
  return layer;
}

}  // namespace qconvert
