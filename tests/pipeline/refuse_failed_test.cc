// What stops a conversion that must pass, which weights stay float32, and what files are called.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "check_samples.h"
#include "lost_weights.h"
#include "plan_remarks.h"
#include "sample_statistics.h"
#include "stage_models.h"
#include "support/errors.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// An output with this error power over a signal power of 1.
OutputComparison WithNoise(const std::string& name, double noise) {
  OutputComparison output;
  output.value.name = name;
  output.type = DataType::kFloat;
  output.sums.count = 100;
  output.sums.float_power = output.sums.quantized_power = 1;
  output.sums.error_power = noise;
  output.samples = {{1, noise, {}}};
  return output;
}

ConversionReport Passing() {
  ConversionReport report;
  report.input = "m.onnx";
  report.guard.ran = true;
  report.integer_nodes = 3;
  report.outputs = {WithNoise("y", 1e-4)};
  return report;
}

// Rows: what is changed of a report that passes, and what is said then.
TEST(RefuseFailedTest, EveryReasonHasItsLine) {
  using Change = std::function<void(ConvertOptions&, ConversionReport&)>;
  const std::vector<std::pair<std::string, Change>> rows = {
      {"nothing was compared with the float model, expected --calib besides --table",
       [](auto&, auto& report) { report.guard.ran = false; }},
      {"scheme static was asked for, but every integer node had to go back to float",
       [](auto& options, auto& report) {
         options.config.scheme = Scheme::kStatic;
         report.integer_nodes = 0;
         report.guard.kept_float = {"conv"};
       }},
      {"output \"y\" fails: ",
       [](auto&, auto& report) {
         report.guard.passed = false;
         report.outputs = {WithNoise("x", 1e-4), WithNoise("y", 0.5)};
       }},
      {"no output was compared: the engine ran no plan; nothing is written",
       [](auto&, auto& report) {
         report.guard.passed = false;
         report.outputs.clear();
       }},
      {"the outputs pass on samples that weights were fitted to", [](auto&, auto& report) {
         report.outputs[0].value.is_fitted = true;
         report.corrections = {{.name = "rounding", .kept = true, .fits_weights = true}};
       }}};
  for (const auto& [text, change] : rows) {
    ConvertOptions options;
    ConversionReport report = Passing();
    EXPECT_NO_THROW(RefuseFailed(options, report));
    change(options, report);
    EXPECT_THAT([&] { RefuseFailed(options, report); }, ThrowsError(ExitCode::kNumeric, text));
    EXPECT_THAT([&] { RefuseFailed(options, report); },
                ThrowsError(ExitCode::kNumeric, "nothing is written"));
  }
}

// Rows: what does not stop it.
TEST(RefuseFailedTest, FittedBiasesAndFloatModelsOfOtherSchemesPass) {
  ConvertOptions options;
  ConversionReport report = Passing();
  report.outputs[0].value.is_fitted = true;
  report.corrections = {{.name = "biases", .kept = true},
                        {.name = "rounding", .kept = false, .fits_weights = true}};
  EXPECT_NO_THROW(RefuseFailed(options, report));
  report.integer_nodes = 0;
  report.guard.kept_float = {"conv"};
  EXPECT_NO_THROW(RefuseFailed(options, report)) << "scheme auto asks for no integers";
  options.config.scheme = Scheme::kStatic;
  report.guard.kept_float.clear();
  EXPECT_NO_THROW(RefuseFailed(options, report)) << "there were none to go back";
}

TEST(RemarkOnForcedTest, NodesThatStayFloatWithTheirReasons) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  b.Add("Neg", {"x"}, {"n"}).name = "first";
  b.Add("Abs", {"n"}, {"y"}).name = "second";
  QuantizationPlan plan;
  plan.placement.nodes.resize(2);
  for (NodePlacement& node : plan.placement.nodes) node = {NodeDomain::kFloat, "no kernel", {}, {}};
  EXPECT_EQ(RemarkOnForced(b.model.graph, plan, {}), std::nullopt) << "nobody forces any";
}

// Plans whose noise is that of the weights that are not float32.
std::set<std::string> Lost(const std::vector<double>& noises, double max_noise,
                           std::vector<size_t>* sizes = nullptr) {
  LostOptions options;
  for (size_t k = 0; k < noises.size(); ++k) options.weights.push_back("w" + std::to_string(k));
  options.max_noise = max_noise;
  options.measure = [&](const std::set<std::string>& floats) {
    double noise = 1e-9;
    for (size_t k = 0; k < noises.size(); ++k)
      if (!floats.contains("w" + std::to_string(k))) noise += noises[k];
    if (sizes != nullptr) sizes->push_back(floats.size());
    Measured measured;
    measured.outputs = {WithNoise("y", noise)};
    measured.verdict.noise = noise;
    return measured;
  };
  return FindLostWeights(options);
}

TEST(LostWeightsTest, AsFewAsLetTheOthersPass) {
  EXPECT_THAT(Lost({0.5, 1e-6, 1e-6, 1e-6}, 1e-3), ElementsAre("w0"));
  EXPECT_THAT(Lost({0.5, 0.25, 1e-6, 1e-6}, 1e-3), ElementsAre("w0", "w1"));
  EXPECT_THAT(Lost({1e-6, 1e-6}, 1e-3), ElementsAre("w0")) << "asked where none lost do not pass";
}

TEST(LostWeightsTest, OutOfReachTheBestThatWasMeasured) {
  EXPECT_THAT(Lost({0.5, 0.25}, 1e-12), ElementsAre("w0", "w1"));
  EXPECT_THAT(Lost({}, 1e-12), IsEmpty());
}

TEST(LostWeightsTest, FewMeasurementsOfMany) {
  std::vector<double> noises(300, 1e-8);
  for (size_t k = 0; k < 9; ++k) noises[k] = 0.1;
  std::vector<size_t> sizes;
  const std::set<std::string> lost = Lost(noises, 1e-3, &sizes);
  for (size_t k = 0; k < 9; ++k) EXPECT_TRUE(lost.contains("w" + std::to_string(k))) << k;
  EXPECT_EQ(lost.size(), 9U);
  EXPECT_LE(sizes.size(), 21U);
}

TEST(StagePathsTest, TakeTheNameOfTheModelWithoutItsSuffix) {
  ConvertOptions options;
  options.output = "out/net_quantized_model.onnx";
  EXPECT_THAT(StagePaths(options), IsEmpty()) << "nobody asks";
  options.write_stages = true;
  EXPECT_THAT(StagePaths(options),
              ElementsAre("out/net_original_float_model.onnx", "out/net_optimized_float_model.onnx",
                          "out/net_calibrated_model.onnx", "out/net_ptq_model.onnx"));
  options.output = "plain.onnx";
  EXPECT_EQ(StagePaths(options).back(), "plain_ptq_model.onnx");
  options.output = "_quantized_model.onnx";
  EXPECT_EQ(StagePaths(options).back(), "_ptq_model.onnx");
}

TEST(SampleNamesTest, FirstOnesSortedAndTheRestCounted) {
  EXPECT_EQ(InSamples({}), "");
  EXPECT_EQ(InSamples({}, 7), "") << "no name, no place";
  EXPECT_EQ(InSamples({"a"}), " (in a)");
  EXPECT_EQ(InSamples({"b", "a"}), " (in a, b)");
  EXPECT_EQ(InSamples({"b", "a"}, 2), " (in a, b)");
  EXPECT_EQ(InSamples({"b", "a"}, 9), " (in a, b and 7 more)");
  std::vector<std::string> many;
  for (char c = 'j'; c >= 'a'; --c) many.emplace_back(1, c);
  EXPECT_THAT(InSamples(many), testing::StartsWith(" (in a, b"));
  EXPECT_THAT(InSamples(many), testing::EndsWith(" more)"));
  EXPECT_EQ(FirstNames({}), "");
  EXPECT_THAT(FirstNames(many), testing::StartsWith("j, i")) << "as they come";
}

TEST(NumbersSeenTest, PartsAddUpToTheWhole) {
  NumbersSeen whole;
  NumbersSeen first;
  NumbersSeen second;
  EXPECT_FALSE(whole.is_constant()) << "nothing was seen";
  for (int k = 0; k < 6; ++k) {
    const double value = k * k - 10;
    whole.Add(value);
    (k < 2 ? first : second).Add(value);
  }
  first.Add(second);
  first.Add(NumbersSeen());
  EXPECT_EQ(first.least, whole.least);
  EXPECT_EQ(first.most, whole.most);
  EXPECT_EQ(first.count, 6U);
  EXPECT_DOUBLE_EQ(first.mean(), -5.0 / 6);
  EXPECT_FALSE(first.is_constant());
  NumbersSeen constant;
  constant.Add(3);
  constant.Add(3);
  EXPECT_TRUE(constant.is_constant());
}

}  // namespace
}  // namespace qconvert
