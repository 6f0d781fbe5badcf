#include "qconvert/weights/layer_corrections.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "qconvert/numbers/quantize.h"
#include "support/quantize_model.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::FloatEq;

TEST(LayerCorrectionsTest, MeansGoOverAllPositionsOfAChannel) {
  const Tensor images =
      MakeFloatTensor("y", {2, 2, 2}, std::vector<float>{1, 3, 10, 30, 5, 7, 50, 70});
  EXPECT_THAT(ChannelMeans(images, ChannelAxis::kSecond), ElementsAre(4, 40));
  EXPECT_THAT(ChannelMeans(images, ChannelAxis::kLast), ElementsAre(16.5, 27.5));
}

TEST(LayerCorrectionsTest, AShiftGoesToEveryPositionOfItsChannel) {
  const Tensor rows = MakeFloatTensor("y", {2, 2}, std::vector<float>{1, 2, 3, 4});
  const std::vector<float> shift = {10, 20};
  EXPECT_THAT(ToFloats(AddToChannels(rows, ChannelAxis::kLast, shift)),
              ElementsAre(11, 22, 13, 24));
  const Tensor images = MakeFloatTensor("y", {1, 2, 2}, std::vector<float>{1, 2, 3, 4});
  EXPECT_THAT(ToFloats(AddToChannels(images, ChannelAxis::kSecond, shift)),
              ElementsAre(11, 12, 23, 24));
}

TEST(LayerCorrectionsTest, OneSampleShiftsByItsDifference) {
  EXPECT_THAT(BiasShift({{0.5, -0.25}}), ElementsAre(0.5F, -0.25F));
  EXPECT_TRUE(BiasShift({}).empty());
}

TEST(LayerCorrectionsTest, AMeanThatCouldBeChanceShiftsLess) {
  // Channel 0: m = 2, v = 2 / 2 = 1, factor 3 / 4. Channel 1: m = 0.5, v = 6.25: chance.
  EXPECT_THAT(BiasShift({{1, -2}, {3, 3}}), ElementsAre(FloatEq(1.5F), 0.0F));
  EXPECT_THAT(BiasShift({{2, 0}, {2, 0}, {2, 0}}), ElementsAre(2.0F, 0.0F));
}

TEST(LayerCorrectionsTest, WhatIsNoNumberShiftsNothing) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(BiasShift({{nan, 1}}), ElementsAre(0.0F, 1.0F));
}

// One channel of two positions each, in two samples.
std::vector<Tensor> TwoSamples(const std::vector<float>& values) {
  std::vector<Tensor> samples;
  for (size_t s = 0; s < 2; ++s)
    samples.push_back(MakeFloatTensor("y", {1, 1, 2}, std::span(values).subspan(2 * s, 2)));
  return samples;
}

float LimitedShift(const std::vector<float>& expected, const std::vector<float>& actual,
                   float shift, const LayerActivation& activation) {
  std::vector<float> shifts = {shift};
  LimitShift(TwoSamples(expected), TwoSamples(actual), ChannelAxis::kSecond, activation, shifts);
  return shifts[0];
}

TEST(LayerCorrectionsTest, AShiftGoesNoFurtherThanMeansBehindAClipAgree) {
  const LayerActivation relu{.low = 0};
  // Above 0 stand 3 and 1 where 2 and 1 should: half of each is left over.
  EXPECT_NEAR(LimitedShift({-9, 2, -9, 1}, {-1, 3, -1, 1}, -4, relu), -0.5, 4.0 / 256);
  EXPECT_EQ(LimitedShift({-9, 4, -9, 2}, {-1, 2, -1, 1}, -2, relu), 0) << "too little passes";
  EXPECT_EQ(LimitedShift({-1, 5, -1, 5}, {-3, 1, -3, 1}, 3, relu), 3) << "the whole way: 4 of 5";
  EXPECT_NEAR(LimitedShift({-1, 2, -1, 2}, {-3, 1, -3, 1}, 3, relu), 1, 3.0 / 256);
  const LayerActivation clip{.low = 0, .high = 6};
  EXPECT_EQ(LimitedShift({9, 9, 9, 9}, {6, 7, 8, 6}, 2, clip), 2) << "cut off at 6 anyway";
  EXPECT_NEAR(LimitedShift({9, 4, 9, 4}, {7, 2, 7, 2}, 3, clip), 2, 3.0 / 256);
}

// Channels that are done leave the others as they are.
TEST(LayerCorrectionsTest, EachChannelIsLimitedByItself) {
  const LayerActivation relu{.low = 0};
  const auto rows = [](std::initializer_list<float> values) {
    return std::vector<Tensor>{MakeFloatTensor("y", {2, 3}, std::vector<float>(values))};
  };
  std::vector<float> shift = {3, 0, -4};
  LimitShift(rows({-1, 7, -9, 5, 7, 2}), rows({-3, 1, -1, 1, 1, 3}), ChannelAxis::kLast, relu,
             shift);
  EXPECT_EQ(shift[0], 3) << "the whole way";
  EXPECT_EQ(shift[1], 0);
  EXPECT_NEAR(shift[2], -1, 4.0 / 256) << "3 becomes 2";
  shift = {3, 0, -4};
  const auto images = [](std::initializer_list<float> values) {
    return std::vector<Tensor>{MakeFloatTensor("y", {1, 3, 2}, std::vector<float>(values))};
  };
  LimitShift(images({-1, 5, 7, 7, -9, 2}), images({-3, 1, 1, 1, -1, 3}), ChannelAxis::kSecond, relu,
             shift);
  EXPECT_EQ(shift[0], 3);
  EXPECT_EQ(shift[1], 0);
  EXPECT_NEAR(shift[2], -1, 4.0 / 256);
}

TEST(LayerCorrectionsTest, AShiftIsWholeWhereNothingIsCutOff) {
  EXPECT_EQ(LimitedShift({-9, 2, -9, 1}, {-1, 3, -1, 1}, -4, {}), -4);
  EXPECT_EQ(
      LimitedShift({-9, 2, -9, 1}, {-1, 3, -1, 1}, -4, {.kind = LayerActivation::Kind::kHardSwish}),
      -4);
}

TEST(LayerCorrectionsTest, ALayerWithoutBiasGetsOneWhereItsKernelTakesIt) {
  GraphBuilder b;
  b.Input("x", {"1", "2", "4", "4"}).Output("z").Random("w", {3, 2, 1, 1}).Random("m", {4, 4});
  b.Add("Conv", {"x", "w"}, {"y"});
  b.Add("MatMul", {"y", "m"}, {"z"});
  const std::vector<std::vector<Tensor>> samples = {{RandomTensor("x", {1, 2, 4, 4}, 1)}};
  QuantizedModel q = QuantizeModel(b.model, samples);
  const Graph& graph = q.float_model.graph;
  EXPECT_TRUE(CanMoveBias(graph, graph.nodes[0], {}));
  EXPECT_TRUE(CanMoveBias(graph, graph.nodes[1], {}));
  const Node stacked = MakeNode("MatMul", {"y", "w"}, {"z"});
  EXPECT_FALSE(CanMoveBias(graph, stacked, {})) << "w has four dimensions";
  EXPECT_TRUE(CanMoveBias(graph, stacked, {.bias_add = 2}));

  LayerCorrections corrections;
  corrections.bias[0] = {0.5F, -0.5F, 0};
  CodeCache codes;
  FillCodes(graph, QuantConfig(), {.corrections = &corrections}, codes, q.plan);
  const IntegerNodePlan& conv = q.plan.integer_nodes.at(0);
  ASSERT_TRUE(conv.bias);
  const auto integers = conv.bias->values<int32_t>();
  ASSERT_EQ(integers.size(), 3);
  EXPECT_NEAR(static_cast<double>(integers[0]) * conv.bias_scales[0], 0.5, conv.bias_scales[0]);
  EXPECT_NEAR(static_cast<double>(integers[1]) * conv.bias_scales[1], -0.5, conv.bias_scales[1]);
  EXPECT_EQ(integers[2], 0);

  Model corrected = q.float_model;
  corrected.graph.outputs = {{"y", {}, {}, {}}};
  corrected.graph.nodes.resize(1);
  QuantizationPlan first = q.plan;
  first.placement.nodes.resize(1);
  first.integer_nodes.erase(1);
  InsertQdq(corrected, first);
  const auto before = RunModel(q.float_model, samples[0]);
  Model alone = q.float_model;
  alone.graph.outputs = {{"y", {}, {}, {}}};
  const std::vector<double> moved =
      ChannelMeans(RunModel(corrected, samples[0])[0], ChannelAxis::kSecond);
  const std::vector<double> means =
      ChannelMeans(RunModel(alone, samples[0])[0], ChannelAxis::kSecond);
  EXPECT_NEAR(moved[0] - means[0], 0.5, 0.05);
  EXPECT_NEAR(moved[1] - means[1], -0.5, 0.05);
}

TEST(LayerCorrectionsTest, AMatMulWithoutBiasGetsAnAddThatItsKernelComputes) {
  GraphBuilder b;
  b.Input("x", {"5", "8"}).Output("z").Random("m", {8, 4}).Random("k", {4, 4});
  b.Add("MatMul", {"x", "m"}, {"y"});
  b.Add("MatMul", {"y", "k"}, {"z"});
  const std::vector<std::vector<Tensor>> samples = {{RandomTensor("x", {5, 8}, 1)}};
  QuantizedModel q = QuantizeModel(b.model, samples);
  LayerCorrections corrections;
  corrections.bias[0] = {0, 0, 0, 0};
  corrections.bias[1] = {1, -1, 0.5F, 0};
  CodeCache codes;
  FillCodes(q.float_model.graph, QuantConfig(), {.corrections = &corrections}, codes, q.plan);
  Model corrected = q.float_model;
  InsertQdq(corrected, q.plan);
  const auto before = ChannelMeans(RunModel(q.model, samples[0])[0], ChannelAxis::kLast);
  const auto after = ChannelMeans(RunModel(corrected, samples[0])[0], ChannelAxis::kLast);
  EXPECT_NEAR(after[0] - before[0], 1, 0.03);
  EXPECT_NEAR(after[1] - before[1], -1, 0.03);
  EXPECT_NEAR(after[3] - before[3], 0, 0.03);
  std::map<std::string, int> operators = OptimizedOperators(corrected);
  EXPECT_EQ(operators["QGemm"] + operators["MatMulIntegerToFloat"] + operators["QLinearMatMul"], 2)
      << "both on integers";
  EXPECT_EQ(operators["MatMul"] + operators["Gemm"], 0);
}

// What a node of these weights writes of `x`.
Tensor Apply(Node node, const Tensor& weight, const Tensor& x) {
  GraphBuilder b;
  std::vector<std::string> dims;
  for (const int64_t d : x.dims) dims.push_back(std::to_string(d));
  b.Input("x", dims).Output("y");
  b.model.graph.initializers.emplace("w", weight);
  node.inputs = {"x", "w"};
  node.outputs = {"y"};
  b.model.graph.nodes.push_back(node);
  return RunModel(b.model, {x})[0];
}

// Where every position holds the means, the float node and the one of the codes differ by the
// shift.
void ExpectShiftOfConstants(const Node& node, const std::vector<int64_t>& weight_dims,
                            const std::vector<int64_t>& dims, ChannelAxis axis) {
  const Tensor weight = RandomTensor("w", weight_dims, 3);
  ConstantCodes codes{.name = "w", .codes = weight, .params = {}};
  const std::vector<float> floats = ToFloats(weight);
  std::string bytes;
  for (const float v : floats) bytes.push_back(static_cast<char>(std::lround(v / 0.3F)));
  codes.codes.type = DataType::kInt8;
  codes.codes.bytes = std::make_shared<const std::string>(bytes);
  codes.params = {.type = DataType::kInt8, .axis = -1, .scales = {0.3F}, .zero_points = {0}};
  const auto channels =
      static_cast<size_t>(dims[axis == ChannelAxis::kSecond ? 1 : dims.size() - 1]);
  std::vector<double> means;
  for (size_t c = 0; c < channels; ++c) means.push_back(0.5 + static_cast<double>(c % 5));
  const std::vector<float> as_floats(means.begin(), means.end());
  const auto count = static_cast<size_t>(RandomTensor("x", dims, 1).element_count());
  const Tensor x =
      AddToChannels(MakeFloatTensor("x", dims, std::vector<float>(count, 0)), axis, as_floats);
  const std::vector<double> exact = ChannelMeans(Apply(node, weight, x), axis);
  const Tensor coded =
      MakeFloatTensor("w", weight_dims, DequantizeTensor(codes.codes, codes.params));
  const std::vector<double> rounded = ChannelMeans(Apply(node, coded, x), axis);
  const std::vector<float> shift = ExpectedBiasShift(node, weight, codes, means);
  ASSERT_EQ(shift.size(), exact.size());
  for (size_t o = 0; o < shift.size(); ++o)
    EXPECT_NEAR(shift[o], exact[o] - rounded[o], 1e-4) << node.op_type << " " << o;
  means.push_back(1);
  EXPECT_TRUE(ExpectedBiasShift(node, weight, codes, means).empty());
}

TEST(LayerCorrectionsTest, MeansOfInputsTellTheShift) {
  const Node conv = MakeNode("Conv", {"x", "w"}, {"y"});
  ExpectShiftOfConstants(conv, {6, 4, 3, 2}, {1, 4, 5, 5}, ChannelAxis::kSecond);
  Node grouped = conv;
  grouped.Set("group", int64_t{2});
  ExpectShiftOfConstants(grouped, {6, 2, 3, 3}, {1, 4, 5, 5}, ChannelAxis::kSecond);
  Node depthwise = conv;
  depthwise.Set("group", int64_t{4});
  ExpectShiftOfConstants(depthwise, {4, 1, 3, 3}, {1, 4, 5, 5}, ChannelAxis::kSecond);
  ExpectShiftOfConstants(MakeNode("MatMul", {"x", "w"}, {"y"}), {7, 3}, {2, 7}, ChannelAxis::kLast);
  Node gemm = MakeNode("Gemm", {"x", "w"}, {"y"});
  ExpectShiftOfConstants(gemm, {7, 3}, {2, 7}, ChannelAxis::kLast);
  gemm.Set("transB", int64_t{1});
  ExpectShiftOfConstants(gemm, {3, 7}, {2, 7}, ChannelAxis::kLast);
}

TEST(LayerCorrectionsTest, ScalesCountBesideThoseThatTheyWereFoundFor) {
  GraphBuilder b;
  b.Input("x", {"5", "8"}).Output("z").Random("m", {8, 4});
  b.Add("MatMul", {"x", "m"}, {"z"});
  const std::vector<std::vector<Tensor>> samples = {{RandomTensor("x", {5, 8}, 1)}};
  QuantizedModel q = QuantizeModel(b.model, samples);
  const QuantParams before = q.plan.integer_nodes.at(0).weight->params;
  std::vector<float> twice;
  for (const float scale : before.scales) twice.push_back(2 * scale);
  LayerCorrections corrections;
  corrections.scales[0] = {before, twice};
  CodeCache codes;
  FillCodes(q.float_model.graph, QuantConfig(), {.corrections = &corrections}, codes, q.plan);
  const ConstantCodes& weight = *q.plan.integer_nodes.at(0).weight;
  EXPECT_EQ(weight.params.scales, twice);
  const auto floats = q.float_model.graph.FindInitializer("m")->values<float>();
  const auto integers = weight.codes.values<int8_t>();
  for (size_t i = 0; i < floats.size(); ++i) {
    const float scale = twice[twice.size() > 1 ? i % 4 : 0];
    EXPECT_NEAR(integers[i] * scale, floats[i], 0.51F * scale);
  }

  corrections.scales[0].instead_of.scales[0] *= 3;
  FillCodes(q.float_model.graph, QuantConfig(), {.corrections = &corrections}, codes, q.plan);
  EXPECT_EQ(q.plan.integer_nodes.at(0).weight->params, before);
}

}  // namespace
}  // namespace qconvert
