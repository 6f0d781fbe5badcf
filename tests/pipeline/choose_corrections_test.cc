// What judged samples can tell of a correction.
#include "choose_corrections.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "../../src/pipeline/noise_of_outputs.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/pipeline/convert.h"
#include "support/npy.h"
#include "support/quantize_model.h"
#include "support/temp_dir.h"

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

// A convolution whose last input channel is always 0 and has weights of `most`: the others get few
// codes.
ConversionReport ConvertWide(int bits, float most, int value_bits = 8) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "10", "10"}).Output("y");
  std::vector<float> weights = RandomFloats(8 * 4 * 9, 1, 0.3F);
  for (size_t k = 0; k < weights.size(); ++k)
    if (k / 9 % 4 == 3) weights[k] = most;
  b.Floats("w", {8, 4, 3, 3}, weights);
  b.Add("Conv", {"x", "w"}, {"y"}).name = "conv";
  const TempDir dir;
  ConvertOptions options;
  options.model = dir.Write("m.onnx", SerializeModel(b.model));
  for (uint32_t k = 0; k < 25; ++k) {
    std::vector<float> values = RandomFloats(400, k);
    std::fill(values.begin() + 300, values.end(), 0.0F);
    dir.Write(fmt::format("data/{}.npy", k), NpyFloats({1, 4, 10, 10}, values));
  }
  options.calibration_folder = dir / "data";
  options.output = dir / "q.onnx";
  options.guard = GuardMode::kReport;
  options.config.scheme = Scheme::kStatic;
  options.config.bias_correction = Correction::kOff;
  options.config.tensors.weights.bit_width = bits;
  for (const TensorType type : {TensorType::kActivation, TensorType::kInput})
    options.config.tensors[type].bit_width = value_bits;
  return Convert(options);
}

TEST(ChooseCorrectionsTest, RoundingLeftOpenIsForNoiseOfWeights) {
  const ConversionReport coarse = ConvertWide(8, 12);
  ASSERT_TRUE(coarse.noise_parts) << "below 30 dB";
  EXPECT_GT(coarse.noise_parts->weights, 2 * coarse.noise_parts->values);
  EXPECT_FALSE(coarse.corrections.empty());
  const ConversionReport fine = ConvertWide(8, 0, 4);
  ASSERT_TRUE(fine.noise_parts);
  EXPECT_LT(fine.noise_parts->weights, fine.noise_parts->values);
  EXPECT_TRUE(fine.corrections.empty());
}

TEST(TypicalNoiseOfTest, IsThatOfTheSamplesAlone) {
  OutputComparison output = Judged(0, 300, false);
  for (const double error : {0.01, 0.04, 0.25}) {
    output.samples.push_back({1, error, {}});
    output.sums.float_power += 1;
    output.sums.error_power += error;
  }
  const std::vector outputs{output};
  EXPECT_DOUBLE_EQ(TypicalNoiseOf(outputs, {0}), 0.01);
  EXPECT_DOUBLE_EQ(TypicalNoiseOf(outputs, {0, 2}), 0.05) << "the geometric mean";
  EXPECT_DOUBLE_EQ(TypicalNoiseOf(outputs, {}), TypicalNoise(outputs));
  output.samples[1].decisions.logit_power = 4;
  output.samples[1].decisions.logit_error = 1;
  EXPECT_DOUBLE_EQ(TypicalNoiseOf(std::vector{output}, {1}), 0.25) << "of logits where there are";
}

}  // namespace
}  // namespace qconvert
