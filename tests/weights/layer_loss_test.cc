#include "layer_loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

using Index = Eigen::Index;

FloatMatrix Matrix(Eigen::Index rows, std::vector<float> values) {
  const auto columns = static_cast<Eigen::Index>(values.size()) / rows;
  return Eigen::Map<const FloatMatrix>(values.data(), rows, columns);
}

FloatMatrix RandomMatrix(Index rows, Index cols, uint32_t seed) {
  const std::vector<float> values = RandomFloats(static_cast<size_t>(rows * cols), seed);
  return Eigen::Map<const FloatMatrix>(values.data(), rows, cols);
}

struct Activations {
  const char* name;
  LayerActivation activation;
};

const std::vector<Activations> kActivations = {
    {"none", {}},
    {"relu", {.low = 0}},
    {"relu6", {.low = 0, .high = 1.5F}},
    {"hard swish", {.kind = LayerActivation::Kind::kHardSwish}}};

TEST(LayerLossTest, LossIsTheMeanSquaredDifferenceBehindTheActivation) {
  // z = 2 x + 1 = (3, -1); relu: (3, 0); targets (1, 2): (4 + 4) / 2.
  const FloatMatrix x = Matrix(2, {1, -1});
  const FloatMatrix w = FloatMatrix::Constant(1, 1, 2);
  const FloatMatrix t = Matrix(2, {1, 2});
  const LayerLoss loss = ComputeLayerLoss(x, t, w, FloatRow::Constant(1, 1), {.low = 0});
  EXPECT_FLOAT_EQ(loss.loss(0), 4);
  // Only the first position moves: d/dw = 2 (3 - 1) 1 / 2, Newton's step b = 1 - 3.
  EXPECT_FLOAT_EQ(loss.weights(0, 0), 2);
  EXPECT_FLOAT_EQ(loss.bias_step(0), -2);
}

TEST(LayerLossTest, HardSwishAndItsSlope) {
  const LayerActivation swish{.kind = LayerActivation::Kind::kHardSwish};
  FloatMatrix z = Matrix(1, {-4, -1.5F, 0, 1.5F, 4});
  FloatMatrix slope;
  Activate(swish, z, &slope);
  EXPECT_TRUE(z.isApprox(Matrix(1, {0, -0.375F, 0, 1.125F, 4})));
  EXPECT_TRUE(slope.isApprox(Matrix(1, {0, 0, 0.5F, 1, 1})));
}

TEST(LayerLossTest, GradientsAreTheFiniteDifferences) {
  const FloatMatrix x = RandomMatrix(40, 7, 1);
  const FloatMatrix t = RandomMatrix(40, 3, 2);
  const FloatRow bias = RandomMatrix(1, 3, 4);
  for (const auto& [name, activation] : kActivations) {
    FloatMatrix w = RandomMatrix(7, 3, 3);
    const LayerLoss loss = ComputeLayerLoss(x, t, w, bias, activation);
    const auto at = [&] {
      return ComputeLayerLoss(x, t, w, bias, activation, WeightGradient::kNotWanted).loss;
    };
    EXPECT_TRUE(loss.loss.isApprox(at())) << name;
    for (Index k = 0; k < w.rows(); ++k) {
      for (Index c = 0; c < w.cols(); ++c) {
        constexpr float kStep = 1e-3F;
        const float before = w(k, c);
        w(k, c) = before + kStep;
        const float above = at()(c);
        w(k, c) = before - kStep;
        const float below = at()(c);
        w(k, c) = before;
        EXPECT_NEAR(loss.weights(k, c), (above - below) / (2 * kStep), 0.01) << name;
      }
    }
  }
}

TEST(LayerLossTest, OneNewtonStepFindsTheBiasOfALinearLayer) {
  const FloatMatrix x = RandomMatrix(50, 4, 1);
  const FloatMatrix w = RandomMatrix(4, 2, 2);
  const FloatRow bias = Matrix(1, {0.5F, -3});
  const FloatMatrix t = (x * w).rowwise() + bias;
  const LayerLoss loss = ComputeLayerLoss(x, t, w, FloatRow::Zero(2), {});
  EXPECT_NEAR(loss.bias_step(0), 0.5, 1e-5);
  EXPECT_NEAR(loss.bias_step(1), -3, 1e-5);
}

TEST(LayerLossTest, AChannelThatNeverPassesItsActivationStands) {
  const FloatMatrix x = FloatMatrix::Ones(3, 1);
  const LayerLoss loss = ComputeLayerLoss(x, FloatMatrix::Ones(3, 1), -FloatMatrix::Ones(1, 1),
                                          FloatRow::Zero(1), {.low = 0});
  EXPECT_EQ(loss.weights(0, 0), 0);
  EXPECT_EQ(loss.bias_step(0), 0);
}

}  // namespace
}  // namespace qconvert
