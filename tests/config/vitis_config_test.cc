// The Vitis language: merging, restrictions, what is told about it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/config/bias_absorption.h"
#include "support/read_config.h"

namespace qconvert {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// Float scales and rounding as a CPU takes them; the rest are the vendor's defaults.
constexpr const char* kOverall =
    "overall_quantize_config: {method: maxmin, round_mode: half_even, scale_type: float, "
    "calib_statistic_method: max}\n";
constexpr const char* kCpu = "target_device: CPU\ninclude_cle: false\ninclude_bias_corr: false\n";

std::string Cpu(const std::string& more) { return std::string(kCpu) + kOverall + more; }

// Settings of one tensor type on top of kOverall.
std::string Tensor(const std::string& type, const std::string& parameters) {
  return Cpu("tensor_quantize_config: {" + type + ": {" + parameters + "}}\n");
}

TEST(VitisConfigTest, ThePresetIsTheDefault) {
  const LoadedConfig loaded = ReadConfig(QCONVERT_SOURCE_DIR "/configs/cpu_int8.yaml", {});
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

TEST(VitisConfigTest, EachRestrictionOfTheVendorIsAnErrorOfItsOwn) {
  const std::string power = "scale_type: poweroftwo, calib_statistic_method: modal, method: diffs";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {Tensor("activation", "per_channel: true"),
       "c.yaml:5:52: activation: per_channel is true, only weights can be per channel if datatype "
       "is int"},
      {Tensor("weights", "per_channel: true, method: percentile"),
       "weights: method is percentile, expected maxmin per channel with float scales"},
      {Tensor("weights", "per_channel: true, scale_type: poweroftwo, method: mse"),
       "expected diffs or maxmin with poweroftwo scales"},
      {Tensor("weights", "per_channel: true, scale_type: poweroftwo, symmetry: false"),
       "symmetry is false, expected true with poweroftwo scales"},
      {Tensor("weights", "per_channel: true, scale_type: poweroftwo, signed: false"),
       "signed is false, expected true with poweroftwo scales"},
      {Tensor("activation", "method: diffs"),
       "activation: method is diffs, expected maxmin, percentile, mse or entropy with float "
       "scales"},
      {Tensor("activation", "method: auto"),
       "calib_statistic_method is max, method auto expects all"},
      {Tensor("activation", "calib_statistic_method: modal"),
       "calib_statistic_method is modal, expected max, mean, median or all with float scales"},
      {Tensor("activation", "method: percentile, symmetry: false"),
       "symmetry is false, method percentile expects true"},
      {Tensor("activation", "method: entropy, symmetry: false"), "method entropy expects true"},
      {Tensor("activation", "method: mse, symmetry: false"), "method mse expects true"},
      {Tensor("activation", power + ", method: mse"), "is given twice"},
      {Tensor("input", "scale_type: poweroftwo, calib_statistic_method: modal, method: entropy"),
       "input: method is entropy, expected diffs or maxmin with poweroftwo scales"},
      {Tensor("activation", power + ", symmetry: false"), "expected true with poweroftwo scales"},
      {Tensor("activation", power + ", signed: false"), "signed is false, expected true"},
      {Tensor("activation", "scale_type: poweroftwo"),
       "calib_statistic_method is max, expected modal with poweroftwo scales"},
  };
  for (const auto& [text, message] : cases)
    EXPECT_TRUE(AnyHolds(ProblemsOf(text), message)) << text << "\n" << ProblemsOf(text)[0];
}

TEST(VitisConfigTest, RestrictionsDoNotConcernFloatTypes) {
  EXPECT_THAT(ProblemsOf(Tensor("activation", "datatype: float32, method: diffs")), IsEmpty());
}

TEST(VitisConfigTest, ExtensionsAllowWhatWorksHere) {
  const std::string text =
      Tensor("activation", "method: percentile, symmetry: false, calib_statistic_method: all");
  EXPECT_TRUE(AnyHolds(ProblemsOf(text), "extensions: true allows it"));
  EXPECT_THAT(ProblemsOf(text, {"extensions=true"}), IsEmpty());
  const std::string channels = Tensor("weights", "method: mse, per_channel: true");
  EXPECT_TRUE(AnyHolds(ProblemsOf(channels), "extensions: true allows it"));
  EXPECT_THAT(ProblemsOf(channels, {"extensions=true"}), IsEmpty());
  for (const char* method : {"percentile", "entropy", "diffs"}) {
    const std::string weights =
        Tensor("weights", fmt::format("per_channel: true, method: {}", method));
    EXPECT_TRUE(AnyHolds(ProblemsOf(weights), "extensions: true allows it")) << method;
    EXPECT_THAT(ProblemsOf(weights, {"extensions=true"}), IsEmpty()) << method;
  }
  const std::string diffs = Tensor("activation", "method: diffs");
  EXPECT_THAT(ProblemsOf(diffs, {"extensions=true"}), IsEmpty());
  EXPECT_FALSE(ProblemsOf(diffs, {"extensions=true", "compat=vitis"}).empty());
}

TEST(VitisConfigTest, ADpuTakesWhatItsEngineCan) {
  const auto dpu = [](const std::string& type, const std::string& parameters) {
    return "target_device: DPU\ntensor_quantize_config: {" + type + ": {" + parameters + "}}\n";
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {dpu("bias", "bit_width: 16"),
       "bias: bit_width is 16, target DPU expects that of activation"},
      {dpu("activation", "symmetry: false"), "target DPU expects true"},
      {dpu("activation", "method: mse"), "target DPU expects diffs or maxmin"},
      {dpu("weights", "per_channel: true"), "per_channel is true, target DPU expects false"},
      {dpu("weights", "scale_type: float"), "target DPU expects poweroftwo"},
      {dpu("input", "calib_statistic_method: all"), "expects modal if datatype is int; extensions"},
      {dpu("input", "calib_statistic_method: max"), "target DPU expects modal"},
      {dpu("activation", "round_mode: std_round"), "target DPU expects half_up"},
      {dpu("weights", "round_mode: half_up"), "target DPU expects std_round"},
      {dpu("bias", "round_mode: half_even"), "target DPU expects std_round"},
      {dpu("input", "round_mode: half_up"), "target DPU expects std_round"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_TRUE(AnyHolds(ProblemsOf(text), message)) << text << "\n" << ProblemsOf(text)[0];
  }
  // Whatever is in the overall object breaks one of the types.
  EXPECT_EQ(
      ProblemsOf("target_device: DPU\noverall_quantize_config: {round_mode: half_up}\n").size(), 3U)
      << "input, weights and bias";
  EXPECT_THAT(ProblemsOf(dpu("weights", "bit_width: 4")), IsEmpty());
  // The vendor's tool takes this one, and computes with signed codes.
  EXPECT_TRUE(AnyHolds(ProblemsOf(dpu("weights", "signed: false")),
                       "weights: signed is false, target DPU expects true"));
}

TEST(VitisConfigTest, EveryKeyRefusesWrongTypesAndRanges) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"target_device: TPU\n", "c.yaml:1:16: target_device is 'TPU'"},
      {"include_cle: true\n", "c.yaml:1:1: has no target_device, expected CPU, GPU, DPU, BPU, QNN"},
      {Cpu("convert_relu6_to_relu: \"no\"\n"), "is 'no', expected true or false"},
      {Cpu("convert_silu_to_hswish: maybe\n"), "is 'maybe', expected true or false"},
      {Cpu("keep_first_last_layer_accuracy: 1\n"), "is '1', expected true or false"},
      {Cpu("onnx_opset_version: x\n"), "onnx_opset_version is 'x', expected a whole number"},
      {Cpu("onnx_opset_version: 101\n"), "at most 100"},
      {Cpu("quantizable_data_type: weights\n"), "is 'weights', expected a list"},
      {Cpu("quantizable_data_type: [weight]\n"), "did you mean 'weights'?"},
      {Cpu("quantizable_data_type: [bias, bias]\n"), "'bias' is listed twice"},
      {Cpu("target_devise: CPU\n"), "unknown key 'target_devise', did you mean 'target_device'?"},
      {Cpu("mix_bit: true\n"), "unknown key 'mix_bit'"},
      {Cpu("\"\": 1\n"), "unknown key ''"},
      {std::string(kCpu) + "overall_quantize_config: 3\n", "is '3', expected a map"},
      {Cpu("tensor_quantize_config: {weight: {}}\n"),
       "unknown key 'weight', did you mean 'weights'?"},
      {Tensor("activation", "metod: maxmin"), "unknown key 'metod', did you mean 'method'?"},
      {Tensor("activation", "datatype: int8"), "datatype is 'int8', expected int, bfloat16"},
      {Tensor("activation", "method: median"), "method is 'median', expected maxmin, percentile"},
      {Tensor("activation", "method: half_up"), "method is 'half_up'"},
      {Tensor("activation", "method: [maxmin]"), "method is 'a list'"},
      {Tensor("activation", "method: {a: 1}"), "method is 'a map'"},
      {Tensor("activation", "bit_width: 8.0"), "bit_width is '8.0', expected a whole number"},
      {Tensor("activation", "bit_width: \"8\""), "bit_width is '8', expected a whole number"},
      {Tensor("activation", "bit_width: 33"), "of at least 1 and at most 32"},
      {Tensor("activation", "bit_width: 0"),
       "bit_width is '0', expected a whole number of at least"},
      {Tensor("activation", "bit_width: 18446744073709551616"), "expected a whole number"},
      {Tensor("activation", "percentage: .nan"), "percentage is '.nan', expected a number above 0"},
      {Tensor("activation", "percentage: .inf"), "percentage is '.inf'"},
      {Tensor("activation", "percentage: 1e999"), "percentage is '1e999'"},
      {Tensor("activation", "percentage: 150"), "percentage is '150'"},
      {Tensor("activation", "percentage: -1"), "percentage is '-1'"},
      {Tensor("activation", "percentage: 0"), "percentage is '0'"},
      {Tensor("activation", "percentage: x"), "percentage is 'x'"},
      {Tensor("activation", "round_mode: maxmin"), "round_mode is 'maxmin', expected half_even"},
      {Tensor("activation", "symmetry: maybe"), "symmetry is 'maybe', expected true or false"},
      {Tensor("activation", "signed: [true]"), "signed is 'a list'"},
      {Tensor("weights", "per_channel: maybe"), "per_channel is 'maybe'"},
      {Tensor("weights", "narrow_range: 0"), "narrow_range is '0'"},
      {Tensor("activation", "scale_type: power2"), "scale_type is 'power2'"},
      {Tensor("activation", "calib_statistic_method: avg"), "calib_statistic_method is 'avg'"},
      {Tensor("activation", "moving_rate: 2"), "moving_rate is '2'"},
      {Tensor("activation", "window_size: 0"), "window_size is '0'"},
      {Cpu("layer_quantize_config: {}\n"), "layer_quantize_config is 'a map', expected a list"},
      {Cpu("layer_quantize_config: [3]\n"), "layer_quantize_config is '3', expected maps in it"},
      {Cpu("layer_quantize_config: [{overall_quantize_config: {}}]\n"),
       "layer_quantize_config[0]: expected layer_type or layer_name"},
      {Cpu("layer_quantize_config: [{layer_type: Convv}]\n"),
       "unknown layer_type 'Convv', did you mean 'Conv'?"},
      {Cpu("layer_quantize_config: [{layer_name: \"re:(\"}]\n"), "is no regular expression"},
      {Cpu("layer_quantize_config: [{layer_name: a, quantizable_data_type: [weights], "
           "tensor_quantize_config: {bias: {bit_width: 8}}}]\n"),
       "bias is not in its quantizable_data_type"},
      {Cpu("layer_quantize_config: [{layer_name: a, tensor_quantize_config: {bias: {method: "
           "diffs}}}]\n"),
       "layer_quantize_config[0]: bias: method is diffs"},
      {Cpu("calibration: {batch_size: 0}\n"), "batch_size is '0'"},
      {Cpu("calibration: {batch_size: -1}\n"), "batch_size is '-1'"},
      {Cpu("calibration: {batch_size: 18446744073709551616}\n"),
       "batch_size is '18446744073709551616"},
      {Cpu("calibration: {batch_size: 2.5}\n"), "batch_size is '2.5'"},
      {Cpu("calibration: {max_samples: 0}\n"), "max_samples is '0'"},
      {Cpu("calibration: {max_samples: -3}\n"), "max_samples is '-3'"},
      {Cpu("calibration: {workers: -1}\n"), "workers is '-1'"},
      {Cpu("calibration: {workers: 1000000000}\n"), "at most 1024"},
      {Cpu("calibration: {workers: lots}\n"), "workers is 'lots'"},
      {Cpu("calibration: {memory_limit: -5}\n"), "memory_limit is '-5'"},
      {Cpu("compat: vitis\ntensor_quantize_config: {input: {calib_statistic_method: all}}\n"),
       "compat vitis expects modal, max, mean or median"},
      {Cpu("calibration: {data: \"\"}\n"), "data is '', expected a folder"},
      {Cpu("calibration: {data: [a]}\n"), "data is 'a list', expected a folder"},
      {Cpu("calibration: {format: csv}\n"), "format is 'csv', expected auto, npy, bin"},
  };
  for (const auto& [text, message] : cases)
    EXPECT_TRUE(AnyHolds(ProblemsOf(text), message)) << text << "\n"
                                                     << testing::PrintToString(ProblemsOf(text));
}

TEST(VitisConfigTest, CompatIsForAllTensorsAndTriesOnePositionForInputs) {
  const LoadedConfig loaded = LoadText(
      "target_device: CPU\ncompat: vitis\ninclude_cle: false\ninclude_bias_corr: false\n"
      "round_mode: half_even\n");
  for (const TensorType type : kTensorTypes)
    EXPECT_EQ(loaded.config.tensors[type].compat, Compat::kVitis);
  EXPECT_EQ(loaded.config.tensors.input.method, CalibrationMethod::kMaxMin);
  EXPECT_EQ(loaded.config.tensors.activation.method, CalibrationMethod::kDiffs);
  EXPECT_EQ(loaded.config.tensors.activation.statistic, BatchStatistic::kModal);
}

TEST(VitisConfigTest, EveryWidthAndSymmetryOfWeightsAndBiasesIsTaken) {
  for (const char* weights :
       {"bit_width: 2", "bit_width: 16", "symmetry: false, per_channel: true",
        "symmetry: true, signed: false", "block_size: 16", "block_size: 128, bit_width: 4"})
    EXPECT_THAT(ProblemsOf(Tensor("weights", weights)), IsEmpty()) << weights;
  for (const char* bias : {"symmetry: false", "bit_width: 2", "bit_width: 31", "method: mse",
                           "method: percentile, percentage: 99.0"})
    EXPECT_THAT(ProblemsOf(Tensor("bias", bias)), IsEmpty()) << bias;
}

TEST(VitisConfigTest, WhatNoFileHoldsIsAnErrorWithItsKey) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {Tensor("activation", "bit_width: 17"), "activation: bit_width is 17, expected 2 to 16"},
      {Tensor("weights", "bit_width: 1"), "weights: bit_width is 1, expected 2 to 16"},
      {Tensor("bias", "bit_width: 1"), "bias: bit_width is 1, expected 2 to 32"},
      {Tensor("weights", "block_size: 8"), "weights: block_size is 8, expected 0 or at least 16"},
      {Tensor("weights", "block_size: 48"), "weights: block_size is 48, expected a power of two"},
      {Tensor("weights", "block_size: 32, symmetry: false"),
       "weights: symmetry is false, expected true with block_size"},
  };
  for (const auto& [text, message] : cases) {
    const auto problems = ProblemsOf(text);
    EXPECT_TRUE(AnyHolds(problems, message)) << text << (problems.empty() ? "" : problems[0]);
  }
}

TEST(VitisConfigTest, AGpuComputesWithSignedBytesAndZeroPointZero) {
  const auto gpu = [](const std::string& rest) {
    return "target_device: GPU\noverall_quantize_config: {method: maxmin, round_mode: half_even, "
           "scale_type: float, calib_statistic_method: max" +
           rest + "}\n";
  };
  EXPECT_THAT(ProblemsOf(gpu("")), IsEmpty());
  EXPECT_TRUE(AnyHolds(ProblemsOf(gpu(", symmetry: false")),
                       "activation: symmetry is false, target GPU expects true"));
  EXPECT_TRUE(AnyHolds(ProblemsOf(gpu(", signed: false")),
                       "weights: signed is false, target GPU expects true"));
  EXPECT_TRUE(AnyHolds(ProblemsOf(gpu(", bit_width: 16")),
                       "input: bit_width is 16, target GPU expects at most 8"));
}

TEST(VitisConfigTest, QnnComputesWithUnsignedValuesAndSignedWeights) {
  const auto qnn = [](const std::string& tensors) {
    return "target_device: QNN\ninclude_cle: false\ninclude_bias_corr: false\n"
           "overall_quantize_config: {method: maxmin, round_mode: half_even, scale_type: float, "
           "calib_statistic_method: all}\ntensor_quantize_config: {bias: {bit_width: 32}, input: "
           "{symmetry: false}, " +
           tensors + "}\n";
  };
  EXPECT_THAT(ProblemsOf(qnn("activation: {bit_width: 16, symmetry: false}")), IsEmpty());
  EXPECT_TRUE(AnyHolds(ProblemsOf(qnn("activation: {bit_width: 16}")),
                       "activation: symmetry is true, target QNN expects false"));
  EXPECT_TRUE(AnyHolds(ProblemsOf(qnn("activation: {symmetry: false}, weights: {symmetry: false}")),
                       "weights: symmetry is false, target QNN expects true"));
  EXPECT_TRUE(AnyHolds(ProblemsOf(qnn("activation: {symmetry: false}, weights: {block_size: 32}")),
                       "weights: block_size is 32, target QNN expects 0"));
}

TEST(VitisConfigTest, OnlyTheCpuFindsRangesAtRunTime) {
  const auto dynamic = [](const std::string& device) {
    return "target_device: " + device +
           "\nscheme: dynamic\nextensions: true\noverall_quantize_config: {method: maxmin, "
           "round_mode: half_even, scale_type: float, calib_statistic_method: all}\n";
  };
  EXPECT_THAT(ProblemsOf(dynamic("CPU")), IsEmpty());
  EXPECT_TRUE(AnyHolds(ProblemsOf(dynamic("GPU")),
                       "scheme is dynamic, target GPU expects static or weight-only"));
}

TEST(VitisConfigTest, PackedWeightsNeedBlocksAndTheCpu) {
  const std::string blocks = "block_size: 32";
  EXPECT_THAT(ProblemsOf(Tensor("weights", blocks) + "matmul_nbits: true\n"), IsEmpty());
  EXPECT_TRUE(AnyHolds(ProblemsOf(Tensor("weights", "bit_width: 4") + "matmul_nbits: true\n"),
                       "matmul_nbits is true, expected block_size of weights with it"));
  EXPECT_THAT(ProblemsOf(Tensor("weights", "bit_width: 4") + "matmul_nbits: false\n"), IsEmpty());
  EXPECT_TRUE(
      AnyHolds(ProblemsOf("target_device: GPU\nmatmul_nbits: true\noverall_quantize_config: "
                          "{method: maxmin, round_mode: half_even, scale_type: float, "
                          "block_size: 32}\n"),
               "matmul_nbits is true, target GPU expects false"));
}

TEST(VitisConfigTest, WithoutQuantizedValuesNoRoundingOfThemIsSpokenOf) {
  const std::string text =
      "target_device: CPU\ninclude_cle: false\ninclude_bias_corr: false\noverall_quantize_config: "
      "{method: maxmin, scale_type: float, calib_statistic_method: max}\n";
  EXPECT_TRUE(AnyHolds(LoadText(text).warnings, "halves are rounded"));
  EXPECT_FALSE(AnyHolds(LoadText(text + "scheme: weight-only\n").warnings, "halves are rounded"));
}

TEST(VitisConfigTest, ExactRoundingSilencesTheNoteAboutRounding) {
  const std::string text =
      "target_device: CPU\ninclude_cle: false\ninclude_bias_corr: false\noverall_quantize_config: "
      "{method: maxmin, scale_type: float, calib_statistic_method: max}\n";
  EXPECT_TRUE(AnyHolds(LoadText(text).warnings, "exact_rounding: true writes the operators"));
  const LoadedConfig exact = LoadText(text + "exact_rounding: true\n");
  EXPECT_TRUE(exact.config.exact_rounding);
  EXPECT_FALSE(AnyHolds(exact.warnings, "halves are rounded"));
}

TEST(VitisConfigTest, DefaultsThatCannotBeDoneAreAWarning) {
  const LoadedConfig loaded = LoadText(
      "target_device: CPU\noverall_quantize_config: {method: maxmin, scale_type: float, "
      "calib_statistic_method: max}\n");
  EXPECT_FALSE(AnyHolds(loaded.warnings, "include_cle"));
  EXPECT_FALSE(AnyHolds(loaded.warnings, "include_bias_corr"));
  EXPECT_TRUE(AnyHolds(loaded.warnings, "round_mode of activation, input: halves are rounded"));
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
  const auto absorption = [](const std::string& text) {
    return BiasAbsorptionOf(
        LoadText(std::string(kOverall) + "target_device: CPU\n" + text).effective);
  };
  EXPECT_EQ(absorption(""), Correction::kOff);
  EXPECT_EQ(absorption("absorb_biases: auto\n"), Correction::kAuto);
  EXPECT_EQ(absorption("absorb_biases: true\n"), Correction::kOn);
  EXPECT_EQ(BiasAbsorptionOf({}), Correction::kOff);
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
