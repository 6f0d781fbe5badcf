#include "../../src/pipeline/guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

// A chain of `count` MatMuls; node k adds noise[k] to the output when it is integer.
class GuardTest : public testing::Test {
 protected:
  explicit GuardTest(int count = 40, int64_t width = 8) {
    const std::vector<std::string> dims = {std::to_string(width), std::to_string(width)};
    b_.Input("x", width == 8 ? std::vector<std::string>{"1", "8"} : dims)
        .Output("v" + std::to_string(count - 1))
        .Random("w", {width, width});
    for (int k = 0; k < count; ++k) {
      const std::string in = k == 0 ? "x" : "v" + std::to_string(k - 1);
      b_.Add("MatMul", {in, "w"}, {"v" + std::to_string(k)}).name = "n" + std::to_string(k);
    }
    InferTypes(b_.model, "test");
  }

  // Parts one by one. For as long as the options live.
  static void MeasurePartsAlone(GuardOptions& options) {
    options.measure_parts = [&](size_t count, const std::function<PlanDraft(size_t)>& draft) {
      std::vector<Measured> all;
      for (size_t k = 0; k < count; ++k) all.push_back(options.measure(draft(k)));
      return all;
    };
  }

  GuardResult Run(double min_sqnr_db = 17, GuardOptions options = {}) {
    options.gate = Gate::AtSqnr(min_sqnr_db);
    const auto measure = [&](const PlanDraft& plan, double part) {
      const Placement& placement = plan.placement;
      OutputComparison output;
      output.type = DataType::kFloat;
      ErrorSums& sums = output.sums;
      sums.count = 1;
      sums.float_power = 1;
      for (size_t n = 0; n < placement.nodes.size(); ++n) {
        if (placement.nodes[n].domain != NodeDomain::kInteger) continue;
        sums.error_power += Noise(n);
        if (flips_.contains(n)) output.decisions.flips += flips_[n];
      }
      output.decisions.decided = 1000;
      for (const auto& [node, name] : plan.dynamic)
        sums.error_power += run_time_noise_.value_or(Noise(node));
      for (const auto& [weight, noise] : weight_noise_) {
        if (!plan.wide_weights.contains(weight) && !plan.float_weights.contains(weight))
          sums.error_power += noise;
      }
      const bool any_float =
          std::any_of(placement.nodes.begin(), placement.nodes.end(),
                      [](const NodePlacement& node) { return node.domain == NodeDomain::kFloat; });
      for (const auto& [weight, noise] : lost_)
        if (any_float && !plan.float_weights.contains(weight)) sums.error_power += noise;
      sums.error_power *= part;
      sums.quantized_power = 1 + sums.error_power;
      sums.dot = 1;
      output.samples.push_back({1, sums.error_power, output.decisions});
      return MeasuredOf(output, min_sqnr_db);
    };
    options.measure = [&](const PlanDraft& plan) { return measure(plan, 1); };
    options.measure_parts = [&](size_t count, const std::function<PlanDraft(size_t)>& draft) {
      std::vector<Measured> all;
      for (size_t k = 0; k < count; ++k) all.push_back(measure(draft(k), part_in_few_samples_));
      return all;
    };
    PlaceOptions base;
    for (const auto& [node, name] : options.dynamic) base.keep_float[node] = "dynamic";
    return RunGuard(b_.model.graph, base, options);
  }

  static Measured MeasuredOf(const OutputComparison& output, double min_sqnr_db = 17) {
    Measured measured{{output}, {}, {}};
    measured.verdict = JudgeOutputs(measured.outputs, Gate::AtSqnr(min_sqnr_db));
    return measured;
  }

  double Noise(size_t n) const {
    const auto it = noise_.find(n);
    return it == noise_.end() ? 1e-5 : it->second;
  }

  GraphBuilder b_;
  std::map<size_t, double> noise_;
  std::map<std::string, double> weight_noise_;
  std::map<std::string, double> lost_;    // of weights in 16 bit, where any node is float
  std::map<size_t, int64_t> flips_;       // of a thousand positions
  std::optional<double> run_time_noise_;  // of each node; as on integers where it is not given
  double part_in_few_samples_ = 1;
};

TEST_F(GuardTest, AGoodModelIsLeftAloneAfterOneLook) {
  const GuardResult result = Run();
  EXPECT_TRUE(result.measured.verdict.passed);
  EXPECT_EQ(result.measurements, 1);
  EXPECT_TRUE(result.kept_float.empty());
  EXPECT_TRUE(result.steps.empty());
}

TEST_F(GuardTest, FindsTheNodesThatHarmAndNoOthers) {
  noise_ = {{7, 0.5}, {23, 0.2}, {24, 3.0}};
  const GuardResult result = Run();
  EXPECT_TRUE(result.measured.verdict.passed);
  EXPECT_THAT(result.kept_float, testing::UnorderedElementsAre("n7", "n23", "n24"));
  ASSERT_EQ(result.steps.size(), 1U);
  EXPECT_EQ(result.steps[0].what, "back to float");
  EXPECT_EQ(result.steps[0].count, 3U);
  EXPECT_NEAR(result.steps[0].noise_before, 3.7, 0.01);
  EXPECT_LT(result.steps[0].noise_after, 0.001);
  EXPECT_GE(result.steps[0].time, 0);
  EXPECT_LT(result.measurements, 40) << "fewer looks than nodes";
}

// 41 dB are good for stored weights, and not enough for this gate.
TEST_F(GuardTest, WeightsGetMoreBitsForAGateAboveWhatIsGoodForThem) {
  for (int n = 0; n < 40; ++n) noise_[static_cast<size_t>(n)] = 0;
  weight_noise_ = {{"a", 6e-5}, {"b", 1e-5}, {"c", 1e-6}, {"d", 1e-7}};
  GuardOptions options;
  options.weights = {{"d", 10, 1e-7}, {"c", 10, 1e-6}, {"b", 10, 1e-5}, {"a", 10, 6e-5}};
  const GuardResult result = Run(50, options);
  EXPECT_TRUE(result.measured.verdict.passed) << result.measured.judged_noise();
  EXPECT_THAT(result.plan.wide_weights, testing::UnorderedElementsAre("a", "b", "c"));
  EXPECT_THAT(result.kept_float, testing::IsEmpty());
  ASSERT_EQ(result.steps.size(), 1U);
  EXPECT_EQ(result.steps[0].what, "in 16 bit");
  EXPECT_EQ(result.steps[0].count, 3U);
}

TEST_F(GuardTest, FindsTheNodesThatFlipClassesWithoutNoise) {
  flips_ = {{7, 30}, {23, 4}, {31, 5}};
  const GuardResult result = Run();
  EXPECT_TRUE(result.measured.verdict.passed);
  EXPECT_THAT(result.kept_float, testing::ElementsAre("n7")) << "nine of a thousand may flip";
}

TEST_F(GuardTest, WhatOnlyAllSamplesShowTakesAboutTheFewestNodes) {
  for (size_t n = 0; n < 40; ++n) noise_[n] = 1e-3;  // 0.01995 passes: 21 have to go back
  part_in_few_samples_ = 0.01;
  const GuardResult result = Run();
  EXPECT_TRUE(result.measured.verdict.passed);
  EXPECT_GE(result.kept_float.size(), 21U);
  EXPECT_LE(result.kept_float.size(), 27U) << "expected noise keeps a fifth away from the gate";
}

// MatMuls that save two fifths of their time on integers.
class WideGuardTest : public GuardTest {
 protected:
  WideGuardTest() : GuardTest(40, 512) {}
};

TEST_F(WideGuardTest, TheAimIsGoneForWhereADecibelIsCheap) {
  noise_ = {{7, 0.01}};  // 20 dB: passes
  EXPECT_TRUE(Run().kept_float.empty());
  EXPECT_THAT(Run(17, {.aim_sqnr_db = 26}).kept_float, testing::ElementsAre("n7"));
  EXPECT_TRUE(Run(17, {.aim_sqnr_db = 19}).kept_float.empty()) << "is reached already";
}

TEST_F(WideGuardTest, WhatIsNearTheAimIsNotSearched) {
  noise_ = {{7, 0.01}};  // 20 dB
  EXPECT_EQ(Run(17, {.aim_sqnr_db = 20.7}).measurements, 1);
  EXPECT_GT(Run(17, {.aim_sqnr_db = 21}).measurements, 8);
  EXPECT_GT(Run(20.9).measurements, 8) << "the gate is no aim";
}

TEST_F(WideGuardTest, IntegersAreNotGivenUpForAnAimThatCostsTheirTime) {
  for (size_t n = 0; n < 40; ++n) noise_[n] = 2.5e-4;  // 20 dB; 26 take 30 of 40 nodes
  EXPECT_TRUE(Run(17, {.aim_sqnr_db = 26}).kept_float.empty());
}

TEST_F(WideGuardTest, PartOfTheAimIsTakenWhereItIsCheap) {
  GuardOptions options{.aim_sqnr_db = 26};
  for (size_t n = 0; n < 40; ++n) noise_[n] = 2e-4;
  noise_[7] = 2e-2;  // alone 17 dB, and 21 dB without it
  EXPECT_THAT(Run(16, options).kept_float, testing::ElementsAre("n7"));
}

// v39 -> Reshape -> y: a kernel that writes floats, moved as floats.
TEST_F(WideGuardTest, PartsAreMeasuredWithoutRoundingWhatIsMovedAsFloats) {
  b_.Ints("shape", {1}, {-1});
  const size_t reshape = b_.model.graph.nodes.size();
  b_.Add("Reshape", {"v39", "shape"}, {"y"});
  b_.model.graph.outputs[0].name = "y";
  InferTypes(b_.model, "test");
  noise_ = {{7, 0.01}, {39, 1e-5}, {reshape, 0.5}};
  EXPECT_THAT(Run(17, {.aim_sqnr_db = 26}).kept_float, testing::ElementsAre("n7"));
}

// All nodes could be quantized at run time.
class RunTimeGuardTest : public WideGuardTest {
 protected:
  RunTimeGuardTest() {
    for (size_t n = 0; n < 40; ++n) options_.run_time[n] = "v" + std::to_string(n);
  }

  GuardOptions options_;
};

TEST_F(RunTimeGuardTest, RangesTakenAtRunTimeComeBeforeFloat) {
  for (size_t n = 0; n < 40; ++n) noise_[n] = 0.05;
  run_time_noise_ = 1e-5;
  const GuardResult result = Run(17, options_);
  EXPECT_TRUE(result.measured.verdict.passed);
  EXPECT_EQ(result.plan.dynamic, options_.run_time);
  EXPECT_TRUE(result.kept_float.empty());
  EXPECT_EQ(result.measurements, 2);
}

TEST_F(RunTimeGuardTest, WhatHarmsAtRunTimeTooGoesBackFromThere) {
  for (size_t n = 0; n < 40; ++n) noise_[n] = 0.05;
  run_time_noise_ = 1e-3;  // 14 dB: nearer, and not enough
  const GuardResult result = Run(17, options_);
  EXPECT_TRUE(result.measured.verdict.passed);
  EXPECT_EQ(result.plan.dynamic.size() + result.kept_float.size(), 40U);
  EXPECT_GE(result.plan.dynamic.size(), 10U);
}

TEST_F(RunTimeGuardTest, NoiseOfRunTimeIsNoReasonForIt) {
  for (size_t n = 0; n < 40; ++n) noise_[n] = 2.5e-4;  // 20 dB
  run_time_noise_ = 4e-4;
  options_.aim_sqnr_db = 30;
  EXPECT_TRUE(Run(17, options_).plan.dynamic.empty());
}

TEST_F(RunTimeGuardTest, APlanThatIsGoodEnoughStaysAsItIs) {
  run_time_noise_ = 0;
  options_.aim_sqnr_db = 30;
  const GuardResult result = Run(17, options_);
  EXPECT_TRUE(result.plan.dynamic.empty());
  EXPECT_EQ(result.measurements, 1);
}

TEST_F(GuardTest, SaysWhenNothingHelps) {
  for (size_t n = 0; n < 40; ++n) noise_[n] = 0;
  noise_[0] = 1;
  EXPECT_TRUE(Run(57).measured.verdict.passed);
  weight_noise_["stuck"] = 1e-3;  // nobody can make it wide
  const GuardResult impossible = Run(57);
  EXPECT_FALSE(impossible.measured.verdict.passed);
  EXPECT_LT(impossible.measurements, 500);
}

TEST_F(GuardTest, StoredWeightsAreHeldToTheirOwnBound) {
  for (size_t n = 0; n < 40; ++n) noise_[n] = 0;
  weight_noise_ = {{"a", 1e-6}, {"b", 4e-3}, {"c", 1e-6}, {"d", 2e-3}};
  GuardOptions options;
  for (const auto& [name, noise] : weight_noise_) options.weights.push_back({name, 100, noise});
  const GuardResult result = Run(17, options);
  EXPECT_TRUE(result.measured.verdict.passed);
  EXPECT_THAT(result.kept_wide, testing::ElementsAre("b", "d"));
  EXPECT_TRUE(result.kept_float.empty()) << "the gate was passed: only the weights were not";
}

TEST_F(GuardTest, GoodWeightsAreWorthSomeBytesAndNoMore) {
  for (size_t n = 0; n < 40; ++n) noise_[n] = 0;
  weight_noise_ = {{"large", 3e-4}, {"small", 5e-4}};
  GuardOptions options;
  options.weights = {{"large", 1000, 3e-4}, {"small", 50, 5e-4}};
  EXPECT_THAT(Run(17, options).kept_wide, testing::ElementsAre("small"));
  options.weights = {{"large", 500, 3e-4}, {"small", 500, 5e-4}};
  EXPECT_TRUE(Run(17, options).kept_wide.empty()) << "half of all bytes is too much";
}

TEST_F(GuardTest, WeightsOfNodesThatWentBackAreHeldToTheBoundOfStoredOnes) {
  for (size_t n = 0; n < 40; ++n) noise_[n] = 0.05;  // no node may stay
  weight_noise_ = {{"w", 4e-3}};                     // 24 dB: would pass
  const GuardResult noisy = Run();
  EXPECT_EQ(noisy.kept_float.size(), 40U);
  EXPECT_THAT(noisy.kept_wide, testing::ElementsAre("w"));
  EXPECT_EQ(noisy.measured.pooled_noise(), 0);
  weight_noise_ = {{"w", 5e-4}};
  const GuardResult good = Run();
  EXPECT_EQ(good.kept_float.size(), 40U);
  EXPECT_TRUE(good.kept_wide.empty()) << "33 dB are good enough for half of the bytes";
  weight_noise_ = {{"w", 4e-3}};
  EXPECT_TRUE(Run(17, {.max_weight_noise = 1e-2}).kept_wide.empty()) << "as objective size allows";
}

TEST_F(GuardTest, WeightsThatSixteenBitsLoseStayAsTheyCame) {
  for (size_t n = 0; n < 40; ++n) noise_[n] = 0;
  noise_[7] = 0.5;  // one node is float in any case
  weight_noise_ = {{"a", 1e-6}, {"b", 4e-3}, {"c", 4e-3}};
  lost_ = {{"b", 0.2}};
  GuardOptions options;
  for (const auto& [name, noise] : weight_noise_) options.weights.push_back({name, 100, noise});
  EXPECT_FALSE(Run(17, options).measured.verdict.passed) << "16 bits are not enough";
  options.by_loss = [] { return std::vector<std::string>{"c", "b", "a"}; };
  const GuardResult result = Run(17, options);
  EXPECT_TRUE(result.measured.verdict.passed);
  EXPECT_THAT(result.plan.float_weights, testing::ElementsAre("b"));
  EXPECT_THAT(result.plan.wide_weights, testing::Contains("c"));
  EXPECT_THAT(result.plan.wide_weights, testing::Not(testing::Contains("a")));
  EXPECT_THAT(result.kept_wide, testing::IsSupersetOf({"b", "c"}));
  EXPECT_THAT(result.kept_float, testing::ElementsAre("n7"));
  const auto is_told = [](const RepairStep& step) {
    return step.what == "in float32" && step.count == 1;
  };
  EXPECT_TRUE(std::any_of(result.steps.begin(), result.steps.end(), is_told));
}

TEST_F(GuardTest, NodesGoBackWithWeightsAsTheyCameWhereSixteenBitsLoseThem) {
  for (size_t n = 0; n < 40; ++n) noise_[n] = 1e-5;
  noise_[7] = 0.5;
  lost_ = {{"w", 0.2}};
  GuardOptions options;
  options.by_loss = [] { return std::vector<std::string>{"w"}; };
  EXPECT_FALSE(Run(17).measured.verdict.passed);
  const GuardResult result = Run(17, options);
  EXPECT_TRUE(result.measured.verdict.passed);
  EXPECT_THAT(result.kept_float, testing::ElementsAre("n7")) << "all others keep their codes";
  EXPECT_THAT(result.kept_wide, testing::ElementsAre("w"));
  lost_ = {{"w", 1e-5}};
  EXPECT_TRUE(Run(17, options).plan.float_weights.empty()) << "16 bits are enough";
}

TEST_F(GuardTest, WeightsThatFloatsDidNotHelpMayStillHaveSixteenBits) {
  GuardOptions options;
  options.gate = Gate::AtSqnr(50);
  options.weights = {{"a", 10, 6e-5}};
  options.by_loss = [] { return std::vector<std::string>{"a"}; };
  options.measure = [&](const PlanDraft& plan) {
    const std::vector<NodePlacement>& nodes = plan.placement.nodes;
    const bool any_float = std::any_of(nodes.begin(), nodes.end(), [](const NodePlacement& node) {
      return node.domain == NodeDomain::kFloat;
    });
    OutputComparison output;
    output.type = DataType::kFloat;
    output.sums.count = 1;
    output.sums.float_power = 1;
    if (!plan.wide_weights.contains("a")) output.sums.error_power += 6e-5;
    if (any_float && !plan.float_weights.contains("a")) output.sums.error_power += 0.2;
    output.samples.push_back({1, output.sums.error_power, {}});
    return MeasuredOf(output, 50);
  };
  MeasurePartsAlone(options);
  const GuardResult result = RunGuard(b_.model.graph, {}, options);
  EXPECT_TRUE(result.measured.verdict.passed);
  EXPECT_THAT(result.plan.wide_weights, testing::ElementsAre("a"));
}

TEST_F(GuardTest, NodesQuantizedAtRunTimeGoBackToo) {
  for (size_t n = 0; n < 40; ++n) noise_[n] = 0;
  noise_[5] = 0.5;
  GuardOptions options;
  options.dynamic = {{5, "v5"}, {6, "v6"}};
  const GuardResult result = Run(17, options);
  EXPECT_TRUE(result.measured.verdict.passed);
  EXPECT_THAT(result.plan.dynamic, testing::ElementsAre(testing::Pair(6, "v6")));
  EXPECT_THAT(result.kept_float, testing::ElementsAre("n5"));
}

TEST_F(GuardTest, WhatTheFloatModelCannotSayStartsNoSearch) {
  OutputComparison nan;
  nan.value.name = "nan";
  nan.type = DataType::kFloat;
  nan.float_non_finite = 4;
  nan.samples.resize(1);
  GuardOptions options;
  options.measure = [&](const PlanDraft&) { return MeasuredOf(nan); };
  const GuardResult result = RunGuard(b_.model.graph, {}, options);
  EXPECT_FALSE(result.measured.verdict.passed);
  EXPECT_EQ(result.measurements, 1);
  EXPECT_TRUE(result.kept_float.empty());
}

}  // namespace
}  // namespace qconvert
