#include "../../src/pipeline/held_out.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

SampleSplit Split(size_t count, bool keep_all = false, std::vector<bool> repeats = {}) {
  DataDigest digest;
  repeats.resize(count);
  digest.repeats = std::move(repeats);
  digest.by_content.resize(count);
  std::iota(digest.by_content.rbegin(), digest.by_content.rend(), size_t{0});
  return SplitSamples(digest, keep_all);
}

TEST(HeldOutTest, OneInFiveFromTwentySamplesOn) {
  EXPECT_FALSE(Split(19).is_held_out);
  EXPECT_EQ(Split(19).judged.size(), 19U);
  EXPECT_EQ(Split(19).calibration.size(), 19U);
  EXPECT_EQ(Split(20).judged.size(), 4U);
  EXPECT_EQ(Split(24).judged.size(), 4U);
  EXPECT_EQ(Split(100).judged.size(), 20U);
  EXPECT_EQ(Split(100'000).judged.size(), 64U);
  EXPECT_EQ(Split(0).judged.size(), 0U);
}

TEST(HeldOutTest, NoSampleIsOnBothSidesAndNoneIsLost) {
  const SampleSplit split = Split(33);
  std::set<size_t> all(split.judged.begin(), split.judged.end());
  for (const size_t k : split.calibration) EXPECT_TRUE(all.insert(k).second) << k;
  EXPECT_EQ(all.size(), 33U);
  EXPECT_TRUE(std::is_sorted(split.calibration.begin(), split.calibration.end()));
  EXPECT_EQ(split.judged[0], 32U) << "the first by content";
  ASSERT_EQ(split.by_content.size(), split.calibration.size());
  // The digest has them from the last to the first; six are judged on.
  for (size_t k = 0; k < split.by_content.size(); ++k)
    EXPECT_EQ(split.calibration[split.by_content[k]], 32 - split.judged.size() - k);
}

TEST(HeldOutTest, TwinsCountOnceAndStayOnTheSameSide) {
  std::vector<bool> repeats(30);
  for (size_t k = 11; k < 30; ++k) repeats[k] = true;
  EXPECT_FALSE(Split(30, false, repeats).is_held_out) << "11 different ones";
  repeats.assign(30, false);
  for (const size_t k : {4, 5, 6}) repeats[k] = true;   // the same as number 3
  const SampleSplit split = Split(30, false, repeats);  // 27 different ones: five, and three twins
  EXPECT_TRUE(split.is_held_out);
  EXPECT_EQ(split.judged.size(), 8U);
  EXPECT_EQ(split.calibration.size(), 22U);
}

TEST(HeldOutTest, AsManyDifferentSamplesAreJudgedHoweverManyCopiesTheyHave) {
  std::vector<bool> repeats(120);
  for (size_t k = 0; k < repeats.size(); ++k) repeats[k] = k % 6 != 0;
  const SampleSplit split = Split(120, false, repeats);
  EXPECT_EQ(split.judged.size(), 24U) << "four of 20 pictures, six copies each";
  EXPECT_EQ(split.calibration.size(), 96U);
}

TEST(HeldOutTest, ASequenceKeepsAllItsSamples) {
  EXPECT_FALSE(Split(100, true).is_held_out);
  EXPECT_EQ(Split(100, true).calibration.size(), 100U);
}

TEST(HeldOutTest, TheSameContentsAreHeldOutWhateverTheirNames) {
  const auto contents = [](const std::vector<int>& order) {
    const TempDir dir;
    for (size_t k = 0; k < order.size(); ++k) {
      const std::vector<float> values = {static_cast<float>(order[k]), 0.5F};
      dir.Write(fmt::format("{:03}.npy", k), NpyFloats({2}, values));
    }
    const SampleSource source =
        OpenSamples(dir.path(), {{"x", FloatType({"2"}), {}, {}}}, SampleSourceOptions{});
    std::set<float> seen;
    for (const size_t k : SplitSamples(source.Digest(2), false).judged)
      seen.insert(source.Read(k).inputs[0].values<float>()[0]);
    return seen;
  };
  std::vector<int> order(40);
  std::iota(order.begin(), order.end(), 0);
  const std::set<float> first = contents(order);
  EXPECT_EQ(first.size(), 8U);
  std::rotate(order.begin(), order.begin() + 13, order.end());
  EXPECT_EQ(contents(order), first);
}

TEST(HeldOutTest, SharedSamplesAreThoseOfTheSameContent) {
  DataDigest calibration;
  calibration.contents = {{"a", 0}, {"a", 1}, {"b", 0}};
  DataDigest judged;
  judged.contents = {{"a", 1}, {"a", 1}, {"a", 2}, {"c", 0}};
  EXPECT_EQ(CountShared(judged, calibration), 2U);
  EXPECT_EQ(CountShared(calibration, calibration), 3U);
  EXPECT_EQ(CountShared({}, calibration), 0U);
}

}  // namespace
}  // namespace qconvert
