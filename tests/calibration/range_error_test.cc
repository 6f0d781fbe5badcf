#include "qconvert/calibration/range_error.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/graph_builder.h"
#include "support/observe.h"

namespace qconvert {
namespace {

// Really quantizes every value, in double.
double TrueError(const std::vector<float>& values, Range range, int steps) {
  const double step = (static_cast<double>(range.max) - range.min) / steps;
  const double zero = std::nearbyint(-range.min / step);
  double sum = 0;
  for (const float x : values) {
    const double q = std::clamp(std::nearbyint(x / step) + zero, 0.0, static_cast<double>(steps));
    sum += std::pow((q - zero) * step - x, 2);
  }
  return sum / static_cast<double>(values.size());
}

TEST(RangeErrorTest, TheEstimateIsNearTheTruth) {
  const std::vector<float> normal = RandomFloats(100'000, 5);
  std::vector<float> relu = normal;
  for (float& v : relu) v = std::max(v, 0.0F);
  for (const auto& values : {normal, relu}) {
    const TensorStatistics statistics = Observe(values);
    const RangeErrorEstimator estimator(statistics);
    for (const float part : {1.0F, 0.7F, 0.5F, 0.3F}) {
      const Range range{part * std::min(statistics.min, 0.0F), part * statistics.max};
      const double truth = TrueError(values, range, 255);
      EXPECT_NEAR(estimator.Estimate(range, {255, false}), truth, 0.05 * truth) << part;
    }
  }
}

// The search against all pairs of shrunken sides, by true error.
TEST(MseRangeTest, IsAsGoodAsTryingEveryRange) {
  std::vector<float> values = RandomFloats(20'000, 7);
  for (size_t i = 0; i < values.size(); i += 1000) values[i] *= 12;
  const TensorStatistics statistics = Observe(values);
  double least = INFINITY;
  for (int low = 4; low <= kMseCandidates; low += 4) {
    for (int high = 4; high <= kMseCandidates; high += 4) {
      const Range range{statistics.min * static_cast<float>(low) / kMseCandidates,
                        statistics.max * static_cast<float>(high) / kMseCandidates};
      least = std::min(least, TrueError(values, range, 255));
    }
  }
  EXPECT_LE(TrueError(values, MseRange(statistics, {255, false}), 255), 1.02 * least);
  const Range symmetric = MseRange(statistics, {254, true});
  EXPECT_EQ(symmetric.min, -symmetric.max);
}

TEST(AutoRangeTest, ClipsOutliersOnlyWhenItIsWorthMuch) {
  std::vector<float> values = RandomFloats(3'000'000, 11);
  const Range tame = AutoRange(Observe(values), {255, false});
  EXPECT_GT(tame.max, 3.0F) << "the tails of a normal distribution stay";
  values[500] = 400;
  const TensorStatistics wild = Observe(values);
  EXPECT_LT(AutoRange(wild, {255, false}).max, 100.0F);
  EXPECT_EQ(MaxMinRange(wild).max, 400.0F);
}

TEST(AutoRangeTest, DegenerateStatistics) {
  EXPECT_EQ(AutoRange(Observe({}), {255, false}), (Range{0, 0}));
  EXPECT_EQ(AutoRange(Observe({0, 0, 0}), {255, false}), (Range{0, 0}));
  const Range constant = MseRange(Observe(std::vector<float>(10, 2.5F)), {255, false});
  EXPECT_EQ(constant, (Range{0, 2.5F}));
}

}  // namespace
}  // namespace qconvert
