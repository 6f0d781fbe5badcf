#include "qconvert/calibration/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "qconvert/calibration/tensor_statistics.h"
#include "support/graph_builder.h"
#include "support/observe.h"

namespace qconvert {
namespace {

// Directly binned with the final exponent: the definition.
std::vector<uint64_t> Reference(const std::vector<float>& values, int exponent) {
  std::vector<uint64_t> counts(Histogram::kBins, 0);
  for (const float x : values) {
    const double width = std::ldexp(1.0 / Histogram::kSideBins, exponent);
    const auto bin = static_cast<size_t>(
        std::min(std::fabs(static_cast<double>(x)) / width, Histogram::kSideBins - 1.0));
    ++counts[x < 0 ? Histogram::kSideBins - 1 - bin : Histogram::kSideBins + bin];
  }
  return counts;
}

// Values of very different sizes, zeros, signs: growth happens in the middle.
std::vector<float> Growing(size_t count, uint32_t seed) {
  std::vector<float> values = RandomFloats(count, seed);
  for (size_t i = 0; i < count; ++i) {
    values[i] *= std::ldexp(1.0F, static_cast<int>(i * 40 / count) - 20);
    if (i % 7 == 0) values[i] = 0;
  }
  return values;
}

TEST(HistogramTest, ExponentsAreTheNextPowerOfTwoAbove) {
  EXPECT_EQ(Histogram::ExponentFor(0.75F), 0);
  EXPECT_EQ(Histogram::ExponentFor(1.0F), 1) << "strictly above";
  EXPECT_EQ(Histogram::ExponentFor(255.0F), 8);
  EXPECT_EQ(Histogram::ExponentFor(0.0F), Histogram::kMinExponent);
  EXPECT_EQ(Histogram::ExponentFor(1e-44F), Histogram::kMinExponent);
  EXPECT_EQ(Histogram::ExponentFor(3.4e38F), 128);
}

TEST(HistogramTest, EqualsDirectBinning) {
  for (const size_t count : {1U, 100U, 2048U, 8191U, 100'003U}) {
    const std::vector<float> values = Growing(count, 5);
    const TensorStatistics statistics = Observe(values);
    EXPECT_EQ(statistics.histogram.counts(), Reference(values, statistics.histogram.exponent()))
        << count;
    EXPECT_EQ(statistics.histogram.total(), count);
  }
}

TEST(HistogramTest, OrderAndSplittingDoNotChangeABit) {
  std::vector<float> values = Growing(50'000, 6);
  const TensorStatistics whole = Observe(values);
  std::reverse(values.begin(), values.end());
  EXPECT_EQ(Observe(values), whole);
  for (const size_t parts : {2U, 3U, 7U}) {
    TensorStatistics merged;
    for (size_t p = parts; p-- > 0;) {
      const auto at = [&](size_t k) {
        return values.begin() + static_cast<ptrdiff_t>(k * values.size() / parts);
      };
      merged.Merge(Observe({at(p), at(p + 1)}));
    }
    EXPECT_EQ(merged, whole) << parts;
  }
}

TEST(HistogramTest, ExtremesHaveDefinedBins) {
  const std::vector<float> values = {3.4e38F, -3.4e38F, 1e-45F, -1e-45F, 0.0F, -0.0F};
  const TensorStatistics statistics = Observe(values);
  EXPECT_EQ(statistics.histogram.total(), 6U);
  EXPECT_EQ(statistics.histogram.exponent(), 128);
  EXPECT_EQ(statistics.histogram.counts()[Histogram::kSideBins], 3U)
      << "zeros and the tiny positive one";
  EXPECT_EQ(statistics.histogram.counts()[Histogram::kSideBins - 1], 1U);
}

TEST(TensorStatisticsTest, CountsNaNAndInfinityApart) {
  std::vector<float> values = RandomFloats(10'000, 7);
  const TensorStatistics clean = Observe(values);
  values.insert(values.begin() + 5000, {NAN, INFINITY, -INFINITY, NAN});
  const TensorStatistics dirty = Observe(values);
  EXPECT_EQ(dirty.nan_count, 2);
  EXPECT_EQ(dirty.inf_count, 2);
  EXPECT_EQ(dirty.min, clean.min);
  EXPECT_EQ(dirty.max, clean.max);
  EXPECT_EQ(dirty.histogram, clean.histogram);
}

TEST(TensorStatisticsTest, EmptyAndZeroTensors) {
  const TensorStatistics empty = Observe({});
  EXPECT_EQ(empty.count, 0);
  EXPECT_TRUE(empty.histogram.counts().empty());
  const TensorStatistics zeros = Observe(std::vector<float>(5000, -0.0F));
  EXPECT_EQ(zeros.count, 5000);
  EXPECT_FALSE(std::signbit(zeros.min)) << "a zero is always +0";
  TensorStatistics merged = Observe({1, 2});
  merged.Merge(empty);
  EXPECT_EQ(merged, Observe({1, 2})) << "nothing seen adds nothing";
}

}  // namespace
}  // namespace qconvert
