// Corrections of the float model left to the outputs: of all conversions the nearest is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "qconvert/report/advice.h"
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
Converted ConvertTwoLayers(float spread, Correction equalization, bool per_channel = false,
                           GuardMode guard = GuardMode::kReport,
                           const std::string& scheme = "static") {
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
  options.guard = guard;
  const LoadedConfig loaded =
      LoadText("target_device: CPU\nscheme: " + scheme +
               "\ninclude_cle: false\ninclude_bias_corr: false\nsecond_order_rounding: false\n"
               "overall_quantize_config: {method: maxmin, per_channel: false, round_mode: "
               "half_even, scale_type: float, calib_statistic_method: max}\n");
  options.config = loaded.config;
  options.effective_config = loaded.effective;
  options.config.equalization = equalization;
  options.config.tensors.weights.per_channel = per_channel;
  Converted out{Convert(options), {}};
  out.bytes = Slurp(options.output);
  return out;
}

TEST(ChooseFloatCorrectionsTest, TheNearerOfBothIsWritten) {
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

TEST(ChooseFloatCorrectionsTest, WhatBringsNothingIsLeftOutAndTold) {
  for (const float spread : {0.5F, 1.0F, 2.0F}) {
    const Converted open = ConvertTwoLayers(spread, Correction::kAuto);
    ASSERT_EQ(open.report.corrections.size(), 1U);
    const CorrectionReport& told = open.report.corrections[0];
    EXPECT_EQ(told.kept, told.noise_after < told.noise_before) << spread;
    EXPECT_EQ(open.bytes,
              ConvertTwoLayers(spread, told.kept ? Correction::kOn : Correction::kOff).bytes);
  }
}

TEST(ChooseFloatCorrectionsTest, WithScalesPerChannelOnlyWhereTheOutputsAskForIt) {
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

// Channels of a millionth beside others, which count as much: neither integers nor codes of weights
// hold both.
TEST(ChooseFloatCorrectionsTest, WhatFailsForUnevenChannelsIsEvenedOut) {
  for (const char* scheme : {"static", "auto", "weight-only"}) {
    SCOPED_TRACE(scheme);
    const Converted on = ConvertTwoLayers(1e6F, Correction::kOn, true, GuardMode::kCorrect, scheme);
    EXPECT_TRUE(on.report.guard.passed);
    EXPECT_EQ(on.report.guard.float_weights, 0U);
    const Converted open =
        ConvertTwoLayers(1e6F, Correction::kAuto, true, GuardMode::kCorrect, scheme);
    EXPECT_EQ(open.bytes, on.bytes);
  }
}

TEST(ChooseFloatCorrectionsTest, UnevenChannelsThatStaySoTakeFloatWeights) {
  for (const char* scheme : {"static", "auto", "weight-only"}) {
    SCOPED_TRACE(scheme);
    const Converted off =
        ConvertTwoLayers(1e6F, Correction::kOff, true, GuardMode::kCorrect, scheme);
    EXPECT_TRUE(off.report.guard.passed);
    EXPECT_EQ(off.report.guard.float_weights, 1U) << "those that read the channels";
    EXPECT_THAT(off.report.guard.kept_wide, testing::Contains("v"));
    EXPECT_LT(TypicalNoise(off.report.outputs), 1e-3);
  }
}

TEST(ChooseFloatCorrectionsTest, UnevenChannelsThatNothingRepairsAreAdvisedOn) {
  for (const char* scheme : {"static", "auto", "weight-only"}) {
    SCOPED_TRACE(scheme);
    const Converted off =
        ConvertTwoLayers(1e6F, Correction::kOff, true, GuardMode::kReport, scheme);
    EXPECT_FALSE(off.report.guard.passed);
    EXPECT_THAT(off.report.warnings,
                testing::Contains(testing::HasSubstr("--set include_cle=true")));
  }
}

TEST(ChooseFloatCorrectionsTest, AdviceIsNothingThatWasDone) {
  EXPECT_EQ(AdviceOf(true, ""), kAdvice);
  EXPECT_EQ(AdviceOf(true, "--set include_cle=true"),
            "try more samples, --set include_cle=true, --scheme weight-only or a lower --min-sqnr");
  EXPECT_EQ(AdviceOf(false, "--set include_cle=true"),
            "try --set include_cle=true, floats for the nodes that qconvert debug names or a lower "
            "--min-sqnr");
}

TEST(ChooseFloatCorrectionsTest, WhatNothingMeasuresIsTold) {
  constexpr GuardMode kOff = GuardMode::kOff;
  const Converted open = ConvertTwoLayers(40, Correction::kAuto, false, kOff);
  ASSERT_EQ(open.report.corrections.size(), 1U);
  EXPECT_EQ(open.report.corrections[0].name, "equalization");
  EXPECT_EQ(open.report.corrections[0].layers, 1U);
  EXPECT_TRUE(open.report.corrections[0].kept);
  EXPECT_THAT(FormatReport(open.report),
              testing::HasSubstr("equalization of 1 layer corrected, not measured\n"));
  EXPECT_EQ(open.bytes, ConvertTwoLayers(40, Correction::kOn, false, kOff).bytes);
  const Converted fine = ConvertTwoLayers(40, Correction::kAuto, true, kOff);
  EXPECT_TRUE(fine.report.corrections.empty());
  EXPECT_EQ(fine.bytes, ConvertTwoLayers(40, Correction::kOff, true, kOff).bytes);
}

// Two convolutions with a Clip(0, 6) between, of which one channel is 60 times the others.
Converted ConvertBounded(int64_t channels, int64_t side, Correction equalization, bool clips,
                         TargetDevice target = TargetDevice::kCpu) {
  GraphBuilder b;
  const std::string text = std::to_string(side);
  b.Input("x", {"1", std::to_string(channels), text, text}).Output("y");
  const auto weights = static_cast<size_t>(channels * channels * 9);
  std::vector<float> first = RandomFloats(weights, 7, 0.05F);
  std::vector<float> second = RandomFloats(weights, 11, 0.1F);
  for (size_t k = 0; k < weights / static_cast<size_t>(channels); ++k) first[k] *= 60;
  for (size_t k = 0; k < weights; ++k)
    second[k] /= k / 9 % static_cast<size_t>(channels) == 0 ? 60 : 1;
  b.Floats("w", {channels, channels, 3, 3}, first).Floats("v", {channels, channels, 3, 3}, second);
  b.Floats("zero", {}, {0}).Floats("six", {}, {6});
  const std::vector<int64_t> around = {1, 1, 1, 1};
  b.Add("Conv", {"x", "w"}, {"c"}).Set("pads", around);
  b.Add("Clip", {"c", "zero", "six"}, {"r"});
  b.Add("Conv", {"r", "v"}, {"y"}).Set("pads", around);
  const TempDir folder;
  ConvertOptions options = PrepareConversion(folder, b, {1, channels, side, side}, 1, 24);
  options.guard = GuardMode::kReport;
  options.config.scheme = Scheme::kStatic;
  options.config.target_device = target;
  options.config.equalization = equalization;
  options.config.equalize_clips = clips;
  options.config.tensors.weights.per_channel = false;
  Converted out{Convert(options), {}};
  out.bytes = Slurp(options.output);
  return out;
}

TEST(ChooseFloatCorrectionsTest, BoundsByChannelWhereTheyAreWorthTheirTime) {
  const Converted open = ConvertBounded(96, 6, Correction::kAuto, false);
  ASSERT_EQ(open.report.guard.steps.size(), 1U);
  const RepairStep& step = open.report.guard.steps[0];
  EXPECT_EQ(step.what, "bounded by channel");
  EXPECT_EQ(step.of, "Clip");
  EXPECT_EQ(step.count, 1U);
  EXPECT_GT(step.time, 0);
  EXPECT_GE(10 * std::log10(step.noise_before / step.noise_after), step.time / 0.02);
  EXPECT_EQ(open.bytes, ConvertBounded(96, 6, Correction::kOn, true).bytes);
  EXPECT_NE(open.bytes, ConvertBounded(96, 6, Correction::kOn, false).bytes);
  EXPECT_TRUE(ConvertBounded(96, 6, Correction::kOff, false).report.guard.steps.empty());
}

TEST(ChooseFloatCorrectionsTest, BoundsByChannelAreNotTriedWhereTheyCouldNotPay) {
  const Converted open = ConvertBounded(4, 24, Correction::kAuto, false);
  ASSERT_EQ(open.report.guard.steps.size(), 1U);
  const RepairStep& step = open.report.guard.steps[0];
  EXPECT_EQ(step.what, "not bounded by channel, at best");
  EXPECT_GT(step.time, 0.3);
  EXPECT_LT(step.noise_after, step.noise_before);
  EXPECT_EQ(open.bytes, ConvertBounded(4, 24, Correction::kOff, false).bytes);
  // A device that has no Min, and whose times nobody knows.
  EXPECT_TRUE(ConvertBounded(4, 24, Correction::kAuto, false, TargetDevice::kQnn)
                  .report.guard.steps.empty());
}

// One channel that stays around `high`, where the others are within 2; with samples to judge on it
// moves by more, and they bring it down as far as it goes.
Converted ConvertHigh(float high, const char* absorption, const char* validation = nullptr) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "8", "8"}).Output("y");
  const std::vector<float> second = RandomFloats(4 * 8 * 9, 11);
  std::vector<float> back(4, 0);  // what a constant brings is no signal
  for (size_t k = 0; k < second.size(); ++k)
    if (k / 9 % 8 == 0) back[k / 72] -= high * second[k];
  std::vector<float> first = RandomFloats(8 * 4, 5, 0.5F);
  for (size_t k = 0; validation != nullptr && k < 4; ++k) first[k] *= 8;
  b.Floats("w", {8, 4, 1, 1}, first).Floats("v", {4, 8, 3, 3}, second).Floats("d", {4}, back);
  b.Floats("b", {8}, {high, 0, 0, 0, 0, 0, 0, 0});
  b.Add("Conv", {"x", "w", "b"}, {"c"});
  b.Add("Relu", {"c"}, {"r"});
  b.Add("Conv", {"r", "v", "d"}, {"y"});
  const TempDir folder;
  ConvertOptions options =
      PrepareConversion(folder, b, {1, 4, 8, 8}, validation != nullptr ? 0.3F : 1, 24);
  if (validation != nullptr) {
    // One sample brings the high channel up in calibration, as far as those that judge bring it
    // down.
    for (uint32_t i = 0; i < 6; ++i) {
      std::vector<float> down = RandomFloats(4 * 64, 100 + i, 0.1F);
      std::vector<float> up;
      for (size_t k = 0; k < down.size(); ++k) {
        down[k] = (first[k / 64] > 0 ? -1.0F : 1.0F) * (0.9F + down[k]);
        up.push_back(-down[k]);
      }
      folder.Write(fmt::format("{}/{}.npy", validation, i), NpyFloats({1, 4, 8, 8}, down));
      if (i == 0) folder.Write("calib/up.npy", NpyFloats({1, 4, 8, 8}, up));
    }
    options.validation_folder = folder / validation;
  }
  options.guard = GuardMode::kReport;
  const LoadedConfig loaded =
      LoadText(std::string("target_device: CPU\nscheme: static\nextensions: true\n"
                           "include_cle: false\ninclude_bias_corr: false\nabsorb_biases: ") +
               absorption + "\n");
  options.config = loaded.config;
  options.effective_config = loaded.effective;
  Converted out{Convert(options), {}};
  out.bytes = Slurp(options.output);
  return out;
}

TEST(ChooseFloatCorrectionsTest, HighBiasesAreAbsorbedWhereThatHelps) {
  const Converted open = ConvertHigh(60, "auto");
  ASSERT_EQ(open.report.corrections.size(), 1U);
  const CorrectionReport& told = open.report.corrections[0];
  EXPECT_EQ(told.name, "absorption");
  EXPECT_EQ(told.of, "values");
  EXPECT_EQ(told.layers, 1U);
  EXPECT_TRUE(told.kept);
  EXPECT_LT(told.noise_after, told.noise_before / 100);
  EXPECT_EQ(open.bytes, ConvertHigh(60, "true").bytes);
  EXPECT_NE(open.bytes, ConvertHigh(60, "false").bytes);
}

TEST(ChooseFloatCorrectionsTest, BiasesThatAreNotHighStay) {
  const Converted open = ConvertHigh(1, "auto");
  EXPECT_TRUE(open.report.corrections.empty());
  EXPECT_EQ(open.bytes, ConvertHigh(1, "false").bytes);
  const Converted asked = ConvertHigh(-9, "true");
  EXPECT_THAT(asked.report.warnings,
              testing::Contains(testing::HasSubstr("high biases are not absorbed: the largest")));
}

// Judged samples go far below what channels never went below in calibration.
TEST(ChooseFloatCorrectionsTest, WhatHarmsOtherSamplesIsNotAbsorbed) {
  const Converted open = ConvertHigh(60, "auto", "other");
  ASSERT_EQ(open.report.corrections.size(), 1U);
  EXPECT_FALSE(open.report.corrections[0].kept);
  EXPECT_GT(open.report.corrections[0].noise_after, open.report.corrections[0].noise_before);
  EXPECT_EQ(open.bytes, ConvertHigh(60, "false", "other").bytes);
}

}  // namespace
}  // namespace qconvert
