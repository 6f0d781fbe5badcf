// What scales and shifts channels as one Conv: before and after, and the same numbers in the
// engine.
#include "qconvert/transform/convert_affine_to_conv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/ir/topology.h"
#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;

// x -> Relu -> r, for a chain from "r" to "y".
GraphBuilder Start(const std::vector<std::string>& dims = {"N", "6", "5", "4"}) {
  GraphBuilder b;
  b.Input("x", dims).Output("y").Add("Relu", {"x"}, {"r"});
  return b;
}

void Infer(GraphBuilder& b) { InferTypes(b.model, "m"); }

size_t Converted(GraphBuilder b) {
  Infer(b);
  return ConvertAffineToConv(b.model.graph);
}

// x -> Relu -> Mul -> Add -> y
GraphBuilder MulAdd() {
  GraphBuilder b = Start();
  b.Random("c", {6, 1, 1}).Random("b", {1, 6, 1, 1});
  b.Add("Mul", {"c", "r"}, {"m"}).name = "mul";
  b.Add("Add", {"m", "b"}, {"y"}).name = "add";
  return b;
}

// Converts the only chain and returns how far the engine's numbers are from those before.
float DifferenceOfOne(GraphBuilder b, std::vector<int64_t> dims) {
  Infer(b);
  const Model before = b.model;
  EXPECT_EQ(ConvertAffineToConv(b.model.graph), 1U);
  EXPECT_EQ(b.model.graph.nodes.size(), 2U);
  const Node& conv = b.model.graph.nodes.back();
  EXPECT_TRUE(conv.Is("Conv"));
  EXPECT_EQ(conv.GetInt("group", 0), dims[1]);
  EXPECT_EQ(SortNodes(b.model.graph), "");
  const std::vector<Tensor> inputs = {RandomTensor("x", dims, 7)};
  return MaxDifference(RunModel(before, inputs)[0], RunModel(b.model, inputs)[0]);
}

TEST(ConvertAffineToConvTest, AProductAndASum) {
  GraphBuilder b = MulAdd();
  EXPECT_LT(DifferenceOfOne(b, {2, 6, 5, 4}), 1e-6F);
  Infer(b);
  ConvertAffineToConv(b.model.graph);
  EXPECT_EQ(b.model.graph.nodes.back().name, "add") << "that of the node that writes the value";
}

TEST(ConvertAffineToConvTest, EverySpelling) {
  GraphBuilder b = Start();
  b.Random("a", {6, 1, 1}).Floats("c", {6, 1, 1}, {1, 2, 3, 4, -5, .5F}).Random("b", {6, 1, 1});
  b.Floats("one", {}, {1});
  b.Add("Sub", {"r", "a"}, {"d"});
  b.Add("Div", {"d", "c"}, {"q"});
  b.Add("Sub", {"one", "q"}, {"n"});
  b.Add("Add", {"b", "n"}, {"y"});
  EXPECT_LT(DifferenceOfOne(b, {2, 6, 5, 4}), 2e-6F);
}

TEST(ConvertAffineToConvTest, BatchNormalizationAndWhatIsBehind) {
  for (const auto& dims : {std::vector<int64_t>{2, 3, 7}, {1, 3, 4, 5}, {1, 3, 2, 2, 3}}) {
    std::vector<std::string> texts;
    for (const int64_t dim : dims) texts.push_back(std::to_string(dim));
    GraphBuilder b = Start(texts);
    b.Random("gamma", {3}).Random("beta", {3}).Random("mean", {3});
    b.Floats("variance", {3}, {.5F, 1, 2}).Floats("two", {}, {2});
    b.Add("BatchNormalization", {"r", "gamma", "beta", "mean", "variance"}, {"n"});
    b.Add("Mul", {"n", "two"}, {"y"});
    EXPECT_LT(DifferenceOfOne(b, dims), 2e-6F);
  }
}

TEST(ConvertAffineToConvTest, LeavesOthersAlone) {
  GraphBuilder product = MulAdd();
  product.model.graph.nodes[2] = MakeNode("Relu", {"m"}, {"y"});
  EXPECT_EQ(Converted(product), 0U) << "no sum";
  GraphBuilder number = MulAdd();
  number.Floats("c", {}, {2}).Floats("b", {1}, {3});
  EXPECT_EQ(Converted(number), 0U) << "the same for all channels";
  GraphBuilder columns = MulAdd();
  columns.Random("c", {4});
  EXPECT_EQ(Converted(columns), 0U) << "along another axis";
  GraphBuilder read = MulAdd();
  read.Output("m");
  EXPECT_EQ(Converted(read), 0U) << "others read the product";
  GraphBuilder divided = MulAdd();
  divided.model.graph.nodes[1] = MakeNode("Div", {"c", "r"}, {"m"});
  EXPECT_EQ(Converted(divided), 0U) << "a constant divided";
  GraphBuilder large = MulAdd();
  large.Floats("b", {6, 1, 1}, {1, 2, 3, 4, 5, 1e30F});
  large.Floats("d", {}, {1e30F}).Add("Mul", {"y", "d"}, {"z"});
  large.model.graph.outputs[0].name = "z";
  EXPECT_EQ(Converted(large), 0U) << "more than a float holds";
  GraphBuilder rows;
  rows.Input("r", {"N", "6"}).Output("y").Random("c", {6}).Random("b", {6});
  rows.Add("Mul", {"r", "c"}, {"m"});
  rows.Add("Add", {"m", "b"}, {"y"});
  EXPECT_EQ(Converted(rows), 0U) << "two dimensions";
}

TEST(ConvertAffineToConvTest, ScaleAndShiftOfANormalizationStay) {
  GraphBuilder b;
  b.Input("x", {"1", "6", "5", "4"}).Output("y").Random("c", {6, 1, 1}).Random("b", {6, 1, 1});
  b.Ints("groups", {3}, {0, 2, -1}).Ints("back", {4}, {1, 6, 5, 4});
  b.Floats("one", {2}, {1, 1}).Floats("zero", {2}, {0, 0});
  b.Add("Reshape", {"x", "groups"}, {"g"});
  b.Add("InstanceNormalization", {"g", "one", "zero"}, {"n"});
  b.Add("Reshape", {"n", "back"}, {"r"});
  b.Add("Mul", {"r", "c"}, {"m"});
  b.Add("Add", {"m", "b"}, {"y"});
  EXPECT_EQ(Converted(b), 0U);
}

constexpr size_t kLeast = 8;

std::vector<std::string> Types(const Graph& graph) {
  std::vector<std::string> types;
  for (const Node& node : graph.nodes) types.push_back(node.op_type);
  return types;
}

float Difference(const Model& before, const Model& after, std::vector<int64_t> dims) {
  const std::vector<Tensor> inputs = {RandomTensor("x", std::move(dims), 7)};
  return MaxDifference(RunModel(before, inputs)[0], RunModel(after, inputs)[0]);
}

TEST(ConvertAffineToConvTest, FewChannelsBecomeABatchNormalization) {
  GraphBuilder b = MulAdd();
  Infer(b);
  const Model before = b.model;
  EXPECT_EQ(ConvertAffineToConv(b.model.graph, kLeast), 1U);
  EXPECT_THAT(Types(b.model.graph), ElementsAre("Relu", "BatchNormalization"));
  EXPECT_LT(Difference(before, b.model, {2, 6, 5, 4}), 1e-6F);
  EXPECT_EQ(ConvertAffineToConv(b.model.graph, kLeast), 0U) << "once";
}

// x [2, 5, 4, 3] -> Transpose -> Abs -> Sub by channel -> y
TEST(ConvertAffineToConvTest, AStepThatATransposeCouldComeDownTo) {
  for (const bool has_transpose : {true, false}) {
    GraphBuilder b;
    b.Input("x", {"2", "3", "5", "3"}).Output("y").Random("mean", {3, 1, 1});
    if (has_transpose)
      b.Add("Transpose", {"x"}, {"t"}).Set("perm", std::vector<int64_t>{0, 3, 1, 2});
    b.Add("Abs", {has_transpose ? "t" : "x"}, {"a"});
    b.Add("Sub", {"a", "mean"}, {"y"});
    Infer(b);
    const Model before = b.model;
    EXPECT_EQ(ConvertAffineToConv(b.model.graph, kLeast), has_transpose ? 1U : 0U);
    EXPECT_EQ(b.model.graph.nodes.back().op_type, has_transpose ? "BatchNormalization" : "Sub");
    EXPECT_LT(Difference(before, b.model, {2, 3, 5, 3}), 1e-6F);
    Model one = before;
    EXPECT_EQ(ConvertAffineToConv(one.graph), 0U) << "for an integer kernel it is one step";
  }
}

// x [2, 5, 4, 3] -> Mul -> Sub of three numbers -> Transpose -> y
GraphBuilder ChannelsLast(std::vector<int64_t> perm = {0, 3, 1, 2}) {
  GraphBuilder b;
  b.Input("x", {"2", "5", "4", "3"}).Output("y").Random("mean", {3}).Floats("c", {}, {.5F});
  b.Add("Mul", {"x", "c"}, {"m"});
  b.Add("Sub", {"m", "mean"}, {"d"});
  b.Add("Transpose", {"d"}, {"y"}).Set("perm", std::move(perm));
  Infer(b);
  return b;
}

TEST(ConvertAffineToConvTest, StepsInFrontOfATransposeComeBehindIt) {
  GraphBuilder b = ChannelsLast();
  const Model before = b.model;
  EXPECT_EQ(ConvertAffineToConv(b.model.graph, kLeast), 1U);
  EXPECT_THAT(Types(b.model.graph), ElementsAre("Transpose", "BatchNormalization"));
  EXPECT_LT(Difference(before, b.model, {2, 5, 4, 3}), 1e-6F);
}

TEST(ConvertAffineToConvTest, OtherTransposesStayBehind) {
  GraphBuilder other = ChannelsLast({0, 3, 2, 1});
  EXPECT_EQ(ConvertAffineToConv(other.model.graph, kLeast), 0U);
  GraphBuilder read = ChannelsLast();
  read.Output("d");
  EXPECT_EQ(ConvertAffineToConv(read.model.graph, kLeast), 0U) << "others read it as it lies";
  GraphBuilder many = ChannelsLast();
  EXPECT_EQ(ConvertAffineToConv(many.model.graph, 3), 0U) << "three are not few";
}

}  // namespace
}  // namespace qconvert
