#include "qconvert/report/output_kind.h"

#include <gtest/gtest.h>

#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using Scores = OutputKind::Scores;

// The kind of `value` with the types that the engine infers.
OutputKind KindOf(GraphBuilder& b, const std::string& value) {
  InferTypes(b.model, "test model");
  return FindOutputKind(b.model.graph, Topology(b.model.graph), value);
}

TEST(OutputKindTest, SoftmaxAtTheEnd) {
  GraphBuilder b;
  b.Input("x", {"1", "5", "4", "4"}).Output("y");
  b.Add("Softmax", {"x"}, {"y"}).Set("axis", int64_t{-3});
  EXPECT_EQ(KindOf(b, "y"), (OutputKind{Scores::kProbabilities, 1}));
}

// Before opset 13 a Softmax took all axes behind the first together.
TEST(OutputKindTest, ASoftmaxOverOneElementIsOfAnOldOpset) {
  GraphBuilder b;
  b.model.opsets[""] = 7;
  b.Input("x", {"1", "5", "1", "1"}).Output("y");
  b.Add("Softmax", {"x"}, {"y"});
  EXPECT_EQ(KindOf(b, "y"), (OutputKind{Scores::kProbabilities, 1}));
  GraphBuilder read;
  read.model.opsets[""] = 7;
  read.Input("x", {"1", "5", "1"}).Output("l").Output("y");
  read.Add("Relu", {"x"}, {"l"});
  read.Add("Softmax", {"l"}, {"y"});
  EXPECT_EQ(KindOf(read, "l"), (OutputKind{Scores::kLogits, 1}));
  GraphBuilder flat;
  flat.model.opsets[""] = 7;
  flat.Input("x", {"1", "5", "4", "1"}).Output("y");
  flat.Add("Softmax", {"x"}, {"y"});
  EXPECT_EQ(KindOf(flat, "y").scores, Scores::kNone) << "classes over two axes";
}

TEST(OutputKindTest, TheClassAxisIsFollowedThroughViews) {
  GraphBuilder b;
  b.Input("x", {"1", "5", "4", "4"}).Output("y").Ints("shape", {3}, {1, 16, 5});
  b.Add("LogSoftmax", {"x"}, {"s"}).Set("axis", int64_t{1});
  b.Add("Transpose", {"s"}, {"t"}).Set("perm", std::vector<int64_t>{0, 2, 3, 1});
  b.Add("Reshape", {"t", "shape"}, {"r"});
  b.Add("Identity", {"r"}, {"y"});
  EXPECT_EQ(KindOf(b, "t"), (OutputKind{Scores::kLogits, 3}));
  EXPECT_EQ(KindOf(b, "y"), (OutputKind{Scores::kLogits, 2}));
}

TEST(OutputKindTest, AnAxisThatIsLostIsNoClassAxis) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "4", "2"}).Output("y").Ints("shape", {2}, {2, 16});
  b.Add("Softmax", {"x"}, {"s"}).Set("axis", int64_t{1});
  b.Add("Reshape", {"s", "shape"}, {"y"});
  EXPECT_EQ(KindOf(b, "y").scores, Scores::kNone);
  GraphBuilder twice;
  twice.Input("x", {"1", "4", "4"}).Output("y").Ints("shape", {3}, {4, 4, 1});
  twice.Add("Softmax", {"x"}, {"s"}).Set("axis", int64_t{1});
  twice.Add("Reshape", {"s", "shape"}, {"y"});
  EXPECT_EQ(KindOf(twice, "y").scores, Scores::kNone) << "two axes have its size";
}

// What a model declares of its outputs may be wrong: [1, T] where the Reshape writes [T, 1, C].
TEST(OutputKindTest, ClassesAreTheLastAxisOfAnOutputDeclaredWithOtherAxes) {
  GraphBuilder b;
  b.Input("x", {"T", "64"}).Output("y").Random("w", {64, 10}).Ints("shape", {3}, {-1, 1, 10});
  b.Add("MatMul", {"x", "w"}, {"l"});
  b.Add("Reshape", {"l", "shape"}, {"y"});
  EXPECT_EQ(KindOf(b, "y"), (OutputKind{Scores::kLikelyLogits, 2}));
  b.model.graph.value_info["y"].type.shape = std::vector<Dim>{{1, ""}, {-1, "T"}};
  const Topology topology(b.model.graph);
  EXPECT_EQ(FindOutputKind(b.model.graph, topology, "y"), (OutputKind{Scores::kLikelyLogits, 2}));
}

TEST(OutputKindTest, SigmoidsAreClassesOrOneDecision) {
  GraphBuilder conv;
  conv.Input("x", {"1", "3", "8", "8"}).Random("w", {6, 3, 1, 1}).Output("y");
  conv.Add("Conv", {"x", "w"}, {"c"});
  conv.Add("Sigmoid", {"c"}, {"y"});
  EXPECT_EQ(KindOf(conv, "y"), (OutputKind{Scores::kProbabilities, 1}));
  GraphBuilder mask;
  mask.Input("x", {"1", "3", "8", "8"}).Random("w", {1, 3, 1, 1}).Output("y");
  mask.Add("Conv", {"x", "w"}, {"c"});
  mask.Add("Sigmoid", {"c"}, {"y"});
  EXPECT_EQ(KindOf(mask, "y").scores, Scores::kBinary);
  GraphBuilder head;
  head.Input("x", {"1", "100", "80"}).Output("y");
  head.Add("Sigmoid", {"x"}, {"y"});
  EXPECT_EQ(KindOf(head, "y"), (OutputKind{Scores::kProbabilities, 2}));
  GraphBuilder turned;
  turned.Input("x", {"1", "80", "N"}).Output("y");
  turned.Add("Sigmoid", {"x"}, {"y"});
  EXPECT_EQ(KindOf(turned, "y"), (OutputKind{Scores::kProbabilities, 1}));
  GraphBuilder one;
  one.Input("x", {"1", "1", "100"}).Output("y");
  one.Add("Sigmoid", {"x"}, {"y"});
  EXPECT_EQ(KindOf(one, "y").scores, Scores::kBinary);
}

TEST(OutputKindTest, WhatArgMaxAndTopKReadIsLogits) {
  GraphBuilder b;
  b.Input("x", {"1", "7", "4"}).Output("class", DataType::kInt64).Output("h");
  b.Add("Relu", {"x"}, {"h"});
  b.Add("ArgMax", {"h"}, {"class"}).Set("axis", int64_t{1});
  EXPECT_EQ(KindOf(b, "h"), (OutputKind{Scores::kLogits, 1}));
  GraphBuilder top;
  top.Input("x", {"1", "7"}).Output("h").Output("v").Ints("k", {1}, {2});
  top.Add("Relu", {"x"}, {"h"});
  top.Add("TopK", {"h", "k"}, {"v", "i"});
  EXPECT_EQ(KindOf(top, "h"), (OutputKind{Scores::kLogits, 1}));
}

TEST(OutputKindTest, AProjectionOverAClassAxisIsLikely) {
  GraphBuilder gemm;
  gemm.Input("x", {"N", "8"}).Random("w", {8, 10}).Output("y");
  gemm.Add("Gemm", {"x", "w"}, {"y"});
  EXPECT_EQ(KindOf(gemm, "y"), (OutputKind{Scores::kLikelyLogits, 1}));
  GraphBuilder biased;
  biased.Input("x", {"T", "1", "8"}).Random("w", {8, 10}).Random("b", {10}).Output("y");
  biased.Add("MatMul", {"x", "w"}, {"m"});
  biased.Add("Add", {"m", "b"}, {"y"});
  EXPECT_EQ(KindOf(biased, "y"), (OutputKind{Scores::kLikelyLogits, 2}));
}

GraphBuilder Pixels(int64_t classes) {
  GraphBuilder b;
  b.Input("x", {"1", "3", "8", "8"}).Random("w", {classes, 3, 1, 1}).Output("y");
  b.Add("Conv", {"x", "w"}, {"c"});
  b.Floats("scales", {4}, {1, 1, 2, 2});
  b.Add("Resize", {"c", "", "scales"}, {"r"});
  b.Add("Transpose", {"r"}, {"y"}).Set("perm", std::vector<int64_t>{0, 2, 3, 1});
  return b;
}

TEST(OutputKindTest, APointwiseHeadOverPixelsIsLikelyInEitherLayout) {
  GraphBuilder many = Pixels(21);
  EXPECT_EQ(KindOf(many, "y"), (OutputKind{Scores::kLikelyLogits, 3}));
  EXPECT_EQ(KindOf(many, "r"), (OutputKind{Scores::kLikelyLogits, 1}));
  GraphBuilder picture = Pixels(3);
  EXPECT_EQ(KindOf(picture, "y").scores, Scores::kNone);
  GraphBuilder heads = Pixels(21);
  heads.Output("c");
  EXPECT_EQ(KindOf(heads, "y").scores, Scores::kNone) << "one of several outputs";
  GraphBuilder dense;
  dense.Input("x", {"1", "4", "4", "8"}).Random("w", {8, 10}).Output("y");
  dense.Add("MatMul", {"x", "w"}, {"y"});
  EXPECT_EQ(KindOf(dense, "y"), (OutputKind{Scores::kLikelyLogits, 3}));
}

TEST(OutputKindTest, ValuesAreNoScores) {
  GraphBuilder regression;
  regression.Input("x", {"N", "8"}).Random("w", {8, 1}).Output("y");
  regression.Add("Gemm", {"x", "w"}, {"y"});
  EXPECT_EQ(KindOf(regression, "y").scores, Scores::kNone) << "one value is no class axis";
  GraphBuilder picture;
  picture.Input("x", {"1", "3", "8", "8"}).Random("w", {3, 3, 1, 1}).Output("y");
  picture.Add("Conv", {"x", "w"}, {"y"});
  EXPECT_EQ(KindOf(picture, "y").scores, Scores::kNone);
  GraphBuilder product;
  product.Input("a", {"4", "8"}).Input("b", {"8", "4"}).Output("y");
  product.Add("MatMul", {"a", "b"}, {"y"});
  EXPECT_EQ(KindOf(product, "y").scores, Scores::kNone) << "no weights";
  GraphBuilder through;
  through.Input("x", {"1", "3"}).Output("y");
  through.Add("Identity", {"x"}, {"y"});
  EXPECT_EQ(KindOf(through, "y").scores, Scores::kNone);
}

}  // namespace
}  // namespace qconvert
