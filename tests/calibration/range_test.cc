#include "qconvert/calibration/range.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/graph_builder.h"
#include "support/observe.h"

namespace qconvert {
namespace {

// Linear interpolation between sorted values, NumPy's default.
double Percentile(std::vector<float> values, double p) {
  std::sort(values.begin(), values.end());
  const double at = p / 100 * static_cast<double>(values.size() - 1);
  const auto i = static_cast<size_t>(at);
  const size_t j = std::min(i + 1, values.size() - 1);
  return values[i] + (at - std::floor(at)) * (static_cast<double>(values[j]) - values[i]);
}

TEST(MaxMinRangeTest, AlwaysContainsZero) {
  EXPECT_EQ(MaxMinRange(Observe({-1, 3})), (Range{-1, 3}));
  EXPECT_EQ(MaxMinRange(Observe({2, 3})), (Range{0, 3}));
  EXPECT_EQ(MaxMinRange(Observe({-2, -3})), (Range{-3, 0}));
  EXPECT_EQ(MaxMinRange(Observe({})), (Range{0, 0}));
}

TEST(PercentileRangeTest, IsWithinABinOfTheExactPercentile) {
  const std::vector<float> values = RandomFloats(200'000, 3);
  const TensorStatistics statistics = Observe(values);
  const double bin = statistics.histogram.bin_width();
  for (const double p : {90.0, 99.0, 99.9, 99.99}) {
    const Range range = PercentileRange(statistics, p);
    EXPECT_NEAR(range.min, Percentile(values, (100 - p) / 2), 2 * bin) << p;
    EXPECT_NEAR(range.max, Percentile(values, 100 - (100 - p) / 2), 2 * bin) << p;
    std::vector<float> magnitudes = values;
    for (float& v : magnitudes) v = std::fabs(v);
    EXPECT_NEAR(SymmetricPercentileRange(statistics, p).max, Percentile(magnitudes, p), 2 * bin)
        << p;
  }
}

TEST(PercentileRangeTest, HundredIsMaxMinAndLessNeverGoesBeyond) {
  const TensorStatistics statistics = Observe(RandomFloats(1000, 4));
  EXPECT_EQ(PercentileRange(statistics, 100), MaxMinRange(statistics));
  const Range full = MaxMinRange(statistics);
  for (double p = 1; p < 100; p += 7) {
    const Range range = PercentileRange(statistics, p);
    EXPECT_GE(range.min, full.min);
    EXPECT_LE(range.max, full.max);
    EXPECT_LE(range.min, 0);
    EXPECT_GE(range.max, 0);
  }
}

TEST(PercentileRangeTest, DegenerateDataHasDefinedRanges) {
  EXPECT_EQ(PercentileRange(Observe({}), 99), (Range{0, 0}));
  EXPECT_EQ(PercentileRange(Observe({0, 0, 0}), 99), (Range{0, 0}));
  const Range constant = PercentileRange(Observe(std::vector<float>(100, 5)), 99.9);
  EXPECT_EQ(constant.min, 0);
  EXPECT_NEAR(constant.max, 5, 0.01);
  const Range tiny = PercentileRange(Observe({1e-44F}), 99.9);
  EXPECT_LE(tiny.max, 1e-44F);
}

}  // namespace
}  // namespace qconvert
