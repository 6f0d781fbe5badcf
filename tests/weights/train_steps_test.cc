// What learners do at every step, by their formulas.
#include "train_steps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::FloatEq;

std::vector<float> Row(const FloatRow& row) { return {row.data(), row.data() + row.size()}; }

// The published outputs of SplitMix64 that starts at 0: their upper 24 bits.
TEST(UniformTest, IsSplitMix64) {
  EXPECT_EQ(Uniform(0, 1), 0xE220A8 * 0x1p-24F);  // E220A8397B1DCDAF
  EXPECT_EQ(Uniform(0, 2), 0x6E789E * 0x1p-24F);  // 6E789E6AA1B965F4
  EXPECT_EQ(Uniform(0, 3), 0x06C45D * 0x1p-24F);  // 06C45D188009454F
  EXPECT_EQ(Uniform(0, 0), 0);
  EXPECT_EQ(Uniform(0x9E3779B97F4A7C15ULL, 1), Uniform(0, 2)) << "one sequence, entered later";
}

TEST(UniformTest, NumbersAreBelowOneAndSpreadEvenly) {
  constexpr size_t kBins = 16;
  constexpr uint64_t kCount = 16000;
  std::vector<int> bins(kBins, 0);
  std::set<float> different;
  for (uint64_t k = 0; k < kCount; ++k) {
    const float one = Uniform(77, k);
    ASSERT_GE(one, 0);
    ASSERT_LT(one, 1);
    ++bins[static_cast<size_t>(one * kBins)];
    different.insert(one);
  }
  // 1000 each, with a deviation of 31.
  for (const int count : bins) EXPECT_NEAR(count, 1000, 150);
  EXPECT_GT(different.size(), kCount - 50);
}

TEST(BetaTest, FallsInAStraightLineBehindTheWarmStart) {
  const LearningSettings settings;  // from 20 to 2, behind a fifth
  EXPECT_EQ(Beta(settings, 0, 100), 0);
  EXPECT_EQ(Beta(settings, 19, 100), 0);
  EXPECT_FLOAT_EQ(Beta(settings, 20, 100), 20);
  EXPECT_FLOAT_EQ(Beta(settings, 60, 100), 11);
  EXPECT_FLOAT_EQ(Beta(settings, 80, 100), 6.5F);
  EXPECT_NEAR(Beta(settings, 99, 100), 2 + 18.0 / 80, 1e-5);
  float before = 21;
  for (int64_t step = 2000; step < 10000; ++step) {
    const float beta = Beta(settings, step, 10000);
    EXPECT_LT(beta, before);
    before = beta;
  }
  EXPECT_GE(before, 2);
}

TEST(BetaTest, WithoutStepsOrWithoutAWarmStart) {
  LearningSettings settings;
  settings.warm_start = 0;
  EXPECT_FLOAT_EQ(Beta(settings, 0, 10), 20);
  EXPECT_FLOAT_EQ(Beta(settings, 0, 0), 20);
  EXPECT_FLOAT_EQ(Beta(settings, 0, 1), 20);
  settings.warm_start = 1;
  EXPECT_EQ(Beta(settings, 9, 10), 0) << "never acts";
}

TEST(WeightRatesTest, AreOfWeightsOrOfTheirDeviation) {
  LearningSettings settings;
  settings.learning_rate = 0.5;
  FloatMatrix real(2, 4);
  real << 1, 2.5F, 100, 0,  //
      3, 3.5F, 102, 0;
  FloatMatrix start(2, 4);
  start << 1, 2, 100, 0,  //
      3, 4, 101, 0;
  FloatMatrix scales(2, 4);
  scales << 0.1F, 0.2F, 0.5F, 1,  //
      0.1F, 0.1F, 0.5F, 1;
  EXPECT_THAT(Row(WeightRates(settings, real, start, scales)),
              ElementsAre(FloatEq(5), FloatEq(2.5F), FloatEq(1), FloatEq(0.5F)))
      << "0.5 of a weight is 5 codes of 0.1";
  settings.rate_of_deviation = true;
  // Deviations 1, 0.5, 1 and 0. Noise over power: 0; 0.5 / 18.5; 1 / 20404, which is 43 dB.
  EXPECT_THAT(Row(WeightRates(settings, real, start, scales)),
              ElementsAre(FloatEq(0.05F), FloatEq(0.25F), FloatEq(0.05F), FloatEq(0)));
}

TEST(WeightRatesTest, SmallStepsBeginAt36Decibels) {
  LearningSettings settings;
  settings.learning_rate = 1;
  settings.rate_of_deviation = true;
  FloatMatrix real(2, 2);
  real << 0, 0, 2, 2;
  FloatMatrix start = real;
  start(0, 0) = 2 * 0.01584F;  // noise / power = 0.01584^2 = 10^-3.6004
  start(0, 1) = 2 * 0.01586F;  // 10^-3.5994
  EXPECT_THAT(Row(WeightRates(settings, real, start, FloatMatrix::Ones(2, 2))),
              ElementsAre(FloatEq(0.1F), FloatEq(1)));
}

// In the order of KernelOrder, every element in its place.
TEST(GatherChannelsTest, ChannelsFromTheMiddleOfEveryLayout) {
  struct Case {
    const char* type;
    std::vector<int64_t> dims;
    bool turned;
  };
  for (const Case& one : {Case{"Conv", {5, 3, 2, 2}, false}, Case{"MatMul", {6, 5}, false},
                          Case{"Gemm", {5, 6}, true}}) {
    SCOPED_TRACE(one.type);
    const Tensor weight = RandomTensor("w", one.dims, 3);
    Node node = MakeNode(one.type, {"x", "w"}, {"y"});
    if (one.turned) node.Set("transB", int64_t{1});
    const WeightOrder order = KernelOrder(node, weight);
    ASSERT_EQ(order.channels, 5);
    const auto values = weight.values<float>();
    std::vector<int32_t> codes(values.size());
    for (size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<int32_t>(i);
    const std::vector<float> scales = {1, 2, 4, 8, 16};
    FittedWeights grid;
    grid.params.scales = scales;
    const CodedChannels found = GatherChannels(order, weight, codes, grid, 1, 3);
    EXPECT_THAT(Row(found.scales.row(0)), ElementsAre(2, 4, 8));
    EXPECT_THAT(Row(found.scales.row(order.count - 1)), ElementsAre(2, 4, 8));
    ASSERT_EQ(found.codes.rows(), order.count);
    ASSERT_EQ(found.codes.cols(), 3);
    for (int64_t o = 0; o < 3; ++o) {
      std::set<size_t> places;
      for (int64_t k = 0; k < order.count; ++k) {
        const auto at = static_cast<size_t>(found.codes(k, o));
        places.insert(at);
        EXPECT_EQ(found.real(k, o), values[at] / scales[static_cast<size_t>(o + 1)]);
        // The channel that the place is of: rows of Conv and a turned Gemm, columns of a MatMul.
        const size_t channel = std::string(one.type) == "MatMul" ? at % 5 : at / (codes.size() / 5);
        EXPECT_EQ(channel, static_cast<size_t>(o + 1));
      }
      EXPECT_EQ(places.size(), static_cast<size_t>(order.count)) << "each once";
    }
    grid.params.scales = {0.5F};
    EXPECT_THAT(Row(GatherChannels(order, weight, codes, grid, 3, 2).scales.row(1)),
                ElementsAre(0.5F, 0.5F));
  }
}

TEST(GatherChannelsTest, WeightsInBlocksHaveTheScaleOfTheirBlock) {
  const Tensor weight = RandomTensor("w", {4, 2}, 3);
  const WeightOrder order = KernelOrder(MakeNode("MatMul", {"x", "w"}, {"y"}), weight);
  FittedWeights grid;
  grid.params.scales = {1, 2, 4, 8};
  grid.block_size = 2;
  const std::vector<int32_t> codes(8, 1);
  const CodedChannels found = GatherChannels(order, weight, codes, grid, 1, 1);
  EXPECT_THAT(Row(found.scales.transpose()), ElementsAre(2, 2, 8, 8));
  EXPECT_EQ(found.real(3, 0), weight.values<float>()[7] / 8);
}

TEST(KeepPairsTest, OnlyLargePairsChange) {
  const NumericFormat format = IntegerFormat(8, true, true, true);
  FloatMatrix codes(5, 2);
  codes << 100, -3,  //
      100, -4,       //
      -60, 120,      //
      -69, -120,     //
      127, 127;
  FloatMatrix kept = codes;
  KeepPairs(format, 128, kept);
  FloatMatrix expected(5, 2);
  expected << 64, -3,  //
      64, -4,          //
      -59, 120,        //
      -69, -120,       //
      127, 127;
  EXPECT_EQ(kept, expected) << "the last of an odd number has no partner";
  kept = codes;
  KeepPairs(format, 0, kept);
  EXPECT_EQ(kept, codes);
}

}  // namespace
}  // namespace qconvert
