// The Vitis language: restrictions of the vendor, of targets and of single keys.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/read_config.h"
#include "support/vitis_text.h"

namespace qconvert {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(VitisLimitsTest, EachRestrictionOfTheVendorIsAnErrorOfItsOwn) {
  const std::string power = "scale_type: poweroftwo, calib_statistic_method: modal, method: diffs";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {TensorOf("activation", "per_channel: true"),
       "c.yaml:5:52: activation: per_channel is true, only weights can be per channel if datatype "
       "is int"},
      {TensorOf("weights", "per_channel: true, method: percentile"),
       "weights: method is percentile, expected maxmin per channel with float scales"},
      {TensorOf("weights", "per_channel: true, scale_type: poweroftwo, method: mse"),
       "expected diffs or maxmin with poweroftwo scales"},
      {TensorOf("weights", "per_channel: true, scale_type: poweroftwo, symmetry: false"),
       "symmetry is false, expected true with poweroftwo scales"},
      {TensorOf("weights", "per_channel: true, scale_type: poweroftwo, signed: false"),
       "signed is false, expected true with poweroftwo scales"},
      {TensorOf("activation", "method: diffs"),
       "activation: method is diffs, expected maxmin, percentile, mse or entropy with float "
       "scales"},
      {TensorOf("activation", "method: auto"),
       "calib_statistic_method is max, method auto expects all"},
      {TensorOf("activation", "calib_statistic_method: modal"),
       "calib_statistic_method is modal, expected max, mean, median or all with float scales"},
      {TensorOf("activation", "method: percentile, symmetry: false"),
       "symmetry is false, method percentile expects true"},
      {TensorOf("activation", "method: entropy, symmetry: false"), "method entropy expects true"},
      {TensorOf("activation", "method: mse, symmetry: false"), "method mse expects true"},
      {TensorOf("activation", power + ", method: mse"), "is given twice"},
      {TensorOf("input", "scale_type: poweroftwo, calib_statistic_method: modal, method: entropy"),
       "input: method is entropy, expected diffs or maxmin with poweroftwo scales"},
      {TensorOf("activation", power + ", symmetry: false"), "expected true with poweroftwo scales"},
      {TensorOf("activation", power + ", signed: false"), "signed is false, expected true"},
      {TensorOf("activation", "scale_type: poweroftwo"),
       "calib_statistic_method is max, expected modal with poweroftwo scales"},
  };
  for (const auto& [text, message] : cases)
    EXPECT_TRUE(AnyHolds(ProblemsOf(text), message)) << text << "\n" << ProblemsOf(text)[0];
}

TEST(VitisLimitsTest, ASwitchThatIsRefusedIsNotCalledMissing) {
  EXPECT_THAT(
      ProblemsOf("target_device: DPU\ninclude_fast_ft: 2\nfast_finetune: {batch_size: 1}\n"),
      ElementsAre(HasSubstr("include_fast_ft is '2', expected true or false")));
}

TEST(VitisLimitsTest, OfNoDeviceNoLimitsAreTold) {
  EXPECT_THAT(ProblemsOf("target_device: XPU\nvalue_quantize_config: [{value: a, method: mse}]\n"),
              ElementsAre(HasSubstr("target_device is 'XPU'")));
}

TEST(VitisLimitsTest, ADefaultThatScalesRefuseIsToldAtThem) {
  EXPECT_THAT(ProblemsOf("target_device: CPU\nmethod: maxmin\nscale_type: float\n"),
              Each(HasSubstr("c.yaml:3:13: ")));
}

TEST(VitisLimitsTest, RestrictionsDoNotConcernFloatTypes) {
  EXPECT_THAT(ProblemsOf(TensorOf("activation", "datatype: float32, method: diffs")), IsEmpty());
}

TEST(VitisLimitsTest, ExtensionsAllowWhatWorksHere) {
  const std::string text =
      TensorOf("activation", "method: percentile, symmetry: false, calib_statistic_method: all");
  EXPECT_TRUE(AnyHolds(ProblemsOf(text), "extensions: true allows it"));
  EXPECT_THAT(ProblemsOf(text, {"extensions=true"}), IsEmpty());
  const std::string channels = TensorOf("weights", "method: mse, per_channel: true");
  EXPECT_TRUE(AnyHolds(ProblemsOf(channels), "extensions: true allows it"));
  EXPECT_THAT(ProblemsOf(channels, {"extensions=true"}), IsEmpty());
  for (const char* method : {"percentile", "entropy", "diffs"}) {
    const std::string weights =
        TensorOf("weights", fmt::format("per_channel: true, method: {}", method));
    EXPECT_TRUE(AnyHolds(ProblemsOf(weights), "extensions: true allows it")) << method;
    EXPECT_THAT(ProblemsOf(weights, {"extensions=true"}), IsEmpty()) << method;
  }
  const std::string diffs = TensorOf("activation", "method: diffs");
  EXPECT_THAT(ProblemsOf(diffs, {"extensions=true"}), IsEmpty());
  EXPECT_FALSE(ProblemsOf(diffs, {"extensions=true", "compat=vitis"}).empty());
}

TEST(VitisLimitsTest, ADpuTakesWhatItsEngineCan) {
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

TEST(VitisLimitsTest, EveryKeyRefusesWrongTypesAndRanges) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"target_device: TPU\n", "c.yaml:1:16: target_device is 'TPU'"},
      {"include_cle: true\n", "c.yaml:1:1: has no target_device, expected CPU, GPU, DPU, BPU, QNN"},
      {Cpu("convert_relu6_to_relu: \"no\"\n"), "is 'no', expected true or false"},
      {Cpu("convert_silu_to_hswish: maybe\n"), "is 'maybe', expected true or false"},
      {Cpu("keep_first_last_layer_accuracy: 1\n"), "is '1', expected true or false"},
      {Cpu("onnx_opset_version: x\n"), "onnx_opset_version is 'x', expected a whole number"},
      {Cpu("onnx_opset_version: 101\n"), "at most 28"},
      {Cpu("quantizable_data_type: weights\n"), "is 'weights', expected a list"},
      {Cpu("quantizable_data_type: [weight]\n"), "did you mean 'weights'?"},
      {Cpu("quantizable_data_type: [bias, bias]\n"), "'bias' is listed twice"},
      {Cpu("target_devise: CPU\n"), "unknown key 'target_devise', did you mean 'target_device'?"},
      {Cpu("mix_bit: true\n"), "unknown key 'mix_bit'"},
      {Cpu("\"\": 1\n"), "unknown key ''"},
      {std::string(kCpu) + "overall_quantize_config: 3\n", "is '3', expected a map"},
      {Cpu("tensor_quantize_config: {weight: {}}\n"),
       "unknown key 'weight', did you mean 'weights'?"},
      {TensorOf("activation", "metod: maxmin"), "unknown key 'metod', did you mean 'method'?"},
      {TensorOf("activation", "datatype: int8"), "datatype is 'int8', expected int, bfloat16"},
      {TensorOf("activation", "method: median"), "method is 'median', expected maxmin, percentile"},
      {TensorOf("activation", "method: half_up"), "method is 'half_up'"},
      {TensorOf("activation", "method: [maxmin]"), "method is 'a list'"},
      {TensorOf("activation", "method: {a: 1}"), "method is 'a map'"},
      {TensorOf("activation", "bit_width: 8.0"), "bit_width is '8.0', expected a whole number"},
      {TensorOf("activation", "bit_width: \"8\""), "bit_width is '8', expected a whole number"},
      {TensorOf("activation", "bit_width: 33"), "of at least 1 and at most 32"},
      {TensorOf("activation", "bit_width: 0"),
       "bit_width is '0', expected a whole number of at least"},
      {TensorOf("activation", "bit_width: 18446744073709551616"), "expected a whole number"},
      {TensorOf("activation", "percentage: .nan"),
       "percentage is '.nan', expected a number above 0"},
      {TensorOf("activation", "percentage: .inf"), "percentage is '.inf'"},
      {TensorOf("activation", "percentage: 1e999"), "percentage is '1e999'"},
      {TensorOf("activation", "percentage: 150"), "percentage is '150'"},
      {TensorOf("activation", "percentage: -1"), "percentage is '-1'"},
      {TensorOf("activation", "percentage: 0"), "percentage is '0'"},
      {TensorOf("activation", "percentage: x"), "percentage is 'x'"},
      {TensorOf("activation", "round_mode: maxmin"), "round_mode is 'maxmin', expected half_even"},
      {TensorOf("activation", "symmetry: maybe"), "symmetry is 'maybe', expected true or false"},
      {TensorOf("activation", "signed: [true]"), "signed is 'a list'"},
      {TensorOf("weights", "per_channel: maybe"), "per_channel is 'maybe'"},
      {TensorOf("weights", "narrow_range: 0"), "narrow_range is '0'"},
      {TensorOf("activation", "scale_type: power2"), "scale_type is 'power2'"},
      {TensorOf("activation", "calib_statistic_method: avg"), "calib_statistic_method is 'avg'"},
      {TensorOf("activation", "moving_rate: 2"), "moving_rate is '2'"},
      {TensorOf("activation", "window_size: 0"), "window_size is '0'"},
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

TEST(VitisLimitsTest, CompatIsForAllTensorsAndTriesOnePositionForInputs) {
  const LoadedConfig loaded = LoadText(
      "target_device: CPU\ncompat: vitis\ninclude_cle: false\ninclude_bias_corr: false\n"
      "round_mode: half_even\n");
  for (const TensorType type : kTensorTypes)
    EXPECT_EQ(loaded.config.tensors[type].compat, Compat::kVitis);
  EXPECT_EQ(loaded.config.tensors.input.method, CalibrationMethod::kMaxMin);
  EXPECT_EQ(loaded.config.tensors.activation.method, CalibrationMethod::kDiffs);
  EXPECT_EQ(loaded.config.tensors.activation.statistic, BatchStatistic::kModal);
}

// The vendor's tool replaces ReLU6 wherever it equalizes; whoever says not to is heard.
TEST(VitisLimitsTest, CompatReplacesRelu6UnlessThatIsWritten) {
  const auto replaces = [](const std::string& more) {
    const LoadedConfig loaded = LoadText(
        "target_device: CPU\ncompat: vitis\ninclude_bias_corr: false\nround_mode: half_even\n" +
        more);
    EXPECT_EQ(AnyHolds(loaded.infos, "c.yaml:2:9: compat vitis equalizes: Clip(0, 6) becomes Relu"),
              loaded.config.convert_relu6_to_relu && more.find("relu6") == std::string::npos);
    EXPECT_EQ(LoadText(PrintConfig(loaded.effective)).config, loaded.config) << more;
    return loaded.config.convert_relu6_to_relu;
  };
  EXPECT_TRUE(replaces("include_cle: true\n"));
  EXPECT_TRUE(replaces("include_cle: auto\nper_channel: false\n"));
  EXPECT_FALSE(
      replaces("include_cle: auto\ntensor_quantize_config: {weights: {per_channel: true}}\n"));
  EXPECT_FALSE(replaces("include_cle: false\n"));
  EXPECT_FALSE(replaces("include_cle: true\nconvert_relu6_to_relu: false\n"));
  EXPECT_TRUE(replaces("include_cle: false\nconvert_relu6_to_relu: true\n"));
}

TEST(VitisLimitsTest, EveryWidthAndSymmetryOfWeightsAndBiasesIsTaken) {
  for (const char* weights :
       {"bit_width: 2", "bit_width: 16", "symmetry: false, per_channel: true",
        "symmetry: true, signed: false", "block_size: 16", "block_size: 128, bit_width: 4"})
    EXPECT_THAT(ProblemsOf(TensorOf("weights", weights)), IsEmpty()) << weights;
  for (const char* bias : {"symmetry: false", "bit_width: 2", "bit_width: 31", "method: mse",
                           "method: percentile, percentage: 99.0"})
    EXPECT_THAT(ProblemsOf(TensorOf("bias", bias)), IsEmpty()) << bias;
}

TEST(VitisLimitsTest, WhatNoFileHoldsIsAnErrorWithItsKey) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {TensorOf("activation", "bit_width: 17"), "activation: bit_width is 17, expected 2 to 16"},
      {TensorOf("weights", "bit_width: 1"), "weights: bit_width is 1, expected 2 to 16"},
      {TensorOf("bias", "bit_width: 1"), "bias: bit_width is 1, expected 2 to 32"},
      {TensorOf("weights", "block_size: 8"), "weights: block_size is 8, expected 0 or at least 16"},
      {TensorOf("weights", "block_size: 48"), "weights: block_size is 48, expected a power of two"},
      {TensorOf("weights", "block_size: 32, symmetry: false"),
       "weights: symmetry is false, expected true with block_size"},
  };
  for (const auto& [text, message] : cases) {
    const auto problems = ProblemsOf(text);
    EXPECT_TRUE(AnyHolds(problems, message)) << text << (problems.empty() ? "" : problems[0]);
  }
}

TEST(VitisLimitsTest, AGpuComputesWithSignedBytesAndZeroPointZero) {
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

TEST(VitisLimitsTest, QnnComputesWithUnsignedValuesAndSignedWeights) {
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

TEST(VitisLimitsTest, OnlyTheCpuFindsRangesAtRunTime) {
  const auto dynamic = [](const std::string& device) {
    return "target_device: " + device +
           "\nscheme: dynamic\nextensions: true\noverall_quantize_config: {method: maxmin, "
           "round_mode: half_even, scale_type: float, calib_statistic_method: all}\n";
  };
  EXPECT_THAT(ProblemsOf(dynamic("CPU")), IsEmpty());
  EXPECT_TRUE(AnyHolds(ProblemsOf(dynamic("GPU")),
                       "scheme is dynamic, target GPU expects static or weight-only"));
}

TEST(VitisLimitsTest, PackedWeightsNeedBlocksAndTheCpu) {
  const std::string blocks = "block_size: 32";
  EXPECT_THAT(ProblemsOf(TensorOf("weights", blocks) + "matmul_nbits: true\n"), IsEmpty());
  EXPECT_TRUE(AnyHolds(ProblemsOf(TensorOf("weights", "bit_width: 4") + "matmul_nbits: true\n"),
                       "matmul_nbits is true, expected block_size of weights with it"));
  EXPECT_THAT(ProblemsOf(TensorOf("weights", "bit_width: 4") + "matmul_nbits: false\n"), IsEmpty());
  EXPECT_TRUE(
      AnyHolds(ProblemsOf("target_device: GPU\nmatmul_nbits: true\noverall_quantize_config: "
                          "{method: maxmin, round_mode: half_even, scale_type: float, "
                          "block_size: 32}\n"),
               "matmul_nbits is true, target GPU expects false"));
}

TEST(VitisLimitsTest, WithoutQuantizedValuesNoRoundingOfThemIsSpokenOf) {
  const std::string text =
      "target_device: CPU\ninclude_cle: false\ninclude_bias_corr: false\noverall_quantize_config: "
      "{method: maxmin, scale_type: float, calib_statistic_method: max}\n";
  EXPECT_TRUE(AnyHolds(LoadText(text).warnings, "halves are rounded"));
  EXPECT_FALSE(AnyHolds(LoadText(text + "scheme: weight-only\n").warnings, "halves are rounded"));
}

TEST(VitisLimitsTest, ExactRoundingSilencesTheNoteAboutRounding) {
  const std::string text =
      "target_device: CPU\ninclude_cle: false\ninclude_bias_corr: false\noverall_quantize_config: "
      "{method: maxmin, scale_type: float, calib_statistic_method: max}\n";
  EXPECT_TRUE(AnyHolds(LoadText(text).warnings, "exact_rounding: true writes the operators"));
  const LoadedConfig exact = LoadText(text + "exact_rounding: true\n");
  EXPECT_TRUE(exact.config.exact_rounding);
  EXPECT_FALSE(AnyHolds(exact.warnings, "halves are rounded"));
}

TEST(VitisLimitsTest, DefaultsThatCannotBeDoneAreAWarning) {
  const LoadedConfig loaded = LoadText(
      "target_device: CPU\noverall_quantize_config: {method: maxmin, scale_type: float, "
      "calib_statistic_method: max}\n");
  EXPECT_FALSE(AnyHolds(loaded.warnings, "include_cle"));
  EXPECT_FALSE(AnyHolds(loaded.warnings, "include_bias_corr"));
  EXPECT_TRUE(AnyHolds(loaded.warnings, "round_mode of activation, input: halves are rounded"));
}

}  // namespace
}  // namespace qconvert
