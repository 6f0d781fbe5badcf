#include "qconvert/calibration/vitis_range.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "support/observe.h"

namespace qconvert {
namespace {

// The data of the probe values: sums of 12 uniform numbers, minus 6.
std::vector<float> IrwinHall() {
  uint32_t state = 1;
  std::vector<float> values(20000);
  for (float& v : values) {
    double sum = 0;
    for (int k = 0; k < 12; ++k) {
      state = state * 1664525 + 1013904223;
      sum += static_cast<double>(state >> 8) / 16777216.0;
    }
    v = static_cast<float>(sum - 6);
  }
  return values;
}

std::vector<float> Cubed() {
  std::vector<float> values = IrwinHall();
  for (float& v : values) v = v * v * v;
  return values;
}

float Threshold(const std::vector<float>& values, VitisMethod method, double percentage = 99.99,
                int64_t qmin = -128, int64_t qmax = 127) {
  const auto look = VitisHistogramLook(
      Observe(values),
      {.method = method, .percentage = percentage, .bits = 8, .qmin = qmin, .qmax = qmax});
  // In pieces: a batch may be several samples.
  const std::span<const float> all(values);
  look->Observe(all.first(all.size() / 3));
  look->Observe(all.subspan(all.size() / 3));
  const Range range = look->Decide();
  EXPECT_EQ(range.min, qmin < 0 ? -range.max : 0);
  return range.max;
}

TEST(VitisRangeTest, TheProbeDataIsTheVendors) {
  const std::vector<float> values = IrwinHall();
  EXPECT_FLOAT_EQ(values[0], -1.1055672F);
  EXPECT_FLOAT_EQ(values[1], -0.2447281F);
  EXPECT_FLOAT_EQ(values[2], 0.1751130F);
  EXPECT_FLOAT_EQ(Observe(values).max, 3.67704439F);
  EXPECT_FLOAT_EQ(Observe(values).min, -3.66336727F);
}

TEST(VitisRangeTest, ProbeValues) {
  const std::vector<float> values = IrwinHall();
  EXPECT_FLOAT_EQ(Threshold(values, VitisMethod::kPercentile, 99), 2.5692630F);
  EXPECT_FLOAT_EQ(Threshold(values, VitisMethod::kPercentile, 99.9), 3.1617555F);
  EXPECT_FLOAT_EQ(Threshold(values, VitisMethod::kPercentile, 99.99), 3.6626809F);
  EXPECT_FLOAT_EQ(Threshold(values, VitisMethod::kMse), 3.4768537F);
  EXPECT_FLOAT_EQ(Threshold(values, VitisMethod::kEntropy), 3.6770444F);
}

TEST(VitisRangeTest, ProbeValuesOfHeavyTails) {
  const std::vector<float> values = Cubed();
  EXPECT_FLOAT_EQ(Observe(values).max, 49.7160492F);
  EXPECT_FLOAT_EQ(Threshold(values, VitisMethod::kMse), 47.7861537F);
  EXPECT_FLOAT_EQ(Threshold(values, VitisMethod::kEntropy), 49.7160492F);
  EXPECT_FLOAT_EQ(Threshold(values, VitisMethod::kPercentile, 99.9), 31.6065899F);
}

TEST(VitisRangeTest, CodesThatStartAtZeroGiveOneSide) {
  std::vector<float> values = IrwinHall();
  for (float& v : values) v = std::max(v, 0.0F);
  EXPECT_GT(Threshold(values, VitisMethod::kMse, 0, 0, 255), 2.5F);
  EXPECT_GT(Threshold(values, VitisMethod::kEntropy, 0, 0, 255), 2.5F);
}

TEST(VitisRangeTest, TheLargestFloatsHaveTheBinsOfSmallOnes) {
  std::vector<float> values = IrwinHall();
  const float small = Threshold(values, VitisMethod::kPercentile, 90);
  for (float& v : values) v = std::ldexp(v, 125);
  EXPECT_EQ(Threshold(values, VitisMethod::kPercentile, 90), std::ldexp(small, 125));
}

TEST(VitisRangeTest, NothingButZeros) {
  EXPECT_EQ(Threshold({0, 0, 0}, VitisMethod::kEntropy), 0);
  EXPECT_EQ(Threshold({0, 0, 0}, VitisMethod::kPercentile), 0);
}

// Counts in few bins, and the thresholds that the header's formulas give them by hand.
std::vector<uint64_t> Bins(const std::vector<std::pair<size_t, uint64_t>>& filled) {
  std::vector<uint64_t> counts(kVitisBins, 0);
  for (const auto& [bin, count] : filled) counts[bin] = count;
  return counts;
}

TEST(VitisThresholdTest, APercentileIsTheLeftEdgeOfItsBin) {
  const std::vector<uint64_t> counts = Bins({{0, 50}, {100, 40}, {1000, 9}, {2047, 1}});
  const auto at = [&](double percentage) {
    return VitisThreshold(counts, 2048,
                          {.method = VitisMethod::kPercentile, .percentage = percentage});
  };
  EXPECT_EQ(at(50), 0);
  EXPECT_EQ(at(50.5), 100);
  EXPECT_EQ(at(90), 100);
  EXPECT_EQ(at(91), 1000);
  EXPECT_EQ(at(99.5), 2047);
  EXPECT_EQ(VitisThreshold(counts, 1, {.percentage = 91}), 1000.0F / 2048) << "of the largest";
}

// Slowly, as the header says it.
float SlowSquares(const std::vector<uint64_t>& counts, double largest, const VitisSearch& search) {
  const double width = largest / 2048;
  double least = INFINITY;
  double best = 0;
  for (int i = 1536; i < 2048; i += 16) {
    const double t = (i + 0.5) * width;
    double sum = 0;
    for (int j = 0; j < 2048; ++j) {
      const double x = (j + 0.5) * width;
      double code = std::nearbyint(x / (t / static_cast<double>(search.qmax)));
      code = std::max(static_cast<double>(search.qmin), code);
      code = std::min(static_cast<double>(search.qmax), code);
      const double error = code * t / static_cast<double>(search.qmax) - x;
      sum += static_cast<double>(counts[static_cast<size_t>(j)]) * error * error;
    }
    if (sum < least * (1 - 1e-12)) {
      least = sum;
      best = t;
    }
  }
  return static_cast<float>(best);
}

TEST(VitisThresholdTest, LeastSquaresOfAnyCounts) {
  uint32_t state = 7;
  for (int round = 0; round < 12; ++round) {
    std::vector<uint64_t> counts(kVitisBins);
    for (size_t j = 0; j < kVitisBins; ++j) {
      state = state * 1664525 + 1013904223;
      counts[j] = (state >> 24) * (kVitisBins - j) / (round % 3 == 0 ? 1U : 100U);
    }
    const VitisSearch search{.method = VitisMethod::kMse,
                             .bits = 4 + round % 5,
                             .qmin = round % 2 == 0 ? -8 : 0,
                             .qmax = round % 2 == 0 ? 7 : 255};
    EXPECT_FLOAT_EQ(VitisThreshold(counts, 3, search), SlowSquares(counts, 3, search)) << round;
  }
}

TEST(VitisThresholdTest, DivergenceWhereEveryBinIsALevelIsNone) {
  // 16 bits: levels outnumber bins, so nothing is lost but what lies beyond the threshold.
  const std::vector<uint64_t> flat(kVitisBins, 5);
  const VitisSearch search{
      .method = VitisMethod::kEntropy, .bits = 16, .qmin = -32768, .qmax = 32767};
  EXPECT_EQ(VitisThreshold(flat, 2048, search), 2048) << "the last of several";
  // Nothing beyond bin 1600: thresholds from there on are equal, and the widest is taken.
  EXPECT_EQ(VitisThreshold(Bins({{1, 10}, {700, 3}, {1599, 1}}), 2048, search), 2048);
}

TEST(FixPositionLookTest, SumsErrorsOverAllPieces) {
  const std::vector<float> fine(1000, 1.0F / 256);
  const auto look = FixPositionLook({.first = 6, .candidates = 5, .bits = 8, .qmax = 127});
  look->Observe(fine);
  EXPECT_EQ(look->Decide().max, 127.0F / 256) << "exact from position 8 on, the lowest one wins";
  look->Observe(std::vector<float>{1.0F});
  look->Observe(std::vector<float>(100'000, 1.0F));
  EXPECT_EQ(look->Decide().max, 127.0F / 64) << "now 1 must not saturate";
}

}  // namespace
}  // namespace qconvert
