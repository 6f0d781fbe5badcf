#include "qconvert/targets/weight_slots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Axes = std::vector<size_t>;

const Axes kNone = {99};

Axes AxesOf(const Node& node, size_t slot, size_t rank) {
  const auto found = FindWeightSlot(node, slot, rank);
  return found ? found->channel_axes : kNone;
}

Node With(Node node, const char* attribute, int64_t value) {
  node.Set(attribute, value);
  return node;
}

TEST(WeightSlotsTest, Convolutions) {
  const Node conv = MakeNode("Conv", {"x", "w", "b"}, {"y"});
  EXPECT_EQ(AxesOf(conv, 1, 4), (Axes{0}));
  EXPECT_EQ(AxesOf(conv, 0, 4), kNone);
  EXPECT_EQ(AxesOf(conv, 2, 4), kNone);
  EXPECT_EQ(AxesOf(MakeNode("DeformConv", {"x", "w", "o"}, {"y"}), 1, 4), (Axes{0}));
  const auto grouped =
      FindWeightSlot(With(MakeNode("ConvTranspose", {"x", "w"}, {"y"}), "group", 4), 1, 4);
  ASSERT_TRUE(grouped);
  EXPECT_THAT(grouped->channel_axes, ElementsAre(1));
  EXPECT_EQ(grouped->groups, 4);
}

TEST(WeightSlotsTest, MatrixProductsFromEitherSide) {
  const Node gemm = MakeNode("Gemm", {"a", "b", "c"}, {"y"});
  EXPECT_EQ(AxesOf(gemm, 1, 2), (Axes{1})) << "[k, n]";
  EXPECT_EQ(AxesOf(gemm, 0, 2), (Axes{0})) << "[m, k]";
  EXPECT_EQ(AxesOf(With(gemm, "transB", 1), 1, 2), (Axes{0}));
  EXPECT_EQ(AxesOf(With(gemm, "transA", 1), 0, 2), (Axes{1}));
  EXPECT_EQ(AxesOf(gemm, 2, 2), kNone) << "the bias";
  const Node matmul = MakeNode("MatMul", {"a", "b"}, {"y"});
  EXPECT_EQ(AxesOf(matmul, 1, 3), (Axes{0, 2})) << "every matrix of a stack for itself";
  EXPECT_EQ(AxesOf(matmul, 0, 3), (Axes{0, 1}));
  EXPECT_EQ(AxesOf(matmul, 1, 1), kNone) << "a vector";
}

TEST(WeightSlotsTest, TheEnginesOwnOperatorsOnlyInTheirDomain) {
  Node fused = MakeNode("FusedMatMul", {"a", "b"}, {"y"});
  EXPECT_EQ(AxesOf(fused, 1, 2), kNone);
  fused.domain = "com.microsoft";
  EXPECT_EQ(AxesOf(fused, 1, 2), (Axes{1}));
  EXPECT_EQ(AxesOf(With(fused, "transB", 1), 1, 2), (Axes{0}));
  Node conv = MakeNode("FusedConv", {"x", "w"}, {"y"});
  conv.domain = "com.microsoft";
  EXPECT_EQ(AxesOf(conv, 1, 4), (Axes{0}));
}

TEST(WeightSlotsTest, RecurrentNodesHaveTwo) {
  for (const char* op_type : {"LSTM", "GRU", "RNN"}) {
    const Node node = MakeNode(op_type, {"x", "w", "r", "b"}, {"y"});
    EXPECT_EQ(AxesOf(node, 1, 3), (Axes{0, 1})) << op_type;
    EXPECT_EQ(AxesOf(node, 2, 3), (Axes{0, 1})) << op_type;
    EXPECT_THAT(WeightsOf(node), ElementsAre("w", "r"));
  }
}

TEST(WeightSlotsTest, RowsOfATable) {
  const Node gather = MakeNode("Gather", {"table", "ids"}, {"y"});
  EXPECT_EQ(AxesOf(gather, 0, 2), (Axes{0}));
  EXPECT_EQ(AxesOf(With(gather, "axis", -1), 0, 3), (Axes{2}));
  EXPECT_EQ(AxesOf(gather, 1, 2), kNone);
}

TEST(WeightSlotsTest, AllOthersHaveNone) {
  EXPECT_THAT(WeightsOf(MakeNode("Add", {"a", "b"}, {"y"})), IsEmpty());
  EXPECT_THAT(WeightsOf(MakeNode("BatchNormalization", {"x", "s", "b", "m", "v"}, {"y"})),
              IsEmpty());
}

TEST(FindBiasTest, IsAFloatConstant) {
  GraphBuilder b;
  b.Input("x", {"5", "4"})
      .Output("y")
      .Random("w", {4, 3})
      .Random("b", {3})
      .Ints("i", {3}, {1, 2, 3});
  const auto bias = [&](const Node& node) { return FindBias(b.model.graph, node); };
  ASSERT_NE(bias(MakeNode("Gemm", {"x", "w", "b"}, {"y"})), nullptr);
  EXPECT_EQ(bias(MakeNode("Gemm", {"x", "w", "b"}, {"y"}))->name, "b");
  EXPECT_EQ(bias(MakeNode("Gemm", {"x", "w", "i"}, {"y"})), nullptr);
  EXPECT_EQ(bias(MakeNode("Gemm", {"x", "w", "x"}, {"y"})), nullptr);
  EXPECT_EQ(bias(MakeNode("Gemm", {"x", "w"}, {"y"})), nullptr);
  EXPECT_EQ(bias(MakeNode("MatMul", {"x", "w", "b"}, {"y"})), nullptr);
}

}  // namespace
}  // namespace qconvert
