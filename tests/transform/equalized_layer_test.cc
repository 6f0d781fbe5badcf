// Layers seen by channel: scaled ones in the engine, ranges by definition, the vendor's divisor.
#include "equalized_layer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "support/graph_builder.h"
#include "vendor_shrink.h"

namespace qconvert {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pointwise;

struct Layer {
  const char* name;
  const char* type;
  std::vector<int64_t> input;
  std::vector<int64_t> weight;
  int64_t inputs;   // channels
  int64_t outputs;  // channels, of the bias too
  std::function<void(Node&)> set;
  bool is_last_axis = false;  // of channels; else axis 1
};

const std::vector<Layer> kLayers = {
    {"Conv", "Conv", {1, 3, 5, 5}, {4, 3, 2, 2}, 3, 4, {}},
    {"Conv in groups",
     "Conv",
     {2, 4, 6},
     {6, 2, 3},
     4,
     6,
     [](Node& node) { node.Set("group", int64_t{2}); }},
    {"Conv by channel",
     "Conv",
     {1, 3, 4, 4},
     {6, 1, 3, 3},
     3,
     6,
     [](Node& node) { node.Set("group", int64_t{3}); }},
    {"ConvTranspose", "ConvTranspose", {1, 3, 4, 4}, {3, 2, 2, 2}, 3, 2, {}},
    {"ConvTranspose in groups",
     "ConvTranspose",
     {1, 4, 5},
     {4, 3, 2},
     4,
     6,
     [](Node& node) { node.Set("group", int64_t{2}); }},
    {"Gemm", "Gemm", {2, 3}, {3, 5}, 3, 5, {}, true},
    {"Gemm turned",
     "Gemm",
     {2, 3},
     {5, 3},
     3,
     5,
     [](Node& node) { node.Set("transB", int64_t{1}); },
     true},
    {"MatMul and Add", "MatMul", {2, 4, 3}, {3, 5}, 3, 5, {}, true},
};

GraphBuilder Build(const Layer& layer) {
  GraphBuilder b;
  std::vector<std::string> dims;
  for (const int64_t dim : layer.input) dims.push_back(std::to_string(dim));
  b.Input("x", dims).Output("y").Random("w", layer.weight).Random("bias", {layer.outputs});
  const bool has_add = std::string(layer.type) == "MatMul";
  Node& node =
      has_add ? b.Add("MatMul", {"x", "w"}, {"p"}) : b.Add(layer.type, {"x", "w", "bias"}, {"y"});
  if (layer.set) layer.set(node);
  if (has_add) b.Add("Add", {"bias", "p"}, {"y"});
  return b;
}

EqualizedLayer Found(const GraphBuilder& b, size_t n = 0) {
  return FindEqualizedLayer(b.model.graph, Topology(b.model.graph), n).value();
}

// Factors that no two channels share.
std::vector<double> Factors(int64_t channels, double first) {
  std::vector<double> out;
  for (int64_t c = 0; c < channels; ++c)
    out.push_back(first * std::pow(1.5, static_cast<double>(c)));
  return out;
}

size_t ChannelOf(const Layer& layer, const Tensor& value, size_t i) {
  if (layer.is_last_axis) return i % static_cast<size_t>(value.dims.back());
  size_t inner = 1;
  for (size_t d = 2; d < value.dims.size(); ++d) inner *= static_cast<size_t>(value.dims[d]);
  return i / inner % static_cast<size_t>(value.dims[1]);
}

// What comes in divided by the factors of the inputs gives what comes out times those of outputs.
TEST(EqualizedLayerTest, ScaledWeightsTakeScaledInputsToScaledOutputs) {
  for (const Layer& layer : kLayers) {
    SCOPED_TRACE(layer.name);
    GraphBuilder b = Build(layer);
    Tensor x = RandomTensor("x", layer.input, 9);
    const Tensor before = RunModel(b.model, {x})[0];
    EqualizedLayer found = Found(b);
    EXPECT_EQ(found.output, "y");
    EXPECT_EQ(found.in_rows, layer.is_last_axis);
    ASSERT_EQ(found.in_scale.size(), static_cast<size_t>(layer.inputs));
    ASSERT_EQ(found.out_scale.size(), static_cast<size_t>(layer.outputs));
    found.in_scale = Factors(layer.inputs, 0.3);
    found.out_scale = Factors(layer.outputs, 0.2);
    b.Floats("w", layer.weight, found.ScaledWeight());
    b.Floats("bias", {layer.outputs}, found.ScaledBias());
    std::vector<float> values = ToFloats(x);
    for (size_t i = 0; i < values.size(); ++i)
      values[i] /= static_cast<float>(found.in_scale[ChannelOf(layer, x, i)]);
    const Tensor after = RunModel(b.model, {MakeFloatTensor("x", layer.input, values)})[0];
    for (size_t i = 0; i < before.values<float>().size(); ++i) {
      const double factor = found.out_scale[ChannelOf(layer, before, i)];
      EXPECT_NEAR(after.values<float>()[i], before.values<float>()[i] * factor, 1e-4 * factor);
    }
  }
}

// Input and output channel of flat weight i, by ONNX: Conv [M, C/g, ..], ConvTranspose [C, M/g,
// ..].
std::pair<size_t, size_t> ChannelsOfWeight(const Layer& layer, size_t i) {
  size_t inner = 1;
  for (size_t d = 2; d < layer.weight.size(); ++d) inner *= static_cast<size_t>(layer.weight[d]);
  const auto columns = static_cast<size_t>(layer.weight[1]);
  const size_t row = i / inner / columns;
  const size_t column = i / inner % columns;
  const std::string type = layer.type;
  const auto rows = static_cast<size_t>(layer.weight[0]);
  if (type == "Conv") {
    const size_t groups = static_cast<size_t>(layer.inputs) / columns;
    return {row / (rows / groups) * columns + column, row};
  }
  if (type == "ConvTranspose") {
    const size_t groups = static_cast<size_t>(layer.outputs) / columns;
    return {row, row / (rows / groups) * columns + column};
  }
  if (layer.set) return {column, row};  // turned
  return {row, column};
}

TEST(EqualizedLayerTest, RangesAreTheLargestScaledWeightsOfAChannel) {
  for (const Layer& layer : kLayers) {
    SCOPED_TRACE(layer.name);
    const GraphBuilder b = Build(layer);
    EqualizedLayer found = Found(b);
    found.in_scale = Factors(layer.inputs, 2);
    found.out_scale = Factors(layer.outputs, 0.1);
    std::vector<double> by_input(found.in_scale.size(), 0);
    std::vector<double> by_output(found.out_scale.size(), 0);
    const auto weights = found.weight->values<float>();
    for (size_t i = 0; i < weights.size(); ++i) {
      const auto [in, out] = ChannelsOfWeight(layer, i);
      const double scaled =
          std::abs(static_cast<double>(weights[i])) * found.in_scale[in] * found.out_scale[out];
      by_input[in] = std::max(by_input[in], scaled);
      by_output[out] = std::max(by_output[out], scaled);
    }
    EXPECT_THAT(found.InputRanges(), Pointwise(DoubleNear(1e-6), by_input));
    EXPECT_THAT(found.OutputRanges(), Pointwise(DoubleNear(1e-6), by_output));
  }
}

TEST(EqualizedLayerTest, ANormalizationReachesThreeDeviations) {
  GraphBuilder b(17);
  b.Input("x", {"2", "3"}).Output("y").Floats("w", {3}, {0.5F, -2, 1});
  b.Floats("bias", {3}, {1, 2, 3});
  b.Add("LayerNormalization", {"x", "w", "bias"}, {"y"});
  EqualizedLayer found = Found(b);
  EXPECT_TRUE(found.is_normalization);
  EXPECT_TRUE(found.in_rows);
  found.out_scale = {2, 1, 1};
  EXPECT_THAT(found.OutputRanges(), ElementsAre(3, 6, 3));
  EXPECT_THAT(found.ScaledWeight(), ElementsAre(1, -2, 1));
  EXPECT_THAT(found.ScaledBias(), ElementsAre(2, 2, 3));
}

TEST(EqualizedLayerTest, ABiasOfAMatMulIsThatOfItsOnlyReader) {
  GraphBuilder b;
  b.Input("x", {"2", "3"}).Output("y").Random("w", {3, 5}).Random("bias", {5});
  b.Add("MatMul", {"x", "w"}, {"p"});
  b.Add("Add", {"p", "bias"}, {"y"});
  EXPECT_EQ(Found(b).bias_node, 1U);
  b.Output("p");
  EXPECT_EQ(Found(b).output, "p") << "which is read elsewhere";
  EXPECT_THAT(Found(b).bias_values, IsEmpty());
}

TEST(EqualizedLayerTest, WhatIsNotItsOwnOrNotFiniteIsNone) {
  struct Case {
    const char* name;
    std::function<void(GraphBuilder&)> change;
  };
  const std::vector<Case> cases = {
      {"weights that others read", [](auto& b) { b.Add("Neg", {"w"}, {"n"}); }},
      {"weights that are an output", [](auto& b) { b.Output("w"); }},
      {"weights that it reads twice", [](auto& b) { b.model.graph.nodes[0].inputs[0] = "w"; }},
      {"a bias that others read", [](auto& b) { b.Add("Neg", {"bias"}, {"n"}); }},
      {"a computed bias", [](auto& b) { b.model.graph.nodes[0].inputs[2] = "x"; }},
      {"a bias of another length", [](auto& b) { b.Random("bias", {3}); }},
      {"a weight of NaN",
       [](auto& b) {
         b.Floats("w", {2, 1, 1}, {1, NAN});
       }},
      {"an infinite bias",
       [](auto& b) {
         b.Floats("bias", {2}, {1, INFINITY});
       }},
      {"groups that do not divide",
       [](auto& b) { b.model.graph.nodes[0].Set("group", int64_t{3}); }},
      {"another operator", [](auto& b) { b.model.graph.nodes[0].op_type = "QLinearConv"; }},
      {"weights of two axes",
       [](auto& b) {
         b.Random("w", {2, 1});
       }},
      {"no weights", [](auto& b) { b.model.graph.nodes[0].inputs.resize(1); }},
  };
  for (const Case& test : cases) {
    GraphBuilder b;
    b.Input("x", {"1", "1", "4"}).Output("y").Random("w", {2, 1, 1}).Random("bias", {2});
    b.Add("Conv", {"x", "w", "bias"}, {"y"});
    ASSERT_NO_THROW(Found(b));
    test.change(b);
    EXPECT_FALSE(FindEqualizedLayer(b.model.graph, Topology(b.model.graph), 0)) << test.name;
  }
}

// Of a Gemm with these weights [channels, inputs].
double Shrink(const std::vector<float>& weights, const std::vector<float>& biases) {
  GraphBuilder b;
  const auto channels = static_cast<int64_t>(biases.size());
  b.Floats("w", {channels, static_cast<int64_t>(weights.size()) / channels}, weights);
  b.Floats("bias", {channels}, biases);
  b.Input("x", {"1", "?"}).Output("y");
  b.Add("Gemm", {"x", "w", "bias"}, {"y"}).Set("transB", int64_t{1});
  return VendorShrink(Found(b));
}

TEST(VendorShrinkTest, SmallBiasesCountByHalfOrAFifth) {
  EXPECT_EQ(Shrink({1, 1}, {1}), 2);
  EXPECT_EQ(Shrink({1, 1 / 128.0F, 1 / 128.0F}, {1}), 5) << "f: 1, 128, 128: median above 100";
  EXPECT_EQ(Shrink({1, 1 / 64.0F, 1 / 64.0F}, {1}), 2) << "f: 1, 64, 64";
  EXPECT_EQ(Shrink({1, 1, 1 / 4096.0F}, {1}), 5) << "f: 1, 1, 4096: mean above 1000";
  EXPECT_EQ(Shrink({1, 1, 1 / 2048.0F}, {1}), 2) << "mean 683";
  EXPECT_EQ(Shrink({1}, {9.5F}), 2);
}

TEST(VendorShrinkTest, LargeOnesByAFifthATenthOrATwentieth) {
  EXPECT_EQ(Shrink({1}, {10}), 5) << "10 is large";
  EXPECT_EQ(Shrink({1}, {16}), 10) << "median above 15";
  EXPECT_EQ(Shrink({1}, {15}), 5);
  EXPECT_EQ(Shrink({1}, {31}), 20) << "median above 30";
  EXPECT_EQ(Shrink({1}, {30}), 10);
  EXPECT_EQ(Shrink({4, 4, 1 / 32.0F}, {10}), 10) << "f: 2.5, 2.5, 320: mean 108";
  EXPECT_EQ(Shrink({4, 4, 1 / 256.0F}, {10}), 20) << "mean 855";
  EXPECT_EQ(Shrink({0.25F}, {5}), 10) << "20 times the weights is large too: f = 20";
  EXPECT_EQ(Shrink({0.25F}, {4.5F}), 2) << "18 times is not";
}

TEST(VendorShrinkTest, OfAnEvenNumberTheLowerMiddle) {
  EXPECT_EQ(Shrink({10, 0.5F}, {10}), 5) << "f: 1 and 20";
  EXPECT_EQ(Shrink({10, 0.5F, 0.5F}, {10}), 10);
}

TEST(VendorShrinkTest, ZerosCountAsTheSmallestOfTheirChannel) {
  EXPECT_EQ(Shrink({8, 0, 0.5F, 0, 0}, {10}), 10) << "f: 1.25 and four times 20";
  EXPECT_EQ(Shrink({8, 0, 0, 0, 0}, {10}), 5) << "f: 1.25 five times";
  EXPECT_EQ(Shrink({0, 0, 1, 1, 1, 1}, {1000, 1, 1}), 5) << "a channel of zeros has f = 0";
}

TEST(VendorShrinkTest, WithoutBiasesNothingIsShrunk) {
  GraphBuilder b;
  b.Input("x", {"1", "2"}).Output("y").Random("w", {2, 2}).Add("Gemm", {"x", "w"}, {"y"});
  EXPECT_EQ(VendorShrink(Found(b)), 1);
}

}  // namespace
}  // namespace qconvert
