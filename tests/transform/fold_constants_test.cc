#include "qconvert/transform/fold_constants.h"

#include <gtest/gtest.h>

#include "qconvert/base/error.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

size_t Fold(Model& model) {
  return FoldConstants(model.graph, {.evaluate = [&](const Graph& constants) {
                         Model m;
                         m.ir_version = model.ir_version;
                         m.opsets = model.opsets;
                         m.graph = constants;
                         return RunModel(m, {});
                       }});
}

TEST(FoldConstantsTest, LeavesWhatDependsOnInputsAlone) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y").Floats("w", {2}, {1, 2});
  b.Add("Add", {"x", "w"}, {"y"});
  EXPECT_EQ(Fold(b.model), 0U);
}

TEST(FoldConstantsTest, FoldsChains) {
  GraphBuilder b;
  b.Input("x", {"4"}).Output("y").Floats("a", {4}, {1, 2, 3, 4}).Ints("s", {1}, {4});
  b.Add("Mul", {"a", "a"}, {"sq"});
  b.Add("Reshape", {"sq", "s"}, {"r"});
  b.Add("Add", {"x", "r"}, {"y"});
  EXPECT_EQ(Fold(b.model), 2U);
  EXPECT_EQ(ToFloats(b.model.graph.initializers.at("r")), (std::vector<float>{1, 4, 9, 16}));
}

TEST(FoldConstantsTest, LeavesRandomAndHugeNodesAlone) {
  GraphBuilder b;
  b.Output("r").Output("h").Floats("a", {4}, {1, 2, 3, 4}).Ints("huge", {1}, {INT64_C(1) << 40});
  b.Add("RandomNormalLike", {"a"}, {"n"});
  b.Add("Relu", {"n"}, {"r"});
  b.Add("ConstantOfShape", {"huge"}, {"c"});
  b.Add("Relu", {"c"}, {"h"});
  EXPECT_EQ(Fold(b.model), 0U);
}

TEST(FoldConstantsTest, QuantizedWeightsAreStoredAsIntegers) {
  GraphBuilder b;
  b.Input("x", {"2", "64"}).Output("y").Random("w", {64, 64}).Floats("s", {}, {0.1F});
  b.Add("QuantizeLinear", {"w", "s"}, {"q"});
  b.Add("DequantizeLinear", {"q", "s"}, {"d"});
  b.Add("Transpose", {"d"}, {"t"}).Set("perm", std::vector<int64_t>{1, 0});
  b.Add("MatMul", {"x", "t"}, {"y"});
  EXPECT_EQ(Fold(b.model), 1U);
  EXPECT_EQ(b.model.graph.initializers.at("q").type, DataType::kUint8);
  EXPECT_EQ(b.model.graph.nodes[0].op_type, "DequantizeLinear") << "the quantization is kept";
}

TEST(FoldConstantsTest, WhatIsSmallerAsANodeStaysOne) {
  GraphBuilder b;
  b.Input("x", {"64", "64"}).Output("y").Ints("shape", {2}, {64, 64}).Ints("one", {}, {1});
  b.Add("ConstantOfShape", {"shape"}, {"full"});
  b.Add("Trilu", {"full", "one"}, {"mask"}).Set("upper", int64_t{1});
  b.Add("Add", {"x", "mask"}, {"y"});
  b.model.opsets[""] = 14;
  EXPECT_EQ(Fold(b.model), 0U) << "16 kB out of 24 bytes";
}

TEST(FoldConstantsTest, AWeightThatIsMadeBecomesAnInitializerAllTheSame) {
  GraphBuilder b;
  b.Input("x", {"2", "64"}).Output("y").Random("half", {32, 64}).Ints("repeats", {2}, {2, 1});
  b.Add("Tile", {"half", "repeats"}, {"w"});
  b.Add("MatMul", {"x", "w"}, {"y"});
  EXPECT_EQ(Fold(b.model), 1U) << "a quarter of twice the bytes is less than once";
}

TEST(FoldConstantsTest, AViewOfASharedTableStaysAView) {
  GraphBuilder b;
  b.Input("ids", {"3"}, DataType::kInt64).Output("y").Random("table", {100, 32});
  b.Add("Gather", {"table", "ids"}, {"rows"});
  b.Add("Transpose", {"table"}, {"t"}).Set("perm", std::vector<int64_t>{1, 0});
  b.Add("MatMul", {"rows", "t"}, {"y"});
  EXPECT_EQ(Fold(b.model), 0U);
  GraphBuilder alone;
  alone.Input("x", {"3", "32"}).Output("y").Random("table", {100, 32});
  alone.Add("Transpose", {"table"}, {"t"}).Set("perm", std::vector<int64_t>{1, 0});
  alone.Add("MatMul", {"x", "t"}, {"y"});
  EXPECT_EQ(Fold(alone.model), 1U);
}

TEST(FoldConstantsTest, ValuesTogetherAreBoundedToo) {
  GraphBuilder b;
  b.Output("y").Ints("shape", {1}, {1000});
  for (const char* name : {"a", "b", "c"}) b.Add("ConstantOfShape", {"shape"}, {name});
  b.Add("Sum", {"a", "b", "c"}, {"y"});
  int evaluated = 0;
  FoldConstants(b.model.graph, {.evaluate =
                                    [&](const Graph& constants) {
                                      ++evaluated;
                                      Model m;
                                      m.ir_version = b.model.ir_version;
                                      m.opsets = b.model.opsets;
                                      m.graph = constants;
                                      return RunModel(m, {});
                                    },
                                .max_bytes = 8500});
  EXPECT_EQ(evaluated, 1);
  EXPECT_EQ(b.model.graph.nodes.size(), 2U) << "two of 4000 bytes fit, and are small";
}

TEST(FoldConstantsTest, BoundsWhatBroadcastingCanMake) {
  GraphBuilder b;
  b.Output("y").Random("tall", {20000, 1}).Random("wide", {1, 20000});
  b.Add("Add", {"tall", "wide"}, {"s"});
  b.Add("ReduceMax", {"s"}, {"y"});
  EXPECT_EQ(Fold(b.model), 0U) << "1.6 GB out of 160 kB";
}

TEST(FoldConstantsTest, OneNodeThatCannotBeComputedStaysAlone) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y").Output("z").Floats("a", {2}, {1, 2}).Floats("b", {3}, {1, 2, 3});
  b.Add("Add", {"a", "b"}, {"bad"});
  b.Add("Relu", {"bad"}, {"y"});
  b.Add("Add", {"a", "a"}, {"good"});
  b.Add("Mul", {"good", "a"}, {"better"});
  b.Add("Add", {"x", "better"}, {"z"});
  EXPECT_EQ(Fold(b.model), 2U);
  EXPECT_EQ(ToFloats(b.model.graph.initializers.at("better")), (std::vector<float>{2, 8}));
  EXPECT_EQ(b.model.graph.nodes.size(), 3U);
}

TEST(FoldConstantsTest, EveryNodeIsLookedAtOnce) {
  // A chain folds in waves; each wave evaluates its own nodes only.
  GraphBuilder b;
  b.Input("x", {"1"}).Output("y").Floats("v0", {1}, {1});
  constexpr size_t kLength = 200;
  for (size_t i = 0; i < kLength; ++i)
    b.Add("Neg", {"v" + std::to_string(i)}, {"v" + std::to_string(i + 1)});
  b.Add("Add", {"x", "v" + std::to_string(kLength)}, {"y"});
  size_t nodes = 0;
  EXPECT_EQ(FoldConstants(b.model.graph, {.evaluate =
                                              [&](const Graph& constants) {
                                                nodes += constants.nodes.size();
                                                std::vector<Tensor> out;
                                                for (const Value& value : constants.outputs)
                                                  out.push_back(MakeFloatTensor(
                                                      value.name, {1}, std::vector<float>{1}));
                                                return out;
                                              }}),
            kLength);
  EXPECT_EQ(nodes, kLength);
}

}  // namespace
}  // namespace qconvert
