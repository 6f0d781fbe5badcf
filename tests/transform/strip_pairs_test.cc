// A quantized model in float again: what goes, what stays, and the numbers of weights.
#include "qconvert/transform/strip_pairs.h"

#include <gtest/gtest.h>

#include <functional>

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
  EXPECT_EQ(Count(model.graph, "Clip"), 1) << "the work of the Relu was done by the codes";
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

// The bounds of a Clip that the saturation of codes stands for; none where there is no Clip.
std::vector<float> BoundsOf(const Graph& graph) {
  for (const Node& node : graph.nodes) {
    if (!node.Is("Clip")) continue;
    return {graph.initializers.at(node.inputs[1]).values<float>()[0],
            graph.initializers.at(node.inputs[2]).values<float>()[0]};
  }
  return {};
}

TEST(StripPairsTest, CodesWithoutNegativesStandForAClamp) {
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
    return BoundsOf(b.model.graph);
  };
  const std::vector<float> none;
  const std::vector<float> all = {0, 255 * 0.1F};
  EXPECT_EQ(strip("Sin", DataType::kUint8, 0), all);
  EXPECT_EQ(strip("Sin", DataType::kUint8, 1), none);
  EXPECT_EQ(strip("Sin", DataType::kInt8, 128), all) << "-128";
  EXPECT_EQ(strip("Sin", DataType::kInt8, 0), none);
  EXPECT_EQ(strip("Sigmoid", DataType::kUint8, 0), none) << "is never negative";
}

TEST(StripPairsTest, WhatIsFedHasNoClampOfItsOwn) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y").Floats("s", {}, {0.1F});
  b.model.graph.initializers["z"] = Bytes("z", DataType::kUint8, {}, {0});
  b.Add("QuantizeLinear", {"x", "s", "z"}, {"q"});
  b.Add("DequantizeLinear", {"q", "s", "z"}, {"d"});
  b.Add("Neg", {"d"}, {"y"});
  EXPECT_EQ(StripPairs(b.model.graph), 1U);
  ASSERT_EQ(b.model.graph.nodes.size(), 1U);
  EXPECT_EQ(b.model.graph.nodes[0].inputs[0], "x");
}

// Conv -> Relu6 -> Conv: the codes of the Conv do the clamp at both ends, and go on doing it.
TEST(StripPairsTest, Relu6ThatWentIntoTheCodesIsThereAgain) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "8", "8"}).Output("y");
  b.Random("w1", {4, 4, 3, 3}, 3.0F).Random("w2", {4, 4, 3, 3}, 0.2F);
  b.Floats("zero", {}, {0}).Floats("six", {}, {6});
  b.Add("Conv", {"x", "w1"}, {"c"});
  b.Add("Clip", {"c", "zero", "six"}, {"r"});
  b.Add("Conv", {"r", "w2"}, {"y"});
  const std::vector<Tensor> x = {RandomTensor("x", {1, 4, 8, 8}, 1)};
  QuantConfig config;
  config.tensors.activation.method = CalibrationMethod::kMaxMin;
  Model model = QuantizeModel(b.model, {x}, config).model;
  ASSERT_EQ(Count(model.graph, "Clip"), 0) << "it went into the codes";
  Normalize(model);
  StripPairs(model.graph);
  const std::vector<float> bounds = BoundsOf(model.graph);
  ASSERT_EQ(bounds.size(), 2U);
  EXPECT_EQ(bounds[0], 0);
  EXPECT_NEAR(bounds[1], 6, 1e-5);
  const Tensor expected = RunModel(b.model, x)[0];
  float largest = 0;
  for (const float v : ToFloats(expected)) largest = std::max(largest, std::fabs(v));
  EXPECT_LT(MaxDifference(expected, RunModel(model, x)[0]), 0.03F * largest);
}

// One scale and zero point, 0.1 and 128 unless told, in front of and behind `move`.
Graph Moved(const std::function<void(GraphBuilder&)>& move, uint8_t zero = 128) {
  GraphBuilder b;
  b.Input("x", {"1", "2", "4", "4"}).Output("y").Floats("s", {}, {0.1F}).Floats("t", {}, {0.2F});
  b.model.graph.initializers["z"] = Bytes("z", DataType::kUint8, {}, {zero});
  b.Add("Sin", {"x"}, {"v"});
  b.Add("QuantizeLinear", {"v", "s", "z"}, {"q"});
  move(b);
  b.Add("Neg", {"d"}, {"y"});
  StripPairs(b.model.graph);
  return b.model.graph;
}

TEST(StripPairsTest, WhatMovesCodesMovesFloats) {
  const Graph pooled = Moved([](GraphBuilder& b) {
    Node& pool = b.Add("MaxPool", {"q"}, {"p"});
    pool.Set("kernel_shape", std::vector<int64_t>{2, 2});
    pool.name = "/pool";
    b.Add("Transpose", {"p"}, {"t1"});
    b.Add("Concat", {"t1", "t1"}, {"c"}).Set("axis", int64_t{1});
    b.Add("DequantizeLinear", {"c", "s", "z"}, {"d"});
  });
  ASSERT_EQ(pooled.nodes.size(), 5U);
  EXPECT_EQ(pooled.nodes[1].op_type, "MaxPool");
  EXPECT_EQ(pooled.nodes[1].name, "/pool") << "settings by name still find it";
  EXPECT_EQ(pooled.nodes[1].inputs[0], "v");
  EXPECT_EQ(pooled.nodes[2].op_type, "Transpose");
  EXPECT_EQ(pooled.nodes[3].inputs[1], pooled.nodes[2].outputs[0]);
  EXPECT_EQ(pooled.nodes[4].inputs[0], pooled.nodes[3].outputs[0]);
  const Graph split = Moved([](GraphBuilder& b) {
    b.Add("Split", {"q"}, {"a", "b"}).Set("axis", int64_t{1});
    b.Add("DequantizeLinear", {"a", "s", "z"}, {"da"});
    b.Add("DequantizeLinear", {"b", "s", "z"}, {"db"});
    b.Add("Add", {"da", "db"}, {"d"});
  });
  EXPECT_EQ(Count(split, "DequantizeLinear"), 0);
  EXPECT_EQ(split.nodes[2].inputs, split.nodes[1].outputs);
}

// The clamp is told once, in front of what moves.
TEST(StripPairsTest, CodesWithoutNegativesAreClampedInFrontOfWhatMovesThem) {
  const Graph graph = Moved(
      [](GraphBuilder& b) {
        b.Add("Transpose", {"q"}, {"p"});
        b.Add("DequantizeLinear", {"p", "s", "z"}, {"d"});
      },
      0);
  ASSERT_EQ(graph.nodes.size(), 4U);
  EXPECT_EQ(graph.nodes[1].op_type, "Clip");
  EXPECT_EQ(graph.nodes[2].op_type, "Transpose");
}

TEST(StripPairsTest, ClipOfCodesIsAClampOrFewerBits) {
  const auto bounds = [](uint8_t least, uint8_t most) {
    return BoundsOf(Moved([&](GraphBuilder& b) {
      b.model.graph.initializers["l"] = Bytes("l", DataType::kUint8, {}, {least});
      b.model.graph.initializers["m"] = Bytes("m", DataType::kUint8, {}, {most});
      b.Add("Clip", {"q", "l", "m"}, {"p"});
      b.Add("DequantizeLinear", {"p", "s", "z"}, {"d"});
    }));
  };
  EXPECT_EQ(bounds(128, 188), (std::vector<float>{0, 60 * 0.1F})) << "a Relu6";
  EXPECT_EQ(bounds(118, 188), (std::vector<float>{-10 * 0.1F, 60 * 0.1F}));
  EXPECT_EQ(bounds(120, 135), std::vector<float>()) << "4 bits";
  EXPECT_EQ(bounds(121, 135), std::vector<float>()) << "4 bits, narrow";
}

// As a Relu on the codes is written.
TEST(StripPairsTest, ClipOfCodesWithOneBoundEndsWhereTheCodesDo) {
  const Graph graph = Moved([](GraphBuilder& b) {
    b.Add("Clip", {"q", "z"}, {"p"});
    b.Add("DequantizeLinear", {"p", "s", "z"}, {"d"}).Set("axis", int64_t{0});
  });
  EXPECT_EQ(BoundsOf(graph), (std::vector<float>{0, 127 * 0.1F}));
  EXPECT_EQ(Count(graph, "DequantizeLinear"), 0) << "an axis of one scale says nothing";
}

TEST(StripPairsTest, OtherGridsAndArithmeticOfCodesStay) {
  const Graph scaled = Moved([](GraphBuilder& b) {
    b.Add("DequantizeLinear", {"q", "t", "z"}, {"d"});
  });
  EXPECT_EQ(Count(scaled, "DequantizeLinear"), 1) << "it multiplies by two";
  const Graph summed = Moved([](GraphBuilder& b) {
    b.Add("BitwiseNot", {"q"}, {"p"});
    b.Add("DequantizeLinear", {"p", "s", "z"}, {"d"});
  });
  EXPECT_EQ(Count(summed, "QuantizeLinear"), 1);
  EXPECT_EQ(Count(summed, "DequantizeLinear"), 1);
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

TEST(FoldDequantizedTest, ConstantsBecomeFloatsAndPairsOfValuesStay) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y").Output("shown").Floats("s", {}, {0.5F});
  b.model.graph.initializers["q"] = Bytes("q", DataType::kInt8, {2}, {3, 252});
  b.model.graph.initializers["z"] = Bytes("z", DataType::kInt8, {}, {1});
  b.Add("DequantizeLinear", {"q", "s", "z"}, {"k"});
  b.Add("DequantizeLinear", {"q", "s", "z"}, {"shown"});
  b.Add("QuantizeLinear", {"x", "s", "z"}, {"codes"});
  b.Add("DequantizeLinear", {"codes", "s", "z"}, {"d"});
  b.Add("Add", {"d", "k"}, {"y"});
  EXPECT_EQ(FoldDequantized(b.model.graph), 1U);
  EXPECT_EQ(b.model.graph.nodes.size(), 4U);
  const auto folded = b.model.graph.FindInitializer("k")->values<float>();
  EXPECT_EQ(std::vector<float>(folded.begin(), folded.end()), (std::vector<float>{1, -2.5F}));
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
