#include "qconvert/weights/quantize_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "../../src/weights/fit_channel.h"
#include "qconvert/config/quant_config.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/targets/target.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

const TensorSettings kPerChannel = QuantConfig().tensors.weights;

Node Conv(int64_t group = 1) {
  Node node = MakeNode("Conv", {"x", "w"}, {"y"});
  node.Set("group", group);
  return node;
}

QuantizedWeights Quantize(const Tensor& weight, const Node& node,
                          const std::vector<float>& bias = {}, float input_scale = 0.01F,
                          const TensorSettings& settings = kPerChannel) {
  return QuantizeWeights(weight, KernelOrder(node, weight), bias, input_scale, settings,
                         {.pair_limit = kCpuTarget.pair_limit});
}

TEST(QuantizeWeightsTest, PerChannelScalesReachTheLargestWeight) {
  const Tensor weight = MakeFloatTensor("w", {2, 1, 2, 1}, std::vector<float>{1, -0.25F, 0.5F, -2});
  const QuantizedWeights q = Quantize(weight, Conv());
  EXPECT_EQ(q.fitted.params.axis, 0);
  EXPECT_FLOAT_EQ(q.fitted.params.scales[0], 1 / 127.0F);
  EXPECT_FLOAT_EQ(q.fitted.params.scales[1], 2 / 127.0F);
  EXPECT_EQ(*q.fitted.weight.bytes, std::string("\x7f\xe0\x20\x81", 4));  // 127, -32, 32, -127
}

TEST(QuantizeWeightsTest, BiasHasTheProductScale) {
  const Tensor weight = MakeFloatTensor("w", {1, 1, 1, 1}, std::vector<float>{1.27F});
  const QuantizedWeights q = Quantize(weight, Conv(), {0.5F}, 0.02F);
  EXPECT_FLOAT_EQ(q.bias->scales[0], 0.0002F);
  EXPECT_EQ(q.bias->codes.values<int32_t>()[0], 2500);
}

TEST(QuantizeWeightsTest, TinyWeightsWithALargeBiasKeepIt) {
  const Tensor weight = MakeFloatTensor("w", {2, 1, 1, 1}, std::vector<float>{1e-30F, 1});
  const QuantizedWeights q = Quantize(weight, Conv(), {100, -100}, 1e-6F);
  for (size_t c = 0; c < 2; ++c) {
    const double real = static_cast<double>(q.bias->codes.values<int32_t>()[c]) * q.bias->scales[c];
    EXPECT_NEAR(std::fabs(real), 100, 1e-3) << c;
  }
}

TEST(QuantizeWeightsTest, DeadChannelsAndSubnormalsHaveNormalScales) {
  for (const float w : {0.0F, -0.0F, 1e-44F}) {
    const QuantizedWeights q =
        Quantize(MakeFloatTensor("w", {2, 1, 1, 1}, std::vector<float>{w, w}), Conv(), {0, 0});
    for (const float scale : q.fitted.params.scales) EXPECT_TRUE(std::isnormal(scale));
    for (const float scale : q.bias->scales) EXPECT_TRUE(std::isnormal(scale));
  }
}

// Neighbours in the kernel's order must not sum beyond 128, or 255 * (w1 + w2) leaves 16 bits.
TEST(QuantizeWeightsTest, NoPairCanSaturate16Bits) {
  for (const auto& dims : {std::vector<int64_t>{16, 8, 3, 3}, std::vector<int64_t>{16, 3, 3, 3},
                           std::vector<int64_t>{4, 5, 7}}) {
    const Tensor weight = RandomTensor("w", dims, 31);
    const QuantizedWeights q = Quantize(weight, Conv());
    const WeightOrder order = KernelOrder(Conv(), weight);
    const auto codes = q.fitted.weight.values<int8_t>();
    for (int64_t o = 0; o < order.channels; ++o) {
      for (int64_t k = 0; k + 1 < order.count; k += 2) {
        const auto at = [&](int64_t i) {
          return int{codes[static_cast<size_t>(o * order.channel_stride +
                                               i / order.inner_count * order.outer_stride +
                                               i % order.inner_count * order.inner_stride)]};
        };
        const int positive = std::max(at(k), 0) + std::max(at(k + 1), 0);
        const int negative = std::min(at(k), 0) + std::min(at(k + 1), 0);
        ASSERT_LE(positive * 255, 32767);
        ASSERT_GE(negative * 255, -32768);
      }
    }
  }
}

TEST(QuantizeWeightsTest, OnlyChannelsWithSuchAPairLoseRange) {
  // Channel 0: neighbours of opposite sign; channel 1: both large and positive.
  const Tensor weight = MakeFloatTensor("w", {2, 2, 1, 1}, std::vector<float>{1, -1, 1, 1});
  const QuantizedWeights q = Quantize(weight, Conv());
  EXPECT_FLOAT_EQ(q.fitted.params.scales[0], 1 / 127.0F);
  EXPECT_FLOAT_EQ(q.fitted.params.scales[1], 2 / 128.0F);
  EXPECT_EQ(*q.fitted.weight.bytes, std::string("\x7f\x81\x40\x40", 4));
  const Tensor depthwise = MakeFloatTensor("w", {2, 1, 2, 1}, std::vector<float>{1, 1, 1, 1});
  EXPECT_FLOAT_EQ(Quantize(depthwise, Conv(2)).fitted.params.scales[0], 1 / 127.0F)
      << "a depthwise kernel adds in 32 bits";
}

const NumericFormat kInt8 = IntegerFormat(8, true, true, /*narrow=*/true);

TEST(FitChannelTest, IsAtLeastAsGoodAsBothEnds) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    const std::vector<float> weights = RandomFloats(576, seed, 0.1F);
    float largest = 0;
    float pair = 0;
    for (size_t k = 0; k < weights.size(); ++k) {
      largest = std::max(largest, std::fabs(weights[k]));
      if (k % 2 == 1) pair = std::max(pair, std::fabs(weights[k - 1] + weights[k]));
    }
    const float low = largest / 127;
    const FittedChannel best = FitChannel(weights, low, kInt8, kCpuTarget.pair_limit);
    EXPECT_LE(best.error, RoundChannel(weights, low, kInt8, kCpuTarget.pair_limit).error);
    EXPECT_LE(best.error,
              RoundChannel(weights, std::max(low, pair / 128), kInt8, kCpuTarget.pair_limit).error);
    EXPECT_EQ(FitChannel(weights, low, kInt8, 0).scale, low);
  }
}

TEST(KernelOrderTest, CoversEachWeightOnce) {
  Node gemm = MakeNode("Gemm", {"x", "w"}, {"y"});
  Node transposed = gemm;
  transposed.Set("transB", int64_t{1});
  const std::vector<std::pair<Node, std::vector<int64_t>>> cases = {
      {Conv(), {4, 3, 2, 5}},
      {Conv(2), {4, 3, 7}},
      {gemm, {6, 4}},
      {transposed, {4, 6}},
      {MakeNode("MatMul", {"x", "w"}, {"y"}), {3, 6, 4}}};
  for (const auto& [node, dims] : cases) {
    const Tensor weight = RandomTensor("w", dims, 1);
    const WeightOrder order = KernelOrder(node, weight);
    std::vector<int> seen(static_cast<size_t>(weight.element_count()), 0);
    for (int64_t b = 0; b < order.batches; ++b) {
      for (int64_t o = 0; o < order.channels; ++o) {
        for (int64_t k = 0; k < order.count; ++k) {
          ++seen[static_cast<size_t>(b * order.batch_stride + o * order.channel_stride +
                                     k / order.inner_count * order.outer_stride +
                                     k % order.inner_count * order.inner_stride)];
        }
      }
    }
    EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), weight.element_count()) << node.op_type;
  }
}

TEST(QuantizeWeightsTest, MethodsThatClipShrinkTheScaleOfTheirChannel) {
  std::vector<float> values = RandomFloats(2 * 999, 4, 0.1F);
  values[0] = 3;  // of channel 0; 999 is odd: padding must not count
  const Tensor weight = MakeFloatTensor("w", {2, 111, 3, 3}, values);
  TensorSettings settings = kPerChannel;
  const float plain = Quantize(weight, Conv(), {}, 1, settings).fitted.params.scales[0];
  settings.method = CalibrationMethod::kPercentile;
  settings.percentage = 99.8;
  const QuantizedWeights percentile = Quantize(weight, Conv(), {}, 1, settings);
  EXPECT_LT(percentile.fitted.params.scales[0], plain / 4);
  EXPECT_EQ(static_cast<signed char>((*percentile.fitted.weight.bytes)[0]), 127) << "it saturates";
  settings.method = CalibrationMethod::kEntropy;
  EXPECT_LT(Quantize(weight, Conv(), {}, 1, settings).fitted.params.scales[0], plain / 2);
  settings.method = CalibrationMethod::kMse;
  settings.compat = Compat::kVitis;
  const float vitis = Quantize(weight, Conv(), {}, 1, settings).fitted.params.scales[0];
  EXPECT_GE(vitis, plain * 0.74F);
  EXPECT_LT(vitis, plain);
}

// Neighbours of one sign beyond the threshold: a scale that suits them would take the clip back.
TEST(QuantizeWeightsTest, LimitedPairsDoNotTakeBackWhatAMethodClips) {
  std::vector<float> values(2 * 576);  // of a channel: spread evenly in [-1, 1], neighbours alike
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(i % 576 * 5 % 577) / 288 - 1;
  const Tensor weight = MakeFloatTensor("w", {2, 576, 1, 1}, values);
  TensorSettings settings = kPerChannel;
  const QuantizedWeights plain = Quantize(weight, Conv(), {}, 1, settings);
  settings.method = CalibrationMethod::kPercentile;
  for (const double percentage : {30.0, 60.0, 90.0}) {
    settings.percentage = percentage;
    const double threshold = percentage / 100;
    const QuantizedWeights q = Quantize(weight, Conv(), {}, 1, settings);
    const auto codes = q.fitted.weight.values<int8_t>();
    for (size_t c = 0; c < 2; ++c) {
      const double scale = q.fitted.params.scales[c];
      EXPECT_GT(scale, threshold / 127 * 0.9) << percentage;
      EXPECT_LT(scale, threshold * 2 / 128 * 1.1) << "up to where two of the largest fit";
      for (size_t k = 0; k < 576; k += 2) {
        const size_t at = c * 576 + k;
        // Two of one sign share what there is; of two signs each may saturate.
        const double most = codes[at] * codes[at + 1] > 0 ? threshold * 1.1 : 127 * scale * 1.01;
        EXPECT_LE(std::abs(codes[at] * scale), most);
        EXPECT_LE(std::abs(codes[at] + codes[at + 1]), kCpuTarget.pair_limit);
      }
    }
  }
  EXPECT_GT(plain.fitted.params.scales[0], 0.99 / 127);
}

TEST(QuantizeWeightsTest, PerTensorHasOneScale) {
  TensorSettings settings = kPerChannel;
  settings.per_channel = false;
  const QuantizedWeights q =
      Quantize(RandomTensor("w", {4, 3, 3, 3}, 2), Conv(), {1, 2, 3, 4}, 0.1F, settings);
  EXPECT_TRUE(q.fitted.params.per_tensor());
  EXPECT_EQ(q.fitted.params.scales.size(), 1U);
  EXPECT_EQ(q.bias->scales.size(), 1U);
  EXPECT_EQ(q.bias->codes.element_count(), 4);
}

TEST(BiasGridTest, AnAsymmetricBiasIsCountedFromItsZeroPoint) {
  // -1 to 14 in 4 bits: the scale is 1, the zero point 1, codes go from -1 to 14.
  const std::vector<float> bias = {-1, 14, 3.4F, -0.6F, 20, -7};
  const TensorSettings settings{.bit_width = 4};
  const std::vector<float> seen = {-1, 14, 3.4F, -0.6F};
  const BiasGrid grid = FindBiasGrid(settings, seen);
  EXPECT_DOUBLE_EQ(grid.scale, 1);
  EXPECT_EQ(grid.qmin, -1);
  EXPECT_EQ(grid.qmax, 14);
  std::vector<float> rounded = bias;
  RoundBias(grid, rounded);
  EXPECT_THAT(rounded, testing::ElementsAre(-1, 14, 3, -1, 14, -1));
}

TEST(BiasGridTest, MethodsThatClipMakeItFiner) {
  std::vector<float> bias = RandomFloats(4000, 3);
  bias[0] = 40;
  const auto scale = [&](CalibrationMethod method) {
    return FindBiasGrid({.bit_width = 6,
                         .method = method,
                         .percentage = 99,
                         .symmetry = true,
                         .is_signed = true},
                        bias)
        .scale;
  };
  EXPECT_DOUBLE_EQ(scale(CalibrationMethod::kMaxMin), 40.0 / 31);
  EXPECT_LT(scale(CalibrationMethod::kPercentile), 4.0 / 31);
  EXPECT_LT(scale(CalibrationMethod::kMse), 40.0 / 31);
}

TEST(BiasGridTest, ItsOwnCodesStandInTheNarrowestType) {
  const std::vector<float> bias = {1, -2, 0.5F};
  for (const auto& [bits, type] : std::vector<std::pair<int, DataType>>{{4, DataType::kInt8},
                                                                        {8, DataType::kInt8},
                                                                        {12, DataType::kInt16},
                                                                        {20, DataType::kInt32}}) {
    const BiasGrid grid =
        FindOwnGrid({.bit_width = bits, .symmetry = true, .is_signed = true}, bias);
    EXPECT_EQ(QuantizeOwnBias(bias, grid).codes.type, type) << bits;
    EXPECT_DOUBLE_EQ(grid.scale * static_cast<double>(grid.qmax), 2) << bits;
  }
  const BiasGrid limited = FindOwnGrid(
      {.bit_width = 8, .scale_type = ScaleType::kPowerOfTwo, .symmetry = true, .is_signed = true},
      bias, 3);
  EXPECT_EQ(limited.scale, 0.125);
}

}  // namespace
}  // namespace qconvert
