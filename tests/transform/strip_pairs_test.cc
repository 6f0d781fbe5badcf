// A quantized model in float again: what goes, what stays, and the numbers of weights.
#include "qconvert/transform/strip_pairs.h"

#include <gtest/gtest.h>

#include "qconvert/transform/normalize.h"
#include "support/quantize_model.h"

namespace qconvert {
namespace {

int Count(const Graph& graph, const std::string& type) {
  int count = 0;
  for (const Node& node : graph.nodes) count += node.op_type == type ? 1 : 0;
  return count;
}

Tensor Bytes(const std::string& name, DataType type, std::vector<int64_t> dims,
             const std::vector<uint8_t>& values) {
  return MakeTensor<uint8_t>(name, type, std::move(dims), values);
}

Model TwoConvs() {
  GraphBuilder b;
  b.Input("x", {"1", "4", "8", "8"}).Output("y");
  b.Random("w1", {4, 4, 3, 3}, 0.2F).Random("w2", {4, 4, 3, 3}, 0.2F).Random("b1", {4});
  b.Add("Conv", {"x", "w1", "b1"}, {"c"});
  b.Add("Relu", {"c"}, {"r"});
  b.Add("Conv", {"r", "w2"}, {"y"});
  return b.model;
}

TEST(StripPairsTest, WhatWasQuantizedIsFloatAgain) {
  const std::vector<Tensor> x = {RandomTensor("x", {1, 4, 8, 8}, 1)};
  QuantConfig config;
  config.tensors.activation.bit_width = config.tensors.input.bit_width = 16;
  Model model = QuantizeModel(TwoConvs(), {x}, config).model;
  Normalize(model);
  EXPECT_GT(StripPairs(model.graph), 0U);
  EXPECT_EQ(Count(model.graph, "QuantizeLinear"), 0);
  EXPECT_EQ(Count(model.graph, "DequantizeLinear"), 0);
  EXPECT_EQ(Count(model.graph, "Conv"), 2);
  EXPECT_EQ(Count(model.graph, "Relu"), 1) << "its work was done by the codes";
  const Tensor expected = RunModel(TwoConvs(), x)[0];
  float largest = 0;
  for (const float v : ToFloats(expected)) largest = std::max(largest, std::fabs(v));
  EXPECT_LT(MaxDifference(expected, RunModel(model, x)[0]), 0.02F * largest)
      << "weights are those of their 8-bit codes";
}

TEST(StripPairsTest, ConstantsAreWhatTheirCodesSayOnAnyAxis) {
  for (const int64_t axis : {0, 1, -1}) {
    GraphBuilder b;
    b.Input("x", {"2", "3"}).Output("y");
    std::vector<float> scales = {0.5F, 2, 4};
    std::vector<uint8_t> zeros = {1, 2, 3};
    scales.resize(axis == 0 ? 2 : 3);
    zeros.resize(scales.size());
    const auto size = static_cast<int64_t>(scales.size());
    Graph& graph = b.model.graph;
    graph.initializers["s"] = MakeFloatTensor("s", {size}, scales);
    graph.initializers["z"] = Bytes("z", DataType::kInt8, {size}, zeros);
    graph.initializers["q"] = Bytes("q", DataType::kInt8, {2, 3}, {0, 1, 2, 253, 254, 255});
    b.Add("DequantizeLinear", {"q", "s", "z"}, {"w"}).Set("axis", axis);
    b.Add("Add", {"x", "w"}, {"y"});
    const std::vector<Tensor> x = {RandomTensor("x", {2, 3}, 1)};
    const Tensor before = RunModel(b.model, x)[0];
    EXPECT_EQ(StripPairs(graph), 1U);
    EXPECT_EQ(graph.nodes.size(), 1U);
    EXPECT_EQ(MaxDifference(before, RunModel(b.model, x)[0]), 0) << axis;
  }
}

TEST(StripPairsTest, CodesWithoutNegativesStandForARelu) {
  const auto strip = [](const char* producer, DataType type, uint8_t zero) {
    GraphBuilder b;
    b.Input("x", {"2", "3"}).Output("y");
    b.model.graph.initializers["s"] = MakeFloatTensor("s", {}, std::vector<float>{0.1F});
    b.model.graph.initializers["z"] = Bytes("z", type, {}, {zero});
    b.Add(producer, {"x"}, {"v"});
    b.Add("QuantizeLinear", {"v", "s", "z"}, {"q"});
    b.Add("DequantizeLinear", {"q", "s", "z"}, {"d"});
    b.Add("Neg", {"d"}, {"y"});
    StripPairs(b.model.graph);
    return Count(b.model.graph, "Relu");
  };
  EXPECT_EQ(strip("Sin", DataType::kUint8, 0), 1);
  EXPECT_EQ(strip("Sin", DataType::kUint8, 1), 0);
  EXPECT_EQ(strip("Sin", DataType::kInt8, 128), 1) << "-128";
  EXPECT_EQ(strip("Sin", DataType::kInt8, 0), 0);
  EXPECT_EQ(strip("Sigmoid", DataType::kUint8, 0), 0) << "is never negative";
}

TEST(StripPairsTest, PairsOfOtherDomainsAndBodiesGoToo) {
  Graph body;
  body.initializers["s"] = MakeFloatTensor("s", {}, std::vector<float>{0.1F});
  body.initializers["z"] = Bytes("z", DataType::kUint8, {}, {3});
  body.nodes.push_back(MakeNode("QuantizeLinear", {"x", "s", "z"}, {"q"}));
  body.nodes.push_back(MakeNode("DequantizeLinear", {"q", "s", "z"}, {"d"}));
  body.nodes[0].domain = body.nodes[1].domain = "com.microsoft";
  body.nodes.push_back(MakeNode("Neg", {"d"}, {"n"}));
  body.outputs.push_back({"n", FloatType({"2"}), {}, {}});
  GraphBuilder b;
  b.Input("x", {"2"}).Input("c", {}, DataType::kBool).Output("y");
  Node& node = b.Add("If", {"c"}, {"y"});
  node.Set("then_branch", Subgraph(body));
  node.Set("else_branch", Subgraph(body));
  EXPECT_EQ(StripPairs(b.model.graph), 2U);
  for (const Graph* branch : SubgraphsOf(b.model.graph.nodes[0])) {
    ASSERT_EQ(branch->nodes.size(), 1U);
    EXPECT_EQ(branch->nodes[0].inputs[0], "x");
  }
}

TEST(StripPairsTest, WhatReadsCodesItselfStays) {
  GraphBuilder b;
  b.Input("x", {"1", "2", "4", "4"}).Output("y").Floats("s", {}, {0.1F});
  b.model.graph.initializers["z"] = Bytes("z", DataType::kUint8, {}, {128});
  b.Add("QuantizeLinear", {"x", "s", "z"}, {"q"});
  b.Add("MaxPool", {"q"}, {"p"}).Set("kernel_shape", std::vector<int64_t>{2, 2});
  b.Add("DequantizeLinear", {"p", "s", "z"}, {"y"});
  EXPECT_EQ(StripPairs(b.model.graph), 0U);
  EXPECT_EQ(b.model.graph.nodes.size(), 3U);
}

TEST(StripPairsTest, BlocksAndComputedScalesStay) {
  for (const bool is_blocked : {true, false}) {
    GraphBuilder b(21);
    b.Input("x", {"4", "2"}).Output("y").Floats("s", {2, 2}, {1, 2, 3, 4});
    b.model.graph.initializers["q"] = Bytes("q", DataType::kInt8, {4, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
    Node& node = b.Add("DequantizeLinear", {"q", is_blocked ? "s" : "x"}, {"w"});
    node.Set("axis", int64_t{0});
    if (is_blocked) node.Set("block_size", int64_t{2});
    b.Add("Add", {"x", "w"}, {"y"});
    EXPECT_EQ(StripPairs(b.model.graph), 0U);
    EXPECT_EQ(b.model.graph.nodes.size(), 2U);
  }
}

}  // namespace
}  // namespace qconvert
