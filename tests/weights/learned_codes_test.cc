#include "learned_codes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace qconvert {
namespace {

const NumericFormat kFourBits = IntegerFormat(4, true, true, true);  // -7 .. 7

FloatMatrix Matrix(Eigen::Index rows, std::vector<float> values) {
  const auto columns = static_cast<Eigen::Index>(values.size()) / rows;
  return Eigen::Map<const FloatMatrix>(values.data(), rows, columns);
}

FloatMatrix Column(const std::vector<float>& values) {
  return Matrix(static_cast<Eigen::Index>(values.size()), values);
}

TEST(AdamTest, FirstStepsAreTheRateWhateverTheGradient) {
  FloatMatrix x = FloatMatrix::Zero(2, 2);
  Adam adam(2, Matrix(1, {0.1F, 1}));
  adam.Step(Matrix(2, {1e-3F, 5, -20, -1e-3F}), x);
  EXPECT_TRUE(x.isApprox(Matrix(2, {-0.1F, -1, 0.1F, 1}), 1e-4F)) << x;
}

TEST(AdamTest, SecondStepByHand) {
  // m = 0.9 * 0.1 * 1 + 0.1 * 3 = 0.39, / (1 - 0.81); v = 0.999 * 0.001 + 0.001 * 9, / (1 -
  // 0.998001)
  FloatMatrix x = FloatMatrix::Zero(1, 1);
  Adam adam(1, FloatRow::Constant(1, 0.5F));
  adam.Step(Column({1}), x);
  adam.Step(Column({3}), x);
  const double expected = -0.5 - 0.5 * (0.39 / 0.19) / std::sqrt(0.009999 / 0.001999);
  EXPECT_NEAR(x(0, 0), expected, 1e-4);
}

TEST(RoundingVariablesTest, BeginsAtTheRealCodes) {
  const FloatMatrix real = Column({0, 0.25F, -0.25F, 3.9F, -6.6F, 7.3F, -9});
  const RoundingVariables variables(real, kFourBits, 0.1);
  EXPECT_TRUE(variables.Codes().isApprox(Column({0, 0.25F, -0.25F, 3.9F, -6.6F, 7, -7}), 1e-5F))
      << variables.Codes();
  EXPECT_EQ(variables.Rounded(), Column({0, 0, 0, 4, -7, 7, -7}));
}

TEST(RoundingVariablesTest, CodesFollowTheGradientToANeighbour) {
  RoundingVariables variables(Column({2.3F, 2.3F, -3.7F}), kFourBits, 0.1);
  for (int step = 0; step < 100; ++step) variables.Step(Column({-1, 1, -1}), 0, 0);
  EXPECT_EQ(variables.Codes(), Column({3, 2, -3})) << "and no further";
}

TEST(RoundingVariablesTest, TheRegularizerRoundsToTheNearest) {
  RoundingVariables variables(Column({2.3F, 2.6F, -3.8F}), kFourBits, 0.1);
  const auto distance = [&] { return (variables.Codes() - variables.Rounded()).norm(); };
  const float before = distance();
  for (int step = 0; step < 200; ++step) variables.Step(FloatMatrix::Zero(3, 1), 0.01F, 2);
  EXPECT_GT(before, 0.4);
  EXPECT_LT(distance(), 1e-3);
  EXPECT_EQ(variables.Rounded(), Column({2, 3, -4}));
}

// With a rate so small that Adam's step is the sign of the gradient: which is that of
// code * g + weight * (1 - |2h - 1|^beta) by finite differences.
TEST(RoundingVariablesTest, StepsGoAgainstTheGradientOfCodeAndRegularizer) {
  for (const float part : {0.1F, 0.3F, 0.45F, 0.55F, 0.8F}) {
    for (const float g : {-0.5F, -0.02F, 0.0F, 0.02F, 0.5F}) {
      for (const float beta : {2.0F, 5.0F}) {
        const auto cost = [&](double h) {
          return g * h + 0.1 * (1 - std::pow(std::fabs(2 * h - 1), beta));
        };
        const double slope = (cost(part + 1e-4) - cost(part - 1e-4)) / 2e-4;
        RoundingVariables variables(Column({part}), kFourBits, 1e-2);
        variables.Step(Column({g}), 0.1F, beta);
        const float moved = variables.Codes()(0, 0) - part;
        EXPECT_LT(moved * slope, 0) << part << " " << g << " " << beta;
      }
    }
  }
}

TEST(RoundingVariablesTest, BeyondTheGridNothingMoves) {
  RoundingVariables variables(Column({8.5F, -8.5F}), kFourBits, 0.1);
  for (int step = 0; step < 50; ++step) variables.Step(Column({1, -1}), 0, 0);
  EXPECT_EQ(variables.Codes(), Column({7, -7}));
}

TEST(WeightVariablesTest, CodesAreTheNearestOfWeightsThatMoveFreely) {
  WeightVariables variables(Column({2.3F, 2.5F, 3.5F, 9}), kFourBits, FloatRow::Constant(1, 0.1F));
  EXPECT_EQ(variables.Codes(), Column({2, 2, 4, 7})) << "halves to even";
  for (int step = 0; step < 30; ++step) variables.Step(Column({-1, 0, 1, 1}), 0, 0);
  EXPECT_EQ(variables.Rounded(), Column({5, 2, 1, 7})) << "three steps; beyond the grid none";
}

}  // namespace
}  // namespace qconvert
