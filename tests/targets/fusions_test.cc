#include "qconvert/targets/fusions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

FusedUnit UnitOfFirst(const GraphBuilder& b) {
  return FindFusedUnit(b.model.graph, Topology(b.model.graph), 0);
}

bool CanFirstLeaveFloat(const GraphBuilder& b) {
  const Topology topology(b.model.graph);
  return CanLeaveFloat(b.model.graph, topology, 0, FindFusedUnit(b.model.graph, topology, 0));
}

GraphBuilder Start() {
  GraphBuilder b;
  b.Input("x", {"5", "4"}).Input("z", {"5", "3"}).Output("y");
  b.Random("w", {4, 3}).Random("b", {3}).Random("wide", {5, 3});
  b.Floats("lo", {}, {0.0F}).Floats("hi", {}, {6.0F}).Input("bound", {});
  return b;
}

//   MatMul -> Add{b} -> Relu      one step
TEST(FusedUnitTest, AMatMulWithItsBiasAndAClamp) {
  GraphBuilder b = Start();
  b.Add("MatMul", {"x", "w"}, {"m"});
  b.Add("Add", {"b", "m"}, {"a"});  // either operand is the bias
  b.Add("Relu", {"a"}, {"y"});
  const FusedUnit unit = UnitOfFirst(b);
  EXPECT_THAT(unit.tail, ElementsAre(1, 2));
  EXPECT_EQ(unit.bias_add, 1U);
  EXPECT_EQ(unit.output, "y");
  EXPECT_FALSE(CanFirstLeaveFloat(b)) << "the clamp needs a quantized output";
}

TEST(FusedUnitTest, ASumOfTwoValuesIsNoBias) {
  for (const char* other : {"z", "wide"}) {
    GraphBuilder b = Start();
    b.Add("MatMul", {"x", "w"}, {"m"});
    b.Add("Add", {"m", other}, {"y"});
    EXPECT_THAT(UnitOfFirst(b).tail, IsEmpty()) << other;
    EXPECT_FALSE(CanFirstLeaveFloat(b)) << "the engine would make a Gemm of both: " << other;
  }
}

TEST(FusedUnitTest, WhatIsReadTwiceStaysApart) {
  GraphBuilder b = Start();
  b.Add("MatMul", {"x", "w"}, {"m"});
  b.Add("Relu", {"m"}, {"r"});
  b.Add("Mul", {"m", "r"}, {"y"});
  EXPECT_THAT(UnitOfFirst(b).tail, IsEmpty());
}

TEST(FusedUnitTest, AGraphOutputIsAReaderToo) {
  GraphBuilder b = Start();
  b.Output("g").Add("Gemm", {"x", "w"}, {"g"});
  b.Add("Relu", {"g"}, {"y"});
  EXPECT_THAT(UnitOfFirst(b).tail, IsEmpty());
}

TEST(FusedUnitTest, ClampsWithConstantBounds) {
  GraphBuilder constant = Start();
  constant.Add("Gemm", {"x", "w", "b"}, {"g"});
  constant.Add("Clip", {"g", "lo", "hi"}, {"y"});
  EXPECT_THAT(UnitOfFirst(constant).tail, ElementsAre(1));
  GraphBuilder half = Start();
  half.Add("Gemm", {"x", "w", "b"}, {"g"});
  half.Add("Clip", {"g", "", "hi"}, {"y"});
  EXPECT_THAT(UnitOfFirst(half).tail, ElementsAre(1));
  GraphBuilder open = Start();
  open.Add("Gemm", {"x", "w", "b"}, {"g"});
  open.Add("Clip", {"g", "lo", "bound"}, {"y"});
  EXPECT_THAT(UnitOfFirst(open).tail, IsEmpty());
}

TEST(FusedUnitTest, OneClampOnly) {
  GraphBuilder b = Start();
  b.Add("Gemm", {"x", "w"}, {"g"});
  b.Add("Relu", {"g"}, {"r"});
  b.Add("Clip", {"r", "lo", "hi"}, {"y"});
  EXPECT_THAT(UnitOfFirst(b).tail, ElementsAre(1));
  EXPECT_EQ(UnitOfFirst(b).output, "r");
}

TEST(ClampBoundTest, OfReluAndClip) {
  GraphBuilder b = Start();
  b.Floats("many", {2}, {1, 2}).Floats("one", {1}, {3});
  const Graph& graph = b.model.graph;
  const Node relu = MakeNode("Relu", {"x"}, {"y"});
  EXPECT_EQ(ClampBound(graph, relu, 1), 0.0F);
  EXPECT_FALSE(ClampBound(graph, relu, 2));
  const Node clip = MakeNode("Clip", {"x", "one", "hi"}, {"y"});
  EXPECT_EQ(ClampBound(graph, clip, 1), 3.0F) << "one number, in a list";
  EXPECT_EQ(ClampBound(graph, clip, 2), 6.0F);
  const Node open = MakeNode("Clip", {"x", "", "bound"}, {"y"});
  EXPECT_FALSE(ClampBound(graph, open, 1));
  EXPECT_FALSE(ClampBound(graph, open, 2)) << "an input, not a constant";
  EXPECT_FALSE(ClampBound(graph, MakeNode("Clip", {"x", "many"}, {"y"}), 1));
  EXPECT_FALSE(ClampBound(graph, MakeNode("Clip", {"x"}, {"y"}), 2));
}

TEST(CanLeaveFloatTest, MatrixProductsWithNothingBehind) {
  GraphBuilder gemm = Start();
  gemm.Add("Gemm", {"x", "w", "b"}, {"y"});
  EXPECT_TRUE(CanFirstLeaveFloat(gemm));
  GraphBuilder matmul = Start();
  matmul.Add("MatMul", {"x", "w"}, {"m"});
  matmul.Add("Add", {"m", "b"}, {"y"});
  EXPECT_TRUE(CanFirstLeaveFloat(matmul));
  GraphBuilder conv;
  conv.Input("x", {"1", "4", "6", "6"}).Output("y").Random("w", {8, 4, 3, 3});
  conv.Add("Conv", {"x", "w"}, {"y"});
  EXPECT_FALSE(CanFirstLeaveFloat(conv));
}

TEST(ChannelsOfOwnDequantizeTest, AreThoseOfTheInput) {
  const auto channels = [](const char* op_type, std::vector<int64_t> dims, const char* attribute,
                           int64_t value) {
    GraphBuilder b;
    b.Input("x", {"1", "8", "6", "6"}).Output("y").Random("w", std::move(dims));
    Node& node = b.Add(op_type, {"x", "w"}, {"y"});
    if (attribute != nullptr) node.Set(attribute, value);
    return ChannelsOfOwnDequantize(b.model.graph, node);
  };
  EXPECT_EQ(channels("Conv", {16, 8, 3, 3}, nullptr, 0), 8);
  EXPECT_EQ(channels("Conv", {16, 4, 3, 3}, "group", 2), 8);
  EXPECT_EQ(channels("ConvTranspose", {8, 16, 3, 3}, nullptr, 0), 8);
  EXPECT_EQ(channels("Gemm", {8, 5}, nullptr, 0), 8);
  EXPECT_EQ(channels("Gemm", {5, 8}, "transB", 1), 8);
  EXPECT_EQ(channels("Gemm", {8, 5}, "transA", 1), 0);
  EXPECT_EQ(channels("MatMul", {8, 5}, nullptr, 0), 0);
  EXPECT_EQ(channels("Conv", {16}, nullptr, 0), 0);
}

}  // namespace
}  // namespace qconvert
