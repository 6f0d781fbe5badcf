#include "../../src/pipeline/give_back.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <optional>

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr double kAllowed = 0.02;

// Parts of one unit each: what a part brings at every output, and the time that it saves.
class GiveBackTest : public testing::Test {
 protected:
  void Part(std::vector<double> noise, double saved) {
    parts_.push_back({{parts_.size()}, std::move(noise), saved});
  }

  // As the parts say; `chance_` besides, at every output, of what the gate counts.
  JudgedPlan Plan(const std::set<size_t>& without) {
    JudgedPlan plan;
    plan.noise.assign(parts_[0].noise.size(), 0);
    for (size_t p = 0; p < parts_.size(); ++p) {
      if (without.contains(p)) continue;
      for (size_t o = 0; o < plan.noise.size(); ++o) plan.noise[o] += parts_[p].noise[o];
    }
    if (measured_) plan.noise.assign(plan.noise.size(), measured_(parts_.size() - without.size()));
    plan.typical = plan.noise;
    plan.passes = true;
    for (double& noise : plan.noise) {
      noise = factor_ * noise + chance_;
      if (bad_ && !without.contains(*bad_)) noise += 2 * kAllowed;
      plan.passes &= noise <= kAllowed;
    }
    return plan;
  }

  std::set<size_t> Run(double aim = 0) {
    GiveBackOptions options;
    options.parts = parts_;
    options.whole = Plan({});
    options.allowed = kAllowed;
    options.aim = aim;
    options.rest = [&](const std::set<size_t>& without) {
      Remainder rest;
      for (size_t p = 0; p < parts_.size(); ++p) {
        if (without.contains(p)) {
          rest.time += parts_[p].saved;
        } else {
          rest.units.insert(p);
        }
      }
      return rest;
    };
    options.measure = [&](const std::set<size_t>& without) {
      ++measurements_;
      return Plan(without);
    };
    return GiveBack(options);
  }

  std::vector<NoisyPart> parts_;
  double factor_ = 1;                             // of the judged noise
  std::function<double(size_t parts)> measured_;  // instead, of the parts that are left
  double chance_ = 0;
  std::optional<size_t> bad_;  // fails by itself, in no typical sample
  int measurements_ = 0;
};

TEST_F(GiveBackTest, TakesThePartOfMostReliefByTime) {
  Part({0.03}, 0.1);
  Part({0.001}, 0.1);
  Part({0.02}, 0.01);
  Part({0.001}, 0.2);
  factor_ = 0.5;  // 0.026, of which 0.016 must go: what is cheap is not enough, and goes first
  EXPECT_THAT(Run(), ElementsAre(2));
  EXPECT_EQ(measurements_, 1) << "expected as it is";
}

TEST_F(GiveBackTest, NothingGoesBackWhereAllPasses) {
  Part({0.01}, 0.1);
  Part({0.001}, 0.1);
  EXPECT_THAT(Run(), IsEmpty());
  EXPECT_EQ(measurements_, 0);
}

TEST_F(GiveBackTest, EveryOutputCounts) {
  Part({0.05, 0}, 0.1);
  Part({0, 0.05}, 0.1);
  Part({0.001, 0.001}, 0.1);
  EXPECT_THAT(Run(), UnorderedElementsAre(0, 1));
}

TEST_F(GiveBackTest, GoesForTheAimAsLongAsADecibelIsCheap) {
  Part({0.006}, 0.01);
  Part({0.001}, 0.3);
  EXPECT_THAT(Run(0.0025), ElementsAre(0)) << "8 dB for 0.01 of the time";
  parts_[0].saved = 0.3;
  EXPECT_THAT(Run(0.0025), IsEmpty()) << "4 dB up to the aim for 0.3";
}

TEST_F(GiveBackTest, BelowTwentyDecibelsEachMayCostMore) {
  Part({0.01}, 0.2);
  Part({0.008}, 0.5);
  EXPECT_THAT(Run(0.001), ElementsAre(0)) << "17.4 to 21 dB: 2.5 of these count four times";
  parts_[0].noise = {0.004};
  parts_[1].noise = {0.0032};
  EXPECT_THAT(Run(0.001), IsEmpty()) << "the same above 20 dB";
}

TEST_F(GiveBackTest, FurtherThanTheAimNoTimeIsSpent) {
  Part({0.008}, 0.01);
  Part({0.0015}, 0.005);
  Part({0.0005}, 0.01);
  EXPECT_THAT(Run(0.0025), ElementsAre(0));
}

TEST_F(GiveBackTest, WhatIsMeasuredCorrectsWhatIsExpected) {
  for (int p = 0; p < 16; ++p) Part({0.01 / (p + 1)}, 0.01);
  chance_ = 0.015;  // that no part explains
  const std::set<size_t> without = Run();
  EXPECT_TRUE(Plan(without).passes);
  EXPECT_LE(measurements_, 8);
  EXPECT_LT(without.size(), 16U);
}

TEST_F(GiveBackTest, ErrorsThatDoNotAddUpAreLookedForInTheMiddle) {
  for (int p = 0; p < 20; ++p) Part({0.01}, 0.05);
  measured_ = [](size_t left) { return left > 6 ? 1.0 : 0.001 * static_cast<double>(left); };
  const size_t gone = Run().size();
  EXPECT_GE(gone, 14U) << "what is expected is that all have to go";
  EXPECT_LE(gone, 15U);
  EXPECT_LE(measurements_, 8);
}

TEST_F(GiveBackTest, WhereNothingWouldBeLeftTheQuietPartsAreKept) {
  Part({0.03}, 0.5);
  for (int p = 0; p < 5; ++p) Part({0.001}, 0.02);
  EXPECT_THAT(Run(), ElementsAre(0)) << "they have less relief by time and went first";
  EXPECT_LE(measurements_, 14);
}

// In a typical sample it is quiet, and it saves most: no prefix is without it.
TEST_F(GiveBackTest, APartThatFailsInOneSampleTakesNoOtherWithIt) {
  Part({0.00001}, 0.3);
  for (int p = 0; p < 7; ++p) Part({0.0005}, 0.05);
  bad_ = 0;
  EXPECT_THAT(Run(), ElementsAre(0));
  EXPECT_THAT(Run(0.0025), ElementsAre(0));
  EXPECT_LE(measurements_, 2 * 14);
}

TEST_F(GiveBackTest, WhereNothingPassesTheLeastNoiseIsTaken) {
  Part({0.03}, 0.1);
  Part({0.05}, 0.1);
  chance_ = 0.021;
  EXPECT_THAT(Run(), UnorderedElementsAre(0, 1));
}

TEST_F(GiveBackTest, WhatFallsBackByItselfCountsAsGone) {
  Part({0.03}, 0.1);
  Part({0.03}, 0.2);
  GiveBackOptions options;
  options.parts = parts_;
  options.whole = Plan({});
  options.allowed = kAllowed;
  // Between floats the second does not stay on integers either.
  options.rest = [&](const std::set<size_t>& without) {
    return without.empty() ? Remainder{{0, 1}, 0} : Remainder{{}, 0.3};
  };
  options.measure = [&](const std::set<size_t>& without) {
    ++measurements_;
    return without.contains(0) ? JudgedPlan{{0}, {0}, true} : Plan(without);
  };
  EXPECT_THAT(GiveBack(options), ElementsAre(0));
  EXPECT_EQ(measurements_, 1);
}

}  // namespace
}  // namespace qconvert
