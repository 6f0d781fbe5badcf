// Rounding with pairs that must fit 16 bits, against one step at a time.
#include "fit_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;

NumericFormat Format(int bits, RoundMode mode = RoundMode::kHalfEven) {
  NumericFormat format = IntegerFormat(bits, /*is_signed=*/true, /*symmetric=*/true, true);
  format.round = Rounder(mode);
  return format;
}

// As the header says it.
std::vector<int32_t> Slowly(const std::vector<float>& weights, float scale,
                            const NumericFormat& format, int32_t limit) {
  std::vector<int32_t> codes;
  for (const float w : weights) {
    const float code =
        std::clamp(w / scale, static_cast<float>(format.qmin), static_cast<float>(format.qmax));
    codes.push_back(static_cast<int32_t>(format.round(code)));
  }
  for (size_t k = 0; limit > 0 && k + 1 < codes.size(); k += 2) {
    while (std::abs(codes[k] + codes[k + 1]) > limit &&
           static_cast<int64_t>(codes[k]) * codes[k + 1] > 0) {
      const int sign = codes[k] > 0 ? 1 : -1;
      const auto outside = [&](size_t i) {
        return sign * (codes[i] * static_cast<double>(scale) - weights[i]);
      };
      codes[outside(k) >= outside(k + 1) ? k : k + 1] -= sign;
    }
  }
  return codes;
}

double ErrorOf(const std::vector<float>& weights, const FittedChannel& fitted) {
  double sum = 0;
  for (size_t k = 0; k < weights.size(); ++k)
    sum += std::pow(fitted.codes[k] * static_cast<double>(fitted.scale) - weights[k], 2);
  return sum;
}

TEST(RoundChannelTest, IsOneStepAtATime) {
  std::mt19937 random(4);
  for (int round = 0; round < 300; ++round) {
    const size_t count = 1 + random() % 600;  // odd ones, and more than one part
    std::vector<float> weights = RandomFloats(count, static_cast<uint32_t>(round));
    float largest = 0;
    for (size_t k = 0; k < count; ++k) {
      // Pairs of one sign near the largest weight, and some that are equal.
      if (k % 2 == 1 && random() % 3 == 0) weights[k] = weights[k - 1];
      if (k % 2 == 1 && random() % 3 == 0) weights[k] = std::abs(weights[k]);
      largest = std::max(largest, std::abs(weights[k]));
    }
    const int bits = 3 + static_cast<int>(random() % 6);
    const NumericFormat format = Format(bits);
    // Some saturate by the scale.
    const float scale = largest / static_cast<float>(format.qmax) / (round % 3 == 0 ? 1.7F : 1.0F);
    // Above one code alone, as two products that just fit are.
    const auto most = static_cast<unsigned>(format.qmax);
    const int32_t limit = round % 5 == 0 ? 0 : static_cast<int32_t>(most + 1 + random() % most);
    const FittedChannel fitted = RoundChannel(weights, scale, format, limit);
    EXPECT_EQ(fitted.codes, Slowly(weights, scale, format, limit)) << round << " to " << limit;
    EXPECT_EQ(fitted.scale, scale);
    EXPECT_NEAR(fitted.error, ErrorOf(weights, fitted), 1e-9 * fitted.error);
  }
}

TEST(RoundChannelTest, ThePairThatLiesFurtherOutsideGoesFirst) {
  // 100.4 is rounded down and 100.6 up: what was rounded up is lowered first.
  const std::vector<float> weights = {100.4F, 100.6F};
  EXPECT_THAT(RoundChannel(weights, 1, Format(8), 200).codes, ElementsAre(100, 100));
  EXPECT_THAT(RoundChannel(weights, 1, Format(8), 199).codes, ElementsAre(99, 100))
      << "-0.4 is further up than -0.6";
  EXPECT_THAT(RoundChannel(weights, 1, Format(8), 140).codes, ElementsAre(70, 70));
  const std::vector<float> mirrored = {-100.4F, -100.6F};
  EXPECT_THAT(RoundChannel(mirrored, 1, Format(8), 199).codes, ElementsAre(-99, -100));
}

TEST(RoundChannelTest, OnlyPairsOfOneSignAreLowered) {
  const std::vector<float> weights = {127, -127, 127, 0, 0, 127, 127, 127};
  EXPECT_THAT(RoundChannel(weights, 1, Format(8), 128).codes,
              ElementsAre(127, -127, 127, 0, 0, 127, 64, 64));
  EXPECT_THAT(RoundChannel(weights, 1, Format(8), 0).codes,
              ElementsAre(127, -127, 127, 0, 0, 127, 127, 127))
      << "no limit";
  EXPECT_THAT(RoundChannel(std::vector<float>{31, 127}, 1, Format(8), 128).codes,
              ElementsAre(16, 112))
      << "by steps in turn, not by shares";
}

TEST(RoundChannelTest, EveryModeAtItsTies) {
  const std::vector<float> ties = {0.5F, 1.5F, 2.5F, -0.5F, -1.5F, -2.5F};
  EXPECT_THAT(RoundChannel(ties, 1, Format(8), 0).codes, ElementsAre(0, 2, 2, 0, -2, -2));
  for (const RoundMode mode :
       {RoundMode::kHalfEven, RoundMode::kHalfUp, RoundMode::kHalfDown, RoundMode::kStdRound})
    EXPECT_EQ(RoundChannel(ties, 1, Format(8, mode), 0).codes, Slowly(ties, 1, Format(8, mode), 0));
}

TEST(RoundChannelTest, NothingAndZeros) {
  EXPECT_THAT(RoundChannel({}, 1, Format(8), 128).codes, IsEmpty());
  EXPECT_EQ(RoundChannel({}, 1, Format(8), 128).error, 0);
  const std::vector<float> zeros(7, -0.0F);
  EXPECT_THAT(RoundChannel(zeros, 1e-30F, Format(8), 1).codes, Each(0));
}

// Among the scales that are tried none is better; with every pair within its limit.
TEST(FitChannelTest, NoScaleBetweenTheEndsIsBetter) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    std::vector<float> weights = RandomFloats(64, seed);
    for (size_t k = 0; k < 64; k += 16) weights[k] = weights[k + 1] = 3.5F + weights[k] / 10;
    const NumericFormat format = Format(8);
    const float low = 4.5F / static_cast<float>(format.qmax);
    const int32_t limit = 128;
    const FittedChannel fitted = FitChannel(weights, low, format, limit);
    EXPECT_GE(fitted.scale, low);
    for (size_t k = 0; k < 64; k += 2) {
      if (fitted.codes[k] * fitted.codes[k + 1] > 0) {
        EXPECT_LE(std::abs(fitted.codes[k] + fitted.codes[k + 1]), limit);
      }
    }
    EXPECT_EQ(fitted.codes, Slowly(weights, fitted.scale, format, limit));
    float high = 0;  // where no pair has to be lowered
    for (size_t k = 0; k < 64; k += 2)
      if (weights[k] * weights[k + 1] > 0)
        high = std::max(high, std::abs(weights[k] + weights[k + 1]) / static_cast<float>(limit));
    ASSERT_GT(high, low);
    double least = INFINITY;
    for (int step = 0; step <= 16; ++step) {
      const float scale = low + (high - low) * static_cast<float>(step) / 16;
      least = std::min(least, RoundChannel(weights, scale, format, limit).error);
    }
    EXPECT_NEAR(fitted.error, least, 1e-6 * least);
  }
}

TEST(FitChannelTest, WithoutALimitTheScaleStays) {
  const std::vector<float> weights = RandomFloats(33, 5);
  EXPECT_EQ(FitChannel(weights, 0.01F, Format(8), 0).scale, 0.01F);
}

// One outlier among small weights in 3 bits: worth cutting off. Evenly spread ones are not.
TEST(FitChannelTest, LargeWeightsSaturateWhereThatIsBetter) {
  std::vector<float> weights = RandomFloats(400, 8, 0.1F);
  weights[7] = 1;
  const NumericFormat format = Format(3);
  const float low = 1 / static_cast<float>(format.qmax);
  const FittedChannel clipped = FitChannel(weights, low, format, 0, /*clip=*/true);
  EXPECT_LT(clipped.scale, low);
  EXPECT_GE(clipped.scale, 0.499F * low);
  EXPECT_LT(clipped.error, RoundChannel(weights, low, format, 0).error);
  std::vector<float> corners;
  for (int k = -3; k <= 3; ++k) corners.push_back(static_cast<float>(k) * low);
  EXPECT_EQ(FitChannel(corners, low, format, 0, /*clip=*/true).scale, low) << "exact as it is";
}

}  // namespace
}  // namespace qconvert
