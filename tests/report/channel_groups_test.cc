#include "qconvert/report/channel_groups.h"

#include <gtest/gtest.h>

#include "qconvert/report/comparison.h"

namespace qconvert {
namespace {

// Values of both signs; of positive ones alone with `least`.
ChannelSums Axis(size_t axis, std::vector<float> peaks, std::vector<float> least = {}) {
  ChannelSums sums{axis, std::move(peaks), std::move(least), {}, {}};
  for (const float peak : sums.peak) {
    if (sums.least.size() < sums.peak.size()) sums.least.push_back(-peak);
    sums.float_power.push_back(static_cast<double>(peak) * peak);
    sums.error_power.push_back(0.01);
  }
  return sums;
}

TEST(ChannelGroupsTest, BoxesAndScoresAreTwoGroups) {
  const auto groups = FindChannelGroups({Axis(1, {640, 420, 0.9F, 0.2F, 0.5F})});
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].channels, (std::vector<size_t>{2, 3, 4}));
  EXPECT_EQ(groups[1].channels, (std::vector<size_t>{0, 1}));
  EXPECT_NEAR(groups[0].noise(), 0.03 / (0.81 + 0.04 + 0.25), 1e-7);
}

TEST(ChannelGroupsTest, ProbabilitiesAreOneGroupHoweverSmall) {
  const auto groups = FindChannelGroups({Axis(1, {640, 0.9F, 0.002F}, {0, 0, 0})});
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].channels, (std::vector<size_t>{1, 2}));
  EXPECT_EQ(FindChannelGroups({Axis(1, {640, 0.9F, 0.002F}, {0, 0, -0.002F})}).size(), 3U);
  EXPECT_TRUE(FindChannelGroups({Axis(1, {0.9F, 0.002F}, {0, 0})}).empty());
  EXPECT_EQ(FindChannelGroups({Axis(1, {9, 0.002F}, {0, 0})}).size(), 2U);
}

// Each is less than 8 times the next, and the least one 1/343 of the greatest: pooled with it, it
// could be lost without a trace.
TEST(ChannelGroupsTest, NeighboursThatAreNearMakeNoChainOfOneGroup) {
  EXPECT_EQ(FindChannelGroups({Axis(1, {1, 7, 49, 343})}).size(), 4U);
  const auto groups = FindChannelGroups({Axis(1, {400, 80, 30, 2.5F})});
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_EQ(groups[0].channels, std::vector<size_t>{3});
  EXPECT_EQ(groups[1].channels, (std::vector<size_t>{1, 2}));
  EXPECT_EQ(groups[2].channels, std::vector<size_t>{0});
  std::vector<float> map(32, 20);
  map[30] = 1;
  map[31] = 0.2F;  // two of 32, 20 and 5 times less
  EXPECT_EQ(FindChannelGroups({Axis(1, map)}).size(), 2U);
  map[30] = map[31] = 4;
  map[0] = 100;
  EXPECT_TRUE(FindChannelGroups({Axis(1, map)}).empty());
  EXPECT_TRUE(FindChannelGroups({Axis(1, {7, 1})}).empty()) << "not far apart by themselves";
}

TEST(ChannelGroupsTest, RangesThatGoOverIntoEachOtherAreOneGroup) {
  std::vector<float> features;
  for (float peak = 100; peak > 0.1F; peak /= 2.5F) features.push_back(peak);
  EXPECT_TRUE(FindChannelGroups({Axis(1, features)}).empty());
  EXPECT_TRUE(FindChannelGroups({Axis(1, {1, 8})}).empty()) << "8 times is not more than 8 times";
  EXPECT_EQ(FindChannelGroups({Axis(1, {1, 8.1F})}).size(), 2U);
  EXPECT_EQ(FindChannelGroups({Axis(1, {1, 10, 100})}).size(), 3U);
  EXPECT_TRUE(FindChannelGroups({}).empty());
}

TEST(ChannelGroupsTest, ChannelsWithoutSignalBelongToNone) {
  EXPECT_TRUE(FindChannelGroups({Axis(1, {5, 0, 4})}).empty());
  EXPECT_TRUE(FindChannelGroups({Axis(1, {0, 0})}).empty());
  EXPECT_TRUE(FindChannelGroups({Axis(1, {1000, 0.0009F})}).empty()) << "rounding of float32";
}

TEST(ChannelGroupsTest, TheAxisWithTheWidestGapIsTakenTheFirstOfEqualOnes) {
  const auto wide = FindChannelGroups({Axis(1, {1, 10}), Axis(2, {1, 100, 1})});
  ASSERT_EQ(wide.size(), 2U);
  EXPECT_EQ(wide[0].axis, 2U);
  EXPECT_EQ(FindChannelGroups({Axis(1, {1, 10}), Axis(2, {1, 10})})[0].axis, 1U);
}

TEST(ChannelGroupsTest, TheFirstAxisIsTakenWhereNoOtherHasGroups) {
  const auto groups = FindChannelGroups({Axis(0, {1, 100}), Axis(1, {5, 5})});
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].axis, 0U);
  EXPECT_EQ(FindChannelGroups({Axis(0, {1, 100}), Axis(1, {1, 10})})[0].axis, 1U);
}

TEST(ChannelGroupsTest, AxesThatCannotBeOfChannels) {
  const std::vector<int64_t> dims = {8, 1, 4097, 4096, 2};
  const std::vector<ChannelSums> axes = MakeChannelSums(dims, /*may_be_batched=*/true);
  ASSERT_EQ(axes.size(), 2U);
  EXPECT_EQ(axes[0].axis, 3U);
  EXPECT_EQ(axes[1].axis, 4U);
  EXPECT_EQ(MakeChannelSums(dims, /*may_be_batched=*/false).size(), 3U);
  const std::vector<int64_t> vector = {85};
  EXPECT_TRUE(MakeChannelSums(vector, /*may_be_batched=*/true).empty());
  EXPECT_EQ(MakeChannelSums(vector, /*may_be_batched=*/false).size(), 1U);
}

// Boxes above scores, without an axis for the batch.
TEST(ChannelGroupsTest, ChannelsOfTheFirstAxisAreCompared) {
  const std::vector<float> expected = {300, 310, 290, -0.5F, 0.5F, 0.25F};
  const std::vector<float> actual = {300, 310, 290, -0.5F, 0.4F, 0.25F};
  const Tensor x = MakeFloatTensor("y", {2, 3}, expected);
  const Tensor y = MakeFloatTensor("y", {2, 3}, actual);
  ComparedValue value{"y"};
  EXPECT_TRUE(FindChannelGroups(CompareSample(value, x, y).channels).empty());
  value.may_be_batched = false;
  const auto groups = FindChannelGroups(CompareSample(value, x, y).channels);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].Name(), "channel 1 of axis 0");
  EXPECT_NEAR(groups[0].noise(), 0.01 / (0.25 + 0.25 + 0.0625), 1e-6);
}

TEST(ChannelGroupsTest, NamesAreRuns) {
  EXPECT_EQ((ChannelGroup{1, {3}}.Name()), "channel 3 of axis 1");
  EXPECT_EQ((ChannelGroup{2, {0, 1, 2, 3, 7}}.Name()), "channels 0-3, 7 of axis 2");
  EXPECT_EQ((ChannelGroup{1, {0, 2, 4, 6, 8, 10}}.Name()), "channels 0, 2, 4, ..., 10 of axis 1");
}

// What pooling hides: the boxes' power is a hundred thousand times that of the scores.
TEST(ChannelGroupsTest, NoiseOfTheSmallGroupIsSeen) {
  std::vector<float> x(5 * 100);
  std::vector<float> y;
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = i < 400 ? 300.0F + static_cast<float>(i % 7) : 0.5F + static_cast<float>(i % 3) / 8;
  y = x;
  for (size_t i = 400; i < 500; ++i) y[i] += i % 2 == 0 ? 0.3F : -0.3F;
  const OutputComparison c = CompareSample({"y"}, MakeFloatTensor("y", {1, 5, 100}, x),
                                           MakeFloatTensor("y", {1, 5, 100}, y));
  EXPECT_GT(c.cosine(), 0.999999);
  const auto groups = FindChannelGroups(c.channels);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].channels, std::vector<size_t>{4});
  double power = 0;
  for (size_t i = 400; i < 500; ++i) power += static_cast<double>(x[i]) * x[i];
  EXPECT_NEAR(groups[0].noise(), 100 * 0.09 / power, 1e-6);
}

}  // namespace
}  // namespace qconvert
