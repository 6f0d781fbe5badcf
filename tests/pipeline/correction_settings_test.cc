// Corrections that a config file asks for, or leaves open, at work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "qconvert/base/file.h"
#include "support/npy.h"
#include "support/settings_job.h"

namespace qconvert {
namespace {

using testing::HasSubstr;

TEST(SettingsTest, EqualizationAndReplacedActivationsAct) {
  const TempDir folder;
  const Result result = ConvertWith(
      PerTensor("include_cle: true\ninclude_bias_corr: false\nconvert_relu6_to_relu: true\n"),
      folder);
  EXPECT_GE(result.report.integer_nodes, 8U);
  const std::string info = ReadFile(folder / "out_quant_info.json");
  EXPECT_THAT(info, HasSubstr("_equalized"));
  EXPECT_THAT(result.report.warnings,
              Contains(AllOf(HasSubstr("convert_relu6_to_relu"), HasSubstr("before anything"))))
      << "values go above 6";
  const Result kept = ConvertWith(PerTensor("include_bias_corr: false\n"), folder);
  EXPECT_THAT(kept.report.warnings, Not(Contains(HasSubstr("before anything"))));
}

// Weights of 4 bits and one scale: much noise to correct.
std::string FewBits(const std::string& more) {
  return PerTensor("include_cle: false\n" + more) +
         "tensor_quantize_config: {weights: {bit_width: 4}, bias: {bit_width: 32}}\n";
}

TEST(SettingsTest, CorrectionsThatAreAskedForAreMade) {
  const TempDir folder;
  const Result result =
      ConvertWith(FewBits("include_bias_corr: true\nsecond_order_rounding: true\n"), folder);
  ASSERT_EQ(result.report.corrections.size(), 2U);
  const auto& [biases, rounding] =
      std::tie(result.report.corrections[0], result.report.corrections[1]);
  EXPECT_EQ(biases.name, "biases");
  EXPECT_EQ(biases.layers, 8U) << "7 convolutions and a Gemm";
  EXPECT_LT(biases.noise_after, biases.noise_before);
  EXPECT_EQ(rounding.name, "rounding");
  EXPECT_EQ(rounding.layers, 8U);
  EXPECT_EQ(rounding.noise_before, biases.noise_after);
  EXPECT_LT(rounding.noise_after, rounding.noise_before / 2);
  EXPECT_TRUE(biases.kept && rounding.kept);
  ASSERT_TRUE(result.report.noise_parts);
  EXPECT_GT(result.report.noise_parts->weights, 10 * result.report.noise_parts->values)
      << "4 bits against 8";
  EXPECT_NEAR(result.report.noise_parts->weights / biases.noise_before, 1, 0.5);
  EXPECT_THAT(FormatReport(result.report), HasSubstr("dB with rounded weights alone"));
  EXPECT_THAT(ReportJson(result.report, "ok"), HasSubstr("\"weights_alone_sqnr_db\""));
  EXPECT_THAT(FormatReport(result.report), HasSubstr("  biases   of 8 layers corrected: "));
  EXPECT_THAT(ReadFile(folder / "out_quant_info.json"), HasSubstr("\"shift\""));
}

TEST(SettingsTest, ACorrectionThatFitsNoLayerIsTold) {
  const TempDir folder;
  const Result result = ConvertWith(
      PerTensor("include_cle: false\ninclude_bias_corr: false\nsecond_order_rounding: true\n") +
          "tensor_quantize_config: {weights: {symmetry: false, signed: false}}\n",
      folder);
  EXPECT_TRUE(result.report.corrections.empty());
  EXPECT_THAT(result.report.warnings,
              Contains(HasSubstr("rounding is left out: no layer has symmetric weights")));
}

// Biases that make up for what a white picture meets harm what digits meet.
TEST(SettingsTest, ACorrectionThatIsAskedForButHarmsIsToldAndNotKept) {
  const TempDir folder;
  std::vector<float> white(256, 1.0F);
  white[0] = 0;
  std::filesystem::create_directory(folder / "white");
  WriteFile(folder / "white" / "a.npy", NpyFloats({1, 1, 16, 16}, white));
  const auto convert = [&](const std::string& asked) {
    const LoadedConfig loaded =
        LoadText(PerTensor("include_cle: false\ninclude_bias_corr: " + asked + "\n") +
                 "tensor_quantize_config: {weights: {bit_width: 5}, bias: {bit_width: 32}}\n");
    ConvertOptions options = OptionsOf(loaded, folder);
    options.calibration_folder = folder / "white";
    options.validation_folder = kDigits / "calib";
    options.guard = GuardMode::kReport;
    return Convert(options);
  };
  const ConversionReport report = convert("true");
  ASSERT_EQ(report.corrections.size(), 1U);
  const CorrectionReport& biases = report.corrections[0];
  EXPECT_GT(biases.noise_after, 2 * biases.noise_before);
  EXPECT_FALSE(biases.kept);
  EXPECT_THAT(report.warnings, Contains(HasSubstr("biases are not corrected: ")));
  EXPECT_EQ(report.outputs[0].sums.error_power, convert("false").outputs[0].sums.error_power);
}

TEST(SettingsTest, CorrectionsLeftOpenAreMadeWhereTheyHelp) {
  const TempDir folder;
  const Result few =
      ConvertWith(FewBits("include_bias_corr: auto\nsecond_order_rounding: auto\n"), folder);
  ASSERT_FALSE(few.report.corrections.empty());
  for (const CorrectionReport& one : few.report.corrections)
    EXPECT_EQ(one.kept, one.noise_after < one.noise_before) << one.name;
  const Result plain = ConvertWith(FewBits("include_bias_corr: false\n"), folder);
  EXPECT_TRUE(plain.report.corrections.empty());
  EXPECT_LT(few.report.outputs[0].sums.error_power, plain.report.outputs[0].sums.error_power / 2);
}

TEST(SettingsTest, BiasesLeftOpenAreTriedBelow40Decibels) {
  const TempDir folder;
  const std::string open = "include_cle: false\nsecond_order_rounding: auto\n";
  const Result near = ConvertWith(PerTensor(open), folder);
  ASSERT_EQ(near.report.corrections.size(), 1U) << "8 bits leave 38 dB";
  const CorrectionReport& biases = near.report.corrections[0];
  EXPECT_EQ(biases.name, "biases");
  EXPECT_EQ(biases.kept, biases.noise_after < biases.noise_before);
  EXPECT_FALSE(near.report.noise_parts) << "what takes more time is for less than 30 dB";

  const Result enough = ConvertWith(
      "target_device: CPU\nscheme: static\nextensions: true\n" + open +
          "overall_quantize_config: {method: auto, round_mode: half_even, scale_type: float, "
          "per_channel: false, calib_statistic_method: all, symmetry: false, signed: false}\n"
          "tensor_quantize_config:\n"
          "  weights: {per_channel: true, symmetry: true, signed: true}\n"
          "  bias: {bit_width: 32, symmetry: true, signed: true, method: maxmin}\n",
      folder);
  EXPECT_GT(enough.report.outputs[0].sqnr_db(), 40);
  EXPECT_TRUE(enough.report.corrections.empty());
}

TEST(SettingsTest, CorrectedFilesDoNotDependOnThreads) {
  std::set<std::string> files;
  for (const int workers : {1, 3}) {
    const TempDir folder;
    const LoadedConfig loaded =
        LoadText(FewBits("include_bias_corr: true\nsecond_order_rounding: true\n"));
    ConvertOptions options = OptionsOf(loaded, folder);
    options.workers = workers;
    Convert(options);
    files.insert(ReadFile(options.output));
  }
  EXPECT_EQ(files.size(), 1U);
}

}  // namespace
}  // namespace qconvert
