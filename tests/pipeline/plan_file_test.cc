// quant_info.json applied again gives the same bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "qconvert/base/file.h"
#include "qconvert/loader/onnx_loader.h"
#include "support/plan_job.h"
#include "support/project_folder.h"

namespace qconvert {
namespace {

using Json = nlohmann::ordered_json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::filesystem::path kTrained = ProjectFolder() / "../shared/data/models";

TEST(PlanFileTest, EveryPresetGivesTheSameBytesAgain) {
  for (const char* preset :
       {"cpu_int8", "arm_qnnpack", "x86_fbgemm", "quark_a8w8", "vitis_int8_cpu", "vitis_bfloat16",
        "weights_int8", "tensorrt", "vitis_dpu", "qnn"}) {
    PlanJob job;
    job.Configure(ReadFile(ProjectFolder() / "configs" / (std::string(preset) + ".yaml")));
    job.options.guard = GuardMode::kReport;
    ExpectTheSameAgain(job, preset);
  }
}

TEST(PlanFileTest, EverySchemeGivesTheSameBytesAgain) {
  for (const Scheme scheme :
       {Scheme::kAuto, Scheme::kStatic, Scheme::kDynamic, Scheme::kWeightOnly}) {
    PlanJob job;
    job.options.config.scheme = scheme;
    job.options.external_data = scheme == Scheme::kStatic;
    const PlanFiles files = ExpectTheSameAgain(job, SchemeName(scheme));
    EXPECT_EQ(files.data.empty(), scheme != Scheme::kStatic);
  }
}

// Rows through two products, and channel 3 between them far larger than the others.
PlanJob JobWithALargeChannel(int64_t rows, int64_t width) {
  const int64_t inner = 2 * width;
  GraphBuilder b;
  b.Input("x", {"1", std::to_string(rows), std::to_string(width)}).Output("y");
  b.Random("w", {width, inner}).Random("v", {inner, width});
  std::vector<float> large = ToFloats(b.model.graph.initializers.at("w"));
  for (size_t k = 3; k < large.size(); k += static_cast<size_t>(inner)) large[k] *= 60;
  b.Floats("w", {width, inner}, large);
  b.Add("MatMul", {"x", "w"}, {"a"});
  b.Add("Elu", {"a"}, {"r"});
  b.Add("MatMul", {"r", "v"}, {"m"});
  b.Add("Tanh", {"m"}, {"y"});
  std::vector<std::vector<Tensor>> samples;
  for (uint32_t k = 0; k < 24; ++k) samples.push_back({RandomTensor("x", {1, rows, width}, k)});
  return {b.model, samples};
}

TEST(PlanFileTest, ChannelsThatWentIntoWeightsComeBack) {
  const PlanJob job = JobWithALargeChannel(64, 256);
  const PlanFiles files = ExpectTheSameAgain(job, "spread");
  EXPECT_THAT(files.info, HasSubstr("\"spread_values\": [\n {\"value\":\"r\",\"shifts\":\"..."));
  std::string other = files.info;
  other.replace(other.find("\"value\":\"r\""), 11, "\"value\":\"q\"");
  EXPECT_THROW(job.Apply(other), Error);
}

TEST(PlanFileTest, AbsorbedBiasesComeBack) {
  GraphBuilder b;
  b.Input("x", {"1", "3", "6", "6"}).Output("y");
  b.Random("w", {4, 3, 1, 1}, 0.2F).Floats("b", {4}, {30, 1, 0, 0}).Random("v", {5, 4, 1, 1});
  b.Add("Conv", {"x", "w", "b"}, {"c"});
  b.Add("Relu", {"c"}, {"r"});
  b.Add("Conv", {"r", "v"}, {"y"});
  std::vector<std::vector<Tensor>> samples;
  for (uint32_t k = 0; k < 24; ++k) samples.push_back({RandomTensor("x", {1, 3, 6, 6}, k)});
  PlanJob job(b.model, samples);
  job.Configure(
      "target_device: CPU\nscheme: static\nextensions: true\ninclude_cle: false\n"
      "include_bias_corr: false\nabsorb_biases: true\n");
  const PlanFiles files = ExpectTheSameAgain(job, "absorbed");
  EXPECT_THAT(files.info, HasSubstr("\"absorbed_biases\":[{\"value\":\"c\",\"amounts\":[2"));
  std::string other = files.info;
  other.replace(other.find("\"value\":\"c\",\"amounts"), 11, "\"value\":\"q\"");
  EXPECT_THROW(job.Apply(other), Error);
}

TEST(PlanFileTest, WithoutEffortChannelsStay) {
  PlanJob job = JobWithALargeChannel(64, 256);
  const PlanFiles spread = job.Write();
  job.options.config.effort = Effort::kFast;
  const PlanFiles plain = job.Write();
  EXPECT_THAT(plain.info, Not(HasSubstr("spread_values")));
  EXPECT_GE(spread.report.integer_nodes, plain.report.integer_nodes);
}

TEST(PlanFileTest, ChannelsStayWhereWeightsAloneAreStored) {
  const PlanJob job = JobWithALargeChannel(6, 16);
  const PlanFiles files = job.Write();
  EXPECT_EQ(files.report.scheme, SchemeName(Scheme::kWeightOnly));
  EXPECT_THAT(files.info, Not(HasSubstr("spread_values")));
}

TEST(PlanFileTest, SettingsOfWeightsAndBiasesComeBack) {
  for (const char* tensors :
       {"weights: {bit_width: 4, method: mse, per_channel: true, narrow_range: true}",
        "weights: {symmetry: false, per_channel: false, round_mode: half_up}",
        "weights: {symmetry: false, per_channel: true}",
        "bias: {bit_width: 6, symmetry: false, method: mse}",
        "weights: {block_size: 16, bit_width: 4}",
        "weights: {scale_type: poweroftwo, method: diffs}, bias: {bit_width: 8, scale_type: "
        "poweroftwo}",
        "bias: {bit_width: 12, round_mode: std_round}, activation: {bit_width: 6}",
        "activation: {bit_width: 16}, input: {bit_width: 16}",
        "activation: {symmetry: true, signed: true, narrow_range: true}"}) {
    PlanJob job;
    job.Configure(
        "target_device: CPU\nscheme: static\nextensions: true\ninclude_cle: false\n"
        "include_bias_corr: false\noverall_quantize_config: {method: maxmin, round_mode: "
        "half_even, scale_type: float, calib_statistic_method: max}\ntensor_quantize_config: {" +
        std::string(tensors) + "}\n");
    job.options.guard = GuardMode::kOff;
    ExpectTheSameAgain(job, tensors);
  }
}

TEST(PlanFileTest, FormsThatSettingsAskForComeBack) {
  for (const char* form :
       {"exact_rounding: true\nround_mode: half_up\n",
        "matmul_nbits: true\nscheme: weight-only\ntensor_quantize_config: {weights: {block_size: "
        "16, bit_width: 4}}\n",
        "onnx_opset_version: 21\nscheme: weight-only\ntensor_quantize_config: {weights: "
        "{bit_width: 4}}\n"}) {
    PlanJob job;
    job.Configure(std::string("target_device: CPU\nextensions: true\ninclude_cle: false\n"
                              "include_bias_corr: false\noverall_quantize_config: {method: maxmin, "
                              "scale_type: float, calib_statistic_method: all}\n") +
                  form);
    job.options.guard = GuardMode::kOff;
    const PlanFiles files = ExpectTheSameAgain(job, form);
    const bool raised = files.info.find("\"onnx_opset_version\":21") != std::string::npos;
    EXPECT_EQ(raised, std::string(form).find("exact") == std::string::npos) << form;
  }
}

TEST(PlanFileTest, ValuesThatNodesConvertComeBack) {
  PlanJob job;
  job.Configure(
      ReadFile(ProjectFolder() / "configs/qnn.yaml") +
      "layer_quantize_config: [{layer_type: Gemm, tensor_quantize_config: {activation: {bit_width: "
      "16}}}]\n");
  job.options.guard = GuardMode::kOff;
  const PlanFiles files = ExpectTheSameAgain(job, "mixed");
  EXPECT_THAT(files.info, HasSubstr("\"operands\":[{\"input\":0,\"type\":\"uint16\""));
}

TEST(PlanFileTest, PassesThatSettingsAskForComeBack) {
  PlanJob job;
  job.Configure(
      "target_device: CPU\nscheme: static\ninclude_cle: true\ninclude_bias_corr: false\n"
      "convert_relu6_to_relu: true\noverall_quantize_config: {method: maxmin, round_mode: "
      "half_even, scale_type: float, per_channel: false, calib_statistic_method: max}\n");
  job.options.guard = GuardMode::kReport;
  const PlanFiles files = ExpectTheSameAgain(job, "equalized");
  EXPECT_THAT(files.info, AllOf(HasSubstr("\"include_cle\":true"),
                                HasSubstr("\"convert_relu6_to_relu\":true")));
}

// Weights of 4 bits whose codes and biases are corrected.
void AskForCorrections(PlanJob& job) {
  job.Configure(
      "target_device: CPU\nscheme: static\ninclude_cle: false\ninclude_bias_corr: true\n"
      "second_order_rounding: true\noverall_quantize_config: {method: maxmin, round_mode: "
      "half_even, scale_type: float, calib_statistic_method: max}\n"
      "tensor_quantize_config: {weights: {bit_width: 4}, bias: {bit_width: 32}}\n");
  job.options.guard = GuardMode::kReport;
}

TEST(PlanFileTest, CorrectedCodesAndBiasesComeBack) {
  PlanJob job;
  AskForCorrections(job);
  const PlanFiles files = ExpectTheSameAgain(job, "corrected");
  const Json info = Json::parse(files.info);
  size_t steps = 0;
  size_t shifts = 0;
  for (const Json& node : info["nodes"]) {
    steps += node.contains("weights") && node["weights"][0].contains("steps") ? 1 : 0;
    shifts += node.contains("bias") && node["bias"].contains("shift") ? 1 : 0;
  }
  EXPECT_EQ(shifts, 8U) << "7 convolutions and a Gemm";
  EXPECT_GE(steps, 6U) << "some may be the nearest everywhere";
}

TEST(PlanFileTest, LearnedCodesAndBiasesComeBack) {
  for (const LearningMethod method : {LearningMethod::kAdaRound, LearningMethod::kAdaQuant}) {
    PlanJob job;
    AskForCorrections(job);
    job.options.config.bias_correction = Correction::kOff;
    job.options.config.second_order_rounding = Correction::kOff;
    LearningSettings learning{.method = method, .iterations = 100};
    if (method == LearningMethod::kAdaQuant) learning.learning_rate = 0.003;
    job.options.config.learning = learning;
    const PlanFiles files = ExpectTheSameAgain(job, "learned");
    ASSERT_EQ(files.report.corrections.size(), 1U);
    EXPECT_TRUE(files.report.corrections[0].kept);
    EXPECT_THAT(files.info, AllOf(HasSubstr("\"steps\":"), HasSubstr("\"shift\":")));
  }
}

TEST(PlanFileTest, BlocksLearnWhereTheyAreAskedFor) {
  PlanJob job;
  AskForCorrections(job);
  job.options.config.bias_correction = Correction::kOff;
  job.options.config.second_order_rounding = Correction::kOff;
  job.options.config.learning = LearningSettings{.unit = LearningUnit::kBlock, .iterations = 100};
  const PlanFiles files = ExpectTheSameAgain(job, "learned in blocks");
  ASSERT_EQ(files.report.corrections.size(), 2U);
  EXPECT_EQ(files.report.corrections[1].name, "blocks");
  EXPECT_GE(files.report.corrections[1].layers, 4U);
}

TEST(PlanFileTest, CorrectionsThatDoNotFitAreTold) {
  PlanJob job;
  AskForCorrections(job);
  Json info = Json::parse(job.Write().info);
  std::vector<Json*> nodes;
  for (Json& node : info["nodes"])
    if (node.contains("weights")) nodes.push_back(&node);
  (*nodes[0])["bias"]["shift"].push_back(1);
  (*nodes[1])["weights"][0]["steps"] = "..";
  std::string steps = (*nodes[2])["weights"][0]["steps"];
  steps[0] = 'z';
  (*nodes[2])["weights"][0]["steps"] = steps;
  (*nodes[3])["bias"]["shift"][0] = "much";
  EXPECT_THAT(job.Problems(info.dump(1)), HasSubstr("shift"));
  (*nodes[3])["bias"]["shift"][0] = 0;
  const std::string problems = job.Problems(info.dump(1));
  EXPECT_THAT(problems, HasSubstr("numbers, expected"));
  EXPECT_THAT(problems, HasSubstr("has 2 letters, expected"));
  EXPECT_THAT(problems, HasSubstr("makes code"));
}

TEST(PlanFileTest, EveryWayOfEqualizingComesBack) {
  for (const char* more : {"compat: vitis\n", "equalize_clips: true\n"}) {
    PlanJob job;
    job.Configure(
        std::string(more) +
        "target_device: CPU\nscheme: static\ninclude_cle: true\ninclude_bias_corr: false\n"
        "overall_quantize_config: {method: maxmin, round_mode: half_even, scale_type: float, "
        "per_channel: false, calib_statistic_method: max}\n");
    job.options.guard = GuardMode::kReport;
    const PlanFiles files = ExpectTheSameAgain(job, more);
    EXPECT_THAT(files.info, HasSubstr("_equalized")) << more;
  }
}

TEST(PlanFileTest, CameraInputsComeBack) {
  GraphBuilder b;
  b.Input("image", {"1", "3", "16", "16"}).Output("scores");
  b.Random("w", {8, 3, 3, 3}, 0.3F).Random("v", {4, 8, 3, 3}, 0.2F);
  b.Add("Conv", {"image", "w"}, {"c"}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add("Relu", {"c"}, {"r"});
  b.Add("Conv", {"r", "v"}, {"scores"});
  PlanJob job(b.model, RandomSamples("image", {1, 3, 16, 16}));
  job.Configure(ReadFile(ProjectFolder() / "configs/horizon_nv12_camera.yaml"));
  job.options.guard = GuardMode::kReport;
  const PlanFiles files = ExpectTheSameAgain(job, "camera");
  EXPECT_THAT(files.info, HasSubstr("\"type_rt\":\"nv12\""));
}

class TrainedTest : public testing::TestWithParam<const char*> {};

TEST_P(TrainedTest, GivesTheSameBytesAgain) {
  const std::filesystem::path folder = kTrained / GetParam();
  if (!std::filesystem::exists(folder / "model.onnx")) GTEST_SKIP() << "no " << folder;
  PlanJob job;
  job.options.model = folder / "model.onnx";
  const TempDir samples;
  std::filesystem::copy(folder / "sample/0_in0.npy", samples / "x.npy");
  job.options.calibration_folder = samples.path();
  const Graph graph = LoadOnnx(job.options.model).model.graph;
  bool has_sample = true;  // the first input; others are states that begin at zero
  for (const Value& input : graph.inputs) {
    if (graph.FindInitializer(input.name) != nullptr) continue;
    if (!std::exchange(has_sample, false)) job.options.states.push_back({input.name, ""});
  }
  job.options.guard = GuardMode::kReport;
  for (const Scheme scheme : {Scheme::kStatic, Scheme::kDynamic}) {
    job.options.config.scheme = scheme;
    ExpectTheSameAgain(job, GetParam() + (" " + SchemeName(scheme)));
  }
}

INSTANTIATE_TEST_SUITE_P(Models, TrainedTest,
                         testing::Values("dtln_1_lstm", "kwt1_transformer", "magika_v3_3",
                                         "mobilenet_v2_035_flowers", "nanodet_m_320",
                                         "odd_basic_pitch_shared_weights",
                                         "odd_resnet20_external_data", "odd_resnet8_qdq",
                                         "odd_squeezenet_fp16", "ppocr_cls_mobilenetv3"),
                         [](const auto& one) { return std::string(one.param); });

}  // namespace
}  // namespace qconvert
