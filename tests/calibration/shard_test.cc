#include "qconvert/calibration/shard.h"

#include <gtest/gtest.h>

namespace qconvert {
namespace {

TEST(ShardTest, TheLastBatchMayBeShorter) {
  EXPECT_EQ(BatchCount(0, 4), 0U);
  EXPECT_EQ(BatchCount(1, 4), 1U);
  EXPECT_EQ(BatchCount(8, 4), 2U);
  EXPECT_EQ(BatchCount(9, 4), 3U);
}

// 10 samples in batches of 3 are 3 3 3 1; of two shards the second has batches 1 and 3.
TEST(ShardTest, BatchesGoRound) {
  EXPECT_EQ(ShardBatches(10, 3, {0, 2}), 2U);
  EXPECT_EQ(ShardSamples(10, 3, {0, 2}), 6U);
  EXPECT_EQ(ShardBatches(10, 3, {1, 2}), 2U);
  EXPECT_EQ(ShardSamples(10, 3, {1, 2}), 4U);
  EXPECT_EQ(ShardSamples(10, 3, {}), 10U) << "the whole";
  EXPECT_EQ(ShardBatches(2, 1, {2, 3}), 0U) << "more shards than batches";
  EXPECT_EQ(ShardSamples(2, 1, {2, 3}), 0U);
}

// Every sample belongs to one shard, whatever does not divide.
TEST(ShardTest, ShardsAddUpToTheWhole) {
  for (size_t samples = 0; samples < 40; ++samples) {
    for (size_t batch_size = 1; batch_size < 9; ++batch_size) {
      for (size_t count = 1; count < 9; ++count) {
        size_t batches = 0;
        size_t sum = 0;
        for (size_t index = 0; index < count; ++index) {
          batches += ShardBatches(samples, batch_size, {index, count});
          sum += ShardSamples(samples, batch_size, {index, count});
        }
        ASSERT_EQ(batches, BatchCount(samples, batch_size)) << samples << " " << batch_size;
        ASSERT_EQ(sum, samples) << samples << " " << batch_size << " " << count;
      }
    }
  }
}

}  // namespace
}  // namespace qconvert
