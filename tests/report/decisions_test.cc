#include "qconvert/report/decisions.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

using Scores = OutputKind::Scores;

struct Seen {
  DecisionSums decisions;
  ErrorSums sums;
};

Seen Decide(Scores scores, size_t axis, std::vector<int64_t> dims, const std::vector<float>& x,
            const std::vector<float>& y) {
  Seen seen;
  AddDecisions(MakeFloatTensor("y", dims, x), MakeFloatTensor("y", dims, y), {scores, axis},
               seen.decisions, seen.sums);
  return seen;
}

TEST(DecisionsTest, FlipsCountWhereTheFloatModelIsSure) {
  // Softmax of {2, 0}: 0.88 and 0.12; of {0.2, 0}: 0.55 and 0.45.
  const Seen seen =
      Decide(Scores::kLogits, 1, {4, 2}, {2, 0, 2, 0, 0.2F, 0, 0, 2}, {1, 0, 0, 1, 0, 0.2F, 0, 3});
  EXPECT_EQ(seen.decisions.decided, 3);
  EXPECT_EQ(seen.decisions.flips, 1);
  EXPECT_EQ(seen.sums.positions, 4);
  EXPECT_EQ(seen.sums.agreed, 2);
  EXPECT_DOUBLE_EQ(*Evaluate(Metric::kTop1, seen.sums), 0.5);
}

TEST(DecisionsTest, MarginOfLogitsIsThatOfTheSoftmaxOverAllClasses) {
  // p1 - p2 = tanh(d / 2) for two classes: 0.2 at d = 0.40547.
  EXPECT_EQ(Decide(Scores::kLogits, 1, {1, 2}, {0.40F, 0}, {1, 0}).decisions.decided, 0);
  EXPECT_EQ(Decide(Scores::kLogits, 1, {1, 2}, {0.41F, 0}, {1, 0}).decisions.decided, 1);
  // The same gap above 98 more classes is no decision.
  std::vector<float> many(100, 0.0F);
  many[0] = 0.41F;
  EXPECT_EQ(Decide(Scores::kLogits, 1, {1, 100}, many, many).decisions.decided, 0);
  EXPECT_EQ(
      Decide(Scores::kProbabilities, 1, {1, 3}, {0.5F, 0.29F, 0.21F}, {0, 1, 0}).decisions.flips,
      1);
  EXPECT_EQ(
      Decide(Scores::kProbabilities, 1, {1, 3}, {0.45F, 0.3F, 0.25F}, {0, 1, 0}).decisions.decided,
      0);
}

// Logits of a position, and how the logarithms of probabilities tell them.
std::vector<float> Softmax(const std::vector<double>& logits) {
  double sum = 0;
  for (const double v : logits) sum += std::exp(v);
  std::vector<float> out;
  for (const double v : logits) out.push_back(static_cast<float>(std::exp(v) / sum));
  return out;
}

TEST(DecisionsTest, LogarithmsOfProbabilitiesAreTheLogits) {
  // Sure of the first class: 1e-5 is left of an error of 0.3 in a logit of 12.
  const std::vector<float> x = Softmax({12, 0, 0});
  const std::vector<float> y = Softmax({12.3, 0, 0});
  const DecisionSums seen = Decide(Scores::kProbabilities, 1, {1, 3}, x, y).decisions;
  EXPECT_NEAR(seen.logit_power, 96, 1e-3);                  // {8, -4, -4}
  EXPECT_NEAR(seen.logit_error, 96 * 0.025 * 0.025, 1e-4);  // 0.3 of 12 is 0.025
  EXPECT_LT(std::abs(x[0] - y[0]), 1e-5);
}

TEST(DecisionsTest, LogitsAddUpOverPositionsAndSamples) {
  const std::vector<float> a = Softmax({1, 0, 2});
  const std::vector<float> b = Softmax({0, 3, 0});
  std::vector<float> both;  // [1, 3, 2]: classes are not the last axis
  std::vector<float> turned;
  for (size_t c = 0; c < 3; ++c) both.insert(both.end(), {a[c], b[c]});
  for (size_t c = 0; c < 3; ++c) turned.insert(turned.end(), {b[c], a[c]});
  const DecisionSums seen = Decide(Scores::kProbabilities, 1, {1, 3, 2}, both, turned).decisions;
  DecisionSums apart = Decide(Scores::kProbabilities, 1, {1, 3}, a, b).decisions;
  apart.Merge(Decide(Scores::kProbabilities, 1, {1, 3}, b, a).decisions);
  EXPECT_NEAR(seen.logit_power, apart.logit_power, 1e-9);
  EXPECT_NEAR(seen.logit_error, apart.logit_error, 1e-9);
  EXPECT_NEAR(seen.logit_power, 2 + 6, 1e-5);  // {0, -1, 1} and {-1, 2, -1}
}

TEST(DecisionsTest, ProbabilitiesOfZeroSayNothingOfTheirLogit) {
  const std::vector<float> x = {0.5F, 0.25F, 0.25F};
  const DecisionSums seen = Decide(Scores::kProbabilities, 1, {1, 3}, x, {0.5F, 0.5F, 0}).decisions;
  EXPECT_NEAR(seen.logit_power, std::log(2) * std::log(2) / 2, 1e-6);
  EXPECT_NEAR(seen.logit_error, seen.logit_power, 1e-6);
  // One class is left, or none.
  EXPECT_EQ(Decide(Scores::kProbabilities, 1, {1, 3}, x, {1, 0, 0}).decisions.logit_power, 0);
  EXPECT_EQ(Decide(Scores::kProbabilities, 1, {1, 3}, x, {0, 0, 0}).decisions.logit_error, 0);
}

TEST(DecisionsTest, OnlyProbabilitiesThatSumToOneHaveLogits) {
  const std::vector<float> sigmoids = {0.9F, 0.8F, 0.1F};
  const float nan = std::nanf("");
  EXPECT_EQ(
      Decide(Scores::kProbabilities, 1, {1, 3}, sigmoids, {0.8F, 0.8F, 0.1F}).decisions.logit_power,
      0);
  EXPECT_EQ(Decide(Scores::kProbabilities, 1, {1, 2}, {nan, 1}, {0.5F, 0.5F}).decisions.logit_power,
            0);
  EXPECT_EQ(Decide(Scores::kLogits, 1, {1, 2}, {0.9F, 0.1F}, {0.5F, 0.5F}).decisions.logit_power, 0)
      << "these are logits themselves";
}

TEST(DecisionsTest, LikelyLogitsMustBeFarApartForTheirSize) {
  const std::vector<float> pixels = {101.5F, 100, 99, 100};  // coordinates, say
  EXPECT_EQ(Decide(Scores::kLogits, 1, {1, 4}, pixels, pixels).decisions.decided, 1);
  EXPECT_EQ(Decide(Scores::kLikelyLogits, 1, {1, 4}, pixels, pixels).decisions.decided, 0);
  const std::vector<float> logits = {6, 1, -2, 0};
  EXPECT_EQ(Decide(Scores::kLikelyLogits, 1, {1, 4}, logits, logits).decisions.decided, 1);
}

TEST(DecisionsTest, ClassesMayLieOnAnyAxis) {
  // The same scores with the classes last and turned to be second; more positions than a tile
  // holds.
  constexpr int64_t kClasses = 5;
  constexpr int64_t kPositions = 5000;
  const Tensor x = RandomTensor("y", {1, 50, 100, kClasses}, 3, 3);
  const Tensor y = RandomTensor("y", {1, 50, 100, kClasses}, 4, 3);
  const auto turned = [&](const Tensor& tensor) {
    std::vector<float> out(kClasses * kPositions);
    for (size_t p = 0; p < kPositions; ++p) {
      for (size_t c = 0; c < kClasses; ++c)
        out[c * kPositions + p] = tensor.values<float>()[p * kClasses + c];
    }
    return MakeFloatTensor("y", {1, kClasses, 50, 100}, out);
  };
  Seen last;
  AddDecisions(x, y, {Scores::kLogits, 3}, last.decisions, last.sums);
  Seen middle;
  AddDecisions(turned(x), turned(y), {Scores::kLogits, 1}, middle.decisions, middle.sums);
  EXPECT_EQ(last.sums.positions, kPositions);
  EXPECT_GT(last.decisions.decided, kPositions / 2);
  EXPECT_GT(last.decisions.flips, 0);
  EXPECT_EQ(middle.decisions.decided, last.decisions.decided);
  EXPECT_EQ(middle.decisions.flips, last.decisions.flips);
  EXPECT_EQ(middle.sums.agreed, last.sums.agreed);
}

TEST(DecisionsTest, ABorderThatMovesByOneStepIsNoFlip) {
  const auto scores = [](const std::vector<size_t>& classes) {
    std::vector<float> out;
    for (const size_t c : classes)
      for (size_t k = 0; k < 3; ++k) out.push_back(k == c ? 5.0F : 0.0F);
    return out;
  };
  const auto flips = [&](const std::vector<int64_t>& dims, size_t axis, const auto& x,
                         const auto& y) {
    return Decide(Scores::kLogits, axis, dims, scores(x), scores(y)).decisions.flips;
  };
  using Classes = std::vector<size_t>;
  const Classes time = {0, 0, 1, 1, 0, 0};
  EXPECT_EQ(flips({1, 6, 3}, 2, time, Classes{0, 1, 1, 1, 1, 0}), 0) << "one earlier, one later";
  EXPECT_EQ(flips({1, 6, 3}, 2, time, Classes{1, 1, 1, 1, 1, 1}), 2) << "two steps";
  EXPECT_EQ(flips({1, 6, 3}, 2, time, Classes{0, 2, 1, 1, 0, 0}), 1) << "no neighbor's class";
  EXPECT_EQ(flips({6, 3}, 1, time, Classes{0, 1, 1, 1, 1, 0}), 2) << "of other samples";
  EXPECT_EQ(flips({2, 3, 3}, 2, Classes{0, 0, 2, 1, 1, 1}, Classes{0, 0, 2, 2, 1, 1}), 1)
      << "the sample before has no say";
  const Classes image = {0, 0, 0, 0, 1, 0, 0, 0, 0};
  EXPECT_EQ(flips({1, 3, 3, 3}, 3, image, Classes{0, 1, 0, 0, 1, 0, 0, 0, 0}), 0);
  EXPECT_EQ(flips({1, 3, 3, 3}, 3, image, Classes{1, 0, 0, 0, 1, 0, 0, 0, 0}), 1) << "a corner";
}

TEST(DecisionsTest, BordersMoveWhereClassesAreTheSecondAxisToo) {
  // Three positions of two classes: a a b becomes a b b, then b a b.
  const std::vector<float> x = {5, 5, 0, 0, 0, 5};
  const Seen moved = Decide(Scores::kLogits, 1, {1, 2, 3}, x, {5, 0, 0, 0, 5, 5});
  EXPECT_EQ(moved.decisions.flips, 0);
  EXPECT_EQ(moved.sums.agreed, 2) << "agreement stays that of single positions";
  EXPECT_EQ(Decide(Scores::kLogits, 1, {1, 2, 3}, x, {0, 5, 0, 5, 0, 5}).decisions.flips, 1);
}

TEST(DecisionsTest, OneSigmoidDecidesAtOneHalf) {
  const Seen seen = Decide(Scores::kBinary, 0, {1, 1, 2, 2}, {0.9F, 0.55F, 0.1F, 0.61F},
                           {0.6F, 0.4F, 0.51F, 0.7F});
  EXPECT_EQ(seen.decisions.decided, 3);
  EXPECT_EQ(seen.decisions.flips, 1);
  EXPECT_EQ(seen.sums.positions, 4);
}

TEST(DecisionsTest, WhatIsNoNumberDecidesNothing) {
  EXPECT_EQ(Decide(Scores::kLogits, 1, {1, 2}, {NAN, 3}, {0, 3}).sums.positions, 0);
  EXPECT_EQ(Decide(Scores::kLogits, 1, {1, 2}, {INFINITY, 3}, {0, 3}).sums.positions, 0);
  const Seen masked = Decide(Scores::kLogits, 1, {1, 2}, {-INFINITY, 3}, {-INFINITY, 3});
  EXPECT_EQ(masked.decisions.decided, 1) << "a class that is masked out";
  EXPECT_EQ(Decide(Scores::kLogits, 1, {1, 2}, {0, 3}, {NAN, NAN}).decisions.flips, 1);
  EXPECT_EQ(Decide(Scores::kLogits, 1, {0, 2}, {}, {}).sums.positions, 0);
}

// P(X <= flips) for X ~ Binomial(n, p), summed up.
double BinomialTail(int64_t flips, int64_t n, double p) {
  double sum = 0;
  for (int64_t k = 0; k <= flips; ++k) {
    const double ways = std::lgamma(static_cast<double>(n + 1)) -
                        std::lgamma(static_cast<double>(k + 1)) -
                        std::lgamma(static_cast<double>(n - k + 1));
    sum += std::exp(ways + static_cast<double>(k) * std::log(p) +
                    static_cast<double>(n - k) * std::log1p(-p));
  }
  return sum;
}

TEST(DecisionsTest, UpperBoundIsExact) {
  EXPECT_NEAR(BoundOfRate(0, 256), 1 - std::pow(0.05, 1.0 / 256), 1e-12);
  EXPECT_NEAR(BoundOfRate(1, 256), 0.0184, 5e-5) << "at most 1.8 %";
  for (const auto& [n, flips] :
       std::vector<std::pair<int64_t, int64_t>>{{10, 3}, {64, 1}, {1000, 17}, {100'000, 990}}) {
    EXPECT_NEAR(BinomialTail(flips, n, BoundOfRate(static_cast<double>(flips), n)), 0.05, 1e-7)
        << flips << " of " << n;
  }
  EXPECT_EQ(BoundOfRate(5, 5), 1);
  EXPECT_EQ(BoundOfRate(0, 0), 1);
}

// 30 samples of 100 positions, of which none or all flip: a bound that took positions for
// independent ones would hold in far fewer than 19 of 20 sets.
TEST(DecisionsTest, PositionsOfOneSampleCountAsOne) {
  std::mt19937 random(5);
  std::bernoulli_distribution flips(0.05);
  const std::vector<float> expected = [] {
    std::vector<float> logits;
    for (int k = 0; k < 100; ++k) logits.insert(logits.end(), {0, 3});
    return logits;
  }();
  std::vector<float> flipped(expected.rbegin(), expected.rend());
  constexpr int kSets = 500;
  int covered = 0;
  int covered_by_positions = 0;
  for (int set = 0; set < kSets; ++set) {
    DecisionSums sums;
    for (int k = 0; k < 30; ++k) {
      sums.Merge(Decide(Scores::kLogits, 1, {100, 2}, expected, flips(random) ? flipped : expected)
                     .decisions);
    }
    ASSERT_EQ(sums.samples, 30);
    ASSERT_EQ(sums.decided, 3000);
    covered += sums.UpperBound() >= 0.05 ? 1 : 0;
    covered_by_positions +=
        BoundOfRate(static_cast<double>(sums.flips), sums.decided) >= 0.05 ? 1 : 0;
  }
  EXPECT_GE(covered, kSets * 0.94);
  EXPECT_LT(covered_by_positions, kSets * 0.8) << "this test could not fail";
}

TEST(DecisionsTest, SamplesThatFlipInPartCountInPart) {
  const DecisionSums half =
      Decide(Scores::kLogits, 1, {2, 2}, {0, 3, 0, 3}, {0, 3, 3, 0}).decisions;
  EXPECT_EQ(half.flips, 1);
  EXPECT_EQ(half.samples, 1);
  EXPECT_EQ(half.flipped_samples, 0.5);
  DecisionSums both = half;
  both.Merge(half);
  EXPECT_EQ(both.UpperBound(), BoundOfRate(1, 2));
  EXPECT_EQ(Decide(Scores::kLogits, 1, {1, 2}, {0, 0.1F}, {0, 0.1F}).decisions.samples, 0)
      << "nothing is decided";
}

}  // namespace
}  // namespace qconvert
