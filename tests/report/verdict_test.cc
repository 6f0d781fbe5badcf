#include "qconvert/report/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace qconvert {
namespace {

using Result = OutputVerdict::Result;
using testing::HasSubstr;
using testing::StartsWith;

OutputComparison Compare(const ComparedValue& value, const std::vector<int64_t>& dims,
                         const std::vector<float>& x, const std::vector<float>& y) {
  return CompareSample(value, MakeFloatTensor(value.name, dims, x),
                       MakeFloatTensor(value.name, dims, y));
}

OutputComparison Compare(const std::vector<float>& x, const std::vector<float>& y) {
  return Compare({"y"}, {static_cast<int64_t>(x.size())}, x, y);
}

OutputVerdict JudgeOne(const OutputComparison& comparison, const Gate& gate = {},
                       const std::vector<std::string>& names = {}) {
  const Verdict verdict = JudgeOutputs({&comparison, 1}, gate, names);
  EXPECT_EQ(verdict.passed, verdict.outputs[0].result != Result::kFailed);
  return verdict.outputs[0];
}

TEST(VerdictTest, WhatIsNearPassesWithItsNumbers) {
  const OutputVerdict verdict = JudgeOne(Compare({3, 4}, {3, 3.9F}));
  EXPECT_EQ(verdict.result, Result::kPassed);
  EXPECT_EQ(verdict.text, "passes: 34.0 dB over 1 sample");
  EXPECT_NEAR(verdict.noise, 0.01 / 25, 1e-8);
}

TEST(VerdictTest, SeveralSamplesTellWhatOthersGiveAtLeast) {
  OutputComparison near = Compare({10, 0}, {10, 0.1F});
  for (const float error : {0.11F, 0.12F, 0.11F}) near.Merge(Compare({10, 0}, {10, error}));
  EXPECT_THAT(JudgeOne(near).text,
              StartsWith("passes: 39.2 dB over 4 samples (at least 38.4, 95 %), "
                         "worst sample 38.4 dB"));
  near.Merge(Compare({10, 0}, {10, 1e-4F}));
  EXPECT_THAT(JudgeOne(near).text, HasSubstr("5 samples (at least 4.3, 95 %)"));
  EXPECT_THAT(JudgeOne(near, Gate::AtSqnr(60)).text,
              StartsWith("fails: 40.1 dB over 5 samples, expected at least 60.0; "));
}

// The direction is right, the size is not: cosine 1 at 1.16 dB.
TEST(VerdictTest, GainIsAnError) {
  const float gain = 1 - std::pow(10.0F, -1.16F / 20);
  const OutputComparison c = Compare({1, 2, 3}, {gain, 2 * gain, 3 * gain});
  EXPECT_NEAR(c.cosine(), 1, 1e-12);
  const OutputVerdict verdict = JudgeOne(c);
  EXPECT_EQ(verdict.result, Result::kFailed);
  EXPECT_THAT(verdict.text, StartsWith("fails: 1.2 dB over 1 sample, expected at least 17.0; "));
  EXPECT_NEAR(verdict.noise, std::pow(10, -0.116), 1e-6);
}

TEST(VerdictTest, AllNanIsNothingCompared) {
  const OutputComparison c = Compare({NAN, NAN}, {NAN, 1});
  const OutputVerdict verdict = JudgeOne(c);
  EXPECT_EQ(verdict.result, Result::kFailed);
  EXPECT_EQ(
      verdict.text,
      "not compared: the float model gives NaN or infinity in all 2 values of 1 sample; check "
      "the samples and the float model");
  EXPECT_EQ(verdict.noise, 0) << "no change of the quantized model helps";
  EXPECT_EQ(WorstNoise({&c, 1}), 0);
}

// They would count as 200 dB each.
TEST(VerdictTest, SilentAndEmptySamplesDoNotCount) {
  OutputComparison some = Compare({10, 0}, {10, 0.1F});
  for (const float error : {0.12F, 0.11F, 0.13F}) some.Merge(Compare({10, 0}, {10, error}));
  const double typical = TypicalNoise({&some, 1});
  const std::optional<double> at_least = some.SqnrAtLeast();
  EXPECT_TRUE(at_least);
  const OutputVerdict without = JudgeOne(some);
  some.Merge(Compare({0, 0}, {0, 0}));
  some.Merge(Compare({"y"}, {0, 2}, {}, {}));
  EXPECT_DOUBLE_EQ(TypicalNoise({&some, 1}), typical);
  EXPECT_EQ(some.SqnrAtLeast(), at_least);
  EXPECT_EQ(
      JudgeOne(some).text,
      without.text + "; 2 samples without values, or with 0 alone in both models, not counted");
}

TEST(VerdictTest, NoValuesAreNothingCompared) {
  const OutputVerdict verdict = JudgeOne(Compare({"y"}, {0, 4}, {}, {}));
  EXPECT_EQ(verdict.result, Result::kFailed);
  EXPECT_THAT(verdict.text, StartsWith("not compared: no values in 1 sample; "));
}

TEST(VerdictTest, NewNanFails) {
  const OutputComparison c = Compare({1, 2, INFINITY}, {1, NAN, INFINITY});
  const OutputVerdict verdict = JudgeOne(c);
  EXPECT_EQ(verdict.result, Result::kFailed);
  EXPECT_THAT(verdict.text, HasSubstr("NaN or infinity in 1 value where the float model has"));
  EXPECT_EQ(verdict.noise, INFINITY);
  EXPECT_EQ(WorstNoise({&c, 1}), INFINITY);
  const OutputComparison all = Compare({1}, {NAN});
  EXPECT_EQ(JudgeOne(all).result, Result::kFailed);
}

TEST(VerdictTest, ShapesThatDifferFail) {
  OutputComparison c =
      CompareSample({"boxes"}, MakeFloatTensor("boxes", {2, 1}, std::vector{1.F, 2.F}),
                    MakeFloatTensor("boxes", {1, 1}, std::vector{1.F}));
  const OutputVerdict alone = JudgeOne(c);
  EXPECT_EQ(alone.result, Result::kFailed);
  EXPECT_THAT(alone.text,
              StartsWith("not compared: shapes differ in 1 of 1 sample, the first float [2, 1], "
                         "quantized [1, 1]; try more samples"));
  EXPECT_EQ(alone.noise, INFINITY);
  EXPECT_EQ(WorstNoise({&c, 1}), INFINITY);
}

// Rows kept by a threshold: one more or less says little, the scores they come from say all.
TEST(VerdictTest, ShapesThatDifferAreJudgedByTheValuesInTheirPlace) {
  ComparedValue boxes{"boxes"};
  boxes.has_stand_in = true;
  ComparedValue scores{"scores"};
  scores.stands_for = {"boxes"};
  const auto judge = [&](float score) {
    return JudgeOutputs(
        std::vector{CompareSample(boxes, MakeFloatTensor("boxes", {2, 1}, std::vector{1.F, 2.F}),
                                  MakeFloatTensor("boxes", {1, 1}, std::vector{1.F})),
                    Compare(scores, {2}, {1, 2}, {1, score})},
        {});
  };
  const Verdict near = judge(2.01F);
  EXPECT_TRUE(near.passed);
  EXPECT_EQ(near.outputs[0].result, Result::kNotJudged);
  EXPECT_EQ(near.outputs[0].text,
            "not compared: shapes differ in 1 of 1 sample, the first float [2, 1], quantized "
            "[1, 1]; judged by the values it is made from, compare what is found by a measure of "
            "the task");
  EXPECT_EQ(near.outputs[0].noise, 0) << "what another plan would change is seen by others";
  const Verdict far = judge(4);
  EXPECT_FALSE(far.passed);
  EXPECT_TRUE(far.CanImprove());
  EXPECT_EQ(far.Worst()->name, "scores");
}

// Two rows that swap their places, in as many as there were.
TEST(VerdictTest, PlacesThatNearTiesDecideAreNoNoise) {
  ComparedValue value{"boxes"};
  value.has_stand_in = true;
  value.is_random = true;
  const OutputComparison swapped = Compare(value, {2, 1}, {1, 2}, {2, 1});
  const OutputVerdict verdict = JudgeOne(swapped);
  EXPECT_EQ(verdict.result, Result::kNotJudged);
  EXPECT_EQ(verdict.text,
            "not compared: near ties decide what stands where; judged by the values it is made "
            "from, compare what is found by a measure of the task");
  EXPECT_EQ(WorstNoise({&swapped, 1}), 0);
  EXPECT_EQ(TypicalNoise({&swapped, 1}), 0);
  EXPECT_EQ(HiddenNoise({&swapped, 1}, {}), 0);
}

TEST(VerdictTest, NoRowsAreNoFailureWhereOthersAreJudged) {
  ComparedValue value{"boxes"};
  value.has_stand_in = true;
  EXPECT_EQ(JudgeOne(Compare(value, {0, 4}, {}, {})).result, Result::kNotJudged);
}

TEST(VerdictTest, OneSampleOfAnotherShapeIsEnough) {
  OutputComparison sums = Compare({1, 2}, {1, 2});
  sums.Merge(CompareSample({"y"}, MakeFloatTensor("y", {2}, std::vector{1.F, 2.F}),
                           MakeFloatTensor("y", {1}, std::vector{1.F})));
  EXPECT_EQ(JudgeOne(sums).result, Result::kFailed);
}

TEST(VerdictTest, AStandInSaysForWhom) {
  ComparedValue value{"raw"};
  value.stands_for = {"boxes", "classes"};
  EXPECT_EQ(JudgeOne(Compare(value, {1}, {1}, {1})).text,
            "passes: 200.0 dB over 1 sample (in the place of \"boxes\", \"classes\")");
}

TEST(VerdictTest, IntegersAreToldNotJudged) {
  const std::vector<int64_t> a = {1, 2, 3, 4, 5, 6, 7};
  const std::vector<int64_t> b = {1, 2, 3, 4, 5, 6, 0};
  const OutputComparison c =
      CompareSample({"indices"}, MakeInt64Tensor("i", {7}, a), MakeInt64Tensor("i", {7}, b));
  const OutputVerdict verdict = JudgeOne(c);
  EXPECT_EQ(verdict.result, Result::kNotJudged);
  EXPECT_EQ(verdict.text, "85.7 % of 7 values equal, not judged");
  EXPECT_EQ(WorstNoise({&c, 1}), 0);
}

TEST(VerdictTest, RandomValuesAreNotCompared) {
  ComparedValue value{"y"};
  value.is_random = true;
  const OutputVerdict verdict = JudgeOne(Compare(value, {2}, {1, 2}, {2, 1}));
  EXPECT_EQ(verdict.result, Result::kNotJudged);
  EXPECT_EQ(verdict.text, "not compared: random: two runs of the float model differ");
}

TEST(VerdictTest, TheWorstSampleCountsAndIsNamed) {
  OutputComparison sums;
  for (int k = 0; k < 20; ++k) sums.Merge(Compare({10, 10}, {10, 10}));
  sums.Merge(Compare({10, 10}, {10, 5}));  // 25 of 200: 9.03 dB; pooled 22 dB
  std::vector<std::string> names(21, "a.npy");
  names[20] = "dark\n.npy";
  const OutputVerdict verdict = JudgeOne(sums, {}, names);
  EXPECT_EQ(verdict.result, Result::kFailed);
  EXPECT_THAT(verdict.text,
              HasSubstr("worst sample 9.0 dB (dark\\x0a.npy), expected at least 10.0"));
  // 0.125 where 0.1 is allowed, in terms of the 0.01995 over all samples.
  EXPECT_NEAR(verdict.noise, 0.125 / 0.1 * std::pow(10, -1.7), 1e-9);
}

TEST(VerdictTest, TheWorstGroupOfChannelsCounts) {
  std::vector<float> x = {400, 300, 0.5F, 0.5F};
  std::vector<float> y = {400, 300, 0.4F, 0.6F};
  const OutputVerdict verdict = JudgeOne(Compare({"y"}, {1, 4}, x, y));
  EXPECT_EQ(verdict.result, Result::kFailed);
  // 0.02 of 0.5: 13.98 dB
  EXPECT_THAT(verdict.text, HasSubstr("worst channel group 14.0 dB (channels 2-3 of axis 1), "
                                      "expected at least 14.0"));
}

TEST(VerdictTest, FlipsCountWithTheirBound) {
  const ComparedValue scores{"scores", {OutputKind::Scores::kProbabilities, 1}};
  OutputComparison sums;
  for (int k = 0; k < 256; ++k)
    sums.Merge(Compare(scores, {1, 2}, {0.61F, 0.39F},
                       k < 2 ? std::vector{0.49F, 0.51F} : std::vector{0.61F, 0.39F}));
  const OutputVerdict verdict = JudgeOne(sums);
  EXPECT_EQ(verdict.result, Result::kPassed) << verdict.text;
  EXPECT_THAT(verdict.text, HasSubstr("2 of 256 decided positions flipped (at most 2.4 %, 95 %)"));
  Gate strict;
  strict.max_flips = 0.005;
  EXPECT_EQ(JudgeOne(sums, strict).result, Result::kFailed);
  EXPECT_THAT(JudgeOne(sums, strict).text, HasSubstr("expected at most 0.5 %"));
  // 0.78 % where 0.5 % may flip.
  EXPECT_NEAR(JudgeOne(sums, strict).noise, std::pow(2.0 / 256 / 0.005, 2) * NoiseOfSqnr(17), 1e-9);
  EXPECT_LT(verdict.noise, NoiseOfSqnr(17));
  EXPECT_EQ(sums.samples[1].decisions.flips, 1);
  EXPECT_EQ(sums.samples[2].decisions.flips, 0);
  strict.max_flips = 0;
  EXPECT_TRUE(std::isfinite(JudgeOne(sums, strict).noise));
}

TEST(VerdictTest, AsManyFlipsAsTheGateAllowsAreNoNoise) {
  Gate gate;
  gate.max_flips = 0.02;
  EXPECT_EQ(NoiseOfFlips({100, 2}, gate), 0);
  EXPECT_EQ(NoiseOfFlips({}, gate), 0);
  EXPECT_GT(NoiseOfFlips({100, 3}, gate), NoiseOfSqnr(gate.min_sqnr_db));
}

TEST(VerdictTest, WhatWholeOutputsHideIsThatOfGroupsAndFlips) {
  const Gate gate;
  // Boxes of 300 beside scores of 0.5 that are off by 0.25.
  const OutputComparison mixed =
      Compare({"y"}, {1, 2, 2}, {300, 300, 0.5F, -0.5F}, {300, 300, 0.75F, -0.5F});
  EXPECT_LT(TypicalNoise({&mixed, 1}), 1e-6);
  const double group = 0.125;  // 9 dB, of which 3 are the groups'
  EXPECT_NEAR(NoiseOfGroups(mixed, gate), group * std::pow(10, -0.3), 1e-6);
  EXPECT_EQ(HiddenNoise({&mixed, 1}, gate), NoiseOfGroups(mixed, gate));
  OutputComparison even = Compare({1, 2, 3}, {1, 2, 2.5F});
  EXPECT_EQ(NoiseOfGroups(even, gate), 0);
  EXPECT_EQ(HiddenNoise({&even, 1}, gate), 0);
  even.decisions = {100, 10};
  EXPECT_EQ(HiddenNoise({&even, 1}, gate), NoiseOfFlips({100, 10}, gate));
}

TEST(VerdictTest, WhatIsNotComparedIsTold) {
  const OutputVerdict some = JudgeOne(Compare({3, 4, NAN, INFINITY}, {3, 3.9F, 0, 0}));
  EXPECT_EQ(some.result, Result::kPassed);
  EXPECT_THAT(some.text,
              HasSubstr("; not compared: 2 values that the float model makes NaN or infinite"));
  EXPECT_THAT(JudgeOne(Compare({0, 0}, {0, 0})).text,
              HasSubstr("; the float model gives nothing but 0"));
  EXPECT_THAT(JudgeOne(Compare({3, 4}, {3, 4})).text, testing::Not(HasSubstr("; ")));
}

TEST(VerdictTest, CosineIsAskedForOnRequest) {
  const OutputComparison c = Compare({1, 0}, {1, 0.05F});  // cosine 0.998752, 26 dB
  EXPECT_EQ(JudgeOne(c).result, Result::kPassed);
  const OutputVerdict verdict = JudgeOne(c, Gate::AtCosine(0.999));
  EXPECT_EQ(verdict.result, Result::kFailed);
  EXPECT_THAT(verdict.text, HasSubstr("cosine 0.998752 over all samples, expected at least 0.999"));
}

TEST(VerdictTest, GatesKeepTheirDistances) {
  const Gate gate = Gate::AtSqnr(30);
  EXPECT_EQ(gate.min_sqnr_db, 30);
  EXPECT_EQ(gate.min_sample_sqnr_db, 23);
  EXPECT_EQ(gate.min_group_sqnr_db, 27);
  EXPECT_NEAR(Gate::AtCosine(0.99).min_sqnr_db, 16.93, 0.01) << "the default is what 0.99 meant";
  EXPECT_EQ(Gate::AtCosine(1).min_sqnr_db, kEqualSqnrDb);
  EXPECT_EQ(Gate::AtCosine(-1).min_sqnr_db, -10);
  EXPECT_EQ(Gate::AtCosine(0).min_sqnr_db, -10);
  EXPECT_EQ(Gate::Of({}, {}).min_sqnr_db, 17);
  EXPECT_EQ(Gate::Of(25, 0.999).min_sqnr_db, 25);
  EXPECT_EQ(Gate::Of(25, 0.999).min_cosine, 0.999);
  EXPECT_EQ(Gate::Of({}, 0.999).min_group_sqnr_db, Gate::AtCosine(0.999).min_group_sqnr_db);
}

TEST(VerdictTest, TheWorstOutputIsAFailedOneOfMostNoise) {
  const std::vector<OutputComparison> outputs = {Compare({"a"}, {2}, {3, 4}, {3, 3.9F}),
                                                 Compare({"b"}, {1}, {NAN}, {NAN}),
                                                 Compare({"c"}, {2}, {3, 4}, {3, 3.8F})};
  const Verdict verdict = JudgeOutputs(outputs, {});
  EXPECT_FALSE(verdict.passed);
  EXPECT_EQ(verdict.Worst()->name, "b");
  EXPECT_NEAR(verdict.noise, 0.04 / 25, 1e-8);
  const Verdict passing = JudgeOutputs(std::vector{outputs[0], outputs[2]}, {});
  EXPECT_TRUE(passing.passed);
  EXPECT_EQ(passing.Worst()->name, "c");
  EXPECT_EQ(Verdict{}.Worst(), nullptr);
}

TEST(VerdictTest, WorstNoiseIsThatOfTheWorstOutput) {
  EXPECT_EQ(WorstNoise({}), 0);
  const std::vector<OutputComparison> outputs = {Compare({3, 4}, {3, 3}), Compare({3, 4}, {3, 2})};
  EXPECT_DOUBLE_EQ(WorstNoise(outputs), 4.0 / 25);
}

OutputComparison OfSamples(const std::vector<SampleError>& samples) {
  OutputComparison output;
  output.type = DataType::kFloat;
  output.samples = samples;
  for (const SampleError& sample : samples) {
    output.sums.float_power += sample.float_power;
    output.sums.error_power += sample.error_power;
  }
  return output;
}

TEST(TypicalNoiseTest, IsTheGeometricMeanOverSamplesAtTheWorstOutput) {
  const OutputComparison bad = OfSamples({{1, 1e-2}, {1, 1e-4}, {2, 2e-3}});
  const OutputComparison good = OfSamples({{1, 1e-5}, {1, 1e-5}});
  EXPECT_NEAR(TypicalNoise(std::vector{good, bad}), 1e-3, 1e-9);
  EXPECT_GT(WorstNoise(std::vector{bad}), 2e-3) << "over all samples the first one counts most";
}

TEST(TypicalNoiseTest, OfProbabilitiesIsThatOfTheirLogits) {
  // One unsure sample has nearly all of the error, and a sure one nearly none.
  OutputComparison output = OfSamples({{1, 1e-2}, {1, 1e-9}});
  EXPECT_NEAR(TypicalNoise(std::vector{output}), std::sqrt(1e-11), 1e-9);
  output.decisions.logit_power = 200;
  output.decisions.logit_error = 0.5;
  EXPECT_DOUBLE_EQ(TypicalNoise(std::vector{output}), 0.0025);
  output.decisions.logit_error = 0;
  EXPECT_EQ(TypicalNoise(std::vector{output}), 1e-12) << "as good as none";
}

TEST(TypicalNoiseTest, EqualSamplesAndBrokenOutputsHaveANumber) {
  EXPECT_NEAR(TypicalNoise(std::vector{OfSamples({{1, 0}, {1, 1}})}), 1e-6, 1e-9);
  OutputComparison broken = OfSamples({{1, 1e-5}});
  broken.non_finite = 1;
  EXPECT_TRUE(std::isinf(TypicalNoise(std::vector{broken})));
  OutputComparison integers = OfSamples({{1, 1}});
  integers.type = DataType::kInt64;
  EXPECT_EQ(TypicalNoise(std::vector{integers}), 0);
  EXPECT_EQ(TypicalNoise({}), 0);
}

}  // namespace
}  // namespace qconvert
