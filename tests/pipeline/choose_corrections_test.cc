// What judged samples can tell of a correction.
#include "choose_corrections.h"

#include <gtest/gtest.h>

#include <cmath>

namespace qconvert {
namespace {

OutputComparison Judged(size_t samples, int64_t numbers, bool logits) {
  OutputComparison output;
  output.type = DataType::kFloat;
  output.samples.resize(samples);
  output.sums.count = numbers;
  output.decisions.logit_power = logits ? 1 : 0;
  return output;
}

TEST(GrowthByChanceTest, TwoDeviationsOfFewNumbers) {
  EXPECT_DOUBLE_EQ(GrowthByChance(std::vector{Judged(8, 8, false)}), std::exp(1.0));
  EXPECT_DOUBLE_EQ(GrowthByChance(std::vector{Judged(8, 16, true)}), std::exp(1.0))
      << "of two probabilities the second says nothing new";
  EXPECT_DOUBLE_EQ(GrowthByChance(std::vector{Judged(8, 8, false), Judged(2, 2, false)}),
                   std::exp(1.0));
}

TEST(GrowthByChanceTest, ManyNumbersTell) {
  EXPECT_EQ(GrowthByChance(std::vector{Judged(6, 6000, true)}), 1);
  EXPECT_EQ(GrowthByChance(std::vector{Judged(40, 80, true)}), 1);
  EXPECT_EQ(GrowthByChance(std::vector{Judged(6, 12, true), Judged(6, 600, false)}), 1);
  EXPECT_EQ(GrowthByChance(std::vector<OutputComparison>{}), 1);
}

}  // namespace
}  // namespace qconvert
