#include "qconvert/numbers/power_of_two.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace qconvert {
namespace {

// The generator of the vendor's probe values: uniform in [-1, 1).
std::vector<float> Uniform(float spread) {
  uint32_t state = 1;
  std::vector<float> values(4096);
  for (float& v : values) {
    state = state * 1664525 + 1013904223;
    v = spread * 2 * (static_cast<float>(state >> 8) / 16777216.0F - 0.5F);
  }
  return values;
}

int MaxMin(const std::vector<float>& values, int bits = 8) {
  return FixPositionOf(values, bits, 1);
}
int Diffs(const std::vector<float>& values, int bits = 8) {
  return FixPositionOf(values, bits, kDiffsCandidates);
}

// Numbers of the vendor's own kernel.
TEST(PowerOfTwoTest, TheVendorsProbeValues) {
  EXPECT_EQ(MaxMin({-1, 0.5F, 1}), 6);
  EXPECT_EQ(Diffs({-1, 0.5F, 1}), 6);
  EXPECT_EQ(MaxMin({0, 0}), 12);
  EXPECT_EQ(MaxMin(Uniform(1)), 6);
  EXPECT_EQ(Diffs(Uniform(1)), 7);
  std::vector<float> outlier = Uniform(0.1F);
  outlier[0] = 1;
  EXPECT_EQ(MaxMin(outlier), 6);
  EXPECT_EQ(Diffs(outlier), 7);
  outlier = Uniform(0.01F);
  outlier[0] = 0.1F;
  EXPECT_EQ(MaxMin(outlier), 10);
  EXPECT_EQ(Diffs(outlier), 10);
  for (int bits = 2; bits <= 7; ++bits) {
    EXPECT_EQ(MaxMin(Uniform(1), bits), bits - 2);
    EXPECT_EQ(Diffs(Uniform(1), bits), bits - 1);
  }
}

TEST(PowerOfTwoTest, ValuesThatStillRoundInsideDoNotForceACoarserScale) {
  EXPECT_EQ(MaxMin({0.99609375F}), 7);
  EXPECT_EQ(MaxMin({0.9961F}), 6);
  EXPECT_EQ(MaxMin({-1.0039F}), 7);
  EXPECT_EQ(MaxMin({-1.0040F}), 6);
  EXPECT_EQ(MaxMin({1000}), -3);
  EXPECT_EQ(MaxMin({1e-6F}), 12);
  EXPECT_EQ(MaxMin({1e-6F}, 16), 15);
}

// min is held against -(2^(b-1) + 1/2) steps, max against 2^(b-1) - 1/2.
TEST(PowerOfTwoTest, MaxMinIsTheFinestScaleThatHoldsBothEnds) {
  for (const int bits : {2, 4, 8, 16}) {
    const double half = std::ldexp(1.0, bits - 1);
    for (const double end : {0.003, 0.7, 1.0, 5.5, 1e4}) {
      for (const bool negative : {false, true}) {
        const int p = negative ? MaxMinFixPosition(-end, 0, bits) : MaxMinFixPosition(0, end, bits);
        const double most = negative ? half + 0.5 : half - 0.5;
        EXPECT_LE(end * std::ldexp(1.0, p), most) << end << " " << bits;
        if (p < MostFixPosition(bits)) {
          EXPECT_GT(end * std::ldexp(1.0, p + 1), most) << end << " " << bits;
        }
      }
    }
  }
  EXPECT_EQ(MaxMinFixPosition(0, 1e-300, 8), 12) << "no scale below floats";
}

TEST(PowerOfTwoTest, PositionsEndAtWhatTheVendorAllows) {
  EXPECT_EQ(MostFixPosition(2), 12);
  EXPECT_EQ(MostFixPosition(8), 12);
  EXPECT_EQ(MostFixPosition(9), 15);
  EXPECT_EQ(MostFixPosition(16), 15);
}

TEST(PowerOfTwoTest, TheFirstOfEqualErrorsWinsAndNoneBeyondTheLastIsTried) {
  std::vector<double> tried;
  const auto equal = [&](double scale) {
    tried.push_back(scale);
    return 1.0;
  };
  EXPECT_EQ(LeastErrorPosition(10, 8, 5, equal), 10);
  EXPECT_EQ(tried, (std::vector<double>{0x1p-10, 0x1p-11, 0x1p-12}));
  EXPECT_EQ(LeastErrorPosition(-3, 8, 4, [](double scale) { return std::fabs(scale - 2); }), -1);
}

// By definition: nothing is more than half a step outside, and with the next position something is.
TEST(PowerOfTwoTest, MaxMinHoldsByDefinitionForRangesOfAnySize) {
  const auto holds = [](double min, double max, int bits, int position) {
    const double half = std::ldexp(1.0, bits - 1);
    const double step = std::ldexp(1.0, -position);
    return min >= (-half - 0.5) * step && max <= (half - 0.5) * step;
  };
  int limited = 0;
  for (const int bits : {2, 4, 8, 12, 16}) {
    for (int exponent = -30; exponent <= 20; ++exponent) {
      for (const double share : {1.1, 1.37, 1.93}) {
        const double high = std::ldexp(share, exponent);
        for (const auto& [min, max] :
             {std::pair{0.0, high}, {-high, 0.0}, {-high, high / 3}, {-high / 3, high}}) {
          const int position = MaxMinFixPosition(min, max, bits);
          ASSERT_LE(position, MostFixPosition(bits));
          ASSERT_TRUE(holds(min, max, bits, position)) << min << " " << max << " " << bits;
          limited += position == MostFixPosition(bits) ? 1 : 0;
          if (position < MostFixPosition(bits)) {
            ASSERT_FALSE(holds(min, max, bits, position + 1)) << min << " " << max << " " << bits;
          }
        }
      }
    }
  }
  EXPECT_GT(limited, 100);
}

TEST(PowerOfTwoTest, WhatIsNoRangeHasTheFinestPosition) {
  const double nan = std::nan("");
  for (const int bits : {4, 8, 16}) {
    EXPECT_EQ(MaxMinFixPosition(0, 0, bits), MostFixPosition(bits));
    EXPECT_EQ(MaxMinFixPosition(nan, nan, bits), MostFixPosition(bits));
    EXPECT_EQ(MaxMinFixPosition(-1e-40, 1e-40, bits), MostFixPosition(bits));
    EXPECT_EQ(FixPositionOf({}, bits, kDiffsCandidates), MostFixPosition(bits));
  }
}

TEST(PowerOfTwoTest, TheLeastErrorOfSixIsFoundWhereverItIs) {
  for (int best = -3; best <= 2; ++best) {
    std::vector<double> tried;
    const int found = LeastErrorPosition(-3, 8, 6, [&](double scale) {
      tried.push_back(scale);
      return std::fabs(-std::log2(scale) - best);
    });
    EXPECT_EQ(found, best);
    EXPECT_EQ(tried, (std::vector<double>{8, 4, 2, 1, 0.5, 0.25})) << "each once, coarse to fine";
  }
  EXPECT_EQ(LeastErrorPosition(5, 8, 4, [](double) { return std::nan(""); }), 5);
  EXPECT_EQ(LeastErrorPosition(5, 8, 4, [](double) { return INFINITY; }), 5);
  EXPECT_EQ(LeastErrorPosition(5, 8, 0, [](double) { return 0; }), 5) << "none is tried";
}

}  // namespace
}  // namespace qconvert
