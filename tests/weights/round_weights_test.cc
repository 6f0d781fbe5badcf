// A plan that is read back rounds weights and biases to the codes that it was written with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/errors.h"
#include "support/weighted_layer.h"

namespace qconvert {
namespace {

using testing::ElementsAre;

struct Form {
  const char* name;
  TensorSettings settings;
};

std::vector<Form> Forms() {
  std::vector<Form> forms;
  for (const int bits : {2, 4, 8, 16}) {
    forms.push_back({"symmetric", WeightSettings(bits)});
    forms.push_back({"asymmetric", WeightSettings(bits)});
    forms.back().settings.symmetry = forms.back().settings.is_signed = false;
    forms.push_back({"power of two", WeightSettings(bits)});
    forms.back().settings.scale_type = ScaleType::kPowerOfTwo;
    forms.back().settings.per_channel = false;
    forms.push_back({"least error", WeightSettings(bits)});
    forms.back().settings.method = CalibrationMethod::kMse;
    forms.push_back({"half up", WeightSettings(bits)});
    forms.back().settings.round_mode = RoundMode::kHalfUp;
    forms.push_back({"one scale", WeightSettings(bits)});
    forms.back().settings.per_channel = false;
  }
  return forms;
}

// Channels of very different size, one of zeros, halves of a step; positive ones alone have a zero
// point of 0 in asymmetric codes.
std::vector<Tensor> HardWeights() {
  std::vector<float> mixed = RandomFloats(7 * 9, 3);
  for (size_t i = 0; i < mixed.size(); ++i)
    mixed[i] = i / 9 == 2 ? 0.0F : std::ldexp(mixed[i], static_cast<int>(i / 9) * 5 - 15);
  std::vector<float> positive = RandomFloats(7 * 9, 4);
  for (float& w : positive) w = std::fabs(w);
  std::vector<float> halves;
  for (size_t i = 0; i < 63; ++i) halves.push_back(static_cast<float>(i % 21) / 2 - 5);
  return {MakeFloatTensor("w", {7, 1, 3, 3}, mixed), MakeFloatTensor("w", {7, 1, 3, 3}, positive),
          MakeFloatTensor("w", {7, 1, 3, 3}, halves)};
}

TEST(RoundWeightsTest, GivesTheCodesThatTheParametersCameWith) {
  size_t pairs_that_count = 0;
  for (const Form& form : Forms()) {
    for (const Tensor& weight : HardWeights()) {
      for (const int32_t pair_limit : {0, 128}) {
        const WeightOrder order = KernelOrder(ConvNode(1, 1), weight);
        const WeightOptions options{.pair_limit = pair_limit};
        const FittedWeights fitted = FitWeights(weight, order, form.settings, options);
        const FittedWeights again = RoundWeights(weight, order, fitted.params, fitted.format,
                                                 {.pair_limit = fitted.pair_limit});
        EXPECT_EQ(*again.weight.bytes, *fitted.weight.bytes)
            << form.name << " " << form.settings.bit_width << " " << pair_limit;
        EXPECT_EQ(again.params, fitted.params);
        const FittedWeights threads =
            FitWeights(weight, order, form.settings, {.pair_limit = pair_limit, .workers = 3});
        EXPECT_EQ(*threads.weight.bytes, *fitted.weight.bytes) << form.name;
        pairs_that_count += fitted.pair_limit > 0 ? 1 : 0;
      }
    }
  }
  EXPECT_GT(pairs_that_count, 0U);
}

TEST(RoundWeightsTest, UnsignedSymmetricCodesHoldNoNegativeWeight) {
  TensorSettings settings = WeightSettings(8);
  settings.is_signed = false;
  const Tensor mixed = HardWeights()[0];
  EXPECT_THAT([&] { FitWeights(mixed, KernelOrder(ConvNode(1, 1), mixed), settings, {}); },
              ThrowsError(ExitCode::kNumeric, "weight \"w\" reaches -"));
  const Tensor positive = HardWeights()[1];
  EXPECT_EQ(FitWeights(positive, KernelOrder(ConvNode(1, 1), positive), settings, {}).params.type,
            DataType::kUint8);
}

// |b_q| <= 2^30: the largest bias at scales 1 and 1 is 2^30 itself.
TEST(BiasFitsTest, EndsAtHalfOfInt32) {
  const float most = 0x1p30F;
  EXPECT_TRUE(BiasFits(std::vector{most}, 1, {1}));
  EXPECT_FALSE(BiasFits(std::vector{std::nextafter(most, INFINITY)}, 1, {1}));
  EXPECT_TRUE(BiasFits(std::vector{-most}, 1, {1}));
  EXPECT_TRUE(BiasFits(std::vector{1.0F, most}, 1, {0x1p-30F, 1})) << "each by its own scale";
  EXPECT_FALSE(BiasFits(std::vector{most, 1.0F}, 1, {0x1p-30F, 1}));
  EXPECT_FALSE(BiasFits(std::vector{1.0F, most}, 1, {0x1p-30F})) << "both by one";
  EXPECT_TRUE(BiasFits({}, 1, {1e-30F}));
}

TEST(QuantizeBiasTest, SaturatesAtThatAndNeverHasAScaleOfZero) {
  const QuantizedBias saturated =
      QuantizeBias(std::vector{1e30F, -1e30F, 2.5F}, 1, {1}, Rounder(RoundMode::kHalfEven));
  const auto codes = saturated.codes.values<int32_t>();
  EXPECT_THAT(std::vector<int32_t>(codes.begin(), codes.end()),
              ElementsAre(1 << 30, -(1 << 30), 2));
  const QuantizedBias tiny =
      QuantizeBias(std::vector{0.0F}, 1e-30F, {1e-30F}, Rounder(RoundMode::kHalfEven));
  EXPECT_EQ(tiny.scales[0], std::numeric_limits<float>::min());
  const QuantizedBias up = QuantizeBias(std::vector{2.5F}, 1, {1}, Rounder(RoundMode::kHalfUp));
  EXPECT_EQ(up.codes.values<int32_t>()[0], 3);
}

}  // namespace
}  // namespace qconvert
