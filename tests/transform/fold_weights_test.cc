#include "qconvert/transform/fold_weights.h"

#include <gtest/gtest.h>

#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

constexpr float kTolerance = 2e-5F;

void ExpectSame(const Model& before, const Model& after, const std::vector<int64_t>& dims) {
  const Tensor x = RandomTensor("x", dims, 21);
  const auto a = RunModel(before, {x});
  const auto b = RunModel(after, {x});
  for (size_t o = 0; o < a.size(); ++o) EXPECT_LE(MaxDifference(a[o], b[o]), kTolerance);
}

GraphBuilder ConvModel(int64_t group = 1) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "6", "6"})
      .Output("y")
      .Random("w", {8, 4 / group, 3, 3}, 0.3F)
      .Random("b", {8});
  b.Add("Conv", {"x", "w", "b"}, {"c"}).Set("group", group);
  return b;
}

void AddBatchNorm(GraphBuilder& b, const std::string& x, const std::string& y, int64_t channels) {
  b.Random("gamma", {channels}).Random("beta", {channels}).Random("mean", {channels});
  std::vector<float> variance = RandomFloats(static_cast<size_t>(channels), 9);
  for (float& v : variance) v = v * v + 0.1F;
  b.Floats("var", {channels}, variance);
  b.Add("BatchNormalization", {x, "gamma", "beta", "mean", "var"}, {y});
}

TEST(FoldBatchNormalizationTest, IntoConv) {
  for (const int64_t group : {1, 2, 4}) {
    GraphBuilder b = ConvModel(group);
    AddBatchNorm(b, "c", "y", 8);
    const Model before = b.model;
    EXPECT_EQ(FoldBatchNormalization(b.model.graph), 1U);
    EXPECT_EQ(b.model.graph.nodes.size(), 1U);
    ExpectSame(before, b.model, {1, 4, 6, 6});
  }
}

TEST(FoldBatchNormalizationTest, IntoConvTransposeAndGemm) {
  for (const int64_t group : {1, 4}) {
    GraphBuilder b;
    b.Input("x", {"1", "4", "5", "5"}).Output("y").Random("w", {4, 2, 3, 3});
    b.Add("ConvTranspose", {"x", "w"}, {"c"}).Set("group", group);
    AddBatchNorm(b, "c", "y", 2 * group);
    const Model before = b.model;
    EXPECT_EQ(FoldBatchNormalization(b.model.graph), 1U) << group;
    ExpectSame(before, b.model, {1, 4, 5, 5});
  }
  for (const int64_t transposed : {0, 1}) {
    GraphBuilder b;
    b.Input("x", {"3", "5"}).Output("y").Random("b", {4});
    b.Random("w", transposed != 0 ? std::vector<int64_t>{4, 5} : std::vector<int64_t>{5, 4});
    b.Add("Gemm", {"x", "w", "b"}, {"c"}).Set("transB", transposed);
    AddBatchNorm(b, "c", "y", 4);
    const Model before = b.model;
    EXPECT_EQ(FoldBatchNormalization(b.model.graph), 1U);
    ExpectSame(before, b.model, {3, 5});
  }
}

TEST(FoldBatchNormalizationTest, LeavesItAloneWhenOthersReadTheConv) {
  GraphBuilder b = ConvModel();
  AddBatchNorm(b, "c", "y", 8);
  b.Output("c");
  EXPECT_EQ(FoldBatchNormalization(b.model.graph), 0U);
}

TEST(FoldBatchNormalizationTest, ASharedWeightIsCopied) {
  GraphBuilder b = ConvModel();
  AddBatchNorm(b, "c", "y", 8);
  b.Output("z");
  b.Add("Conv", {"x", "w"}, {"z"});
  const Model before = b.model;
  EXPECT_EQ(FoldBatchNormalization(b.model.graph), 1U);
  ExpectSame(before, b.model, {1, 4, 6, 6});
}

TEST(FoldArithmeticTest, PerChannelAndScalarConstants) {
  for (const char* op : {"Mul", "Add", "Sub", "Div"}) {
    for (const bool first : {false, true}) {
      GraphBuilder b = ConvModel();
      b.Random("k", {8, 1, 1}).Floats("s", {}, {2.5F});
      b.Add(op, first ? std::vector<std::string>{"k", "c"} : std::vector<std::string>{"c", "k"},
            {"m"});
      b.Add("Mul", {"m", "s"}, {"y"});
      const Model before = b.model;
      const bool constant_over_conv = std::string(op) == "Div" && first;
      EXPECT_EQ(FoldArithmeticIntoConv(b.model.graph), constant_over_conv ? 0U : 2U) << op << first;
      ExpectSame(before, b.model, {1, 4, 6, 6});
    }
  }
}

TEST(FoldArithmeticTest, OtherShapesStay) {
  GraphBuilder b = ConvModel();
  b.Random("k", {4});  // along the width
  b.Add("Mul", {"c", "k"}, {"y"});
  EXPECT_EQ(FoldArithmeticIntoConv(b.model.graph), 0U);
}

// x [2, 3, 4] -> MatMul{w [4, 5]} -> Add{b} -> op{k} -> y
GraphBuilder MatMulModel(bool has_bias, const std::string& op, std::vector<std::string> order) {
  GraphBuilder b;
  b.Input("x", {"2", "3", "4"}).Output("y").Random("w", {4, 5}).Random("b", {5}).Random("k", {5});
  b.Add("MatMul", {"x", "w"}, {has_bias ? "m" : "a"});
  if (has_bias) b.Add("Add", {"b", "m"}, {"a"});
  b.Add(op, std::move(order), {"y"});
  return b;
}

TEST(FoldScaleIntoMatMulTest, WithAndWithoutBias) {
  for (const bool has_bias : {true, false}) {
    for (const char* op : {"Mul", "Div"}) {
      GraphBuilder b = MatMulModel(has_bias, op, {"a", "k"});
      const Model before = b.model;
      EXPECT_EQ(FoldScaleIntoMatMul(b.model.graph), 1U);
      EXPECT_EQ(b.model.graph.nodes.size(), has_bias ? 2U : 1U);
      ExpectSame(before, b.model, {2, 3, 4});
    }
  }
  GraphBuilder scalar = MatMulModel(true, "Mul", {"k", "a"});
  scalar.Floats("k", {}, {0.125F});
  EXPECT_EQ(FoldScaleIntoMatMul(scalar.model.graph), 1U);
}

TEST(FoldScaleIntoMatMulTest, OthersStay) {
  const auto folded = [](GraphBuilder b) { return FoldScaleIntoMatMul(b.model.graph); };
  EXPECT_EQ(folded(MatMulModel(true, "Div", {"k", "a"})), 0U) << "divides by the product";
  EXPECT_EQ(folded(MatMulModel(true, "Add", {"a", "k"})), 0U);
  GraphBuilder read = MatMulModel(true, "Mul", {"a", "k"});
  read.Output("a");
  EXPECT_EQ(folded(read), 0U) << "the unscaled sum is an output";
  GraphBuilder rows = MatMulModel(true, "Mul", {"a", "k"});
  rows.Random("k", {3, 1});
  EXPECT_EQ(folded(rows), 0U) << "one number per row";
  GraphBuilder shared = MatMulModel(true, "Mul", {"a", "k"});
  shared.Output("z").Add("MatMul", {"x", "w"}, {"z"});
  EXPECT_EQ(folded(shared), 0U) << "would store the weight twice";
}

TEST(FoldPadTest, SpatialZerosGoIntoTheConv) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "6", "6"})
      .Output("y")
      .Random("w", {8, 4, 3, 3})
      .Ints("p", {8}, {0, 0, 1, 0, 0, 0, 2, 3});
  b.Add("Pad", {"x", "p"}, {"a"});
  b.Add("Conv", {"a", "w"}, {"y"}).Set("pads", std::vector<int64_t>{1, 1, 0, 0});
  const Model before = b.model;
  EXPECT_EQ(FoldPadIntoConv(b.model.graph), 1U);
  EXPECT_EQ(b.model.graph.nodes.size(), 1U);
  ExpectSame(before, b.model, {1, 4, 6, 6});
}

TEST(FoldPadTest, OtherPadsStay) {
  for (const auto& pads : {std::vector<int64_t>{0, 1, 0, 0, 0, 0, 0, 0},
                           std::vector<int64_t>{0, 0, -1, 0, 0, 0, 0, 0}}) {
    GraphBuilder b;
    b.Input("x", {"1", "4", "6", "6"}).Output("y").Random("w", {8, 4, 3, 3}).Ints("p", {8}, pads);
    b.Add("Pad", {"x", "p"}, {"a"});
    b.Add("Conv", {"a", "w"}, {"y"});
    EXPECT_EQ(FoldPadIntoConv(b.model.graph), 0U);
  }
  GraphBuilder ones;
  ones.Input("x", {"1", "4", "6", "6"})
      .Output("y")
      .Random("w", {8, 4, 3, 3})
      .Ints("p", {8}, {0, 0, 1, 1, 0, 0, 1, 1})
      .Floats("v", {}, {1});
  ones.Add("Pad", {"x", "p", "v"}, {"a"});
  ones.Add("Conv", {"a", "w"}, {"y"});
  EXPECT_EQ(FoldPadIntoConv(ones.model.graph), 0U);
}

TEST(FuseMatMulAddTest, RankTwoBecomesGemm) {
  GraphBuilder b;
  b.Input("x", {"3", "5"}).Output("y").Random("w", {5, 4}).Random("b", {4});
  b.Add("MatMul", {"x", "w"}, {"m"});
  b.Add("Add", {"b", "m"}, {"y"});
  const Model before = b.model;
  EXPECT_EQ(FuseMatMulAdd(b.model.graph), 0U) << "the rank is not known yet";
  InferTypes(b.model, "m");
  EXPECT_EQ(FuseMatMulAdd(b.model.graph), 1U);
  EXPECT_EQ(b.model.graph.nodes[0].op_type, "Gemm");
  b.model.graph.value_info.clear();
  ExpectSame(before, b.model, {3, 5});
}

TEST(FuseMatMulAddTest, OthersStay) {
  const auto fused = [](const std::vector<std::string>& dims, std::vector<int64_t> bias,
                        bool is_shown) {
    GraphBuilder b;
    b.Input("x", dims).Output("y").Random("w", {5, 4}).Random("b", std::move(bias));
    if (is_shown) b.Output("m");
    b.Add("MatMul", {"x", "w"}, {"m"});
    b.Add("Add", {"m", "b"}, {"y"});
    InferTypes(b.model, "m");
    return FuseMatMulAdd(b.model.graph);
  };
  EXPECT_EQ(fused({"3", "5"}, {1, 4}, false), 1U);
  EXPECT_EQ(fused({"2", "3", "5"}, {4}, false), 0U) << "a Gemm takes rows alone";
  EXPECT_EQ(fused({"3", "5"}, {3, 4}, false), 0U) << "no bias";
  EXPECT_EQ(fused({"3", "5"}, {4}, true), 0U) << "the product is read by itself";
}

}  // namespace
}  // namespace qconvert
