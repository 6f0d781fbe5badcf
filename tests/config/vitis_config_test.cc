// The Vitis language: merging, restrictions, what is told about it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/project_folder.h"
#include "support/read_config.h"
#include "support/vitis_text.h"

namespace qconvert {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(VitisConfigTest, ThePresetIsTheDefault) {
  const LoadedConfig loaded = ReadConfig(ProjectFolder() / "configs/cpu_int8.yaml", {});
  QuantConfig expected;
  expected.equalization = Correction::kAuto;  // needs outputs that decide, which a program may lack
  EXPECT_EQ(loaded.config, expected);
  EXPECT_THAT(loaded.warnings, IsEmpty());
}

TEST(VitisConfigTest, FastFinetuningIsAdaQuantUnlessItSaysOtherwise) {
  const LearningSettings vendor{.method = LearningMethod::kAdaQuant,
                                .iterations = 3000,
                                .learning_rate = 0.01,
                                .rate_of_deviation = true};
  const LoadedConfig loaded = LoadText(Cpu("include_fast_ft: true\n"));
  EXPECT_EQ(loaded.config.learning, vendor);
  EXPECT_FALSE(LoadText(Cpu("include_fast_ft: false\n")).config.learning);
  EXPECT_FALSE(LoadText(Cpu("")).config.learning);
  const LearningSettings expected{
      .iterations = 20, .epochs = 10, .learns_bias = false, .memory = 1 << 20};
  EXPECT_EQ(LoadText(Cpu("include_fast_ft: true\nfast_finetune: {algorithm: adaround, "
                         "num_iterations: 20, num_epochs: 10, update_bias: false, memory: "
                         "1048576}\n"))
                .config.learning,
            expected);
}

TEST(VitisConfigTest, ReconstructionSaysWhatLearnsTogether) {
  const auto unit = [](const std::string& entry) {
    return LoadText(Cpu("include_fast_ft: true\n" + entry)).config.learning->unit;
  };
  EXPECT_EQ(unit(""), LearningUnit::kLayer);
  EXPECT_EQ(unit("fast_finetune: {reconstruction: layer}\n"), LearningUnit::kLayer);
  EXPECT_EQ(unit("fast_finetune: {reconstruction: block}\n"), LearningUnit::kBlock);
  EXPECT_EQ(unit("fast_finetune: {reconstruction: auto}\n"), LearningUnit::kAuto);
}

TEST(VitisConfigTest, FastFinetuningIsChecked) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"fast_finetune: {num_iterations: 3}\n", "fast_finetune without include_fast_ft: true"},
      {"include_fast_ft: true\nfast_finetune: {num_iteration: 3}\n",
       "unknown key 'num_iteration', did you mean 'num_iterations'?"},
      {"include_fast_ft: true\nfast_finetune: {algorithm: adaroun}\n", "did you mean 'adaround'?"},
      {"include_fast_ft: true\nfast_finetune: {reconstruction: blocks}\n",
       "reconstruction is 'blocks', expected layer, block, auto, did you mean 'block'?"},
      {"include_fast_ft: true\nfast_finetune: {memory: 3}\n", "memory is '3'"},
      {"include_fast_ft: 3\n", "include_fast_ft is '3', expected true or false"},
      {"effort: hihg\n", "effort is 'hihg', expected fast, normal, high"},
  };
  for (const auto& [text, message] : cases)
    EXPECT_TRUE(AnyHolds(ProblemsOf(Cpu(text)), message)) << text;
}

TEST(VitisConfigTest, EffortIsNormalUnlessItSaysOtherwise) {
  EXPECT_EQ(LoadText(Cpu("")).config.learned_clipping, Correction::kOff);
  EXPECT_EQ(LoadText(Cpu("learned_clipping: auto\n")).config.learned_clipping, Correction::kAuto);
  EXPECT_EQ(LoadText(Cpu("learned_clipping: true\n")).config.learned_clipping, Correction::kOn);
  EXPECT_EQ(LoadText(Cpu("")).config.effort, Effort::kNormal);
  EXPECT_EQ(LoadText(Cpu("effort: fast\n")).config.effort, Effort::kFast);
  EXPECT_EQ(LoadText(Cpu("effort: high\n")).config.effort, Effort::kHigh);
}

TEST(VitisConfigTest, DefaultsAreTheVendors) {
  const QuantConfig config = LoadText("target_device: DPU\n").config;
  for (const TensorType type : kTensorTypes) {
    TensorSettings expected{.method = CalibrationMethod::kDiffs,
                            .round_mode = RoundMode::kStdRound,
                            .scale_type = ScaleType::kPowerOfTwo,
                            .symmetry = true,
                            .is_signed = true};
    if (type == TensorType::kActivation) expected.round_mode = RoundMode::kHalfUp;
    if (type == TensorType::kActivation || type == TensorType::kInput)
      expected.statistic = BatchStatistic::kModal;
    EXPECT_EQ(config.tensors[type], expected) << TensorTypeName(type);
  }
  EXPECT_EQ(config.equalization, Correction::kAuto);
  EXPECT_EQ(config.bias_correction, Correction::kAuto);
  EXPECT_EQ(config.second_order_rounding, Correction::kOff);
  EXPECT_FALSE(config.convert_relu6_to_relu);
  EXPECT_FALSE(config.convert_silu_to_hswish);
  EXPECT_EQ(config.onnx_opset_version, -1);
}

TEST(VitisConfigTest, LaterLevelsWinKeyByKeyInWhateverOrderTheyStand) {
  const QuantConfig config = LoadText(
                                 "layer_quantize_config:\n"
                                 "  - layer_name: a\n"
                                 "    overall_quantize_config: {bit_width: 16}\n"
                                 "    tensor_quantize_config: {weights: {bit_width: 8}}\n"
                                 "tensor_quantize_config: {weights: {per_channel: true}}\n" +
                                 Cpu("keep_add_layer_accuracy: true\n"))
                                 .config;
  EXPECT_EQ(config.tensors.weights.method, CalibrationMethod::kMaxMin);
  EXPECT_TRUE(config.tensors.weights.per_channel);
  EXPECT_EQ(config.tensors.activation.bit_width, 8);
  EXPECT_TRUE(config.keep_add_layer_accuracy);
  ASSERT_EQ(config.layers.size(), 1U);
  const NodeSettings& layer = config.layers[0].tensors;
  EXPECT_EQ(layer.activation.bit_width, 16);
  EXPECT_EQ(layer.weights.bit_width, 8);
  EXPECT_TRUE(layer.weights.per_channel) << "inherited from the root";
  EXPECT_EQ(config.layers[0].match.place, "c.yaml:2:17");
}

TEST(VitisConfigTest, ALayerEntryOverridesTheTypesItListsAndNoOthers) {
  const QuantConfig config = LoadText(Cpu("layer_quantize_config:\n"
                                          "  - layer_type: torch.nn.Conv2d\n"
                                          "    quantizable_data_type: [activation]\n"
                                          "    overall_quantize_config: {bit_width: 16}\n"))
                                 .config;
  const LayerSettings& layer = config.layers[0];
  EXPECT_EQ(layer.tensors.activation.bit_width, 16);
  EXPECT_EQ(layer.tensors.weights, config.tensors.weights);
  EXPECT_EQ(layer.match.kind, LayerMatch::Kind::kType);
  EXPECT_EQ(layer.match.types, (std::vector<OpMatch>{{"Conv", 4}}));
}

TEST(VitisConfigTest, AVendorsFileIsStaticUnlessItSaysOtherwise) {
  EXPECT_EQ(LoadText(Cpu("")).config.scheme, Scheme::kStatic);
  EXPECT_EQ(LoadText(Cpu("scheme: auto\n")).config.scheme, Scheme::kAuto);
  EXPECT_EQ(LoadText("weight_bits: 8\n").config.scheme, Scheme::kStatic) << "Paddle";
  EXPECT_EQ(LoadText("weight_bits: 8\n", {"scheme=auto"}).config.scheme, Scheme::kAuto);
}

TEST(VitisConfigTest, TypesThatAreNotListedStayFloat) {
  const QuantConfig config = LoadText(Cpu("quantizable_data_type: [weights, bias]\n")).config;
  EXPECT_TRUE(config.tensors.weights.is_int());
  EXPECT_TRUE(config.tensors.bias.is_int());
  EXPECT_EQ(config.tensors.activation.datatype, Datatype::kFloat32);
  EXPECT_EQ(config.tensors.input.datatype, Datatype::kFloat32);
  const LoadedConfig odd = LoadText(
      Cpu("quantizable_data_type: [weights]\ntensor_quantize_config: {bias: {bit_width: 16}}\n"));
  EXPECT_TRUE(AnyHolds(odd.warnings, "c.yaml:6:32: bias is not in quantizable_data_type"));
}

TEST(VitisConfigTest, TheFlatFormIsShorthandForTheOverallObject) {
  const std::string flat =
      "method: maxmin\nround_mode: half_even\nscale_type: float\ncalib_statistic_method: max\n";
  EXPECT_EQ(LoadText(kCpu + flat).config, LoadText(Cpu("")).config);
  EXPECT_TRUE(AnyHolds(ProblemsOf(Cpu("method: mse\n")),
                       "c.yaml:5:1: method is given here and in overall_quantize_config"));
}

TEST(VitisConfigTest, AnObjectWithoutPercentageResetsItAndSaysSo) {
  const LoadedConfig loaded = LoadText(
      std::string(kCpu) +
      "overall_quantize_config: {method: percentile, percentage: 99.9, round_mode: half_even, "
      "scale_type: float, calib_statistic_method: all}\n"
      "tensor_quantize_config: {activation: {bit_width: 16}, input: {percentage: 99}}\n");
  EXPECT_EQ(loaded.config.tensors.activation.percentage, 99.99);
  EXPECT_EQ(loaded.config.tensors.input.percentage, 99);
  EXPECT_EQ(loaded.config.tensors.weights.percentage, 99.9);
  EXPECT_TRUE(AnyHolds(loaded.warnings, "percentage is 99.99 again, not 99.9 of c.yaml:4"));
}

TEST(VitisConfigTest, CorrectionsAreAskedForOrLeftOpen) {
  const auto read = [](const std::string& text) {
    return LoadText(std::string(kOverall) + "target_device: CPU\n" + text).config;
  };
  EXPECT_EQ(read("").bias_correction, Correction::kAuto);
  EXPECT_EQ(read("include_bias_corr: auto\n").bias_correction, Correction::kAuto);
  EXPECT_EQ(read("include_bias_corr: true\n").bias_correction, Correction::kOn);
  EXPECT_EQ(read("include_bias_corr: false\n").bias_correction, Correction::kOff);
  EXPECT_EQ(read("include_cle: auto\n").equalization, Correction::kAuto);
  EXPECT_EQ(read("include_cle: true\n").equalization, Correction::kOn);
  EXPECT_EQ(read("").bias_absorption, Correction::kOff);
  EXPECT_EQ(read("absorb_biases: auto\n").bias_absorption, Correction::kAuto);
  EXPECT_EQ(read("absorb_biases: true\n").bias_absorption, Correction::kOn);
  EXPECT_EQ(read("second_order_rounding: auto\n").second_order_rounding, Correction::kAuto);
  EXPECT_TRUE(
      AnyHolds(ProblemsOf(std::string(kOverall) + "target_device: CPU\ninclude_bias_corr: some\n"),
               "include_bias_corr is 'some', expected true or false or auto"));
  EXPECT_TRUE(AnyHolds(ProblemsOf(Cpu("convert_relu6_to_relu: auto\n")), "expected true or false"));
}

TEST(VitisConfigTest, AllProblemsAreReportedInOneRunInTheOrderOfTheFile) {
  const auto problems = ProblemsOf(
      "target_device: CPU\nfoo: 1\nmethod: diffs\nscale_type: float\nonnx_opset_version: 12\n"
      "symmetry: x");
  ASSERT_GE(problems.size(), 3U);
  EXPECT_THAT(problems[0], HasSubstr("c.yaml:2:1: unknown key 'foo'"));
  EXPECT_THAT(problems[1], HasSubstr("c.yaml:5:21: onnx_opset_version is 12, expected -1, or 13"));
  EXPECT_THAT(problems.back(), HasSubstr("c.yaml:6:11: symmetry is 'x'"));
}

TEST(VitisConfigTest, OverridesWinAndMustHaveAnEffect) {
  const QuantConfig config =
      LoadText(Cpu(""), {"activation.bit_width=16", "quantizable_data_type=[weights, activation]",
                         "overall.per_channel=false"})
          .config;
  EXPECT_EQ(config.tensors.activation.bit_width, 16);
  EXPECT_EQ(config.tensors.bias.datatype, Datatype::kFloat32);
  EXPECT_EQ(ProblemsOf(Cpu(""), {"nonsense"}),
            std::vector<std::string>{"--set nonsense: expected KEY=VALUE"});
  EXPECT_TRUE(AnyHolds(ProblemsOf(Cpu(""), {"activation.metod=maxmin"}),
                       "--set activation.metod=maxmin: unknown key 'metod'"));
  EXPECT_TRUE(AnyHolds(ProblemsOf(Cpu(""), {"activation.percentage=99"}),
                       "--set activation.percentage=99: has no effect"));
  EXPECT_TRUE(
      AnyHolds(ProblemsOf(Cpu(""), {"activation.method=[a"}), "--set activation.method=[a"));
}

TEST(VitisConfigTest, DuplicatesAndIgnoredNamesAreTold) {
  const LoadedConfig loaded =
      LoadText(Cpu("layer_quantize_config:\n  - {layer_type: Conv, layer_name: x}\n"
                   "  - {layer_type: Conv}\n"));
  EXPECT_TRUE(AnyHolds(loaded.warnings, "c.yaml:6:36: layer_name is ignored beside layer_type"));
  EXPECT_TRUE(AnyHolds(loaded.warnings, "'Conv' has an entry already, at c.yaml:6:18"));
}

TEST(VitisConfigTest, CodeRangesFollowSignAndSymmetry) {
  const auto range = [](bool symmetry, bool is_signed, bool narrow, int bits) {
    const CodeRange codes = CodeRangeOf(
        {.bit_width = bits, .symmetry = symmetry, .is_signed = is_signed, .narrow_range = narrow});
    return std::pair(codes.min, codes.max);
  };
  EXPECT_EQ(range(true, true, false, 8), std::pair(int64_t{-128}, int64_t{127}));
  EXPECT_EQ(range(true, true, true, 8), std::pair(int64_t{-127}, int64_t{127}));
  EXPECT_EQ(range(true, false, true, 8), std::pair(int64_t{0}, int64_t{255}));
  EXPECT_EQ(range(false, true, true, 8), std::pair(int64_t{0}, int64_t{255}));
  EXPECT_EQ(range(false, false, false, 16), std::pair(int64_t{0}, int64_t{65535}));
  EXPECT_EQ(range(true, true, false, 1), std::pair(int64_t{-1}, int64_t{0}));
  EXPECT_EQ(range(true, true, false, 32), std::pair(int64_t{-2147483648}, int64_t{2147483647}));
}

}  // namespace
}  // namespace qconvert
