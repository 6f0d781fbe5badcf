#include "qconvert/weights/output_positions.h"

#include <gtest/gtest.h>

#include <vector>

#include "qconvert/targets/op_rules.h"
#include "support/weighted_layer.h"

namespace qconvert {
namespace {

Node Conv(int64_t group, std::vector<int64_t> pads, std::vector<int64_t> strides,
          std::vector<int64_t> dilations) {
  Node node = MakeNode("Conv", {"x", "w"}, {"y"});
  node.Set("group", group);
  node.Set("pads", std::move(pads));
  node.Set("strides", std::move(strides));
  node.Set("dilations", std::move(dilations));
  return node;
}

// One that adds every input times its kernel to the outputs.
Node Upsample(int64_t group, std::vector<int64_t> pads, std::vector<int64_t> strides,
              std::vector<int64_t> dilations, std::vector<int64_t> more = {}) {
  Node node = Conv(group, std::move(pads), std::move(strides), std::move(dilations));
  node.op_type = "ConvTranspose";
  if (!more.empty()) node.Set("output_padding", std::move(more));
  return node;
}

struct Case {
  const char* name;
  Node node;
  std::vector<int64_t> weight;
  std::vector<int64_t> input;
};

std::vector<Case> Cases() {
  Node transposed = MakeNode("Gemm", {"x", "w"}, {"y"});
  transposed.Set("transB", int64_t{1});
  return {
      {"plain", MakeNode("Conv", {"x", "w"}, {"y"}), {4, 3, 3, 2}, {2, 3, 7, 6}},
      {"everything", Conv(2, {1, 0, 2, 3}, {2, 1}, {1, 2}), {6, 2, 3, 2}, {2, 4, 9, 8}},
      {"depthwise", Conv(5, {1, 1, 1, 1}, {2, 2}, {1, 1}), {5, 1, 3, 3}, {1, 5, 8, 7}},
      {"one dimension", Conv(1, {2, 1}, {3}, {2}), {3, 4, 3}, {2, 4, 17}},
      {"three dimensions", MakeNode("Conv", {"x", "w"}, {"y"}), {2, 2, 2, 3, 1}, {1, 2, 3, 4, 5}},
      {"ConvTranspose", MakeNode("ConvTranspose", {"x", "w"}, {"y"}), {3, 4, 3, 2}, {2, 3, 4, 5}},
      {"with strides", Upsample(1, {1, 1, 1, 1}, {2, 2}, {1, 1}), {3, 4, 4, 4}, {1, 3, 4, 5}},
      {"with more", Upsample(1, {1, 0, 1, 2}, {2, 3}, {1, 1}, {1, 2}), {3, 2, 3, 4}, {2, 3, 3, 4}},
      {"in groups", Upsample(2, {1, 1, 0, 1}, {2, 1}, {1, 2}), {4, 3, 3, 2}, {2, 4, 5, 4}},
      {"each channel", Upsample(4, {1, 1, 1, 1}, {2, 2}, {1, 1}), {4, 1, 4, 4}, {1, 4, 3, 3}},
      {"in one dimension", Upsample(1, {1, 0}, {3}, {2}), {2, 3, 3}, {2, 2, 6}},
      {"Gemm", MakeNode("Gemm", {"x", "w"}, {"y"}), {6, 4}, {5, 6}},
      {"transposed Gemm", transposed, {4, 6}, {5, 6}},
      {"MatMul", MakeNode("MatMul", {"x", "w"}, {"y"}), {6, 4}, {2, 3, 6}},
  };
}

// The engine's outputs are the products of the gathered rows with the weights in kernel order.
TEST(OutputPositionsTest, RowsTimesWeightsAreTheEnginesOutputs) {
  for (const Case& one : Cases()) {
    const Tensor weight = RandomTensor("w", one.weight, 3);
    const Tensor input = RandomTensor("x", one.input, 5);
    ASSERT_TRUE(HasOutputPositions(one.node, weight)) << one.name;
    const Tensor output = RunNode(one.node, weight, input);
    const WeightOrder order = KernelOrder(one.node, weight);
    const OutputPositions positions(one.node, weight, input.dims);
    ASSERT_EQ(positions.count() * order.channels, output.element_count()) << one.name;
    const int64_t per_group = order.channels / GroupsOf(one.node);
    std::vector<float> x(static_cast<size_t>(order.count));
    std::vector<float> y(static_cast<size_t>(order.channels));
    const auto values = weight.values<float>();
    for (int64_t p = 0; p < positions.count(); ++p) {
      positions.GatherOutputs(output.values<float>(), p, order.channels, 0, y);
      for (int64_t o = 0; o < order.channels; ++o) {
        positions.Gather(input.values<float>(), p, o / per_group, x);
        double sum = 0;
        for (int64_t k = 0; k < order.count; ++k) {
          sum += x[static_cast<size_t>(k)] * values[PlaceOf(order, o, k)];
        }
        ASSERT_NEAR(sum, y[static_cast<size_t>(o)], 1e-4) << one.name << " " << p << " " << o;
      }
    }
  }
}

TEST(StepOverPositionsTest, EveryTapIsMet) {
  const Node plain = Conv(1, {0, 0, 0, 0}, {2, 2}, {1, 1});
  EXPECT_EQ(StepOverPositions(plain, 4), 4) << "each output of a Conv meets all of them";
  EXPECT_EQ(StepOverPositions(Upsample(1, {0, 0, 0, 0}, {2, 2}, {1, 1}), 4), 5);
  EXPECT_EQ(StepOverPositions(Upsample(1, {0, 0, 0, 0}, {2, 3}, {1, 1}), 8), 11);
  EXPECT_EQ(StepOverPositions(MakeNode("ConvTranspose", {"x", "w"}, {"y"}), 4), 4);
}

TEST(ScaleOfTest, BlocksStandAsTheWeightsDo) {
  const Tensor columns = RandomTensor("w", {6, 4}, 1);  // [k, n], scales [2, 4]
  const WeightOrder by_column = KernelOrder(MakeNode("MatMul", {"x", "w"}, {"y"}), columns);
  EXPECT_EQ(ScaleOf(by_column, 8, 3, 1, 2), 1U);
  EXPECT_EQ(ScaleOf(by_column, 8, 3, 1, 3), 5U);
  const Tensor rows = RandomTensor("w", {4, 6}, 1);  // [n, k], scales [4, 2]
  const WeightOrder by_row = KernelOrder(GemmNode(), rows);
  EXPECT_EQ(ScaleOf(by_row, 8, 3, 1, 2), 2U);
  EXPECT_EQ(ScaleOf(by_row, 8, 3, 1, 3), 3U);
  EXPECT_EQ(ScaleOf(by_row, 4, 0, 3, 5), 3U) << "one per channel";
  EXPECT_EQ(ScaleOf(by_row, 1, 0, 3, 5), 0U);
}

TEST(OutputPositionsTest, ChannelsFromTheMiddle) {
  const Tensor weight = RandomTensor("w", {4, 3}, 3);
  const OutputPositions positions(MakeNode("Gemm", {"x", "w"}, {"y"}), weight,
                                  std::vector<int64_t>{2, 4});
  std::vector<float> row(2);
  positions.GatherOutputs(std::vector<float>{1, 2, 3, 4, 5, 6}, 1, 3, 1, row);
  EXPECT_EQ(row, (std::vector<float>{5, 6}));
}

TEST(OutputPositionsTest, AKernelLargerThanItsInputHasNoPositions) {
  const Tensor weight = RandomTensor("w", {1, 1, 5, 5}, 3);
  const OutputPositions positions(MakeNode("Conv", {"x", "w"}, {"y"}), weight,
                                  std::vector<int64_t>{1, 1, 3, 9});
  EXPECT_EQ(positions.count(), 0);
}

TEST(OutputPositionsTest, WhatIsNoMatrixProductIsNone) {
  Node same = Conv(1, {0, 0, 0, 0}, {1, 1}, {1, 1});
  same.Set("auto_pad", std::string("SAME_UPPER"));
  EXPECT_FALSE(HasOutputPositions(same, RandomTensor("w", {2, 2, 3, 3}, 1)));
  Node transposed = MakeNode("Gemm", {"x", "w"}, {"y"});
  transposed.Set("transA", int64_t{1});
  EXPECT_FALSE(HasOutputPositions(transposed, RandomTensor("w", {2, 2}, 1)));
  const Node matmul = MakeNode("MatMul", {"x", "w"}, {"y"});
  EXPECT_FALSE(HasOutputPositions(matmul, RandomTensor("w", {2, 2, 2}, 1)));
  Node upsample = MakeNode("ConvTranspose", {"x", "w"}, {"y"});
  const Tensor kernel = RandomTensor("w", {2, 2, 3, 3}, 1);
  EXPECT_TRUE(HasOutputPositions(upsample, kernel));
  upsample.Set("output_shape", std::vector<int64_t>{5, 5});
  EXPECT_FALSE(HasOutputPositions(upsample, kernel)) << "says how much padding there is";
}

}  // namespace
}  // namespace qconvert
