// Exports that say more than they have to: before and after, and the same numbers in the engine.
#include <gtest/gtest.h>

#include "qconvert/ir/graph_printer.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/transform/cancel_transposes.h"
#include "qconvert/transform/collapse_reshapes.h"
#include "qconvert/transform/eliminate_no_ops.h"
#include "qconvert/transform/fuse_hard_swish.h"
#include "qconvert/transform/infer_symbolic_shapes.h"
#include "qconvert/transform/keep_reduced_axes.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

std::map<std::string, int> Count(const Graph& graph) {
  std::map<std::string, int> counts;
  for (const Node& node : graph.nodes) ++counts[node.op_type];
  return counts;
}

// Runs both on the same random input "x" and returns the largest difference.
float Difference(const Model& before, const Model& after, std::vector<int64_t> dims) {
  const std::vector<Tensor> inputs = {RandomTensor("x", std::move(dims), 7)};
  return MaxDifference(RunModel(before, inputs)[0], RunModel(after, inputs)[0]);
}

Node& AddTranspose(GraphBuilder& b, const std::string& from, const std::string& to,
                   std::vector<int64_t> perm) {
  Node& node = b.Add("Transpose", {from}, {to});
  node.Set("perm", std::move(perm));
  return node;
}

const std::vector<int64_t> kToLast = {0, 2, 3, 1};
const std::vector<int64_t> kToFirst = {0, 3, 1, 2};

TEST(EliminateNoOpsTest, WhatHandsItsInputOnGoes) {
  GraphBuilder b;
  b.Input("x", {"3", "4"}).Output("y");
  b.Ints("zeros", {4}, {0, 0, 0, 0}).Ints("from", {1}, {0}).Ints("to", {1}, {INT64_MAX});
  b.Ints("keep", {2}, {0, 4});
  b.Add("Cast", {"x"}, {"a"}).Set("to", int64_t{1});
  b.Add("Concat", {"a"}, {"c"}).Set("axis", int64_t{1});
  AddTranspose(b, "c", "t", {0, 1});
  b.Add("Pad", {"t", "zeros"}, {"p"});
  b.Add("Slice", {"p", "from", "to"}, {"s"});
  b.Add("Reshape", {"s", "keep"}, {"r"});
  b.Add("Neg", {"r"}, {"y"});
  InferTypes(b.model, "m");
  EXPECT_EQ(EliminateNoOps(b.model.graph), 6U);
  EXPECT_EQ(b.model.graph.nodes[0].inputs[0], "x");
}

TEST(EliminateNoOpsTest, ThereAndBackThroughAWiderTypeGoes) {
  GraphBuilder b;
  b.Input("x", {"3", "4"}).Output("y").Output("i", DataType::kInt32);
  b.Add("Cast", {"x"}, {"d"}).Set("to", int64_t{11});
  b.Add("Cast", {"d"}, {"f"}).Set("to", int64_t{1});
  b.Add("Cast", {"d"}, {"i"}).Set("to", int64_t{6});
  b.Add("Neg", {"f"}, {"y"});
  InferTypes(b.model, "m");
  const Model before = b.model;
  EXPECT_EQ(EliminateNoOps(b.model.graph), 3U) << "two casts moved, one went";
  EXPECT_EQ(Count(b.model.graph), (std::map<std::string, int>{{"Cast", 1}, {"Neg", 1}}));
  for (const Node& node : b.model.graph.nodes) EXPECT_EQ(node.inputs[0], "x");
  EXPECT_EQ(Difference(before, b.model, {3, 4}), 0.0F);
}

TEST(EliminateNoOpsTest, LeavesAloneWhatDoesSomething) {
  GraphBuilder b;
  b.Input("x", {"N", "4"}).Output("y").Output("z", DataType::kFloat);
  b.Ints("pads", {4}, {0, 0, 0, 1})
      .Ints("from", {1}, {0})
      .Ints("to", {1}, {3})
      .Ints("axes", {1}, {1});
  b.Add("Cast", {"x"}, {"d"}).Set("to", int64_t{10});
  b.Add("Cast", {"d"}, {"f"}).Set("to", int64_t{1});
  b.Add("Pad", {"f", "pads"}, {"p"});
  b.Add("Slice", {"p", "from", "to", "axes"}, {"s"});
  AddTranspose(b, "s", "t", {1, 0});
  b.Add("Neg", {"t"}, {"y"});
  b.Add("Cast", {"x"}, {"z"}).Set("to", int64_t{1});
  InferTypes(b.model, "m");
  EXPECT_EQ(EliminateNoOps(b.model.graph), 0U) << "the last Cast writes a graph output";
}

TEST(CollapseReshapesTest, ChainsBecomeOne) {
  GraphBuilder b;
  b.Input("x", {"2", "1", "6"}).Output("y").Ints("axes", {1}, {1}).Ints("shape", {2}, {3, -1});
  b.Add("Squeeze", {"x", "axes"}, {"s"});
  b.Add("Flatten", {"s"}, {"f"});
  b.Add("Reshape", {"f", "shape"}, {"r"});
  b.Add("Neg", {"r"}, {"y"});
  const Model before = b.model;
  InferTypes(b.model, "m");
  EXPECT_GT(CollapseReshapes(b.model.graph), 0U);
  EXPECT_EQ(b.model.graph.nodes.size(), 2U);
  EXPECT_EQ(Difference(before, b.model, {2, 1, 6}), 0);
}

TEST(CollapseReshapesTest, ThereAndBackIsNothing) {
  GraphBuilder b;
  b.Input("x", {"N", "6"}).Output("y").Ints("axes", {1}, {1});
  b.Add("Unsqueeze", {"x", "axes"}, {"u"});
  b.Add("Squeeze", {"u", "axes"}, {"s"});
  b.Add("Neg", {"s"}, {"y"});
  InferTypes(b.model, "m");
  EXPECT_EQ(CollapseReshapes(b.model.graph), 1U);
  EXPECT_EQ(b.model.graph.nodes.size(), 1U);
}

TEST(CollapseReshapesTest, AZeroCopiesADimensionAndStays) {
  GraphBuilder b;
  b.Input("x", {"2", "1", "6"}).Output("y").Ints("axes", {1}, {1}).Ints("shape", {3}, {0, 3, 2});
  b.Add("Squeeze", {"x", "axes"}, {"s"});
  b.Add("Reshape", {"s", "shape"}, {"r"});
  b.Add("Neg", {"r"}, {"y"});
  InferTypes(b.model, "m");
  EXPECT_EQ(CollapseReshapes(b.model.graph), 0U);
}

// x [2, 4, 6] -> ReduceMax without its axis -> `type` -> y
GraphBuilder Reduced(const std::string& type, const std::vector<int64_t>& numbers) {
  GraphBuilder b;
  b.Input("x", {"2", "4", "6"}).Output("y");
  Node& reduction = b.Add("ReduceMax", {"x"}, {"m"});
  reduction.Set("axes", std::vector<int64_t>{-2});
  reduction.Set("keepdims", int64_t{0});
  b.Ints("numbers", {static_cast<int64_t>(numbers.size())}, numbers);
  b.Add(type, {"m", "numbers"}, {"u"});
  b.Add("Neg", {"u"}, {"y"});
  InferTypes(b.model, "m");
  return b;
}

TEST(KeepReducedAxesTest, WhatComesBackIsKept) {
  for (GraphBuilder b : {Reduced("Unsqueeze", {1}), Reduced("Reshape", {2, 1, 6})}) {
    const Model before = b.model;
    EXPECT_EQ(KeepReducedAxes(b.model.graph), 1U);
    EXPECT_EQ(Count(b.model.graph), (std::map<std::string, int>{{"ReduceMax", 1}, {"Neg", 1}}));
    EXPECT_EQ(Difference(before, b.model, {2, 4, 6}), 0.0F);
  }
}

TEST(KeepReducedAxesTest, OtherAxesAndOtherReadersStay) {
  for (GraphBuilder b : {Reduced("Unsqueeze", {0}), Reduced("Reshape", {1, 2, 6})})
    EXPECT_EQ(KeepReducedAxes(b.model.graph), 0U);
  GraphBuilder read = Reduced("Unsqueeze", {1});
  read.Output("m");
  EXPECT_EQ(KeepReducedAxes(read.model.graph), 0U);
}

TEST(FoldShapesTest, KnownDimensionsBecomeConstants) {
  GraphBuilder b;
  b.Input("x", {"N", "4", "6"}).Output("y").Ints("two", {1}, {2}).Ints("zero", {1}, {0});
  b.Ints("minus", {1}, {-1});
  b.Add("Shape", {"x"}, {"shape"});
  b.Add("Gather", {"shape", "two"}, {"known"});
  b.Add("Gather", {"shape", "zero"}, {"free"});
  b.Add("Concat", {"free", "minus", "known"}, {"target"}).Set("axis", int64_t{0});
  b.Add("Reshape", {"x", "target"}, {"r"});
  b.Add("Neg", {"r"}, {"y"});
  InferTypes(b.model, "m");
  EXPECT_EQ(FoldShapes(b.model.graph), 1U);
  const Tensor* known = b.model.graph.FindInitializer("known");
  ASSERT_NE(known, nullptr);
  EXPECT_EQ(ToInt64s(*known), std::vector<int64_t>{6});
  EXPECT_EQ(b.model.graph.FindInitializer("free"), nullptr);
}

TEST(FoldShapesTest, OneFreeDimensionNeedsNoArithmetic) {
  GraphBuilder b;
  b.Input("x", {"N", "24"}).Output("y").Ints("zero", {1}, {0}).Ints("rest", {2}, {4, 6});
  b.Add("Shape", {"x"}, {"shape"});
  b.Add("Gather", {"shape", "zero"}, {"free"});
  b.Add("Concat", {"free", "rest"}, {"target"}).Set("axis", int64_t{0});
  b.Add("Reshape", {"x", "target"}, {"r"});
  b.Add("Neg", {"r"}, {"y"});
  b.model.graph.value_info["r"] = {"r", FloatType({"N", "4", "6"}), {}, {}};
  const Model before = b.model;
  EXPECT_EQ(FoldShapes(b.model.graph), 1U);
  EXPECT_EQ(b.model.graph.nodes.size(), 2U);
  EXPECT_EQ(Difference(before, b.model, {5, 24}), 0);
}

// x [N, S, 12] and a Reshape to its own dimensions `first` and `second`, then 3 and 4.
GraphBuilder ReshapeToOwnDimensions(int64_t first, int64_t second) {
  GraphBuilder b;
  b.Input("x", {"N", "S", "12"}).Output("y").Ints("rest", {2}, {3, 4});
  b.Ints("first", {1}, {first}).Ints("second", {1}, {second});
  b.Add("Shape", {"x"}, {"shape"});
  b.Add("Gather", {"shape", "first"}, {"a"});
  b.Add("Gather", {"shape", "second"}, {"b"});
  b.Add("Concat", {"a", "b", "rest"}, {"target"}).Set("axis", int64_t{0});
  b.Add("Reshape", {"x", "target"}, {"r"});
  b.Add("Neg", {"r"}, {"y"});
  InferTypes(b.model, "m");
  InferSymbolicShapes(b.model.graph);
  return b;
}

// The engine refuses it; a pass must not write past its inputs.
TEST(FoldShapesTest, AReshapeWithoutAShapeIsLeftAlone) {
  GraphBuilder b;
  b.Input("x", {"2", "3"}).Output("y");
  b.Add("Reshape", {"x"}, {"r"});
  b.Add("Relu", {"r"}, {"y"});
  b.model.graph.value_info["r"] = {"r", FloatType({"2", "3"}), {}, {}};
  EXPECT_EQ(FoldShapes(b.model.graph), 0U);
}

TEST(FoldShapesTest, DimensionsOfTheInputAreCopied) {
  GraphBuilder b = ReshapeToOwnDimensions(0, 1);
  const Model before = b.model;
  EXPECT_EQ(FoldShapes(b.model.graph), 1U);
  EXPECT_EQ(Count(b.model.graph), (std::map<std::string, int>{{"Reshape", 1}, {"Neg", 1}}));
  const Tensor* target = b.model.graph.FindInitializer(b.model.graph.nodes[0].inputs[1]);
  ASSERT_NE(target, nullptr);
  EXPECT_EQ(ToInt64s(*target), (std::vector<int64_t>{0, 0, 3, 4}));
  EXPECT_EQ(Difference(before, b.model, {2, 5, 12}), 0);
}

TEST(FoldShapesTest, DimensionsInAnotherOrderAreNotCopied) {
  GraphBuilder b = ReshapeToOwnDimensions(1, 0);
  EXPECT_EQ(FoldShapes(b.model.graph), 0U);
  EXPECT_EQ(Count(b.model.graph)["Shape"], 1);
}

TEST(CancelTransposesTest, PairsGo) {
  GraphBuilder b;
  b.Input("x", {"1", "3", "4", "5"}).Output("y");
  AddTranspose(b, "x", "a", kToLast);
  b.Add("Relu", {"a"}, {"r"});
  AddTranspose(b, "r", "c", kToFirst);
  b.Add("Neg", {"c"}, {"y"});
  const Model before = b.model;
  InferTypes(b.model, "m");
  EXPECT_GT(CancelTransposes(b.model.graph), 0U);
  EXPECT_EQ(Count(b.model.graph), (std::map<std::string, int>{{"Neg", 1}, {"Relu", 1}}));
  EXPECT_EQ(Difference(before, b.model, {1, 3, 4, 5}), 0);
}

// Channels last outside, first inside: each Conv between two Transposes, arithmetic on the last
// axis.
GraphBuilder Island() {
  GraphBuilder b;
  b.Input("x", {"1", "5", "5", "3"}).Output("y");
  std::string x = "x";
  for (const std::string i : {"0", "1"}) {
    b.Random("w" + i, {3, 3, 1, 1}).Random("mean" + i, {3}).Random("scale" + i, {3});
    AddTranspose(b, x, "first" + i, kToFirst);
    b.Add("Conv", {"first" + i, "w" + i}, {"conv" + i});
    AddTranspose(b, "conv" + i, "last" + i, kToLast);
    b.Add("Sub", {"last" + i, "mean" + i}, {"sub" + i});
    b.Add("Mul", {"scale" + i, "sub" + i}, {"mul" + i});
    b.Add("Relu", {"mul" + i}, {"relu" + i});
    x = "relu" + i;
  }
  b.Add("Softmax", {x}, {"y"}).Set("axis", int64_t{3});
  return b;
}

TEST(CancelTransposesTest, IslandsMeetAndArithmeticStandsNextToTheConv) {
  GraphBuilder b = Island();
  const Model before = b.model;
  InferTypes(b.model, "m");
  CancelTransposes(b.model.graph);
  EXPECT_EQ(Count(b.model.graph)["Transpose"], 2);
  EXPECT_EQ(Difference(before, b.model, {1, 5, 5, 3}), 0);
  PrepareModel(b.model, "m");
  EXPECT_EQ(Count(b.model.graph), (std::map<std::string, int>{
                                      {"Conv", 2}, {"Relu", 2}, {"Softmax", 1}, {"Transpose", 2}}));
  EXPECT_LT(Difference(before, b.model, {1, 5, 5, 3}), 1e-5F);
}

TEST(CancelTransposesTest, AResidualSumIsTransposedOnce) {
  GraphBuilder b;
  b.Input("x", {"1", "3", "4", "4"}).Output("y").Random("w", {3, 3, 1, 1});
  b.Add("Conv", {"x", "w"}, {"c"});
  AddTranspose(b, "x", "a", kToLast);
  AddTranspose(b, "c", "d", kToLast);
  b.Add("Add", {"a", "d"}, {"s"});
  b.Add("Softmax", {"s"}, {"y"}).Set("axis", int64_t{3});
  const Model before = b.model;
  InferTypes(b.model, "m");
  EXPECT_GT(CancelTransposes(b.model.graph), 0U);
  EXPECT_EQ(Count(b.model.graph)["Transpose"], 1);
  EXPECT_EQ(Difference(before, b.model, {1, 3, 4, 4}), 0);
}

TEST(CancelTransposesTest, LeavesAloneWhatWouldGainNothing) {
  GraphBuilder b;
  b.Input("x", {"1", "3", "4", "4"}).Output("y").Output("z").Random("matrix", {4, 3});
  AddTranspose(b, "x", "a", kToLast);
  b.Add("Relu", {"a"}, {"r"});  // no Conv before, no Transpose behind
  b.Add("Add", {"r", "matrix"}, {"s"});
  b.Add("Softmax", {"s"}, {"y"}).Set("axis", int64_t{3});
  AddTranspose(b, "a", "z", {0, 2, 1, 3});
  InferTypes(b.model, "m");
  EXPECT_EQ(CancelTransposes(b.model.graph), 1U) << "the two that follow each other are composed";
  EXPECT_EQ(Count(b.model.graph)["Transpose"], 2);
}

// x -> spelled HardSwish -> y in one of the orders that exporters use.
GraphBuilder Spelled(int order) {
  GraphBuilder b;
  b.Input("x", {"1", "64"}).Output("y");
  b.Floats("three", {}, {3}).Floats("zero", {}, {0}).Floats("six", {}, {6});
  b.Floats("sixth", {}, {1.0F / 6}).Floats("six1", {1}, {6});
  b.Add("Add", {order % 2 == 0 ? "x" : "three", order % 2 == 0 ? "three" : "x"}, {"a"});
  if (order == 6) {
    b.Add("Relu", {"a"}, {"relu"});
    b.Add("Min", {"relu", "six"}, {"g"});
  } else {
    b.Add("Clip", {"a", "zero", "six"}, {"g"});
  }
  switch (order) {
    case 0:
      b.Add("Mul", {"x", "g"}, {"p"});
      b.Add("Div", {"p", "six"}, {"y"});
      break;
    case 1:
      b.Add("Mul", {"g", "x"}, {"p"});
      b.Add("Mul", {"p", "sixth"}, {"y"});
      break;
    case 2:
      b.Add("Div", {"g", "six1"}, {"d"});
      b.Add("Mul", {"d", "x"}, {"y"});
      break;
    case 3:
      b.Add("Mul", {"sixth", "g"}, {"d"});
      b.Add("Mul", {"x", "d"}, {"y"});
      break;
    case 4:
      b.Add("Div", {"x", "six"}, {"d"});
      b.Add("Mul", {"d", "g"}, {"y"});
      break;
    default:
      b.Add("Mul", {"x", "sixth"}, {"d"});
      b.Add("Mul", {"g", "d"}, {"y"});
      break;
  }
  return b;
}

// The clamp of the gate in other orders, and numbers with as many dimensions as x.
GraphBuilder SpelledClamp(int order) {
  GraphBuilder b;
  b.Input("x", {"1", "64"}).Output("y");
  b.Floats("three", {1, 1}, {3}).Floats("minus", {}, {-3}).Floats("zero", {}, {0});
  b.Floats("six", {}, {6}).Floats("sixth", {1, 1}, {1.0F / 6});
  b.Floats("half", {}, {0.5F}).Floats("one", {}, {1});
  if (order == 4) {  // of x / 6 + 1 / 2
    b.Add("Mul", {"x", "sixth"}, {"s"});
    b.Add("Add", {"s", "half"}, {"a"});
    b.Add("Clip", {"a", "zero", "one"}, {"g"});
    b.Add("Mul", {"x", "g"}, {"y"});
    return b;
  }
  b.Add(order == 0 ? "Sub" : "Add", {"x", order == 0 ? "minus" : "three"}, {"a"});
  switch (order) {
    case 0:
      b.Add("Min", {"six", "a"}, {"m"});
      b.Add("Max", {"m", "zero"}, {"g"});
      break;
    case 1:
      b.Add("Min", {"a", "six"}, {"m"});
      b.Add("Relu", {"m"}, {"g"});
      break;
    case 2:
      b.Add("Clip", {"a", "zero"}, {"m"});
      b.Add("Min", {"m", "six"}, {"g"});
      break;
    default:
      b.Add("Clip", {"a", "", "six"}, {"m"});
      b.Add("Max", {"zero", "m"}, {"g"});
  }
  b.Add("Mul", {"x", "g"}, {"p"});
  b.Add("Mul", {"p", "sixth"}, {"y"});
  return b;
}

class SpelledHardSwishTest : public testing::TestWithParam<int> {};

TEST_P(SpelledHardSwishTest, BecomesAGatedProduct) {
  GraphBuilder b = GetParam() < 7 ? Spelled(GetParam()) : SpelledClamp(GetParam() - 7);
  InferTypes(b.model, "m");
  const Model before = b.model;
  EXPECT_EQ(FuseHardSwish(b.model.graph), 1U);
  EXPECT_EQ(Count(b.model.graph), (std::map<std::string, int>{{"HardSigmoid", 1}, {"Mul", 1}}));
  EXPECT_LT(Difference(before, b.model, {1, 64}), 1e-6F);
}

INSTANTIATE_TEST_SUITE_P(Orders, SpelledHardSwishTest, testing::Range(0, 12));

TEST(FuseHardSwishTest, LeavesOtherClampsAlone) {
  GraphBuilder other_factor = Spelled(0);
  other_factor.Floats("six", {}, {5});  // clip to 5, divide by 5: a HardSwish of another gate
  EXPECT_EQ(FuseHardSwish(other_factor.model.graph), 1U);
  GraphBuilder b = Spelled(0);
  b.Floats("seven", {}, {7});
  b.model.graph.nodes.back().inputs[1] = "seven";
  EXPECT_EQ(FuseHardSwish(b.model.graph), 0U) << "divides by another number than the clamp's top";
  GraphBuilder used = Spelled(0);
  used.Output("g");
  EXPECT_EQ(FuseHardSwish(used.model.graph), 0U) << "the gate is an output";
  GraphBuilder above = SpelledClamp(4);
  above.Floats("one", {}, {2});
  EXPECT_EQ(FuseHardSwish(above.model.graph), 0U) << "goes to 2";
  GraphBuilder below = SpelledClamp(0);
  below.Floats("zero", {}, {-1});
  EXPECT_EQ(FuseHardSwish(below.model.graph), 0U) << "goes to -1";
  GraphBuilder limit = SpelledClamp(2);
  limit.model.graph.nodes[1].inputs.push_back("three");
  EXPECT_EQ(FuseHardSwish(limit.model.graph), 0U) << "is limited twice";
}

TEST(FuseHardSwishTest, KeepsTheNameForSettings) {
  GraphBuilder b = Spelled(0);
  b.model.graph.nodes.back().name = "act";
  FuseHardSwish(b.model.graph);
  for (const Node& node : b.model.graph.nodes) EXPECT_EQ(node.origin_name(), "act");
}

}  // namespace
}  // namespace qconvert
