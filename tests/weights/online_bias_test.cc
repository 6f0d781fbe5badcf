#include "qconvert/weights/online_bias.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/quantize_model.h"

namespace qconvert {
namespace {

// The vendor's loop written down once more, in plain numbers: [batch][channel][position].
struct SlowLoop {
  std::vector<double> shift = {0, 0};
  double level = 0;
  double change = 0;
  bool stopped = false;

  void Step(const std::vector<std::vector<double>>& f, const std::vector<std::vector<double>>& q) {
    if (stopped) return;
    double power = 0;
    double noise = 0;
    std::vector<double> error(2, 0);
    double count = 0;
    for (size_t c = 0; c < 2; ++c) {
      count = static_cast<double>(f[c].size());
      for (size_t i = 0; i < f[c].size(); ++i) {
        const double difference = q[c][i] + shift[c] - f[c][i];
        power += f[c][i] * f[c][i];
        noise += difference * difference;
        error[c] += difference / count;
      }
    }
    const double sqnr = 10 * std::log10(power / noise);
    const double distance = std::fabs(sqnr / 8 - level);
    level = (4 * level + sqnr / 8) / 5;
    change = (4 * change + distance) / 5;
    if (level > 4.3 || change / level < 0.05 || std::fabs(distance - change / distance) < 0.05) {
      stopped = true;
      return;
    }
    for (size_t c = 0; c < 2; ++c) shift[c] -= (level > 4 ? 0.025 : 0.05) * error[c];
  }
};

// Batches whose error is `offset` and some noise.
void ExpectTheSameSteps(double offset, double noise) {
  SlowLoop slow;
  OnlineBias fast(2, ChannelAxis::kSecond);
  for (uint32_t batch = 0; batch < 40; ++batch) {
    const Tensor exact = RandomTensor("f", {1, 2, 3, 3}, batch);
    const std::vector<float> floats = ToFloats(exact);
    const std::vector<float> more = RandomFloats(18, 100 + batch);
    std::vector<float> quantized;
    std::vector<std::vector<double>> f(2);
    std::vector<std::vector<double>> q(2);
    for (size_t i = 0; i < 18; ++i) {
      quantized.push_back(floats[i] + static_cast<float>(offset) * (i < 9 ? 1.0F : -0.5F) +
                          static_cast<float>(noise) * more[i]);
      f[i / 9].push_back(floats[i]);
      q[i / 9].push_back(quantized[i]);
    }
    slow.Step(f, q);
    fast.Step(exact, MakeFloatTensor("q", {1, 2, 3, 3}, quantized));
    for (size_t c = 0; c < 2; ++c)
      ASSERT_NEAR(fast.shift()[c], slow.shift[c], 1e-5) << batch << " " << offset << " " << noise;
  }
}

TEST(OnlineBiasTest, StepsAreTheVendors) {
  for (const double offset : {0.01, 0.3, 1.0})
    for (const double noise : {1e-3, 0.1, 0.5}) ExpectTheSameSteps(offset, noise);
}

TEST(OnlineBiasTest, TheFirstStepTakesATwentieth) {
  OnlineBias bias(2, ChannelAxis::kLast);
  bias.Step(MakeFloatTensor("f", {1, 2}, std::vector<float>{1, 1}),
            MakeFloatTensor("q", {1, 2}, std::vector<float>{1.5F, 1}));
  EXPECT_FLOAT_EQ(bias.shift()[0], -0.025F);
  EXPECT_FLOAT_EQ(bias.shift()[1], 0);
}

TEST(OnlineBiasTest, NothingIsMovedWhereNothingIsWrong) {
  OnlineBias bias(2, ChannelAxis::kLast);
  const Tensor exact = MakeFloatTensor("f", {1, 2}, std::vector<float>{1, 1});
  bias.Step(exact, exact);
  EXPECT_EQ(bias.shift(), (std::vector<float>{0, 0}));
  bias.Step(exact, MakeFloatTensor("q", {1, 2}, std::vector<float>{2, 2}));
  EXPECT_EQ(bias.shift(), (std::vector<float>{0, 0})) << "it has stopped for good";
}

TEST(OnlineBiasTest, SequencesHaveOneErrorForAllChannels) {
  OnlineBias bias(2, ChannelAxis::kSecond);
  bias.Step(MakeFloatTensor("f", {1, 2, 2}, std::vector<float>{1, 1, 1, 1}),
            MakeFloatTensor("q", {1, 2, 2}, std::vector<float>{1.5F, 1.5F, 1, 1}));
  EXPECT_FLOAT_EQ(bias.shift()[0], -0.0125F);
  EXPECT_FLOAT_EQ(bias.shift()[1], -0.0125F);
}

}  // namespace
}  // namespace qconvert
