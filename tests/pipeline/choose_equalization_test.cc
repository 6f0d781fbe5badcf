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

// Two convolutions, the channels between them `spread` times as unequal in the first.
Converted ConvertTwoLayers(float spread, Correction equalization) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "8", "8"}).Output("y").Random("v", {4, 8, 3, 3});
  std::vector<float> first = RandomFloats(8 * 4, 7);
  for (size_t k = 0; k < first.size(); ++k) first[k] *= k < 4 ? spread : 1;
  b.Floats("w", {8, 4, 1, 1}, first);
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

}  // namespace
}  // namespace qconvert
