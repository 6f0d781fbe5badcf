#include "qconvert/report/detections.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace qconvert {
namespace {

Tensor Floats(const std::vector<int64_t>& dims, const std::vector<float>& values) {
  return MakeTensor<float>("t", DataType::kFloat, dims, std::span<const float>(values));
}

const std::vector<float> kTwoCorners = {0, 0, 10, 10, 20, 20, 30, 40};

TEST(RecognizeBoxesTest, CornersWithProbabilitiesAndABackground) {
  const auto form =
      RecognizeBoxes(Floats({1, 2, 4}, kTwoCorners), Floats({1, 2, 2}, {0.1F, 0.9F, 0.8F, 0.2F}));
  ASSERT_TRUE(form);
  EXPECT_FALSE(form->are_centers);
  EXPECT_FALSE(form->are_logits);
  EXPECT_TRUE(form->has_background);
  EXPECT_TRUE(form->classes_inside);
  EXPECT_EQ(form->classes, 2U);
}

TEST(RecognizeBoxesTest, CentersWithLogitsByClass) {
  const auto form = RecognizeBoxes(Floats({1, 2, 4}, {50, 50, 4, 4, 80, 20, 6, 6}),
                                   Floats({1, 3, 2}, {-4, 2, 1, 0, -1, -9}));
  ASSERT_TRUE(form);
  EXPECT_TRUE(form->are_centers);
  EXPECT_TRUE(form->are_logits);
  EXPECT_FALSE(form->has_background);
  EXPECT_FALSE(form->classes_inside);
  EXPECT_EQ(form->classes, 3U);
}

TEST(RecognizeBoxesTest, OneScoreForEachBox) {
  const auto form = RecognizeBoxes(Floats({2, 4}, kTwoCorners), Floats({2}, {0.9F, 0.4F}));
  ASSERT_TRUE(form);
  EXPECT_EQ(form->classes, 1U);
  EXPECT_FALSE(form->has_background) << "an only class is none";
}

TEST(RecognizeBoxesTest, SigmoidsHaveNoBackground) {
  const auto form =
      RecognizeBoxes(Floats({1, 2, 4}, kTwoCorners), Floats({1, 2, 2}, {0.7F, 0.9F, 0, 0.2F}));
  ASSERT_TRUE(form);
  EXPECT_FALSE(form->has_background);
}

TEST(RecognizeBoxesTest, ShapesThatDoNotGoTogetherAreNoDetector) {
  const Tensor scores = Floats({1, 3}, {0, 0, 0});
  EXPECT_FALSE(RecognizeBoxes(Floats({1, 2, 4}, kTwoCorners), scores));
  EXPECT_FALSE(RecognizeBoxes(Floats({8}, kTwoCorners), scores));
  EXPECT_FALSE(RecognizeBoxes(Floats({0, 4}, {}), Floats({0}, {})));
  EXPECT_FALSE(RecognizeBoxes(Floats({2, 4, 1}, kTwoCorners), scores));
}

TEST(FindDetectionsTest, BestFirstAndWithoutThoseThatOverlapABetterOne) {
  const Tensor boxes = Floats({3, 4}, {0, 0, 10, 10, 1, 0, 10, 10, 20, 20, 30, 30});
  const Tensor scores = Floats({3}, {0.6F, 0.9F, 0.7F});
  const auto found = FindDetections(boxes, scores, *RecognizeBoxes(boxes, scores), 0.5);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].score, 0.9F);
  EXPECT_EQ(found[1].corners[0], 20);
  EXPECT_EQ(FindDetections(boxes, scores, *RecognizeBoxes(boxes, scores), 0.8).size(), 1U);
}

TEST(FindDetectionsTest, TheBackgroundIsNoClass) {
  const Tensor boxes = Floats({2, 4}, kTwoCorners);
  const Tensor scores = Floats({2, 2}, {0.9F, 0.1F, 0.3F, 0.7F});
  const auto found = FindDetections(boxes, scores, *RecognizeBoxes(boxes, scores), 0.5);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].label, 1U);
  EXPECT_EQ(found[0].corners[3], 40);
}

TEST(FindDetectionsTest, CentersBecomeCornersAndLogitsAreComparedAsSuch) {
  const Tensor boxes = Floats({2, 4}, {50, 50, 4, 6, 80, 20, 6, 6});
  const Tensor scores = Floats({2}, {0.1F, -3});
  const auto found = FindDetections(boxes, scores, *RecognizeBoxes(boxes, scores), 0.5);
  ASSERT_EQ(found.size(), 1U) << "a logit above 0 is a probability above a half";
  EXPECT_EQ(found[0].corners, (std::array<float, 4>{48, 47, 52, 53}));
}

TEST(FindDetectionsTest, WhatIsNotFiniteIsNoBox) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor boxes = Floats({3, 4}, {nan, 0, 10, 10, 20, 20, 30, 30, 50, 50, 60, 60});
  const Tensor scores = Floats({3}, {0.9F, nan, 0.8F});
  BoxForm form;
  EXPECT_EQ(FindDetections(boxes, scores, form, 0.5).size(), 1U);
}

TEST(FindDetectionsTest, AtMostSoMany) {
  std::vector<float> places;
  for (size_t k = 0; k < 1000; ++k) {
    const auto x = static_cast<float>(20 * k);
    places.insert(places.end(), {x, 0, x + 10, 10});
  }
  const Tensor boxes = Floats({1000, 4}, places);
  const Tensor scores = Floats({1000}, std::vector<float>(1000, 0.9F));
  EXPECT_EQ(FindDetections(boxes, scores, BoxForm{}, 0.5).size(), kMostDetections);
}

Detection Box(float x, size_t label, float score = 0.9F) {
  return {{x, 0, x + 10, 10}, label, score};
}

TEST(MatchDetectionsTest, PairsOverlapAndAreOfOneClass) {
  const std::vector<Detection> a = {Box(0, 1), Box(100, 1), Box(200, 2)};
  EXPECT_EQ(MatchDetections(a, a), 3);
  EXPECT_EQ(MatchDetections(a, std::vector{Box(2, 1), Box(106, 1), Box(200, 1)}), 1)
      << "moved by 2 of 10 it is the same, by 6 it is not, and another class is another box";
  EXPECT_EQ(MatchDetections(a, {}), 0);
}

TEST(MatchDetectionsTest, EachHasOnePartner) {
  EXPECT_EQ(MatchDetections(std::vector{Box(0, 0)}, std::vector{Box(0, 0), Box(1, 0)}), 1);
  EXPECT_EQ(MatchDetections(std::vector{Box(0, 0), Box(3, 0)}, std::vector{Box(1, 0), Box(1, 0)}),
            2);
}

}  // namespace
}  // namespace qconvert
