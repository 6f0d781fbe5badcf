#include "../../src/pipeline/noise_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace qconvert {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

class NoiseMapTest : public testing::Test {
 protected:
  std::vector<NoisyPart> Run(size_t count, int budget = 20) {
    NoiseMapOptions options;
    for (size_t n = 0; n < count; ++n) options.units.insert(10 + n);
    options.budget = budget;
    options.noise = [&](const std::vector<std::set<size_t>>& parts) {
      std::vector<std::vector<double>> noise;
      for (const std::set<size_t>& units : parts) noise.push_back({Sum(units)});
      measurements_ += static_cast<int>(parts.size());
      return noise;
    };
    options.saved = [&](const std::set<size_t>& units) {
      double sum = 0;
      for (const size_t n : units) sum += saved_.contains(n) ? saved_[n] : 0.01;
      return sum;
    };
    return MapNoise(options);
  }

  double Sum(const std::set<size_t>& units) {
    double sum = 0;
    for (const size_t n : units) sum += noise_.contains(n) ? noise_[n] : 1e-6;
    return sum;
  }

  static const NoisyPart& PartOf(const std::vector<NoisyPart>& parts, size_t unit) {
    for (const NoisyPart& part : parts)
      if (part.units.contains(unit)) return part;
    ADD_FAILURE() << "no part has unit " << unit;
    return parts.front();
  }

  std::map<size_t, double> noise_;
  std::map<size_t, double> saved_;
  int measurements_ = 0;
};

TEST_F(NoiseMapTest, EveryUnitIsInOnePart) {
  noise_ = {{13, 0.01}, {55, 0.02}};
  std::set<size_t> seen;
  size_t count = 0;
  for (const NoisyPart& part : Run(100)) {
    seen.insert(part.units.begin(), part.units.end());
    count += part.units.size();
    ASSERT_EQ(part.noise.size(), 1U);
  }
  EXPECT_EQ(seen.size(), 100U);
  EXPECT_EQ(count, 100U);
  EXPECT_LE(measurements_, 20);
}

TEST_F(NoiseMapTest, NarrowsDownToTheUnitThatBringsTheNoise) {
  noise_ = {{61, 0.01}};
  const std::vector<NoisyPart> parts = Run(100);
  EXPECT_THAT(PartOf(parts, 61).units, ElementsAre(61));
  EXPECT_THAT(PartOf(parts, 61).noise, ElementsAre(DoubleNear(0.01, 1e-4)));
  EXPECT_LE(measurements_, 13) << "one half of each is measured";
}

TEST_F(NoiseMapTest, LargeErrorsDoNotAddUpAndAreMeasured) {
  noise_ = {{61, 3.0}, {62, 2.0}};
  const std::vector<NoisyPart> parts = Run(100);
  EXPECT_EQ(PartOf(parts, 61).noise[0], Sum(PartOf(parts, 61).units));
  EXPECT_EQ(PartOf(parts, 62).noise[0], Sum(PartOf(parts, 62).units));
}

TEST_F(NoiseMapTest, WhatUnitsDoTogetherIsNotPutDownToTheLastOne) {
  // 10 to 13 are as loud together as ten times each, which 13 would be left with.
  noise_ = {{10, 1e-3}, {11, 1e-3}, {12, 1e-3}, {13, 1e-3}};
  const auto parts =
      MapNoise({.units = {10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
                          26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41},
                .noise =
                    [&](const std::vector<std::set<size_t>>& some) {
                      std::vector<std::vector<double>> noise;
                      for (const std::set<size_t>& units : some) {
                        const bool together = units.contains(10) && units.contains(13);
                        noise.push_back({Sum(units) * (together ? 10 : 1)});
                      }
                      return noise;
                    },
                .saved = [](const std::set<size_t>&) { return 0.1; },
                .budget = 20});
  EXPECT_THAT(PartOf(parts, 13).units, ElementsAre(13));
  EXPECT_NEAR(PartOf(parts, 13).noise[0], 1e-3, 1e-5);
}

TEST_F(NoiseMapTest, WhatSavesNoTimeIsNotLookedInto) {
  noise_ = {{12, 0.01}, {61, 0.01}};
  for (size_t n = 0; n < 15; ++n) saved_[10 + n] = 0;
  const std::vector<NoisyPart> parts = Run(100, 12);
  EXPECT_GT(PartOf(parts, 12).units.size(), 4U);
  EXPECT_EQ(PartOf(parts, 61).units.size(), 1U);
}

TEST_F(NoiseMapTest, FewUnitsAreMeasuredOneByOne) {
  EXPECT_EQ(Run(5).size(), 5U);
  EXPECT_EQ(measurements_, 5);
  EXPECT_TRUE(Run(0).empty());
}

}  // namespace
}  // namespace qconvert
