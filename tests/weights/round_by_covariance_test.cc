#include "qconvert/weights/round_by_covariance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "qconvert/config/quant_config.h"
#include "qconvert/plan/value_range.h"
#include "qconvert/targets/target.h"
#include "support/weighted_layer.h"

namespace qconvert {
namespace {

FittedWeights Nearest(const Node& node, const Tensor& weight, int bits) {
  return FitWeights(weight, KernelOrder(node, weight), WeightSettings(bits), {});
}

double SquaredError(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (size_t i = 0; i < a.values<float>().size(); ++i)
    sum += std::pow(static_cast<double>(a.values<float>()[i]) - b.values<float>()[i], 2);
  return sum;
}

// Inputs with much in common: what second order lives from.
Tensor Correlated(std::vector<int64_t> dims, uint32_t seed) {
  Tensor noise = RandomTensor("x", dims, seed);
  std::vector<float> values = ToFloats(noise);
  for (size_t i = 1; i < values.size(); ++i) values[i] = 0.9F * values[i - 1] + 0.3F * values[i];
  return MakeFloatTensor("x", dims, values);
}

TEST(RoundByCovarianceTest, SecondOfTwoEqualInputsMakesUpForTheFirst) {
  // x = (a, a): only the sum of the weights counts. 0.4 + 0.4 + 127 / 127 steps of 1: nearest is 0
  // and 0, an error of 0.8 steps; with the first's error the second becomes round(0.8) = 1.
  const Tensor weight = MakeFloatTensor("w", {1, 3}, std::vector<float>{0.4F, 0.4F, 127});
  const Node node = GemmNode();
  const FittedWeights nearest = Nearest(node, weight, 8);
  ASSERT_FLOAT_EQ(nearest.params.scales[0], 1);
  ASSERT_EQ(*nearest.weight.bytes, std::string("\0\0\x7f", 3));
  const Tensor x = MakeFloatTensor("x", {2, 3}, std::vector<float>{1, 1, 0, -2, -2, 0});
  const InputCovariances found = CollectCovariances(node, weight, std::vector<Tensor>{x});
  ASSERT_EQ(found.size(), 1);
  EXPECT_THAT(found[0], testing::ElementsAre(5, 5, 0, 5, 5, 0, 0, 0, 0));
  const FittedWeights rounded =
      RoundByCovariance(weight, KernelOrder(node, weight), nearest, found);
  EXPECT_EQ(*rounded.weight.bytes, std::string("\0\1\x7f", 3));
  EXPECT_EQ(rounded.params.scales, nearest.params.scales);
}

TEST(RoundByCovarianceTest, InputsWithNothingInCommonAreRoundedToTheNearest) {
  const Tensor weight = RandomTensor("w", {4, 6}, 3);
  const Node node = GemmNode();
  const FittedWeights nearest = Nearest(node, weight, 4);
  std::vector<double> diagonal(36, 0.0);
  for (size_t k = 0; k < 6; ++k) diagonal[k * 7] = static_cast<double>(k + 1);
  const FittedWeights rounded =
      RoundByCovariance(weight, KernelOrder(node, weight), nearest, {diagonal});
  EXPECT_EQ(*rounded.weight.bytes, *nearest.weight.bytes);
}

TEST(RoundByCovarianceTest, WithoutInputsTheNearestCodesStay) {
  const Tensor weight = RandomTensor("w", {4, 6}, 3);
  const FittedWeights nearest = Nearest(GemmNode(), weight, 4);
  const FittedWeights rounded = RoundByCovariance(weight, KernelOrder(GemmNode(), weight), nearest,
                                                  {std::vector<double>(36, 0.0)});
  EXPECT_EQ(*rounded.weight.bytes, *nearest.weight.bytes);
}

struct Case {
  const char* name;
  Node node;
  std::vector<int64_t> weight;
  std::vector<int64_t> input;
};

TEST(RoundByCovarianceTest, OutputsAreNearerInEveryKindOfLayer) {
  Node dilated = ConvNode(1, 0);
  dilated.Set("dilations", std::vector<int64_t>{2, 1});
  const std::vector<Case> cases = {
      {"pointwise", ConvNode(1, 0), {8, 16, 1, 1}, {2, 16, 6, 6}},
      {"padded", ConvNode(1, 1), {8, 4, 3, 3}, {1, 4, 9, 9}},
      {"strided", ConvNode(1, 1, 2), {8, 4, 3, 3}, {1, 4, 17, 15}},
      {"dilated", dilated, {8, 4, 3, 2}, {1, 4, 12, 10}},
      {"grouped", ConvNode(2, 1), {8, 2, 3, 3}, {1, 4, 9, 9}},
      {"depthwise", ConvNode(6, 1), {6, 1, 3, 3}, {2, 6, 9, 9}},
      {"Gemm", GemmNode(), {8, 24}, {40, 24}},
      {"one dimension", MakeNode("Conv", {"x", "w"}, {"y"}), {6, 4, 5}, {1, 4, 40}},
  };
  for (const Case& one : cases) {
    const Tensor weight = RandomTensor("w", one.weight, 7);
    const Tensor input = Correlated(one.input, 11);
    ASSERT_TRUE(HasInputCovariance(one.node, weight)) << one.name;
    const WeightOrder order = KernelOrder(one.node, weight);
    const FittedWeights nearest = Nearest(one.node, weight, 4);
    const InputCovariances found = CollectCovariances(one.node, weight, std::vector<Tensor>{input});
    const FittedWeights rounded = RoundByCovariance(weight, order, nearest, found);
    const Tensor expected = RunNode(one.node, weight, input);
    const double before =
        SquaredError(RunNode(one.node, Dequantized(nearest, order), input), expected);
    const double after =
        SquaredError(RunNode(one.node, Dequantized(rounded, order), input), expected);
    EXPECT_LT(after, 0.8 * before) << one.name;
  }
}

// e^T H e with the covariance is the squared error that the engine makes: every input was found.
TEST(RoundByCovarianceTest, CovariancePredictsTheErrorOfTheEngine) {
  const Node node = ConvNode(2, 1, 2);
  const Tensor weight = RandomTensor("w", {4, 3, 3, 2}, 5);
  const Tensor input = RandomTensor("x", {2, 6, 11, 7}, 9);
  const WeightOrder order = KernelOrder(node, weight);
  const InputCovariances found = CollectCovariances(node, weight, std::vector<Tensor>{input});
  ASSERT_EQ(found.size(), 2);
  const auto values = weight.values<float>();
  double predicted = 0;
  for (int64_t o = 0; o < 4; ++o) {
    const std::vector<double>& h = found[static_cast<size_t>(o / 2)];
    const auto at = [&](int64_t k) {
      return values[static_cast<size_t>(o * order.channel_stride +
                                        k / order.inner_count * order.outer_stride +
                                        k % order.inner_count * order.inner_stride)];
    };
    for (int64_t i = 0; i < order.count; ++i)
      for (int64_t j = 0; j < order.count; ++j)
        predicted += at(i) * h[static_cast<size_t>(i * order.count + j)] * at(j);
  }
  const Tensor output = RunNode(node, weight, input);
  const double power = SquaredError(
      output,
      MakeFloatTensor("z", output.dims, std::vector<float>(output.values<float>().size(), 0)));
  EXPECT_NEAR(predicted / power, 1, 1e-4);
}

TEST(RoundByCovarianceTest, WholeBlocksOfPositionsCountOnce) {
  for (const int64_t rows : {127, 128, 256, 300}) {
    const std::vector<float> ones(static_cast<size_t>(rows), 1.0F);
    const InputCovariances found =
        CollectCovariances(GemmNode(), MakeFloatTensor("w", {1, 1}, std::vector<float>{1}),
                           std::vector<Tensor>{MakeFloatTensor("x", {rows, 1}, ones)});
    EXPECT_EQ(found, InputCovariances({{static_cast<double>(rows)}}));
  }
}

TEST(RoundByCovarianceTest, PairsStayWithinWhatTheKernelAdds) {
  const Tensor weight = RandomTensor("w", {16, 32}, 21);
  const Node node = GemmNode();
  const WeightOrder order = KernelOrder(node, weight);
  const int32_t limit = kCpuTarget.pair_limit;
  const FittedWeights nearest = FitWeights(weight, order, WeightSettings(8), {.pair_limit = limit});
  const InputCovariances found =
      CollectCovariances(node, weight, std::vector<Tensor>{Correlated({64, 32}, 2)});
  const FittedWeights rounded = RoundByCovariance(weight, order, nearest, found);
  const auto codes = rounded.weight.values<int8_t>();
  EXPECT_NE(*rounded.weight.bytes, *nearest.weight.bytes);
  for (size_t k = 0; k < codes.size(); k += 2) {
    if ((codes[k] > 0) == (codes[k + 1] > 0)) {
      EXPECT_LE(std::abs(codes[k] + codes[k + 1]), limit);
    }
  }
}

// Outputs that other weights make of the same inputs are those of the weights that are found, but
// for a twentieth, whatever bias they come with.
TEST(RefitWeightsTest, WeightsOfTheOutputsAreFound) {
  const Node node = ConvNode(2, 1);
  const std::vector<int64_t> dims = {4, 2, 3, 3};
  const Tensor weight = RandomTensor("w", dims, 5);
  const Tensor other = RandomTensor("w", dims, 6);
  const std::vector<Tensor> inputs = {RandomTensor("x", {2, 4, 30, 30}, 9)};
  const std::vector<Tensor> outputs = {RunNode(node, other, inputs[0])};
  const InputCovariances found = CollectCovariances(node, weight, inputs);
  const Tensor refitted = RefitWeights(node, weight, inputs, outputs, found);
  EXPECT_LT(SquaredError(refitted, other), 0.02 * SquaredError(weight, other));

  std::vector<float> biased = ToFloats(outputs[0]);
  for (float& value : biased) value += 2;
  const Tensor with_bias =
      RefitWeights(node, weight, inputs,
                   std::vector<Tensor>{MakeFloatTensor("y", outputs[0].dims, biased)}, found);
  EXPECT_LT(SquaredError(with_bias, refitted), 1e-6);
}

TEST(RefitWeightsTest, ExactInputsAndOtherPositionsChangeNothing) {
  const Tensor weight = RandomTensor("w", {4, 24}, 5);
  const std::vector<Tensor> inputs = {RandomTensor("x", {60, 24}, 9)};
  const InputCovariances found = CollectCovariances(GemmNode(), weight, inputs);
  const Tensor output = RunNode(GemmNode(), weight, inputs[0]);
  EXPECT_LT(
      SquaredError(RefitWeights(GemmNode(), weight, inputs, std::vector<Tensor>{output}, found),
                   weight),
      1e-9);
  const Tensor fewer = RandomTensor("y", {59, 4}, 1);
  EXPECT_EQ(*RefitWeights(GemmNode(), weight, inputs, std::vector<Tensor>{fewer}, found).bytes,
            *weight.bytes);
}

// Both channels want 3/4 of the scale that their largest weight asks for: what that one reads is
// always 0, the other two are whole steps then.
TEST(FitScalesByCovarianceTest, AWeightThatReadsNothingIsClipped) {
  const Tensor weight =
      MakeFloatTensor("w", {2, 3}, std::vector<float>{1.5F, 1.5F, 7, 3, -1.5F, 14});
  const Node node = GemmNode();
  const WeightOrder order = KernelOrder(node, weight);
  const Tensor x = MakeFloatTensor("x", {2, 3}, std::vector<float>{1, 0, 0, 0, 1, 0});
  const InputCovariances found = CollectCovariances(node, weight, std::vector<Tensor>{x});
  TensorSettings settings = WeightSettings(4);
  settings.method = CalibrationMethod::kMaxMin;
  settings.per_channel = true;
  const FittedWeights nearest = FitWeights(weight, order, settings, {});
  ASSERT_THAT(nearest.params.scales, testing::ElementsAre(1, 2));
  EXPECT_THAT(FitScalesByCovariance(weight, order, nearest, found),
              testing::ElementsAre(0.75F, 1.5F));
  settings.per_channel = false;
  const FittedWeights with_one = FitWeights(weight, order, settings, {});
  ASSERT_THAT(with_one.params.scales, testing::ElementsAre(2));
  EXPECT_THAT(FitScalesByCovariance(weight, order, with_one, found), testing::ElementsAre(1.5F));
}

// The same of every block by itself: the third weight of each is read by nothing.
TEST(FitScalesByCovarianceTest, BlocksHaveScalesOfTheirOwn) {
  const Tensor weight = MakeFloatTensor(
      "w", {2, 6}, std::vector<float>{1.5F, 1.5F, 7, 2, 4, 14, 3, -3, 7, 3, -1.5F, 14});
  const Node node = GemmNode();
  const Tensor x = MakeFloatTensor(
      "x", {4, 6},
      std::vector<float>{1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0});
  TensorSettings settings = WeightSettings(4);
  settings.per_channel = true;
  FittedWeights nearest = FitWeights(weight, KernelOrder(node, weight), settings, {});
  nearest.block_size = 3;
  nearest.params.scales = {1, 2, 1, 2};  // [channels, blocks]
  EXPECT_THAT(FitScalesByCovariance(weight, KernelOrder(node, weight), nearest,
                                    CollectCovariances(node, weight, std::vector<Tensor>{x})),
              testing::ElementsAre(0.75F, 2, 1, 1.5F));
}

TEST(FitScalesByCovarianceTest, WithoutInputsTheScalesStay) {
  const Tensor weight = RandomTensor("w", {4, 6}, 3);
  const FittedWeights nearest = Nearest(GemmNode(), weight, 4);
  EXPECT_EQ(FitScalesByCovariance(weight, KernelOrder(GemmNode(), weight), nearest,
                                  {std::vector<double>(36, 0.0)}),
            nearest.params.scales);
}

TEST(RoundByCovarianceTest, LargeAndUnknownLayersAreLeftAlone) {
  EXPECT_FALSE(HasInputCovariance(GemmNode(), RandomTensor("w", {2, 4096}, 1)));
  EXPECT_FALSE(HasInputCovariance(ConvNode(4096, 0), RandomTensor("w", {4096, 1, 9, 9}, 1)));
  Node same = ConvNode(1, 0);
  same.Set("auto_pad", std::string("SAME_UPPER"));
  EXPECT_FALSE(HasInputCovariance(same, RandomTensor("w", {4, 4, 3, 3}, 1)));
  same.op_type = "ConvTranspose";
  EXPECT_FALSE(HasInputCovariance(same, RandomTensor("w", {4, 4, 3, 3}, 1)));
  EXPECT_FALSE(
      HasInputCovariance(MakeNode("MatMul", {"x", "w"}, {"y"}), RandomTensor("w", {2, 4, 4}, 1)));
}

}  // namespace
}  // namespace qconvert
