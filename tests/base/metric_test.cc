#include "qconvert/base/metric.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace qconvert {
namespace {

ErrorSums SumsOf(const std::vector<float>& x, const std::vector<float>& y) {
  ErrorSums sums;
  sums.Add(x, y);
  return sums;
}

TEST(MetricTest, EveryWordNamesItsMetric) {
  EXPECT_EQ(MetricNames(), (std::vector<std::string>{"cosine-similarity", "mse", "mae", "mre",
                                                     "sqnr", "chebyshev", "top1"}));
  for (const std::string& name : MetricNames()) {
    const auto metric = MetricFromName(name);
    ASSERT_TRUE(metric.has_value()) << name;
    EXPECT_EQ(MetricName(*metric), name);
  }
  EXPECT_EQ(MetricFromName("cosine"), std::nullopt);
  EXPECT_EQ(MetricFromName(""), std::nullopt);
}

TEST(MetricTest, FormulasOnNumbersDoneByHand) {
  const ErrorSums sums = SumsOf({3, -4, 0}, {3, -2, 1});
  EXPECT_DOUBLE_EQ(*Evaluate(Metric::kCosine, sums), 17 / (5 * std::sqrt(14)));
  EXPECT_DOUBLE_EQ(*Evaluate(Metric::kSqnr, sums), 10 * std::log10(25.0 / 5));
  EXPECT_DOUBLE_EQ(*Evaluate(Metric::kMse, sums), 5.0 / 3);
  EXPECT_DOUBLE_EQ(*Evaluate(Metric::kMae, sums), 1);
  EXPECT_DOUBLE_EQ(*Evaluate(Metric::kMre, sums), 0.25) << "0 and 2/4; the zero is left out";
  EXPECT_DOUBLE_EQ(*Evaluate(Metric::kChebyshev, sums), 2);
}

TEST(MetricTest, NothingComparedIsNoNumber) {
  for (const std::string& name : MetricNames())
    EXPECT_EQ(Evaluate(*MetricFromName(name), ErrorSums{}), std::nullopt) << name;
  EXPECT_EQ(Evaluate(Metric::kTop1, SumsOf({1}, {1})), std::nullopt) << "no position was looked at";
}

TEST(MetricTest, EdgesOfSignals) {
  EXPECT_EQ(*Evaluate(Metric::kSqnr, SumsOf({1, 2}, {1, 2})), kEqualSqnrDb);
  EXPECT_EQ(*Evaluate(Metric::kSqnr, SumsOf({0, 0}, {0, 0})), kEqualSqnrDb);
  EXPECT_EQ(*Evaluate(Metric::kSqnr, SumsOf({0, 0}, {1, 0})), -kEqualSqnrDb);
  EXPECT_EQ(*Evaluate(Metric::kCosine, SumsOf({0, 0}, {0, 0})), 1);
  EXPECT_EQ(*Evaluate(Metric::kCosine, SumsOf({0, 1}, {0, 0})), 0);
  EXPECT_DOUBLE_EQ(*Evaluate(Metric::kCosine, SumsOf({1, 1}, {-1, -1})), -1);
  EXPECT_EQ(*Evaluate(Metric::kMre, SumsOf({0}, {1})), 0) << "no value to be relative to";
  const double huge = *Evaluate(Metric::kSqnr, SumsOf({3e38F, 1}, {3e38F, 2}));
  EXPECT_NEAR(huge, kEqualSqnrDb, 0) << "squares of floats fit into doubles";
}

TEST(MetricTest, CosineIsBlindToGainAndSqnrIsNot) {
  const ErrorSums sums = SumsOf({1, 2, 3, 4}, {0.5F, 1, 1.5F, 2});
  EXPECT_DOUBLE_EQ(*Evaluate(Metric::kCosine, sums), 1);
  EXPECT_DOUBLE_EQ(*Evaluate(Metric::kSqnr, sums), 10 * std::log10(4.0));
}

TEST(MetricTest, MergedSumsAreThoseOfAllValues) {
  std::vector<float> x;
  std::vector<float> y;
  for (int i = 0; i < 103; ++i) {
    x.push_back(static_cast<float>(i % 7 - 3));
    y.push_back(static_cast<float>(i % 5 - 2));
  }
  ErrorSums all;
  for (size_t first = 0; first < x.size(); first += 10) {
    const size_t n = std::min<size_t>(10, x.size() - first);
    ErrorSums part;
    part.Add({x.data() + first, n}, {y.data() + first, n});
    all.Merge(part);
  }
  const ErrorSums once = SumsOf(x, y);
  EXPECT_EQ(all.count, once.count);
  EXPECT_EQ(all.nonzero, once.nonzero);
  EXPECT_EQ(all.dot, once.dot) << "whole numbers add exactly";
  EXPECT_EQ(all.float_power, once.float_power);
  EXPECT_EQ(all.quantized_power, once.quantized_power);
  EXPECT_EQ(all.error_power, once.error_power);
  EXPECT_EQ(all.absolute_error, once.absolute_error);
  EXPECT_EQ(all.max_error, once.max_error);
}

TEST(MetricTest, NoiseAndDecibelsAreInverse) {
  EXPECT_DOUBLE_EQ(SqnrOfNoise(0.01), 20);
  EXPECT_DOUBLE_EQ(NoiseOfSqnr(20), 0.01);
  EXPECT_EQ(SqnrOfNoise(0), kEqualSqnrDb);
  EXPECT_EQ(SqnrOfNoise(INFINITY), -kEqualSqnrDb);
}

TEST(MetricTest, SomeAreScoresOthersAreErrors) {
  EXPECT_TRUE(IsHigherBetter(Metric::kCosine));
  EXPECT_TRUE(IsHigherBetter(Metric::kTop1));
  EXPECT_FALSE(IsHigherBetter(Metric::kMse));
  EXPECT_FALSE(IsHigherBetter(Metric::kChebyshev));
}

TEST(MetricTest, DecibelsOfAnyNoiseGoBackAndEndAtTheirLimits) {
  for (int tenth = -1999; tenth <= 1999; ++tenth) {
    const double db = tenth / 10.0;
    EXPECT_NEAR(SqnrOfNoise(NoiseOfSqnr(db)), db, 1e-9);
  }
  EXPECT_EQ(SqnrOfNoise(1e-30), kEqualSqnrDb);
  EXPECT_EQ(SqnrOfNoise(1e30), -kEqualSqnrDb);
  EXPECT_EQ(SqnrOfNoise(std::numeric_limits<double>::denorm_min()), kEqualSqnrDb);
  EXPECT_FALSE(std::signbit(SqnrOfNoise(1))) << "0 dB, not -0";
}

TEST(MetricTest, SumsAreThoseOfASlowLoopWhateverTheLength) {
  for (size_t count = 0; count < 70; ++count) {
    std::vector<float> x;
    std::vector<float> y;
    double error = 0;
    double power = 0;
    double largest = 0;
    double relative = 0;
    int64_t nonzero = 0;
    for (size_t i = 0; i < count; ++i) {
      x.push_back(static_cast<float>(static_cast<int>(i * 37 % 17) - 8));
      y.push_back(x.back() + static_cast<float>(static_cast<int>(i * 11 % 5) - 2));
      const double difference = static_cast<double>(x.back()) - static_cast<double>(y.back());
      error += difference * difference;
      power += static_cast<double>(x.back()) * static_cast<double>(x.back());
      largest = std::max(largest, std::fabs(difference));
      if (x.back() == 0) continue;
      ++nonzero;
      relative += std::fabs(difference) / std::fabs(static_cast<double>(x.back()));
    }
    const ErrorSums sums = SumsOf(x, y);
    ASSERT_EQ(sums.count, static_cast<int64_t>(count));
    ASSERT_EQ(sums.nonzero, nonzero);
    ASSERT_EQ(sums.error_power, error) << count;
    ASSERT_EQ(sums.float_power, power) << count;
    ASSERT_EQ(sums.max_error, largest) << count;
    ASSERT_NEAR(sums.relative_error, relative, 1e-12 * (1 + relative)) << count;
  }
}

}  // namespace
}  // namespace qconvert
