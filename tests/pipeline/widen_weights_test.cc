#include "../../src/pipeline/widen_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class WidenWeightsTest : public testing::Test {
 protected:
  // `real`: what it does in truth, beside the expected noise of its weights.
  void Weight(const std::string& name, int64_t elements, double expected, double real) {
    items_.push_back({name, elements, expected});
    real_.push_back(real);
  }

  std::set<std::string> Run() {
    WidenOptions options;
    options.weights = items_;
    options.measure = [&](const std::set<std::string>& wide) {
      ++measurements_;
      OutputComparison output;
      output.type = DataType::kFloat;
      output.sums.count = 1;
      output.sums.float_power = 1;
      output.sums.error_power = of_others_;
      for (size_t k = 0; k < items_.size(); ++k)
        output.sums.error_power += wide.contains(items_[k].name) ? 0 : real_[k];
      return Measured{{output}, {}, {}};
    };
    return WidenWeights(options);
  }

  std::vector<WeightItem> items_;
  std::vector<double> real_;
  double of_others_ = 0;
  int measurements_ = 0;
};

TEST_F(WidenWeightsTest, GoodOnesStayAfterOneLook) {
  Weight("a", 100, 1e-4, 4e-5);
  Weight("b", 100, 1e-4, 4e-5);
  EXPECT_THAT(Run(), IsEmpty());
  EXPECT_EQ(measurements_, 1);
}

TEST_F(WidenWeightsTest, TheCheapestGoFirstAndMayBeEnough) {
  Weight("large", 1000, 1e-4, 5e-4);
  Weight("small", 100, 1e-4, 5e-3);
  EXPECT_THAT(Run(), ElementsAre("small"));
  EXPECT_EQ(measurements_, 2);
}

TEST_F(WidenWeightsTest, AsManyAsTheBoundTakes) {
  for (int k = 0; k < 26; ++k) {
    const double noise = k < 5 ? 1e-3 : 2e-5;
    Weight(std::string(1, static_cast<char>('a' + k)), 100, noise, noise);
  }
  // Two of the cheapest take a tenth of the bytes, the others of the noisy ones are found.
  EXPECT_THAT(Run(), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_EQ(measurements_, 3);
}

TEST_F(WidenWeightsTest, WhatTurnsOutSensitiveIsFoundInAFewSteps) {
  for (int k = 0; k < 200; ++k) Weight("w" + std::to_string(k), 100, 1e-3 / (k + 1), 1e-6);
  real_[150] = 0.1;
  const std::set<std::string> wide = Run();
  EXPECT_TRUE(wide.contains("w150"));
  EXPECT_LE(measurements_, 8);
}

TEST_F(WidenWeightsTest, EndsWhereAllAreWide) {
  Weight("a", 100, 0, 1e-2);  // nothing is expected of either
  Weight("b", 100, 0, 1e-2);
  of_others_ = 1;
  EXPECT_THAT(Run(), ElementsAre("a", "b"));
  EXPECT_EQ(measurements_, 3);
}

}  // namespace
}  // namespace qconvert
