#include "qconvert/calibration/entropy_range.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "support/observe.h"

namespace qconvert {
namespace {

// The definition, with whole arrays.
double SlowDivergence(const std::vector<double>& bins, size_t last, int levels) {
  std::vector<double> p(bins.begin(), bins.begin() + static_cast<std::ptrdiff_t>(last));
  for (size_t i = last; i < bins.size(); ++i) p[last - 1] += bins[i];
  std::vector<double> q(last, 0);
  for (int level = 0; level < levels; ++level) {
    std::vector<size_t> members;
    double sum = 0;
    size_t used = 0;
    for (size_t i = 0; i < last; ++i) {
      const double low = static_cast<double>(level) * static_cast<double>(last) / levels;
      const double high = (level + 1.0) * static_cast<double>(last) / levels;
      const auto at = static_cast<double>(i);
      if (at < low - 1e-9 || at >= high - 1e-9) continue;
      members.push_back(i);
      sum += bins[i];
      used += p[i] > 0 ? 1 : 0;
    }
    for (const size_t i : members) {
      if (p[i] > 0) q[i] = std::max(sum, kLeastCount) / static_cast<double>(used);
    }
  }
  double p_sum = 0;
  double q_sum = 0;
  for (size_t i = 0; i < last; ++i) p_sum += p[i], q_sum += q[i];
  double divergence = 0;
  for (size_t i = 0; i < last; ++i) {
    if (p[i] > 0) divergence += p[i] / p_sum * std::log((p[i] / p_sum) / (q[i] / q_sum));
  }
  return divergence;
}

TEST(EntropyRangeTest, TheDivergenceIsItsDefinition) {
  std::mt19937 random(1);
  for (const size_t size : {200U, 500U, 2048U}) {
    std::vector<double> bins(size);
    for (double& bin : bins) bin = random() % 3 == 0 ? 0.0 : static_cast<double>(random() % 1000);
    for (const size_t last : {size, size - 7, size / 2 + 30}) {
      for (const int levels : {128, 100, 17}) {
        if (last < static_cast<size_t>(levels)) continue;
        EXPECT_NEAR(EntropyEstimator(bins).Divergence(last, levels),
                    SlowDivergence(bins, last, levels), 1e-9)
            << size << " " << last << " " << levels;
      }
    }
  }
}

TEST(EntropyRangeTest, ALossOfNothingIsNoDivergence) {
  const std::vector<double> bins(1024, 5);
  EXPECT_NEAR(EntropyEstimator(bins).Divergence(1024, 128), 0, 1e-12);
  EXPECT_GT(EntropyEstimator(bins).Divergence(512, 128), 0.1) << "half of it is clipped";
}

std::vector<float> Normal(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& v : values) v = normal(random);
  return values;
}

TEST(EntropyRangeTest, HeavyTailsAreClippedEvenBehindGaps) {
  std::vector<float> values = Normal(200000, 3);
  for (size_t i = 0; i < 20; ++i) values[i] = 30 + static_cast<float>(i);  // far outside, few
  const Range range = EntropyRange(Observe(values), {254, true});
  EXPECT_LT(range.max, 15) << "not the 49 of maxmin";
  EXPECT_GT(range.max, 2.5);
  EXPECT_EQ(range.min, -range.max);
}

TEST(EntropyRangeTest, UniformValuesAreNotClipped) {
  std::vector<float> values(200000);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(i) / static_cast<float>(values.size());
  const Range range = EntropyRange(Observe(values), {255, false});
  EXPECT_EQ(range.min, 0);
  EXPECT_GT(range.max, 0.98);
}

TEST(EntropyRangeTest, TheZerosOfAReluDoNotDecide) {
  std::vector<float> values = Normal(100000, 5);
  const Range before = EntropyRange(Observe(values), {255, false});
  std::vector<float> relu = values;
  for (float& v : relu) v = std::max(v, 0.0F);
  const Range after = EntropyRange(Observe(relu), {255, false});
  EXPECT_EQ(after.min, 0);
  EXPECT_NEAR(after.max, before.max, 1.0);
}

// A threshold that clips all of them has no divergence: one bin stays one bin.
TEST(EntropyRangeTest, ValuesThatStayAwayFromZeroAreNotClippedAway) {
  std::vector<float> uniform(200000);
  for (size_t i = 0; i < uniform.size(); ++i)
    uniform[i] = 5 + static_cast<float>(i) / static_cast<float>(uniform.size());
  std::vector<float> shares = Normal(200000, 7);  // of a Softmax over four channels
  for (float& v : shares) v = 0.25F + 0.02F * v;
  for (const RangeGrid grid : {RangeGrid{254, true}, RangeGrid{255, false}, RangeGrid{15, false}}) {
    EXPECT_GT(EntropyRange(Observe(uniform), grid).max, 5.95) << grid.steps;
    EXPECT_GT(EntropyRange(Observe(shares), grid).max, 0.3) << grid.steps;
    std::vector<float> padded = shares;
    padded.resize(250000, 0);
    EXPECT_GT(EntropyRange(Observe(padded), grid).max, 0.3) << "zeros do not count";
  }
  std::vector<float> negative = uniform;
  for (float& v : negative) v = -v;
  EXPECT_LT(EntropyRange(Observe(negative), {255, false}).min, -5.95);
}

TEST(EntropyRangeTest, DegenerateDataKeepItsRange) {
  EXPECT_EQ(EntropyRange(TensorStatistics{}, {255, false}), (Range{0, 0}));
  EXPECT_EQ(EntropyRange(Observe({0, 0, 0}), {255, false}), (Range{0, 0}));
  EXPECT_EQ(EntropyRange(Observe({3, 3}), {254, true}), (Range{-3, 3}));
  EXPECT_EQ(EntropyRange(Observe({1, 2, 4}), {65535, false}), (Range{0, 4})) << "16 bit";
}

}  // namespace
}  // namespace qconvert
