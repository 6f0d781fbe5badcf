// Channels that stick out go into the weights: which, and the same numbers in the engine.
#include "qconvert/transform/spread_channels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "qconvert/base/error.h"
#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

constexpr size_t kChannels = 16;

// x -> Tanh -> v [N, 16]; v -> MatMul -> a; v -> Gemm{transB} -> b; v -> Neg -> c
GraphBuilder TwoProducts() {
  GraphBuilder b;
  b.Input("x", {"N", "16"}).Output("a").Output("b").Output("c");
  b.Random("w", {16, 8}).Random("t", {4, 16}).Random("bias", {4});
  b.Add("Tanh", {"x"}, {"v"});
  b.Add("MatMul", {"v", "w"}, {"a"});
  b.Add("Gemm", {"v", "t", "bias"}, {"b"}).Set("transB", int64_t{1});
  b.Add("Neg", {"v"}, {"c"});
  InferTypes(b.model, "m");
  return b;
}

// All channels in -1 .. 1, but for one.
std::vector<ChannelRange> RangesWith(size_t channel, double largest) {
  std::vector<ChannelRange> ranges(kChannels, {-1, 1, 0.3});
  ranges[channel] = {-largest, largest, 0.3 * largest * largest};
  return ranges;
}

TEST(SpreadChannelsTest, ValuesThatProductsReadAsRows) {
  EXPECT_THAT(FindSpreadableValues(TwoProducts().model.graph), ElementsAre(Pair("v", kChannels)));
}

TEST(SpreadChannelsTest, InputsAndProductsOfActivationsAreNotSpread) {
  GraphBuilder b;
  b.Input("x", {"16", "16"}).Output("y").Output("z").Random("w", {16, 8});
  b.Add("Tanh", {"x"}, {"v"});
  b.Add("MatMul", {"v", "v"}, {"y"});
  b.Add("MatMul", {"x", "w"}, {"z"});
  InferTypes(b.model, "m");
  EXPECT_THAT(FindSpreadableValues(b.model.graph), IsEmpty());
}

TEST(SpreadChannelsTest, WhatSticksOutIsDivided) {
  const GraphBuilder b = TwoProducts();
  const std::vector<int> shifts =
      ChooseShifts(b.model.graph, Topology(b.model.graph), {"v"}, RangesWith(3, 20));
  ASSERT_EQ(shifts.size(), kChannels);
  EXPECT_GE(shifts[3], 2);
  for (size_t c = 0; c < kChannels; ++c) EXPECT_LE(shifts[c], shifts[3] - (c == 3 ? 0 : 2)) << c;
}

// Magnitudes from 1 to 2^15: no bound divides them as well as their roots do.
TEST(SpreadChannelsTest, WhatDiffersThroughoutIsShared) {
  const GraphBuilder b = TwoProducts();
  std::vector<ChannelRange> ranges;
  for (size_t c = 0; c < kChannels; ++c) {
    const double largest = std::ldexp(1.0, static_cast<int>(c));
    ranges.push_back({-largest, largest, 0.3 * largest * largest});
  }
  const std::vector<int> shifts =
      ChooseShifts(b.model.graph, Topology(b.model.graph), {"v"}, ranges);
  ASSERT_EQ(shifts.size(), kChannels);
  EXPECT_EQ(*std::min_element(shifts.begin(), shifts.end()), 0);
  EXPECT_GE(shifts[15], shifts[8] + 2);
  EXPECT_GE(shifts[8], shifts[0] + 1);
}

// 12 channels of 16 are as large as one another: to divide them would only move the noise.
TEST(SpreadChannelsTest, WhatIsEvenStays) {
  const GraphBuilder b = TwoProducts();
  EXPECT_THAT(ChooseShifts(b.model.graph, Topology(b.model.graph), {"v"}, RangesWith(3, 1)),
              IsEmpty());
  EXPECT_THAT(ChooseShifts(b.model.graph, Topology(b.model.graph), {"v"}, RangesWith(3, 1.1)),
              IsEmpty());
  EXPECT_THAT(ChooseShifts(b.model.graph, Topology(b.model.graph), {"v"},
                           std::vector<ChannelRange>(kChannels)),
              IsEmpty());
}

// The large channel is nearly always at its largest: the grid's noise is nothing beside it.
TEST(SpreadChannelsTest, WhatIsQuietAlreadyStays) {
  GraphBuilder b = TwoProducts();
  std::vector<ChannelRange> ranges = RangesWith(3, 20);
  for (ChannelRange& range : ranges) range.power = range.max * range.max;
  ranges[3].power = 1e4;
  EXPECT_THAT(ChooseShifts(b.model.graph, Topology(b.model.graph), {"v"}, ranges), IsEmpty());
}

TEST(SpreadChannelsTest, ProductsAreTheSameToTheBitAndOthersReadTheValue) {
  GraphBuilder b = TwoProducts();
  const Model before = b.model;
  std::vector<int> shifts(kChannels, 0);
  shifts[3] = 4;
  shifts[9] = 1;
  EXPECT_EQ(SpreadChannels(b.model.graph, {{"v", shifts}}, "p.json"), 2U);
  const auto is_mul = [](const Node& node) { return node.Is("Mul"); };
  EXPECT_EQ(std::count_if(b.model.graph.nodes.begin(), b.model.graph.nodes.end(), is_mul), 1);
  const std::vector<Tensor> inputs = {RandomTensor("x", {5, 16}, 7)};
  const std::vector<Tensor> expected = RunModel(before, inputs);
  const std::vector<Tensor> actual = RunModel(b.model, inputs);
  for (size_t k = 0; k < 3; ++k) EXPECT_EQ(MaxDifference(expected[k], actual[k]), 0) << k;
  const auto reads_v = [](const Node& node) { return node.Is("Neg") && node.inputs[0] == "v"; };
  EXPECT_TRUE(std::any_of(b.model.graph.nodes.begin(), b.model.graph.nodes.end(), reads_v));
}

// x -> Tanh -> v -> MatMul{w} -> a -> Tanh -> u -> MatMul{w} -> c; the same weights twice
GraphBuilder SharedWeights() {
  GraphBuilder b;
  b.Input("x", {"N", "16"}).Output("c").Random("w", {16, 16});
  b.Add("Tanh", {"x"}, {"v"});
  b.Add("MatMul", {"v", "w"}, {"a"});
  b.Add("Tanh", {"a"}, {"u"});
  b.Add("MatMul", {"u", "w"}, {"c"});
  InferTypes(b.model, "m");
  return b;
}

TEST(SpreadChannelsTest, ValuesWithWeightsInCommonAreOneGroup) {
  EXPECT_THAT(FindSpreadableGroups(SharedWeights().model.graph),
              ElementsAre(ElementsAre("u", "v")));
  GraphBuilder b = SharedWeights();
  b.Random("other", {16, 16}).Output("d").Add("MatMul", {"c", "other"}, {"d"});
  InferTypes(b.model, "m");
  EXPECT_THAT(FindSpreadableGroups(b.model.graph),
              ElementsAre(ElementsAre("c"), ElementsAre("u", "v")));
}

TEST(SpreadChannelsTest, OfAGroupTheLargestOfAllCounts) {
  const GraphBuilder b = SharedWeights();
  const std::vector<ChannelRange> ranges = Merged(RangesWith(3, 20), RangesWith(5, 30));
  EXPECT_EQ(ranges[3].max, 20);
  EXPECT_EQ(ranges[5].min, -30);
  const std::vector<int> shifts =
      ChooseShifts(b.model.graph, Topology(b.model.graph), {"u", "v"}, ranges);
  ASSERT_EQ(shifts.size(), kChannels);
  EXPECT_GE(shifts[3], 1);
  EXPECT_GE(shifts[5], 1);
}

size_t Matrices(const Graph& graph) {
  return static_cast<size_t>(
      std::count_if(graph.initializers.begin(), graph.initializers.end(),
                    [](const auto& one) { return one.second.dims.size() == 2; }));
}

TEST(SpreadChannelsTest, SharedWeightsStayOne) {
  GraphBuilder b = SharedWeights();
  const Model before = b.model;
  std::vector<int> shifts(kChannels, 0);
  shifts[3] = 4;
  EXPECT_EQ(SpreadChannels(b.model.graph, {{"u", shifts}, {"v", shifts}}, "p.json"), 2U);
  EXPECT_EQ(Matrices(b.model.graph), 1U);
  const std::vector<Tensor> inputs = {RandomTensor("x", {5, 16}, 7)};
  EXPECT_EQ(MaxDifference(RunModel(before, inputs)[0], RunModel(b.model, inputs)[0]), 0);
}

// x -> Tanh -> v -> MatMul{w} -> Tanh -> u -> Gemm{w, transB} -> y: tied weights, both ways round.
GraphBuilder TiedWeights(int64_t columns) {
  GraphBuilder b;
  b.Input("x", {"N", "16"}).Output("y").Random("w", {16, columns});
  b.Add("Tanh", {"x"}, {"v"});
  b.Add("MatMul", {"v", "w"}, {"a"});
  b.Add("Tanh", {"a"}, {"u"});
  b.Add("Gemm", {"u", "w"}, {"y"}).Set("transB", int64_t{1});
  InferTypes(b.model, "m");
  return b;
}

TEST(SpreadChannelsTest, WeightsReadBothWaysRoundAreNotInCommon) {
  EXPECT_THAT(FindSpreadableGroups(TiedWeights(8).model.graph),
              ElementsAre(ElementsAre("u"), ElementsAre("v")));
  GraphBuilder b = TiedWeights(16);
  const Model before = b.model;
  std::vector<int> shifts(kChannels, 0);
  shifts[3] = 4;
  EXPECT_EQ(SpreadChannels(b.model.graph, {{"u", shifts}, {"v", shifts}}, "p.json"), 2U);
  EXPECT_EQ(Matrices(b.model.graph), 2U) << "scaled along rows, and along columns";
  const std::vector<Tensor> inputs = {RandomTensor("x", {5, 16}, 7)};
  EXPECT_EQ(MaxDifference(RunModel(before, inputs)[0], RunModel(b.model, inputs)[0]), 0);
}

TEST(SpreadChannelsTest, OtherReadersKeepTheWeightsAsTheyWere) {
  GraphBuilder b = SharedWeights();
  const Model before = b.model;
  std::vector<int> shifts(kChannels, 0);
  shifts[3] = 4;
  EXPECT_EQ(SpreadChannels(b.model.graph, {{"u", shifts}}, "p.json"), 1U);
  EXPECT_EQ(Matrices(b.model.graph), 2U);
  const std::vector<Tensor> inputs = {RandomTensor("x", {5, 16}, 7)};
  EXPECT_EQ(MaxDifference(RunModel(before, inputs)[0], RunModel(b.model, inputs)[0]), 0);
}

std::string Refusal(const ChannelShifts& shifts) {
  GraphBuilder b = TwoProducts();
  try {
    SpreadChannels(b.model.graph, shifts, "p.json");
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kConfig);
    return e.what();
  }
  return "";
}

TEST(SpreadChannelsTest, ShiftsOfAnotherModelAreRefused) {
  EXPECT_THAT(Refusal({{"x", std::vector<int>(kChannels, 1)}}),
              HasSubstr("spread value \"x\" is read by no MatMul or Gemm"));
  EXPECT_THAT(Refusal({{"v", {1, 2, 3}}}), HasSubstr("has 3 shifts, expected 16"));
}

}  // namespace
}  // namespace qconvert
