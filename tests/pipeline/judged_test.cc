// What a conversion says of outputs that a cosine says nothing about.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/config/plan_file.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/convert.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using Result = OutputVerdict::Result;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class JudgedTest : public testing::Test {
 protected:
  // Converts `b`, whose input x has this shape, on `count` random samples.
  ConversionReport Run(GraphBuilder& b, const std::vector<int64_t>& shape, int count = 16) {
    ExportOnnx(b.model, dir_ / "m.onnx", {});
    options_.model = dir_ / "m.onnx";
    options_.output = dir_ / "q.onnx";
    options_.calibration_folder = WriteSamples("calib", shape, 0, count);
    return Convert(options_);
  }

  std::filesystem::path WriteSamples(const std::string& folder, const std::vector<int64_t>& shape,
                                     int first, int count) {
    int64_t elements = 1;
    for (const int64_t dim : shape) elements *= dim;
    for (int k = first; k < first + count; ++k) {
      dir_.Write(fmt::format("{}/{:03}.npy", folder, k),
                 NpyFloats(shape, RandomFloats(static_cast<size_t>(elements),
                                               static_cast<uint32_t>(k + 1))));
    }
    return dir_ / folder;
  }

  // Activations clipped so hard that nothing is left.
  void Ruin() {
    options_.config.scheme = Scheme::kStatic;
    TensorSettings& activation = options_.config.tensors.activation;
    activation.method = CalibrationMethod::kPercentile;
    activation.percentage = 20;
    options_.guard = GuardMode::kReport;
  }

  std::string FailureOf(GraphBuilder& b, const std::vector<int64_t>& shape) {
    options_.must_pass = true;
    try {
      Run(b, shape);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ExitCode::kNumeric);
      EXPECT_FALSE(std::filesystem::exists(dir_ / "q.onnx"));
      return e.what();
    }
    return "";
  }

  static std::vector<std::string> Names(const ConversionReport& report) {
    std::vector<std::string> names;
    for (const OutputComparison& output : report.outputs) names.push_back(output.value.name);
    return names;
  }

  TempDir dir_;
  ConvertOptions options_;
};

// A picture, 16 boxes in it with 2 scores each, and what NonMaxSuppression keeps of them.
GraphBuilder Detector() {
  GraphBuilder b;
  b.Input("x", {"1", "3", "16", "16"}).Output("kept");
  b.Random("w1", {8, 3, 3, 3}, 0.3F).Random("w2", {6, 8, 1, 1}, 0.5F);
  b.Ints("boxes_shape", {3}, {1, 256, 4}).Ints("scores_shape", {3}, {1, 2, 256});
  b.Ints("split", {2}, {4, 2})
      .Ints("most", {1}, {50})
      .Ints("column", {}, {2})
      .Ints("first", {1}, {0});
  b.Floats("overlap", {1}, {0.5F}).Floats("least", {1}, {0.6F});
  Node& conv = b.Add("Conv", {"x", "w1"}, {"c1"});
  conv.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add("Relu", {"c1"}, {"r1"});
  b.Add("Conv", {"r1", "w2"}, {"c2"});
  b.Add("Split", {"c2", "split"}, {"b0", "s0"}).Set("axis", int64_t{1});
  b.Add("Reshape", {"b0", "boxes_shape"}, {"b1"});
  b.Add("Exp", {"b1"}, {"boxes"});
  b.Add("Reshape", {"s0", "scores_shape"}, {"s1"});
  b.Add("Sigmoid", {"s1"}, {"scores"});
  b.Add("NonMaxSuppression", {"boxes", "scores", "most", "overlap", "least"}, {"picked"});
  b.Add("Gather", {"picked", "column"}, {"rows"}).Set("axis", int64_t{1});
  b.Add("Squeeze", {"boxes", "first"}, {"flat"});
  b.Add("Gather", {"flat", "rows"}, {"kept"});
  return b;
}

TEST_F(JudgedTest, InputsOfNonMaxSuppressionAreJudgedForWhatItKeeps) {
  GraphBuilder b = Detector();
  const ConversionReport report = Run(b, {1, 3, 16, 16});
  EXPECT_THAT(Names(report), testing::UnorderedElementsAre("kept", "boxes", "scores"));
  for (const OutputVerdict& output : JudgeOutputs(report.outputs, report.gate).outputs) {
    if (output.name == "kept") continue;
    EXPECT_EQ(output.result, Result::kPassed) << output.text;
  }
  EXPECT_THAT(FormatReport(report), HasSubstr("(in the place of \"kept\")"));
  const Graph written = LoadOnnx(dir_ / "q.onnx").model.graph;
  EXPECT_EQ(written.outputs.size(), 1U) << "the file has the model's outputs";
}

TEST_F(JudgedTest, RuinedBoxesNeverPass) {
  GraphBuilder b = Detector();
  Ruin();
  EXPECT_THAT(FailureOf(b, {1, 3, 16, 16}), HasSubstr("output \""));
}

// Three convolutions, of which integers save no time, and `tail` behind them.
GraphBuilder Thin(const std::string& tail) {
  GraphBuilder b;
  b.Input("x", {"1", "3", "24", "24"}).Output("y");
  b.Random("w1", {16, 3, 3, 3}, 0.25F).Random("w2", {32, 16, 3, 3}, 0.25F);
  b.Random("w3", {5, 32, 1, 1}, 0.25F);
  b.Add("Conv", {"x", "w1"}, {"c1"}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add("Relu", {"c1"}, {"r1"});
  b.Add("Conv", {"r1", "w2"}, {"c2"}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add("Relu", {"c2"}, {"r2"});
  b.Add("Conv", {"r2", "w3"}, {"c3"});
  b.Add(tail, {"c3"}, {"y"});
  return b;
}

// Steps make stored weights noisy, and that is not laid to integers that nobody chose.
TEST_F(JudgedTest, IntegersThatWereNotChosenAreNotToldToBeNoisy) {
  GraphBuilder b = Thin("Round");
  const ConversionReport report = Run(b, {1, 3, 24, 24});
  EXPECT_EQ(report.integer_nodes, 0U);
  EXPECT_THAT(FormatReport(report), Not(HasSubstr("leave the outputs")));
}

// A logarithm of what integers make negative or zero: no decibels, and one piece of advice.
TEST_F(JudgedTest, IntegersThatWouldGiveNaNAreToldSo) {
  GraphBuilder b = Thin("Log");
  options_.config.processor = Processor::kVnni;  // where integers are not slower
  const std::string text = FormatReport(Run(b, {1, 3, 24, 24}));
  EXPECT_THAT(text, HasSubstr("too small for speed to matter, but integers would leave the outputs "
                              "with NaN or an error; --objective speed takes them all the same"));
  EXPECT_THAT(text, Not(HasSubstr("goes by time")));
}

TEST_F(JudgedTest, ValuesOnIntegersCanBeLookedAtToo) {
  GraphBuilder b;  // all of it computes on integers, the logits are an inner value
  b.Input("x", {"1", "3", "8", "8"}).Output("class", DataType::kInt64);
  b.Random("w1", {16, 3, 3, 3}, 0.3F).Random("w2", {5, 16, 1, 1}, 0.4F);
  b.Add("Conv", {"x", "w1"}, {"c1"});
  b.Add("Relu", {"c1"}, {"r1"});
  b.Add("Conv", {"r1", "w2"}, {"logits"});
  b.Add("ArgMax", {"logits"}, {"class"}).Set("axis", int64_t{1});
  options_.config.scheme = Scheme::kStatic;
  const ConversionReport report = Run(b, {1, 3, 8, 8}, 40);
  EXPECT_GT(report.integer_nodes, 0U);
  ASSERT_THAT(Names(report), ElementsAre("class", "logits"));
  EXPECT_GT(report.outputs[1].sqnr_db(), 20);
  EXPECT_GT(report.outputs[1].decisions.decided, 100);
  EXPECT_GT(report.outputs[0].equal, report.outputs[0].elements * 9 / 10);
  EXPECT_THAT(FormatReport(report), HasSubstr("equal, judged by the values it is made from"));
}

TEST_F(JudgedTest, AnOutputThatIsNanEverywhereIsNamed) {
  GraphBuilder b;
  b.Input("x", {"1", "32"}).Random("w", {32, 32}).Floats("one", {}, {1}).Output("y");
  b.Add("MatMul", {"x", "w"}, {"h"});
  b.Add("Relu", {"h"}, {"r"});
  b.Add("Neg", {"r"}, {"n"});
  b.Add("Sub", {"n", "one"}, {"s"});
  b.Add("Log", {"s"}, {"y"});
  EXPECT_THAT(FailureOf(b, {1, 32}),
              HasSubstr("output \"y\" not compared: the float model gives NaN"));
  options_.must_pass = false;
  const ConversionReport report = Run(b, {1, 32});
  EXPECT_FALSE(report.guard.passed);
  EXPECT_LE(report.guard.measurements, 2) << "nothing helps, so nothing is tried";
  const std::string json = ReportJson(report, "success");
  EXPECT_THAT(json, HasSubstr("\"sqnr_db\": null"));
  EXPECT_THAT(json, HasSubstr("\"result\": \"failed\""));
}

TEST_F(JudgedTest, RandomNodesDrawTheSameForTheComparisonAndStayRandom) {
  GraphBuilder b;
  b.Input("x", {"1", "8", "40"}).Output("y").Random("w1", {16, 8, 3}, 0.3F);
  b.Random("w2", {4, 16, 5}, 0.2F);
  b.Add("Conv", {"x", "w1"}, {"c"});
  b.Add("RandomNormalLike", {"c"}, {"noise"}).name = "draw";
  b.Add("Add", {"c", "noise"}, {"sum"});
  b.Add("Conv", {"sum", "w2"}, {"y"});
  const ConversionReport report = Run(b, {1, 8, 40});
  EXPECT_TRUE(report.guard.passed);
  EXPECT_GT(report.outputs[0].sqnr_db(), 25);
  EXPECT_THAT(report.random_nodes, ElementsAre("draw"));
  EXPECT_THAT(FormatReport(report), HasSubstr("random"));
  bool found = false;
  for (const Node& node : LoadOnnx(dir_ / "q.onnx").model.graph.nodes) {
    if (!node.Is("RandomNormalLike")) continue;
    found = true;
    EXPECT_EQ(node.attributes.count("seed"), 0U);
  }
  EXPECT_TRUE(found);
}

// A sine of many turns, which forgives no integer before it.
GraphBuilder Turns() {
  GraphBuilder b;
  b.Input("x", {"64", "512"}).Output("y").Floats("turns", {}, {200});
  b.Random("w1", {512, 512}, 0.044F).Random("w2", {512, 512}, 0.044F);
  b.Add("MatMul", {"x", "w1"}, {"h"});
  b.Add("MatMul", {"h", "w2"}, {"angle"});
  b.Add("Mul", {"angle", "turns"}, {"wide"});
  b.Add("Sin", {"wide"}, {"y"});
  return b;
}

TEST_F(JudgedTest, WhatTheGuardLeavesWithoutIntegersIsNotCalledStatic) {
  GraphBuilder b = Turns();
  const ConversionReport report = Run(b, {64, 512});
  EXPECT_TRUE(report.guard.passed);
  EXPECT_EQ(report.integer_nodes, 0U);
  EXPECT_EQ(report.scheme, "weight-only");
  EXPECT_EQ(
      report.scheme_reason,
      "integer kernels were given up for the error at the outputs; --guard-reports keeps them");
  EXPECT_GT(report.outputs[0].sqnr_db(), 30) << "what stored weights are held to";
  EXPECT_EQ(report.guard.kept_wide.size(), 2U);
}

TEST_F(JudgedTest, AnEstimateOfNodesThatWentBackIsCalledOne) {
  GraphBuilder b = Turns();
  b.Output("z").Random("w3", {512, 512}, 0.044F);
  b.Add("MatMul", {"x", "w3"}, {"z"});
  const ConversionReport report = Run(b, {64, 512});
  EXPECT_TRUE(report.guard.passed);
  EXPECT_EQ(report.integer_nodes, 1U);
  EXPECT_EQ(report.scheme, "static");
  EXPECT_THAT(report.scheme_reason, testing::StartsWith("integer kernels take an estimated "));
  EXPECT_THAT(report.scheme_reason, testing::EndsWith(", before nodes went back to float"));
}

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
