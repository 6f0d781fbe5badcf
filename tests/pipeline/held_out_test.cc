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

TEST(HeldOutTest, OneInFiveAndMoreOfFew) {
  EXPECT_FALSE(Split(3).is_held_out);
  EXPECT_EQ(Split(3).judged.size(), 3U);
  EXPECT_EQ(Split(3).calibration.size(), 3U);
  EXPECT_TRUE(Split(4).is_held_out);
  EXPECT_EQ(Split(4).judged.size(), 2U);
  EXPECT_EQ(Split(4).calibration.size(), 2U);
  EXPECT_EQ(Split(8).judged.size(), 2U);
  EXPECT_EQ(Split(9).judged.size(), 3U);
  EXPECT_EQ(Split(12).judged.size(), 4U);
  EXPECT_EQ(Split(19).judged.size(), 4U);
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
  for (size_t k = 3; k < 30; ++k) repeats[k] = true;
  EXPECT_FALSE(Split(30, false, repeats).is_held_out) << "three different ones";
  EXPECT_EQ(Split(30, false, repeats).judged.size(), 3U);
  EXPECT_EQ(Split(30, true, repeats).judged.size(), 30U) << "steps of a sequence";
  repeats.assign(30, false);
  for (const size_t k : {4, 5, 6}) repeats[k] = true;   // the same as number 3
  const SampleSplit split = Split(30, false, repeats);  // 27 different ones: five, and three twins
  EXPECT_TRUE(split.is_held_out);
  EXPECT_EQ(split.judged, (std::vector<size_t>{29, 28, 27, 26, 22}));
  EXPECT_EQ(split.calibration.size(), 22U);
}

TEST(HeldOutTest, AsManyDifferentSamplesAreJudgedHoweverManyCopiesTheyHave) {
  std::vector<bool> repeats(120);
  for (size_t k = 0; k < repeats.size(); ++k) repeats[k] = k % 6 != 0;
  const SampleSplit split = Split(120, false, repeats);
  EXPECT_EQ(split.judged.size(), 4U) << "of 20 pictures, six copies each";
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
  const DataDigest judged{.sha256 = {},
                          .by_content = {2, 0, 3, 1},
                          .repeats = {false, true, false, false},
                          .contents = {{"a", 1}, {"a", 1}, {"a", 2}, {"c", 0}}};
  EXPECT_EQ(DifferentFrom(judged, {}), (std::vector<size_t>{2, 3, 1}));
  EXPECT_EQ(DifferentFrom(judged, calibration), (std::vector<size_t>{3, 1}));
  EXPECT_TRUE(DifferentFrom(judged, judged).empty());
}

// Rows of two files; those of equal digits are copies.
TEST(HeldOutTest, CopiesAmongRowsOfStackedFilesAreFound) {
  const TempDir dir;
  dir.Write("a.npy", NpyFloats({5, 1}, std::vector<float>{7, 1, 7, 2, 3}));
  dir.Write("b.npy", NpyFloats({3, 1}, std::vector<float>{2, 4, 7}));
  const SampleSource source = OpenSamples(dir.path(), {{"x", FloatType({"N", "1"}), {}, {}}},
                                          SampleSourceOptions{.stacked = true});
  ASSERT_EQ(source.size(), 8U);
  const SampleSplit split = SplitSamples(source.Digest(2), false);
  std::multiset<float> judged;
  std::set<float> calibration;
  for (const size_t k : split.judged) judged.insert(source.Read(k).inputs[0].values<float>()[0]);
  for (const size_t k : split.calibration)
    calibration.insert(source.Read(k).inputs[0].values<float>()[0]);
  EXPECT_EQ(judged.size(), 2U) << "of five different ones";
  EXPECT_EQ(std::set<float>(judged.begin(), judged.end()).size(), 2U);
  EXPECT_EQ(calibration.size(), 3U);
  for (const float value : judged) EXPECT_FALSE(calibration.contains(value));
}

}  // namespace
}  // namespace qconvert
