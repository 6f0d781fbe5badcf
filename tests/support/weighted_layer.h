// One layer with weights, alone: what it computes and what its codes stand for.
#ifndef QCONVERT_TESTS_SUPPORT_WEIGHTED_LAYER_H_
#define QCONVERT_TESTS_SUPPORT_WEIGHTED_LAYER_H_

#include <string>
#include <vector>

#include "qconvert/config/quant_config.h"
#include "qconvert/weights/quantize_weights.h"
#include "support/graph_builder.h"

namespace qconvert {

inline TensorSettings WeightSettings(int bits) {
  TensorSettings settings = QuantConfig().tensors.weights;
  settings.bit_width = bits;
  return settings;
}

inline Node ConvNode(int64_t group, int64_t pad, int64_t stride = 1) {
  Node node = MakeNode("Conv", {"x", "w"}, {"y"});
  node.Set("group", group);
  node.Set("pads", std::vector<int64_t>(4, pad));
  node.Set("strides", std::vector<int64_t>(2, stride));
  return node;
}

// Its weight is [out, in].
inline Node GemmNode() {
  Node node = MakeNode("Gemm", {"x", "w"}, {"y"});
  node.Set("transB", int64_t{1});
  return node;
}

// The engine's y of a node that reads x and w.
inline Tensor RunNode(const Node& node, const Tensor& weight, const Tensor& input) {
  GraphBuilder b;
  std::vector<std::string> dims;
  for (const int64_t dim : input.dims) dims.push_back(std::to_string(dim));
  b.Input("x", dims).Output("y").Floats("w", weight.dims, ToFloats(weight));
  b.model.graph.nodes.push_back(node);
  return RunModel(b.model, {input})[0];
}

// Of symmetric int8 codes.
inline Tensor Dequantized(const FittedWeights& fitted, const WeightOrder& order) {
  std::vector<float> values;
  const auto codes = fitted.weight.values<int8_t>();
  const std::vector<float>& scales = fitted.params.scales;
  for (size_t i = 0; i < codes.size(); ++i) {
    const size_t channel = i / static_cast<size_t>(order.channel_stride);
    values.push_back(static_cast<float>(codes[i]) * scales[scales.size() > 1 ? channel : 0]);
  }
  return MakeFloatTensor("w", fitted.weight.dims, values);
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_WEIGHTED_LAYER_H_
