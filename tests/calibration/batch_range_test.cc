#include "qconvert/calibration/batch_range.h"

#include <gtest/gtest.h>

#include <vector>

namespace qconvert {
namespace {

TEST(BatchRangeTest, EachStatisticOnEachBound) {
  const std::vector<Range> batches = {{-1, 4}, {-3, 2}, {-1, 2}, {-2, 8}};
  const auto combine = [&](BatchRule rule) { return CombineBatches(batches, rule, {}); };
  EXPECT_EQ(combine(BatchRule::kMax), (Range{-3, 8}));
  EXPECT_EQ(combine(BatchRule::kMean), (Range{-1.75F, 4}));
  EXPECT_EQ(combine(BatchRule::kMedian), (Range{-1.5F, 3}));
  EXPECT_EQ(combine(BatchRule::kModal), (Range{-1, 2}));
}

TEST(BatchRangeTest, TiesOfTheModeGoToTheNarrowest) {
  const std::vector<Range> batches = {{0, 5}, {0, 3}, {0, 5}, {0, 3}, {0, 1}};
  EXPECT_EQ(CombineBatches(batches, BatchRule::kModal, {}), (Range{0, 3}));
}

TEST(BatchRangeTest, AnOddMedianIsTheMiddle) {
  const std::vector<Range> batches = {{0, 5}, {0, 1}, {0, 2}};
  EXPECT_EQ(CombineBatches(batches, BatchRule::kMedian, {}).max, 2);
}

TEST(BatchRangeTest, TheMovingAverageWeighsLaterBatchesMore) {
  const std::vector<Range> batches = {{-8, 1}, {0, 4}, {0, 2}};
  // (0.25 * 8 + 0.5 * 4 + 2) / (0.25 + 0.5 + 1)
  const Range range = CombineBatches(batches, BatchRule::kMovingAverage, {.rate = 0.5});
  EXPECT_FLOAT_EQ(range.max, static_cast<float>(6.0 / 1.75));
  EXPECT_EQ(range.min, -range.max);
}

TEST(BatchRangeTest, TheWindowForgets) {
  const std::vector<Range> batches = {{-8, 1}, {-3, 2}, {0, 1}};
  EXPECT_EQ(CombineBatches(batches, BatchRule::kLargestOfLast, {.window = 2}), (Range{-3, 3}));
  EXPECT_EQ(CombineBatches(batches, BatchRule::kLargestOfLast, {}), (Range{-8, 8}));
}

TEST(BatchRangeTest, ScalesAndZeroPointsOnTheirOwn) {
  // Scales 4, 2, 2 on 2 steps; zero points 1, 0, 0.
  const std::vector<Range> batches = {{-4, 4}, {0, 4}, {0, 4}};
  EXPECT_EQ(CombineScales(batches, BatchRule::kMax, 2), (Range{0, 8})) << "the mode of 1, 0, 0";
  EXPECT_EQ(CombineScales(batches, BatchRule::kMedian, 2), (Range{0, 4}));
  EXPECT_EQ(CombineScales(std::vector<Range>{{0, 0}}, BatchRule::kMean, 255), (Range{0, 0}));
}

}  // namespace
}  // namespace qconvert
