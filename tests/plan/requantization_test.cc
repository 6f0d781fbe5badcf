// A node in integers alone, from the plan's numbers, against the engine.
#include "qconvert/plan/requantization.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "qconvert/numbers/quantize.h"
#include "support/quantize_model.h"

namespace qconvert {
namespace {

constexpr size_t kChannels = 8;
constexpr size_t kPixels = 16;

Model Pointwise() {
  GraphBuilder b;
  b.Input("x", {"1", "8", "4", "4"}).Output("y");
  b.Random("w", {8, 8, 1, 1}, 0.4F).Random("b", {8}, 0.5F);
  b.Add("Conv", {"x", "w", "b"}, {"y"});
  return b.model;
}

double FactorOf(const FixedPoint& fixed) { return std::ldexp(fixed.multiplier, -31 - fixed.shift); }

TEST(RequantizationTest, FactorsAreThoseOfTheScales) {
  for (const bool per_channel : {true, false}) {
    QuantConfig config;
    config.tensors.weights.per_channel = per_channel;
    const std::vector<Tensor> x = {RandomTensor("x", {1, 8, 4, 4}, 1)};
    const QuantizedModel quantized = QuantizeModel(Pointwise(), {x}, config);
    const auto found = FindRequantization(quantized.float_model.graph, quantized.plan, 0);
    ASSERT_TRUE(found.has_value());
    const std::vector<float>& scales = quantized.plan.integer_nodes.at(0).weight->params.scales;
    ASSERT_EQ(found->factors.size(), per_channel ? kChannels : 1U);
    const float in = quantized.plan.values.at("x").params.scales[0];
    const float out = quantized.plan.values.at("y").params.scales[0];
    for (size_t c = 0; c < scales.size(); ++c) {
      const double factor = static_cast<double>(in) * scales[c] / out;
      EXPECT_NEAR(FactorOf(found->factors[c]), factor, 1e-6 * factor);
    }
    EXPECT_LE(found->worst, 1);
  }
}

TEST(RequantizationTest, IntegersAloneGiveTheCodesOfTheEngine) {
  const std::vector<Tensor> x = {RandomTensor("x", {1, 8, 4, 4}, 1)};
  const QuantizedModel quantized = QuantizeModel(Pointwise(), {x});
  const auto found = FindRequantization(quantized.float_model.graph, quantized.plan, 0);
  ASSERT_TRUE(found.has_value());
  const IntegerNodePlan& integer = quantized.plan.integer_nodes.at(0);
  const ValuePlan& in = quantized.plan.values.at("x");
  const ValuePlan& out = quantized.plan.values.at("y");
  const std::vector<int32_t> weights = CodesOf(integer.weight->codes);
  const auto bias = integer.bias->values<int32_t>();
  const std::vector<float> engine = ToFloats(RunModel(quantized.model, x)[0]);
  const int32_t zero = out.params.zero_points[0];
  size_t equal = 0;
  for (size_t c = 0; c < kChannels; ++c) {
    for (size_t p = 0; p < kPixels; ++p) {
      int32_t sum = bias[c];
      for (size_t k = 0; k < kChannels; ++k) {
        const float value = x[0].values<float>()[k * kPixels + p];
        const auto rounded = static_cast<int32_t>(std::nearbyint(value / in.params.scales[0])) +
                             in.params.zero_points[0];
        const int32_t code = std::clamp(rounded, in.format.qmin, in.format.qmax);
        sum += (code - in.params.zero_points[0]) * weights[c * kChannels + k];
      }
      const FixedPoint& factor = found->factors[found->factors.size() == 1 ? 0 : c];
      const int64_t code = std::clamp<int64_t>(RequantizeInteger(sum, factor) + zero,
                                               out.format.qmin, out.format.qmax);
      const double steps = engine[c * kPixels + p] / out.params.scales[0];
      const int64_t difference = std::llabs(code - zero - std::llround(steps));
      EXPECT_LE(difference, 1);
      equal += difference == 0 ? 1 : 0;
    }
  }
  EXPECT_GT(equal, kChannels * kPixels * 9 / 10);
}

TEST(RequantizationTest, OnlyNodesThatWriteCodesHaveOne) {
  GraphBuilder b;
  b.Input("x", {"4", "8"}).Output("y").Random("w", {8, 8}, 0.4F);
  b.Add("Sigmoid", {"x"}, {"s"});
  b.Add("Mul", {"x", "s"}, {"m"});
  b.Add("MatMul", {"m", "w"}, {"y"});
  const std::vector<Tensor> x = {RandomTensor("x", {4, 8}, 1)};
  const QuantizedModel quantized = QuantizeModel(b.model, {x});
  const auto find = [&](size_t n) {
    return FindRequantization(quantized.float_model.graph, quantized.plan, n);
  };
  EXPECT_FALSE(find(0)) << "a table of codes";
  ASSERT_TRUE(find(1));
  EXPECT_EQ(find(1)->factors.size(), 1U);
  EXPECT_FALSE(find(2)) << "its output is float";
}

Model Joined(const std::string& op_type) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "4", "4"}).Output("y").Random("w", {4, 4, 1, 1}, 0.4F);
  b.Add("Conv", {"x", "w"}, {"c"});
  Node& node = b.Add(op_type, {"c", "x"}, {"j"});
  if (op_type == "Concat") node.Set("axis", int64_t{1});
  b.Random("v", {4, op_type == "Concat" ? 8 : 4, 1, 1}, 0.4F);
  b.Add("Conv", {"j", "v"}, {"y"});
  return b.model;
}

TEST(RequantizationTest, SumsAndJoinsHaveAFactorForEachInput) {
  for (const std::string op_type : {"Add", "Sub", "Concat"}) {
    const std::vector<Tensor> x = {RandomTensor("x", {1, 4, 4, 4}, 1)};
    QuantConfig config;
    config.scheme = Scheme::kStatic;
    const QuantizedModel quantized = QuantizeModel(Joined(op_type), {x}, config);
    const auto& values = quantized.plan.values;
    if (!quantized.plan.integer_nodes.contains(1)) continue;  // the target computes it in float
    const auto found = FindRequantization(quantized.float_model.graph, quantized.plan, 1);
    ASSERT_TRUE(found.has_value()) << op_type;
    EXPECT_EQ(found->of, Requantization::Of::kInputs);
    ASSERT_EQ(found->factors.size(), 2U);
    const double out = values.at("j").params.scales[0];
    EXPECT_NEAR(FactorOf(found->factors[0]), values.at("c").params.scales[0] / out, 1e-6);
    EXPECT_NEAR(FactorOf(found->factors[1]), values.at("x").params.scales[0] / out, 1e-6);
    EXPECT_LE(found->worst, 1);
  }
}

TEST(RequantizationTest, AveragesDivideByTheirArea) {
  for (const bool has_pads : {false, true}) {
    GraphBuilder b;
    b.Input("x", {"1", "4", "8", "8"}).Output("y").Random("w", {4, 4, 1, 1}, 0.4F);
    b.Add("Conv", {"x", "w"}, {"c"});
    Node& pool = b.Add("AveragePool", {"c"}, {"p"});
    pool.Set("kernel_shape", std::vector<int64_t>{2, 2});
    pool.Set("strides", std::vector<int64_t>{2, 2});
    if (has_pads) pool.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
    b.Random("v", {4, 4, 1, 1}, 0.4F);
    b.Add("Conv", {"p", "v"}, {"y"});
    const std::vector<Tensor> x = {RandomTensor("x", {1, 4, 8, 8}, 1)};
    const QuantizedModel quantized = QuantizeModel(b.model, {x});
    const auto found = FindRequantization(quantized.float_model.graph, quantized.plan, 1);
    if (!quantized.plan.integer_nodes.contains(1) || has_pads) {
      EXPECT_FALSE(found) << "fewer values at the edges";
      continue;
    }
    ASSERT_TRUE(found);
    const auto& values = quantized.plan.values;
    const double factor = values.at("c").params.scales[0] / values.at("p").params.scales[0] / 4;
    EXPECT_NEAR(FactorOf(found->factors.at(0)), factor, 1e-6 * factor);
    EXPECT_LE(found->worst, 1);
  }
}

TEST(RequantizationTest, PaddingThatCountsLeavesTheAreaAsItIs) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "8", "8"}).Output("y").Random("w", {4, 4, 1, 1}, 0.4F);
  b.Add("Conv", {"x", "w"}, {"c"});
  Node& pool = b.Add("AveragePool", {"c"}, {"p"});
  pool.Set("kernel_shape", std::vector<int64_t>{3, 3});
  pool.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  pool.Set("count_include_pad", int64_t{1});
  b.Random("v", {4, 4, 1, 1}, 0.4F);
  b.Add("Conv", {"p", "v"}, {"y"});
  const QuantizedModel quantized = QuantizeModel(b.model, {{RandomTensor("x", {1, 4, 8, 8}, 1)}});
  const auto found = FindRequantization(quantized.float_model.graph, quantized.plan, 1);
  ASSERT_TRUE(found);
  const auto& values = quantized.plan.values;
  const double factor = values.at("c").params.scales[0] / values.at("p").params.scales[0] / 9;
  EXPECT_NEAR(FactorOf(found->factors.at(0)), factor, 1e-6 * factor);
}

// Code for code what the engine's kernel writes.
TEST(RequantizationTest, ALeakyReluHasAFactorForEachSign) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "8", "8"}).Output("y").Random("w", {4, 4, 1, 1}, 0.4F);
  b.Add("Conv", {"x", "w"}, {"c"});
  b.Add("LeakyRelu", {"c"}, {"y"}).Set("alpha", 0.1F);
  const std::vector<Tensor> x = {RandomTensor("x", {1, 4, 8, 8}, 1)};
  QuantizedModel quantized = QuantizeModel(b.model, {x});
  const auto found = FindRequantization(quantized.float_model.graph, quantized.plan, 1);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->of, Requantization::Of::kSigns);
  EXPECT_LE(found->worst, 1);
  quantized.model.graph.outputs.push_back({"c", {}, {}, {}});
  const std::vector<Tensor> values = RunModel(quantized.model, x);
  const float in = quantized.plan.values.at("c").params.scales[0];
  const float out = quantized.plan.values.at("y").params.scales[0];
  for (size_t k = 0; k < 256; ++k) {
    const auto code = static_cast<int32_t>(std::lround(values[1].values<float>()[k] / in));
    const int64_t mine = RequantizeInteger(code, found->factors[code < 0 ? 1 : 0]);
    EXPECT_LE(std::llabs(mine - std::llround(values[0].values<float>()[k] / out)), 1) << code;
  }
}

TEST(RequantizationTest, ASlopeDownwardsHasNone) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "8", "8"}).Output("y").Random("w", {4, 4, 1, 1}, 0.4F);
  b.Add("Conv", {"x", "w"}, {"c"});
  b.Add("LeakyRelu", {"c"}, {"y"}).Set("alpha", -0.1F);
  const QuantizedModel quantized = QuantizeModel(b.model, {{RandomTensor("x", {1, 4, 8, 8}, 1)}});
  EXPECT_FALSE(FindRequantization(quantized.float_model.graph, quantized.plan, 1));
}

}  // namespace
}  // namespace qconvert
