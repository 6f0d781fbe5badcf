#include "qconvert/calibration/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "../../src/calibration/magnitudes.h"
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

TEST(HistogramTest, EdgesAreWholeBinsFromZero) {
  const Histogram histogram = Histogram::FromCounts(3, std::vector<uint64_t>(Histogram::kBins, 2));
  EXPECT_EQ(histogram.bin_width(), 8.0 / 2048);
  EXPECT_EQ(histogram.LowerEdge(0), -8);
  EXPECT_EQ(histogram.LowerEdge(Histogram::kSideBins), 0);
  EXPECT_EQ(histogram.LowerEdge(Histogram::kBins), 8);
  EXPECT_EQ(histogram.LowerEdge(Histogram::kSideBins + 512), 2);
  EXPECT_EQ(histogram.total(), 2 * Histogram::kBins);
  const Histogram tiny =
      Histogram::FromCounts(Histogram::kMinExponent, std::vector<uint64_t>(Histogram::kBins, 0));
  EXPECT_EQ(tiny.bin_width(), std::ldexp(1.0, -111));
}

// However far apart the grids are: all of the finer one goes to the bins beside zero.
TEST(HistogramTest, MergingFoldsTheFinerGrid) {
  std::vector<uint64_t> counts(Histogram::kBins);
  for (size_t i = 0; i < counts.size(); ++i) counts[i] = i % 7;
  for (const int apart : {1, 3, 10, 11, 12, 31, 32, 40, 64, 228}) {
    const Histogram fine = Histogram::FromCounts(-100, counts);
    const Histogram coarse = Histogram::FromCounts(-100 + apart, counts);
    Histogram a = fine;
    a.Merge(coarse);
    Histogram b = coarse;
    b.Merge(fine);
    EXPECT_EQ(a, b) << apart;
    EXPECT_EQ(a.exponent(), -100 + apart);
    std::vector<uint64_t> expected = counts;
    for (size_t i = 0; i < Histogram::kSideBins; ++i) {
      const size_t to = apart >= 11 ? 0 : i >> apart;
      expected[Histogram::kSideBins + to] += counts[Histogram::kSideBins + i];
      expected[Histogram::kSideBins - 1 - to] += counts[Histogram::kSideBins - 1 - i];
    }
    EXPECT_EQ(a.counts(), expected) << apart;
  }
}

TEST(HistogramTest, MergingNothingChangesNothing) {
  const Histogram some = Observe({1, -3}).histogram;
  Histogram merged = some;
  merged.Merge(Histogram());
  EXPECT_EQ(merged, some);
  Histogram empty;
  empty.Merge(some);
  EXPECT_EQ(empty, some);
  empty = Histogram();
  empty.Merge(Histogram());
  EXPECT_TRUE(empty.counts().empty());
  EXPECT_EQ(empty.total(), 0U);
}

// Blocks that wait in the scratch while the grid grows, in the middle and at the very end.
TEST(HistogramTest, AnAdderLosesNothingWhenTheGridGrows) {
  std::vector<float> all;
  Histogram histogram;
  Histogram::BinScratch scratch;
  {
    Histogram::Adder adder(histogram, scratch);
    for (const float size : {0.4F, 0.3F, 6.0F, 6.5F, 0.001F, 900.0F}) {
      std::vector<float> block = RandomFloats(Histogram::kBlock, 3);
      float low = 0;
      float high = 0;
      for (float& v : block) {
        v = size * std::tanh(v);
        low = std::min(low, v);
        high = std::max(high, v);
      }
      adder.Add(block, low, high);
      all.insert(all.end(), block.begin(), block.end());
    }
  }
  EXPECT_EQ(histogram.exponent(), 10);
  EXPECT_EQ(histogram.counts(), Reference(all, 10));
  EXPECT_EQ(scratch.counts, Histogram::BinScratch().counts) << "empty between adders";
}

TEST(MagnitudeCountsTest, BothSidesAreOne) {
  const std::vector<uint64_t> magnitudes = MagnitudeCounts(Observe({1, -1, 3.999F, 0}).histogram);
  ASSERT_EQ(magnitudes.size(), Histogram::kSideBins);
  EXPECT_EQ(magnitudes[512], 2U) << "1 of 4";
  EXPECT_EQ(magnitudes[2047], 1U);
  EXPECT_EQ(magnitudes[0], 1U);
  EXPECT_EQ(std::accumulate(magnitudes.begin(), magnitudes.end(), uint64_t{0}), 4U);
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
