#include "qconvert/report/evaluation.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <sstream>

#include "qconvert/base/error.h"
#include "qconvert/report/decisions.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::HasSubstr;

Tensor Row(const std::vector<float>& values) {
  return MakeFloatTensor("y", {1, static_cast<int64_t>(values.size())}, values);
}

SampleScore Score(const std::vector<float>& a, const std::vector<float>& b,
                  const std::vector<int64_t>& labels = {}, int k = 2) {
  return ScoreSample(Row(a), Row(b), labels, {Task::kClassification, {}, k});
}

TEST(ScoreSampleTest, TheGreatestScoreIsTheClass) {
  const SampleScore same = Score({1, 5, 2}, {0, 3, 2.9F});
  EXPECT_EQ(same.positions, 1);
  EXPECT_EQ(same.classes, 3);
  EXPECT_EQ(same.agreed, 1);
  EXPECT_EQ(Score({1, 5, 2}, {0, 3, 3.1F}).agreed, 0);
}

TEST(ScoreSampleTest, LabelsAreRankedInBothModels) {
  const SampleScore score = Score({1, 5, 2, 0}, {4, 3, 2, 0}, {1});
  EXPECT_EQ(score.of_a.top1, 1);
  EXPECT_EQ(score.of_b.top1, 0);
  EXPECT_EQ(score.of_b.topk, 1) << "second of 2";
  EXPECT_EQ(score.lost, 1);
  EXPECT_EQ(score.gained, 0);
  EXPECT_EQ(Score({1, 5, 2, 0}, {4, 3, 2, 0}, {3}).of_b.topk, 0);
  EXPECT_EQ(Score({4, 3}, {1, 5}, {1}).gained, 1);
}

TEST(ScoreSampleTest, EqualScoresGoToTheSmallerClass) {
  EXPECT_EQ(Score({2, 2}, {2, 2}, {0}).of_a.top1, 1);
  EXPECT_EQ(Score({2, 2}, {2, 2}, {1}).of_a.top1, 0);
}

TEST(ScoreSampleTest, LossIsOfTheSoftmaxUnlessScoresAreProbabilities) {
  const SampleScore score = Score({0, std::log(3.0F)}, {0.25F, 0.75F}, {1});
  EXPECT_NEAR(score.of_a.loss, -std::log(0.75), 1e-6);
  EXPECT_NEAR(score.of_b.loss, -std::log(0.75), 1e-6);
  EXPECT_NEAR(Score({1000, 0}, {1000, 0}, {0}).of_a.loss, 0, 1e-9) << "no overflow";
  EXPECT_TRUE(std::isfinite(Score({1, 0}, {1, 0}, {1}).of_a.loss)) << "probability 0";
}

TEST(ScoreSampleTest, ClassesAlongAnInnerAxisHaveAPositionEach) {
  // [1, 2 classes, 3 positions]
  const auto tensor = [](const std::vector<float>& v) {
    return MakeFloatTensor("y", {1, 2, 3}, v);
  };
  const OutputKind kind{OutputKind::Scores::kLogits, 1};
  const std::vector<int64_t> labels = {0, 1, 1};
  const SampleScore score = ScoreSample(tensor({9, 0, 0, 0, 9, 9}), tensor({9, 9, 0, 0, 0, 9}),
                                        labels, {Task::kClassification, kind, 1});
  EXPECT_EQ(score.positions, 3);
  EXPECT_EQ(score.agreed, 2);
  EXPECT_EQ(score.of_a.top1, 3);
  EXPECT_EQ(score.of_b.top1, 2);
}

TEST(ScoreSampleTest, OneSigmoidIsTwoClasses) {
  const ScoreOptions options{Task::kClassification, {OutputKind::Scores::kBinary, 0}, 1};
  const std::vector<int64_t> labels = {1};
  const SampleScore score = ScoreSample(Row({0.8F}), Row({0.4F}), labels, options);
  EXPECT_EQ(score.classes, 2);
  EXPECT_EQ(score.agreed, 0);
  EXPECT_EQ(score.of_a.top1, 1);
  EXPECT_NEAR(score.of_a.margin, 0.6, 1e-6);
  EXPECT_NEAR(score.of_b.loss, -std::log(0.4), 1e-6);
}

TEST(ScoreSampleTest, LabelsThatFitNothingAreErrors) {
  const auto message = [](const std::vector<int64_t>& labels) -> std::string {
    try {
      Score({1, 2}, {1, 2}, labels);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ExitCode::kData);
      return e.what();
    }
    return "";
  };
  EXPECT_THAT(message({2}), HasSubstr("label 2 is no class, expected 0 to 1"));
  EXPECT_THAT(message({-1}), HasSubstr("label -1"));
  EXPECT_THAT(message({0, 1}), HasSubstr("2 labels for a sample with 1 position"));
}

TEST(ScoreSampleTest, WhatCannotBeComparedIsTheWorst) {
  EXPECT_FALSE(Score({1, 2}, {1, 2, 3}).comparable);
  EXPECT_FALSE(Score({1, 2}, {1, NAN}).comparable);
  EXPECT_TRUE(std::isinf(Score({1, 2}, {1, NAN}).noise()));
  EXPECT_EQ(Score({1, 2}, {1, 2}).noise(), 0);
  EXPECT_TRUE(std::isinf(Score({0, 0}, {0, 1}).noise()));
}

// Integers are equal or not: each is a position of its own.
TEST(ScoreSampleTest, IntegersAgreeWhereTheyAreEqual) {
  const std::vector<int64_t> a = {1, 2, 3};
  const std::vector<int64_t> b = {1, 2, 4};
  const SampleScore score =
      ScoreSample(MakeInt64Tensor("y", {3}, a), MakeInt64Tensor("y", {3}, b), {}, {});
  EXPECT_EQ(score.positions, 3);
  EXPECT_EQ(score.agreed, 2);
  Evaluation evaluation;
  evaluation.task = Task::kRegression;
  evaluation.samples = {score};
  evaluation.min_agreement = 0.6;
  EXPECT_EQ(evaluation.Missed(), "");
  evaluation.min_agreement = 0.7;
  EXPECT_THAT(evaluation.Missed(), HasSubstr("66.6667 % of the positions agree"));
  EXPECT_THAT(FormatEvaluation(evaluation), HasSubstr("1 of 3 numbers differ"));
}

// No share of nothing is told, neither 0 nor 100 %.
TEST(EvaluationTest, OutputsWithoutElementsHaveNothingToAgreeOn) {
  Evaluation evaluation;
  evaluation.output = "y";
  const Tensor empty = MakeInt64Tensor("y", {0}, std::vector<int64_t>());
  evaluation.samples = {ScoreSample(empty, empty, {}, {})};
  EXPECT_EQ(evaluation.Missed(), "");
  evaluation.min_agreement = 0.5;
  EXPECT_EQ(evaluation.Missed(), "output y has nothing to agree on, expected at least 50.0000 %");
}

Evaluation Sample() {
  Evaluation evaluation;
  evaluation.a = "a.onnx";
  evaluation.b = "b.onnx";
  evaluation.output = "y";
  evaluation.has_labels = true;
  evaluation.samples = {Score({5, 1}, {5, 1}, {0}), Score({5, 1}, {1, 5}, {0}),
                        Score({1, 5}, {1, 5.1F}, {1}), Score({1, 5}, {1, 4}, {0})};
  for (size_t k = 0; k < 4; ++k) evaluation.samples[k].name = fmt::format("{}.npy", k);
  return evaluation;
}

TEST(EvaluationTest, SharesAndBudgets) {
  Evaluation evaluation = Sample();
  EXPECT_DOUBLE_EQ(evaluation.agreement(), 0.75);
  EXPECT_DOUBLE_EQ(evaluation.DisagreementBound(), BoundOfRate(1, 4));
  EXPECT_EQ(evaluation.Missed(), "");
  evaluation.max_drop = 0.25;
  evaluation.min_agreement = 0.75;
  EXPECT_EQ(evaluation.Missed(), "") << "exactly kept";
  evaluation.max_drop = 0.2;
  EXPECT_THAT(evaluation.Missed(), HasSubstr("25.0000 % of the labels are lost"));
  evaluation.max_drop.reset();
  evaluation.min_agreement = 0.8;
  EXPECT_THAT(evaluation.Missed(), HasSubstr("75.0000 % of the positions agree"));
}

TEST(EvaluationTest, WorstSamplesComeFirst) {
  Evaluation evaluation = Sample();
  EXPECT_EQ(evaluation.Worst(), (std::vector<size_t>{1, 3, 2, 0}));
  evaluation.worst = 1;
  EXPECT_THAT(FormatEvaluation(evaluation), HasSubstr("1.npy"));
  EXPECT_THAT(FormatEvaluation(evaluation), testing::Not(HasSubstr("3.npy")));
}

TEST(EvaluationTest, TextsFitEightyColumnsAndSayTheSame) {
  const Evaluation evaluation = Sample();
  const std::string text = FormatEvaluation(evaluation);
  EXPECT_THAT(text, HasSubstr("75.0000 % of 4 positions"));
  EXPECT_THAT(text, HasSubstr("1 right in the float model only, 0 in the quantized one only"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
  const std::string json = EvaluationJson(evaluation, "success");
  EXPECT_THAT(json, HasSubstr("\"share\": 0.75"));
  EXPECT_THAT(json, HasSubstr("\"top1\": 0.75"));
  EXPECT_THAT(json, HasSubstr("\"drop\": 0.25"));
}

TEST(AreaUnderCurveTest, CountsPairsInOrder) {
  const auto sample = [](double margin, int64_t label) {
    SampleScore score;
    score.of_a.margin = margin;
    score.first_label = label;
    return score;
  };
  const auto area = [](const std::vector<SampleScore>& samples) {
    return AreaUnderCurve(samples, &SampleScore::of_a);
  };
  EXPECT_EQ(area({sample(1, 0), sample(2, 1)}), 1.0);
  EXPECT_EQ(area({sample(2, 0), sample(1, 1)}), 0.0);
  EXPECT_EQ(area({sample(1, 0), sample(1, 1)}), 0.5);
  EXPECT_EQ(area({sample(1, 0), sample(3, 0), sample(2, 1), sample(4, 1)}), 0.75);
  EXPECT_EQ(area({sample(1, 0)}), std::nullopt);
}

// The bound is exact: a model that disagrees with probability p is bounded below p at most 5 times
// in 100.
TEST(EvaluationTest, TheBoundCoversItsPromise) {
  std::mt19937 random(17);
  for (const double p : {0.002, 0.02, 0.2}) {
    std::bernoulli_distribution disagrees(p);
    int covered = 0;
    constexpr int kTrials = 2000;
    for (int trial = 0; trial < kTrials; ++trial) {
      int flips = 0;
      for (int k = 0; k < 500; ++k) flips += disagrees(random) ? 1 : 0;
      covered += BoundOfRate(flips, 500) >= p ? 1 : 0;
    }
    EXPECT_GE(covered, kTrials * 0.94) << p;
  }
}

// Positions that disagree at these rates, in 200 sets of each size: the bound lies above the rate
// in at least 19 of 20. The draws are those of the standard's generator, the same everywhere.
TEST(EvaluationTest, TheBoundCoversTheRateInNineteenOfTwentySets) {
  constexpr int kSets = 200;
  std::mt19937 draw(11);
  int covered = 0;
  int all = 0;
  for (const double rate : {0.005, 0.02, 0.1, 0.3}) {
    for (const size_t size : {20U, 100U}) {
      for (int set = 0; set < kSets; ++set) {
        Evaluation evaluation;
        evaluation.samples.resize(size);
        for (SampleScore& sample : evaluation.samples) {
          sample.positions = 1;
          sample.agreed = static_cast<double>(draw()) < rate * 4294967296.0 ? 0 : 1;
        }
        covered += evaluation.DisagreementBound() >= rate ? 1 : 0;
        ++all;
      }
    }
  }
  EXPECT_GE(covered, all * 95 / 100) << "of " << all;
  EXPECT_LT(covered, all) << "a bound that always holds says nothing";
}

}  // namespace
}  // namespace qconvert
