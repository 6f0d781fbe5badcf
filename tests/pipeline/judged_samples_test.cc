// Which samples a conversion is judged on, and what is told of others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/config/plan_file.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/convert.h"
#include "support/judged_job.h"

namespace qconvert {
namespace {

using testing::HasSubstr;
using testing::Not;

GraphBuilder Regression() {
  GraphBuilder b;
  b.Input("x", {"1", "3", "8", "8"}).Output("y").Random("w", {16, 3, 3, 3}, 0.3F);
  b.Add("Conv", {"x", "w"}, {"c"});
  b.Add("Relu", {"c"}, {"y"});
  return b;
}

TEST_F(JudgedTest, SamplesThatAreKeptOutAreJudgedOn) {
  GraphBuilder b = Regression();
  const ConversionReport report = Run(b, {1, 3, 8, 8}, 40);
  EXPECT_EQ(report.samples, 32U);
  EXPECT_EQ(report.compared_samples, 8U);
  EXPECT_EQ(report.outputs[0].samples.size(), 8U);
  EXPECT_THAT(FormatReport(report),
              HasSubstr("on 8 samples kept out of calibration, 32 calibrated"));
}

TEST_F(JudgedTest, FewSamplesAreKeptOutUntilThePlanIsChosen) {
  GraphBuilder b = Regression();
  options_.config.scheme = Scheme::kStatic;
  const ConversionReport report = Run(b, {1, 3, 8, 8}, 12);
  EXPECT_EQ(report.samples, 12U);
  EXPECT_EQ(report.compared_samples, 4U);
  EXPECT_TRUE(report.outputs[0].SqnrAtLeast());
  EXPECT_THAT(FormatReport(report),
              HasSubstr("on 4 samples kept out of calibration until the plan was chosen, 12 "
                        "calibrated"));
}

// One sample of twelve is three times as large as the others: whether it judges or calibrates, the
// file's range holds it, and the outputs told are those of a plan that did not know what judges.
TEST_F(JudgedTest, RangesOfFewSamplesAreThoseOfAll) {
  GraphBuilder b = Regression();
  ExportOnnx(b.model, dir_ / "m.onnx", {});
  options_.config.scheme = Scheme::kStatic;
  options_.config.tensors.input.method = CalibrationMethod::kMaxMin;
  options_.guard = GuardMode::kReport;
  options_.model = dir_ / "m.onnx";
  options_.output = dir_ / "q.onnx";
  int clipped = 0;
  for (int large = 0; large < 12; ++large) {
    float most = 0;
    float least = 0;
    for (int k = 0; k < 12; ++k) {
      std::vector<float> values = RandomFloats(192, static_cast<uint32_t>(k + 1));
      for (float& value : values) value *= k == large ? 3.0F : 1.0F;
      most = std::max(most, *std::max_element(values.begin(), values.end()));
      least = std::min(least, *std::min_element(values.begin(), values.end()));
      dir_.Write(fmt::format("few/{:03}.npy", k), NpyFloats({1, 3, 8, 8}, values));
    }
    options_.calibration_folder = dir_ / "few";
    const ConversionReport report = Convert(options_);
    const Model written = LoadOnnx(dir_ / "q.onnx").model;
    const Node& quantize = written.graph.nodes.at(0);
    ASSERT_EQ(quantize.op_type, "QuantizeLinear");
    const float scale = written.graph.FindInitializer(quantize.inputs[1])->values<float>()[0];
    EXPECT_NEAR(scale, (most - least) / 255, 1e-6) << large;
    clipped += report.outputs[0].sqnr_db() < 30 ? 1 : 0;
  }
  EXPECT_EQ(clipped, 4) << "where the large one is among those that judge";
}

TEST_F(JudgedTest, APlanThatFewSamplesMadeIsNotJudgedAsIfOthersHad) {
  GraphBuilder b = Regression();
  options_.config.scheme = Scheme::kStatic;
  Run(b, {1, 3, 8, 8}, 12);
  const PlanFile plan = ReadPlanFile(QuantInfoPath(dir_ / "q.onnx"));
  options_.plan = &plan;
  options_.output = dir_ / "again.onnx";
  const ConversionReport report = Convert(options_);
  EXPECT_EQ(ReadFile(dir_ / "again.onnx"), ReadFile(dir_ / "q.onnx"));
  EXPECT_FALSE(report.outputs[0].SqnrAtLeast());
  EXPECT_THAT(FormatReport(report), HasSubstr("few, all of which made the plan"));
}

TEST_F(JudgedTest, WhatCalibratesTellsNothingOfOthers) {
  GraphBuilder b = Regression();
  options_.config.bias_correction = Correction::kOff;
  const ConversionReport report = Run(b, {1, 3, 8, 8}, 3);
  EXPECT_EQ(report.samples, 3U);
  EXPECT_EQ(report.compared_samples, 3U);
  EXPECT_FALSE(report.outputs[0].SqnrAtLeast());
  const std::string text = FormatReport(report);
  EXPECT_THAT(text, HasSubstr("on 3 of the calibration samples themselves (fewer than 4 different "
                              "ones; no bound for others, --validate takes some), 3 calibrated"));
  EXPECT_THAT(text, Not(HasSubstr("95 %")));
  EXPECT_THAT(ReportJson(report, "success"), HasSubstr("\"sqnr_db_at_least\": null"));
}

class FewBitsTest : public JudgedTest {
 protected:
  FewBitsTest() {
    options_.config.scheme = Scheme::kStatic;
    options_.config.tensors.weights.bit_width = 4;
    options_.config.second_order_rounding = Correction::kOn;
    options_.guard = GuardMode::kReport;
  }
};

TEST_F(FewBitsTest, WhatCorrectionsWereFittedToIsTold) {
  GraphBuilder b = Regression();
  const auto is_kept = [](const CorrectionReport& correction) {
    return correction.kept && correction.fits_weights;
  };
  for (const int count : {3, 12}) {
    const ConversionReport report = Run(b, {1, 3, 8, 8}, count);
    ASSERT_TRUE(std::any_of(report.corrections.begin(), report.corrections.end(), is_kept));
    EXPECT_EQ(report.compared_on.find("which corrections were fitted to") != std::string::npos,
              count == 3)
        << report.compared_on;
  }
}

TEST_F(FewBitsTest, WhatWeightsWereFittedToLetsNothingPass) {
  GraphBuilder b = Regression();
  options_.must_pass = true;
  EXPECT_NO_THROW(Run(b, {1, 3, 8, 8}, 12));
  try {
    std::filesystem::remove_all(dir_ / "calib");
    Run(b, {1, 3, 8, 8}, 3);
    FAIL() << "weights were fitted to the three samples that judge them";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kNumeric);
    EXPECT_THAT(e.what(), HasSubstr("samples that weights were fitted to"));
  }
  options_.validation_folder = WriteSamples("fresh", {1, 3, 8, 8}, 500, 2);
  EXPECT_NO_THROW(Run(b, {1, 3, 8, 8}, 3));
}

TEST_F(FewBitsTest, WhatCouldFitWeightsToJudgedSamplesIsNotTriedUnasked) {
  GraphBuilder b = Regression();
  options_.config.second_order_rounding = Correction::kAuto;
  options_.config.bias_correction = Correction::kAuto;
  const ConversionReport report = Run(b, {1, 3, 8, 8}, 3);
  for (const CorrectionReport& one : report.corrections) EXPECT_FALSE(one.fits_weights) << one.name;
  EXPECT_THAT(report.warnings, testing::Contains(HasSubstr("rounding of weights is not tried")));
  std::filesystem::remove_all(dir_ / "calib");
  EXPECT_TRUE(Run(b, {1, 3, 8, 8}, 1).corrections.empty()) << "one sample is all chance";
  const ConversionReport more = Run(b, {1, 3, 8, 8}, 12);
  EXPECT_TRUE(std::any_of(more.corrections.begin(), more.corrections.end(),
                          [](const CorrectionReport& one) { return one.fits_weights; }));
  EXPECT_THAT(more.warnings, Not(testing::Contains(HasSubstr("not tried"))));
}

TEST_F(FewBitsTest, ModelsThatDrawRandomNumbersAreToldWhyTheyAreNotCorrected) {
  GraphBuilder b = Regression();
  b.model.graph.outputs.clear();
  b.Output("z");
  b.Add("RandomNormalLike", {"y"}, {"noise"});
  b.Add("Add", {"y", "noise"}, {"z"});
  EXPECT_THAT(Run(b, {1, 3, 8, 8}, 12).warnings,
              testing::Contains(HasSubstr("rounding is left out: the model draws random numbers")));
}

TEST_F(JudgedTest, SamplesOfValidationAreForJudgingOnly) {
  GraphBuilder b = Regression();
  options_.validation_folder = WriteSamples("fresh", {1, 3, 8, 8}, 500, 5);
  const ConversionReport report = Run(b, {1, 3, 8, 8}, 40);
  EXPECT_EQ(report.samples, 40U);
  EXPECT_EQ(report.compared_samples, 5U);
  EXPECT_THAT(report.sample_names, testing::Contains("500.npy"));
}

TEST_F(JudgedTest, SamplesOfValidationThatCalibrateAreLeftOut) {
  GraphBuilder b = Regression();
  options_.validation_folder = WriteSamples("fresh", {1, 3, 8, 8}, 38, 6);
  const ConversionReport some = Run(b, {1, 3, 8, 8}, 40);
  EXPECT_EQ(some.compared_samples, 4U);
  EXPECT_TRUE(some.outputs[0].SqnrAtLeast());
  EXPECT_THAT(some.warnings, testing::Contains(HasSubstr(
                                 "2 of 6 different samples of --validate are calibration samples: "
                                 "they are left out")));
  options_.validation_folder = dir_ / "calib";
  const ConversionReport all = Run(b, {1, 3, 8, 8}, 40);
  EXPECT_EQ(all.compared_samples, 40U);
  EXPECT_FALSE(all.outputs[0].SqnrAtLeast());
  EXPECT_THAT(all.compared_on, HasSubstr("samples of --validate (40 of which calibrate; no bound"));
}

}  // namespace
}  // namespace qconvert
