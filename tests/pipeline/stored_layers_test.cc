// Rounding and learning of weights that float nodes read, stored in few bits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "../../src/pipeline/correct_blocks.h"
#include "../../src/pipeline/correct_layers.h"
#include "../../src/pipeline/fit_scales.h"
#include "../../src/pipeline/measure_plan.h"
#include "qconvert/base/processor_info.h"
#include "qconvert/plan/choose_scheme.h"
#include "support/plan_job.h"
#include "support/quantize_model.h"

namespace qconvert {
namespace {

using testing::HasSubstr;
using testing::Not;

// Neighbours have much in common, as pixels and features do.
Tensor Smooth(const std::vector<int64_t>& dims, uint32_t seed) {
  std::vector<float> values = ToFloats(RandomTensor("x", dims, seed));
  for (size_t i = 1; i < values.size(); ++i) values[i] = 0.9F * values[i - 1] + 0.4F * values[i];
  return MakeFloatTensor("x", dims, values);
}

std::vector<Sample> SamplesOf(const std::vector<int64_t>& dims, uint32_t first, uint32_t count) {
  std::vector<Sample> samples;
  for (uint32_t k = 0; k < count; ++k) samples.push_back({"s", {Smooth(dims, first + k)}});
  return samples;
}

struct Net {
  const char* name;
  Model model;
  std::vector<int64_t> dims;
  int block_size = 0;
  Scheme scheme = Scheme::kWeightOnly;
  size_t layers = 3;
};

// Rows through products with a bias behind one of them, weights of channels as columns and rows.
Net Products() {
  GraphBuilder b;
  b.Input("x", {"12", "32"}).Output("y");
  b.Random("w0", {32, 32}, 0.3F).Random("b0", {32}).Random("w1", {32, 32}, 0.3F);
  b.Random("w2", {32, 32}, 0.3F).Random("b1", {32});
  b.Add("MatMul", {"x", "w0"}, {"m0"});
  b.Add("Add", {"m0", "b0"}, {"a0"});
  b.Add("Relu", {"a0"}, {"r0"});
  b.Add("Gemm", {"r0", "w1", "b1"}, {"g"}).Set("transB", int64_t{1});
  b.Add("Relu", {"g"}, {"r1"});
  b.Add("MatMul", {"r1", "w2"}, {"y"});
  return {"products in blocks", b.model, {12, 32}, 16};
}

Net Convolutions() {
  GraphBuilder b;
  b.Input("x", {"1", "3", "10", "10"}).Output("y");
  b.Random("w0", {16, 3, 3, 3}, 0.3F).Random("b0", {16}).Random("w1", {16, 16, 3, 3}, 0.2F);
  b.Random("w2", {8, 16, 1, 1}, 0.3F);
  b.Add("Conv", {"x", "w0", "b0"}, {"c0"});
  b.Add("Relu", {"c0"}, {"r0"});
  b.Add("Conv", {"r0", "w1"}, {"c1"}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add("Relu", {"c1"}, {"r1"});
  b.Add("Conv", {"r1", "w2"}, {"y"});
  return {"convolutions", b.model, {1, 3, 10, 10}};
}

// Behind a Conv, which computes on integers, two that go back to more pixels.
Net Upsampling(const char* name, int64_t group, std::vector<int64_t> strides,
               std::vector<int64_t> more) {
  GraphBuilder b;
  b.Input("x", {"1", "3", "8", "8"}).Output("y");
  b.Random("w0", {16, 3, 3, 3}, 0.3F).Random("b0", {16});
  b.Random("w1", {16, 16 / group, 3, 3}, 0.2F).Random("b1", {16});
  b.Random("w2", {16, 4, 4, 4}, 0.2F);
  b.Add("Conv", {"x", "w0", "b0"}, {"c"});
  b.Add("Relu", {"c"}, {"r0"});
  Node& first = b.Add("ConvTranspose", {"r0", "w1", "b1"}, {"t"});
  first.Set("group", group);
  first.Set("strides", strides);
  first.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  if (!more.empty()) first.Set("output_padding", more);
  b.Add("Relu", {"t"}, {"r1"});
  Node& second = b.Add("ConvTranspose", {"r1", "w2"}, {"y"});
  second.Set("strides", std::vector<int64_t>{2, 2});
  return {name, b.model, {1, 3, 8, 8}, 0, Scheme::kStatic};
}

std::vector<Net> Nets() {
  return {Products(),
          Convolutions(),
          Upsampling("plain", 1, {1, 1}, {}),
          Upsampling("with strides", 1, {2, 2}, {}),
          Upsampling("in groups", 4, {2, 1}, {}),
          Upsampling("with output padding", 2, {2, 2}, {1, 1})};
}

// A net with weights of four bits, all of them stored or those of float nodes alone.
class StoredNet {
 public:
  explicit StoredNet(const Net& net)
      : net_(net), samples_(SamplesOf(net.dims, 1, 30)), unseen_(SamplesOf(net.dims, 1001, 8)) {
    config_.scheme = net.scheme;
    config_.tensors.weights.bit_width = 4;
    config_.tensors.weights.method = CalibrationMethod::kMse;
    config_.tensors.weights.block_size = net.block_size;
    std::vector<std::vector<Tensor>> inputs;
    for (const Sample& sample : samples_) inputs.push_back(sample.inputs);
    quantized_ = QuantizeModel(net.model, inputs, config_);
    if (net.scheme == Scheme::kWeightOnly) {
      PlaceOptions options;
      KeepAllFloat(graph(), options, "test");
      quantized_.plan.placement = PlaceNodes(graph(), options);
    }
    plan_ = With({});
  }

  const Graph& graph() const { return quantized_.float_model.graph; }
  const QuantizationPlan& plan() const { return plan_; }

  QuantizationPlan With(const LayerCorrections& corrections) const {
    QuantizationPlan plan = MakePlan(graph(), quantized_.plan.placement, quantized_.table, config_,
                                     nullptr, &corrections.ranges);
    CodeCache codes;
    FillCodes(graph(), config_, {.corrections = &corrections}, codes, plan);
    return plan;
  }

  LayerCorrections Correct(const CorrectionOptions& options) const {
    return Correct(options, plan_, {});
  }
  // On a plan that has these scales.
  LayerCorrections Correct(const CorrectionOptions& options, const QuantizationPlan& plan,
                           const std::map<size_t, FittedScales>& scales) const {
    LayerCorrections found =
        CorrectLayers(quantized_.float_model, plan, config_, samples_, options, "test");
    found.scales = scales;
    return found;
  }
  LayerCorrections Scales() const {
    LayerCorrections found;
    found.scales = FitScales(quantized_.float_model, plan_, config_, samples_, 1, "test");
    return found;
  }
  LayerCorrections Blocks(int workers) const {
    const BlockOptions options{{.iterations = 200}, {}, workers};
    return CorrectBlocks(quantized_.float_model, plan_, {}, samples_, options, "test").corrections;
  }

  // Squared error of the output over samples that nothing was learned from.
  double Error(const LayerCorrections& corrections) const {
    FloatCache floats;
    const Model model = MakeRunnable(quantized_.float_model, With(corrections), floats);
    double error = 0;
    for (const Sample& sample : unseen_) {
      const Tensor expected = RunModel(quantized_.float_model, sample.inputs).at(0);
      const Tensor actual = RunModel(model, sample.inputs).at(0);
      for (size_t i = 0; i < expected.values<float>().size(); ++i)
        error += std::pow(expected.values<float>()[i] - actual.values<float>()[i], 2);
    }
    return error;
  }

 private:
  const Net& net_;
  QuantConfig config_;
  std::vector<Sample> samples_;
  std::vector<Sample> unseen_;
  QuantizedModel quantized_;
  QuantizationPlan plan_;
};

constexpr double kTwoDecibels = 0.63;

TEST(StoredLayersTest, SecondOrderLeavesTwoDecibelsLessNoise) {
  for (const Net& net : Nets()) {
    SCOPED_TRACE(net.name);
    const StoredNet of(net);
    const LayerCorrections found = of.Correct({.round_weights = true, .move_biases = false});
    EXPECT_EQ(found.weights.size(), net.layers);
    EXPECT_LT(of.Error(found), kTwoDecibels * of.Error({}));
  }
}

TEST(StoredLayersTest, LearnedWeightsLeaveTwoDecibelsLessNoise) {
  const LearningSettings learning{.iterations = 300};
  for (const Net& net : Nets()) {
    SCOPED_TRACE(net.name);
    const StoredNet of(net);
    const LayerCorrections found = of.Correct({.move_biases = false, .learning = &learning});
    EXPECT_EQ(found.weights.size(), net.layers);
    EXPECT_EQ(found.bias.empty(), net.scheme == Scheme::kWeightOnly) << "of floats they stay";
    EXPECT_LT(of.Error(found), kTwoDecibels * of.Error({}));
  }
}

TEST(StoredLayersTest, WeightsInBlocksMayMoveFreely) {
  const LearningSettings learning{
      .method = LearningMethod::kAdaQuant, .iterations = 300, .learning_rate = 0.003};
  const Net net = Products();
  const StoredNet of(net);
  const LayerCorrections found = of.Correct({.move_biases = false, .learning = &learning});
  EXPECT_EQ(found.weights.size(), net.layers);
  EXPECT_LT(of.Error(found), kTwoDecibels * of.Error({}));
}

TEST(StoredLayersTest, BlocksLeaveTwoDecibelsLessNoise) {
  for (const Net& net : Nets()) {
    SCOPED_TRACE(net.name);
    const StoredNet of(net);
    const LayerCorrections found = of.Blocks(1);
    EXPECT_EQ(found.weights.size(), net.layers);
    EXPECT_LT(of.Error(found), kTwoDecibels * of.Error({}));
  }
}

TEST(StoredLayersTest, ThreadsChangeNothing) {
  const LearningSettings learning{.iterations = 30};
  for (const Net& net : Nets()) {
    SCOPED_TRACE(net.name);
    const StoredNet of(net);
    const auto same = [](const LayerCorrections& one, const LayerCorrections& three) {
      EXPECT_EQ(one.bias, three.bias);
      ASSERT_EQ(one.weights.size(), three.weights.size());
      for (const auto& [n, weights] : one.weights)
        EXPECT_EQ(*weights.weight.bytes, *three.weights.at(n).weight.bytes);
    };
    const auto learn = [&](int workers) {
      return of.Correct({.round_weights = true, .learning = &learning, .workers = workers});
    };
    same(learn(1), learn(3));
    same(of.Blocks(1), of.Blocks(3));
  }
}

TEST(StoredLayersTest, ScalesByWhatIsReadAreThoseOfThePlan) {
  for (const Net& net : {Convolutions(), Products()}) {
    SCOPED_TRACE(net.name);
    const StoredNet of(net);
    const LayerCorrections found = of.Scales();
    ASSERT_FALSE(found.scales.empty());
    const QuantizationPlan plan = of.With(found);
    for (const auto& [n, fitted] : found.scales)
      EXPECT_EQ(plan.stored.at(of.graph().nodes[n].inputs[1]).scales, fitted.scales);
    // With codes that are rounded to them.
    const LayerCorrections rounded =
        of.Correct({.round_weights = true, .move_biases = false}, plan, found.scales);
    EXPECT_LT(of.Error(rounded),
              of.Error(of.Correct({.round_weights = true, .move_biases = false})));
  }
}

TEST(FindCodedLayersTest, WeightsThatOthersReadOrOfManyBitsAreNone) {
  GraphBuilder b;
  b.Input("x", {"12", "32"}).Output("y");
  b.Random("w", {32, 32}).Random("v", {32, 32});
  b.Add("MatMul", {"x", "w"}, {"a"});
  b.Add("MatMul", {"a", "w"}, {"b"});
  b.Add("MatMul", {"b", "v"}, {"y"});
  const Net net{"shared", b.model, {12, 32}, 0, Scheme::kWeightOnly, 1};
  const StoredNet of(net);
  const auto layers = FindCodedLayers(of.graph(), of.plan());
  ASSERT_EQ(layers.size(), 1U);
  EXPECT_TRUE(layers.at(2).is_stored);
  QuantizationPlan wide;
  wide.placement = of.plan().placement;
  QuantConfig config;
  config.scheme = Scheme::kWeightOnly;
  CodeCache codes;
  FillCodes(of.graph(), config, {.wide = {"v"}}, codes, wide);
  ASSERT_TRUE(wide.stored.contains("v"));
  EXPECT_TRUE(FindCodedLayers(of.graph(), wide).empty());
}

// What a config asks for, in the file and in its plan.
PlanFiles ExpectStepsAgain(const Net& net, const std::string& config) {
  std::vector<std::vector<Tensor>> samples;
  for (const Sample& sample : SamplesOf(net.dims, 1, 20)) samples.push_back(sample.inputs);
  PlanJob job(net.model, samples);
  job.Configure(
      "target_device: CPU\nextensions: true\ninclude_cle: false\ninclude_bias_corr: false\n"
      "overall_quantize_config: {method: maxmin, scale_type: float, calib_statistic_method: "
      "all}\n" +
      config);
  job.options.guard = GuardMode::kReport;
  PlanFiles files = ExpectTheSameAgain(job, net.name);
  const size_t stored = files.info.find("\"stored_weights\"");
  EXPECT_NE(files.info.find("\"steps\"", stored), std::string::npos) << net.name;
  EXPECT_THAT(files.info, HasSubstr("\"processor_kind\":\"" + ThisProcessor().Kind() + "\""));
  return files;
}

TEST(StoredLayersTest, AFileSaysTheStepsThatItsPlanReadsAgain) {
  const std::string learned =
      "include_fast_ft: true\nfast_finetune: {algorithm: adaround, num_iterations: 100, "
      "reconstruction: block}\n";
  const std::string few = "tensor_quantize_config: {weights: {bit_width: 4}}\n";
  const std::string blocks = "tensor_quantize_config: {weights: {bit_width: 4, block_size: 16}}\n";
  for (const std::string& how : {std::string("second_order_rounding: true\n"), learned}) {
    PlanFiles files = ExpectStepsAgain(Products(), "scheme: weight-only\n" + how + blocks);
    ASSERT_FALSE(files.report.corrections.empty());
    EXPECT_LT(files.report.corrections[0].noise_after, files.report.corrections[0].noise_before);
    ExpectStepsAgain(Convolutions(), "scheme: weight-only\n" + how + few);
    ExpectStepsAgain(Upsampling("upsampling", 2, {2, 2}, {1, 1}), "scheme: static\n" + how + few);
  }
}

TEST(StoredLayersTest, TheKindOfProcessorThatLearnedStaysWithThePlan) {
  const Net net = Products();
  std::vector<std::vector<Tensor>> samples;
  for (const Sample& sample : SamplesOf(net.dims, 1, 20)) samples.push_back(sample.inputs);
  PlanJob job(net.model, samples);
  const std::string stored =
      "target_device: CPU\nextensions: true\nscheme: weight-only\n"
      "tensor_quantize_config: {weights: {bit_width: 4}}\n";
  job.Configure(stored + "second_order_rounding: false\n");
  EXPECT_THAT(job.Write().info, Not(HasSubstr("processor_kind")));
  job.Configure(stored + "second_order_rounding: true\n");
  std::string info = job.Write().info;
  const std::string kind = ThisProcessor().Kind();
  info.replace(info.find(kind), kind.size(), "m68k fpu");
  const PlanFiles again = job.Apply(info);
  EXPECT_THAT(again.info, HasSubstr("\"processor_kind\":\"m68k fpu\""));
  EXPECT_THAT(again.model, HasSubstr("m68k fpu"));
  EXPECT_THAT(again.model, Not(HasSubstr(kind)));
}

TEST(StoredLayersTest, StepsThatDoNotFitAreRefused) {
  const Net net = Convolutions();
  std::vector<std::vector<Tensor>> samples;
  for (const Sample& sample : SamplesOf(net.dims, 1, 20)) samples.push_back(sample.inputs);
  PlanJob job(net.model, samples);
  job.Configure(
      "target_device: CPU\nextensions: true\nscheme: weight-only\nsecond_order_rounding: true\n"
      "tensor_quantize_config: {weights: {bit_width: 4}}\n");
  std::string info = job.Write().info;
  const size_t at = info.find("\"steps\":\"", info.find("\"stored_weights\""));
  ASSERT_NE(at, std::string::npos);
  info.erase(at + 9, 1);
  EXPECT_THAT(job.Problems(info), HasSubstr("letters, expected"));
}

}  // namespace
}  // namespace qconvert
