#include "conv_weights.h"

#include <algorithm>
#include <span>
#include <utility>

namespace qconvert {
namespace {

const Tensor* FloatInitializer(const Graph& graph, const std::string& name) {
  const Tensor* tensor = graph.FindInitializer(name);
  return tensor != nullptr && tensor->type == DataType::kFloat ? tensor : nullptr;
}

// Lays out the channel axis of weights [.., axis, ..].
void SetAxis(ChannelWeights& weights, size_t axis) {
  const std::vector<int64_t>& dims = weights.weight->dims;
  weights.inner = 1;
  for (size_t d = axis + 1; d < dims.size(); ++d) weights.inner *= dims[d];
  weights.period = dims[axis];
  weights.outer = weights.inner * weights.period;
}

}  // namespace

std::optional<ChannelWeights> FindChannelWeights(const Graph& graph, const Node& node) {
  ChannelWeights out;
  out.weight = FloatInitializer(graph, node.input(1));
  if (out.weight == nullptr || out.weight->element_count() == 0) return std::nullopt;
  const std::vector<int64_t>& dims = out.weight->dims;
  if (node.Is("Conv") && dims.size() >= 3) {
    // One run over all: the second term of ChannelOf stays 0.
    SetAxis(out, 0);
    out.channels = dims[0];
    out.outer = out.weight->element_count();
  } else if (node.Is("ConvTranspose") && dims.size() >= 3) {
    // W is [C, M / group, ...]: the channels of group g are g * M / group + j.
    const int64_t group = node.GetInt("group", 1);
    if (group < 1 || dims[0] % group != 0) return std::nullopt;
    SetAxis(out, 1);
    out.channels = dims[1] * group;
    if (group > 1 && dims[0] != group)
      return std::nullopt;  // several inputs a group: no single run per group
    // Depthwise, each input is a group, whose channels follow those of the group before.
    if (group == 1) out.outer = out.weight->element_count();
  } else if (node.Is("Gemm") && dims.size() == 2 && node.GetFloat("alpha", 1) == 1 &&
             node.GetFloat("beta", 1) == 1) {
    const size_t axis = node.GetInt("transB", 0) != 0 ? 0 : 1;
    SetAxis(out, axis);
    out.channels = dims[axis];
    out.outer = out.weight->element_count();
  } else {
    return std::nullopt;
  }
  out.bias.assign(static_cast<size_t>(out.channels), 0.0F);
  if (node.input(2).empty()) return out;
  const Tensor* bias = FloatInitializer(graph, node.inputs[2]);
  if (bias == nullptr || bias->element_count() != out.channels || bias->dims.empty() ||
      bias->dims.back() != out.channels) {
    return std::nullopt;
  }
  out.bias = ToFloats(*bias);
  return out;
}

void ScaleChannels(Graph& graph, Node& node, const ChannelWeights& weights,
                   const std::vector<double>& scale, const std::vector<double>& shift,
                   NameMaker& names) {
  const auto values = weights.weight->values<float>();
  const auto inner = static_cast<size_t>(weights.inner);
  const auto scale_all = [&](std::span<float> out) {
    // Weights of one channel lie together: a division for each would take longer than all the rest.
    for (size_t first = 0; first < out.size(); first += inner) {
      const double factor =
          scale[static_cast<size_t>(weights.ChannelOf(static_cast<int64_t>(first)))];
      for (size_t i = first; i < first + inner; ++i)
        out[i] = static_cast<float>(values[i] * factor);
    }
  };
  std::vector<float> bias(weights.bias.size());
  for (size_t c = 0; c < bias.size(); ++c)
    bias[c] = static_cast<float>(weights.bias[c] * scale[c] + shift[c]);
  Tensor new_weight = FillFloatTensor(names.Make("w"), weights.weight->dims, scale_all);
  Tensor new_bias = MakeFloatTensor(names.Make("b"), {weights.channels}, bias);
  node.inputs.resize(2);
  node.inputs[1] = new_weight.name;
  node.inputs.push_back(new_bias.name);
  graph.initializers.emplace(new_weight.name, std::move(new_weight));
  graph.initializers.emplace(new_bias.name, std::move(new_bias));
}

std::optional<std::vector<int64_t>> ZeroSpatialPads(const Graph& graph, const Node& pad,
                                                    size_t rank) {
  if (!pad.Is("Pad") || pad.GetString("mode", "constant") != "constant") return std::nullopt;
  const Tensor* pads = graph.FindInitializer(pad.input(1));
  if (pads == nullptr || pads->type != DataType::kInt64) return std::nullopt;
  if (!pad.input(2).empty()) {
    const Tensor* value = graph.FindInitializer(pad.inputs[2]);
    if (value == nullptr || value->type != DataType::kFloat || value->element_count() != 1 ||
        value->values<float>()[0] != 0) {
      return std::nullopt;
    }
  }
  const std::vector<int64_t> given = ToInt64s(*pads);
  std::vector<int64_t> axes;
  if (!pad.input(3).empty()) {
    const Tensor* tensor = graph.FindInitializer(pad.inputs[3]);
    if (tensor == nullptr) return std::nullopt;
    axes = ToInt64s(*tensor);
  } else {
    for (size_t d = 0; d < rank; ++d) axes.push_back(static_cast<int64_t>(d));
  }
  if (given.size() != 2 * axes.size()) return std::nullopt;
  std::vector<int64_t> out(2 * rank, 0);
  for (size_t k = 0; k < axes.size(); ++k) {
    const int64_t axis = axes[k] < 0 ? axes[k] + static_cast<int64_t>(rank) : axes[k];
    if (axis < 0 || axis >= static_cast<int64_t>(rank)) return std::nullopt;
    out[static_cast<size_t>(axis)] = given[k];
    out[static_cast<size_t>(axis) + rank] = given[k + axes.size()];
  }
  // Padding of samples or channels, and cropping, a Conv cannot do.
  const bool outer = out[0] != 0 || out[1] != 0 || out[rank] != 0 || out[rank + 1] != 0;
  const bool negative = std::any_of(out.begin(), out.end(), [](int64_t p) { return p < 0; });
  return outer || negative ? std::nullopt : std::optional(out);
}

}  // namespace qconvert
