// Equalization left to the outputs: of both conversions the nearer one is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/conversion_job.h"
#include "support/read_config.h"

namespace qconvert {
namespace {

struct Converted {
  ConversionReport report;
  std::string bytes;
};

// Two convolutions, the channels between them `spread` times as unequal in the first; with scales
// per channel the second makes up for it, so that the smaller ones count as much.
Converted ConvertTwoLayers(float spread, Correction equalization, bool per_channel = false) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "8", "8"}).Output("y");
  std::vector<float> first = RandomFloats(8 * 4, 7);
  for (size_t k = 0; k < first.size(); ++k) first[k] *= k < 4 ? spread : 1;
  std::vector<float> second = RandomFloats(4 * 8 * 9, 11);
  for (size_t k = 0; per_channel && k < second.size(); ++k)
    second[k] /= k / 9 % 8 == 0 ? spread : 1;
  b.Floats("w", {8, 4, 1, 1}, first).Floats("v", {4, 8, 3, 3}, second);
  b.Add("Conv", {"x", "w"}, {"c"});
  b.Add("Relu", {"c"}, {"r"});
  b.Add("Conv", {"r", "v"}, {"y"});
  const TempDir folder;
  ConvertOptions options = PrepareConversion(folder, b, {1, 4, 8, 8}, 1, 24);
  options.guard = GuardMode::kReport;
  options.config = LoadText(
                       "target_device: CPU\nscheme: static\ninclude_bias_corr: false\n"
                       "second_order_rounding: false\noverall_quantize_config: {method: "
                       "maxmin, per_channel: false, round_mode: half_even, scale_type: float, "
                       "calib_statistic_method: max}\n")
                       .config;
  options.config.equalization = equalization;
  options.config.tensors.weights.per_channel = per_channel;
  Converted out{Convert(options), {}};
  out.bytes = Slurp(options.output);
  return out;
}

TEST(ChooseEqualizationTest, TheNearerOfBothIsWritten) {
  const Converted even = ConvertTwoLayers(40, Correction::kAuto);
  ASSERT_EQ(even.report.corrections.size(), 1U);
  const CorrectionReport& told = even.report.corrections[0];
  EXPECT_EQ(told.name, "equalization");
  EXPECT_EQ(told.layers, 1U);
  EXPECT_TRUE(told.kept);
  EXPECT_LT(told.noise_after, told.noise_before);
  EXPECT_EQ(even.bytes, ConvertTwoLayers(40, Correction::kOn).bytes);
  EXPECT_NE(even.bytes, ConvertTwoLayers(40, Correction::kOff).bytes);
}

TEST(ChooseEqualizationTest, WhatBringsNothingIsLeftOutAndTold) {
  for (const float spread : {0.5F, 1.0F, 2.0F}) {
    const Converted open = ConvertTwoLayers(spread, Correction::kAuto);
    ASSERT_EQ(open.report.corrections.size(), 1U);
    const CorrectionReport& told = open.report.corrections[0];
    EXPECT_EQ(told.kept, told.noise_after < told.noise_before) << spread;
    EXPECT_EQ(open.bytes,
              ConvertTwoLayers(spread, told.kept ? Correction::kOn : Correction::kOff).bytes);
  }
}

TEST(ChooseEqualizationTest, WithScalesPerChannelOnlyWhereTheOutputsAskForIt) {
  const Converted even = ConvertTwoLayers(200, Correction::kAuto, true);
  ASSERT_EQ(even.report.corrections.size(), 1U);
  const CorrectionReport& told = even.report.corrections[0];
  EXPECT_TRUE(told.kept);
  EXPECT_GT(told.noise_before, 1e-3);
  EXPECT_LT(told.noise_after, told.noise_before);
  EXPECT_EQ(even.bytes, ConvertTwoLayers(200, Correction::kOn, true).bytes);
  const Converted quiet = ConvertTwoLayers(1, Correction::kAuto, true);
  EXPECT_TRUE(quiet.report.corrections.empty()) << "more than 30 dB";
  EXPECT_EQ(quiet.bytes, ConvertTwoLayers(1, Correction::kOff, true).bytes);
}

}  // namespace
}  // namespace qconvert
