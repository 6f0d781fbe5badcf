// The example files that come with the Vitis AI quantizer, written anew from their description:
// each must resolve to what the vendor's tool makes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "support/project_folder.h"
#include "support/read_config.h"

namespace qconvert {
namespace {

using testing::IsEmpty;
using M = CalibrationMethod;

// int8, half_even, symmetric, per tensor, float scale.
TensorSettings Int8(M method, BatchStatistic statistic) {
  return {.bit_width = 8,
          .method = method,
          .symmetry = true,
          .is_signed = true,
          .statistic = statistic};
}

// Statistics are for input and activation; weights and bias have none.
TensorSettings Int8(M method) { return Int8(method, BatchStatistic::kAll); }

TEST(VendorExamplesTest, IntConfig) {
  const LoadedConfig loaded = LoadText(R"({
    "target_device": "CPU",
    "quantizable_data_type": ["input", "weights", "bias", "activation"],
    "overall_quantize_config": {
      "datatype": "int", "bit_width": 8, "method": "maxmin", "round_mode": "half_even",
      "symmetry": true, "per_channel": false, "signed": true, "narrow_range": false,
      "scale_type": "float", "calib_statistic_method": "max"},
    "include_cle": true, "include_bias_corr": true, "onnx_opset_version": 14})",
                                       {}, "int_config.json");
  const QuantConfig& config = loaded.config;
  EXPECT_EQ(config.target_device, TargetDevice::kCpu);
  EXPECT_EQ(config.tensors.activation, Int8(M::kMaxMin, BatchStatistic::kMax));
  EXPECT_EQ(config.tensors.input, Int8(M::kMaxMin, BatchStatistic::kMax));
  EXPECT_EQ(config.tensors.weights, Int8(M::kMaxMin));
  EXPECT_EQ(config.tensors.bias, Int8(M::kMaxMin));
  EXPECT_EQ(config.equalization, Correction::kOn);
  EXPECT_EQ(config.bias_correction, Correction::kOn);
  EXPECT_EQ(config.onnx_opset_version, 14);
}

TEST(VendorExamplesTest, Bfloat16Config) {
  const QuantConfig config =
      LoadText(R"({"target_device": "CPU", "overall_quantize_config": {"datatype": "bfloat16"}})",
               {}, "bfloat16_config.json")
          .config;
  for (const TensorType type : kTensorTypes)
    EXPECT_EQ(config.tensors[type].datatype, Datatype::kBfloat16);
}

TEST(VendorExamplesTest, MixPrecisionConfig) {
  const QuantConfig config = LoadText(R"({
    "target_device": "CPU",
    "quantizable_data_type": ["input", "weights", "bias", "activation"],
    "overall_quantize_config": {"datatype": "bfloat16"},
    "tensor_quantize_config": {"bias": {"datatype": "float16"}},
    "layer_quantize_config": [
      {"layer_type": "Conv2d",
       "quantizable_data_type": ["weights", "bias", "activation", "input"],
       "overall_quantize_config": {
         "datatype": "int", "bit_width": 8, "method": "maxmin", "round_mode": "std_round",
         "scale_type": "float", "symmetry": true, "signed": true, "narrow_range": false,
         "per_channel": false, "calib_statistic_method": "max"},
       "tensor_quantize_config": {"activation": {"round_mode": "half_up"}}},
      {"layer_name": "ResNet::ResNet/Conv2d[conv1]/ret.3",
       "quantizable_data_type": ["weights", "bias", "activation", "input"],
       "overall_quantize_config": {
         "datatype": "int", "bit_width": 16, "method": "maxmin", "round_mode": "half_even",
         "scale_type": "float", "symmetry": true, "signed": true, "narrow_range": false,
         "per_channel": false, "calib_statistic_method": "max"},
       "tensor_quantize_config": {"weights": {"per_channel": true}}}],
    "onnx_opset_version": 14})",
                                      {}, "mix_precision_config.json")
                                 .config;
  EXPECT_EQ(config.tensors.input.datatype, Datatype::kBfloat16);
  EXPECT_EQ(config.tensors.weights.datatype, Datatype::kBfloat16);
  EXPECT_EQ(config.tensors.activation.datatype, Datatype::kBfloat16);
  EXPECT_EQ(config.tensors.bias.datatype, Datatype::kFloat16);
  ASSERT_EQ(config.layers.size(), 2U);
  const NodeSettings& convs = config.layers[0].tensors;
  TensorSettings expected = Int8(M::kMaxMin, BatchStatistic::kMax);
  expected.round_mode = RoundMode::kStdRound;
  EXPECT_EQ(convs.input, expected);
  expected.round_mode = RoundMode::kHalfUp;
  EXPECT_EQ(convs.activation, expected);
  expected = Int8(M::kMaxMin);
  expected.round_mode = RoundMode::kStdRound;
  EXPECT_EQ(convs.weights, expected);
  EXPECT_EQ(convs.bias, expected);
  EXPECT_EQ(config.layers[0].match.types, (std::vector<OpMatch>{{"Conv", 4}}));
  const NodeSettings& first = config.layers[1].tensors;
  expected = Int8(M::kMaxMin, BatchStatistic::kMax);
  expected.bit_width = 16;
  EXPECT_EQ(first.input, expected);
  EXPECT_EQ(first.activation, expected);
  expected = Int8(M::kMaxMin);
  expected.bit_width = 16;
  EXPECT_EQ(first.bias, expected);
  expected.per_channel = true;
  EXPECT_EQ(first.weights, expected);
  EXPECT_EQ(config.layers[1].match.kind, LayerMatch::Kind::kModule);
}

TEST(VendorExamplesTest, GpuQuantConfig) {
  const QuantConfig config = LoadText(R"({
    "target_device": "GPU",
    "overall_quantize_config": {
      "datatype": "int", "bit_width": 8, "method": "maxmin", "round_mode": "half_even",
      "scale_type": "float", "calib_statistic_method": "median"},
    "tensor_quantize_config": {"weights": {"per_channel": true}, "bias": {"bit_width": 32}}})",
                                      {}, "gpu_quant_config.json")
                                 .config;
  EXPECT_EQ(config.target_device, TargetDevice::kGpu);
  EXPECT_EQ(config.tensors.activation, Int8(M::kMaxMin, BatchStatistic::kMedian));
  TensorSettings expected = Int8(M::kMaxMin);
  expected.per_channel = true;
  EXPECT_EQ(config.tensors.weights, expected);
  expected = Int8(M::kMaxMin);
  expected.bit_width = 32;
  EXPECT_EQ(config.tensors.bias, expected);
}

// The vendor's parser dies on this one: an entry that lists input and activation alone.
TEST(VendorExamplesTest, Gemm88Config) {
  const QuantConfig config = LoadText(R"({
    "target_device": "DPU",
    "overall_quantize_config": {"datatype": "float32"},
    "layer_quantize_config": [
      {"layer_type": "Linear", "quantizable_data_type": ["input", "weights", "bias", "activation"],
       "overall_quantize_config": {"datatype": "int", "method": "diffs", "scale_type": "poweroftwo"}},
      {"layer_type": "matmul", "quantizable_data_type": ["input", "activation"],
       "overall_quantize_config": {"datatype": "int", "method": "diffs", "scale_type": "poweroftwo"}}]})",
                                      {}, "gemm88_config.json")
                                 .config;
  EXPECT_EQ(config.tensors.activation.datatype, Datatype::kFloat32);
  const TensorSettings expected{.method = M::kDiffs,
                                .round_mode = RoundMode::kHalfUp,
                                .scale_type = ScaleType::kPowerOfTwo,
                                .symmetry = true,
                                .is_signed = true,
                                .statistic = BatchStatistic::kModal};
  EXPECT_EQ(config.layers[0].tensors.activation, expected);
  EXPECT_EQ(config.layers[1].tensors.activation, expected);
  EXPECT_EQ(config.layers[1].tensors.weights.datatype, Datatype::kFloat32);
  EXPECT_EQ(config.layers[0].match.types,
            (std::vector<OpMatch>{{"Gemm"}, {"MatMul", 0, OpMatch::Weight::kConstant}}));
  EXPECT_EQ(config.layers[1].match.types,
            (std::vector<OpMatch>{{"MatMul", 0, OpMatch::Weight::kComputed}}));
}

TEST(VendorExamplesTest, Uif) {
  const QuantConfig config = LoadText(R"({"target_device": "DPU", "change_concat_input_fix": true,
                   "change_pool_input_fix": true})",
                                      {}, "uif.json")
                                 .config;
  QuantConfig expected = LoadText("target_device: DPU\n").config;
  expected.change_concat_input_fix = expected.change_pool_input_fix = true;
  EXPECT_EQ(config, expected);
}

TEST(VendorExamplesTest, PytorchQuantizeConfig) {
  const LoadedConfig loaded = LoadText(R"({
    "target_device": "CPU",
    "overall_quantize_config": {
      "datatype": "int", "bit_width": 8, "method": "maxmin", "round_mode": "half_even",
      "symmetry": true, "per_channel": false, "signed": true, "narrow_range": false,
      "scale_type": "float", "calib_statistic_method": "max"},
    "tensor_quantize_config": {"activation": {"method": "mse"}},
    "layer_quantize_config": [
      {"layer_type": "torch.nn.Conv2d",
       "quantizable_data_type": ["weights", "bias", "activation"],
       "tensor_quantize_config": {
         "weights": {"per_channel": true}, "activation": {"method": "entropy"}}},
      {"layer_name": "ResNet::ResNet/Conv2d[conv1]/input.2",
       "quantizable_data_type": ["activation"],
       "overall_quantize_config": {"round_mode": "half_up"}}],
    "include_cle": false, "include_bias_corr": false})",
                                       {}, "pytorch_quantize_config.json");
  const QuantConfig& config = loaded.config;
  EXPECT_EQ(config.tensors.activation, Int8(M::kMse, BatchStatistic::kMax));
  EXPECT_EQ(config.tensors.input, Int8(M::kMaxMin, BatchStatistic::kMax));
  ASSERT_EQ(config.layers.size(), 2U);
  TensorSettings expected = Int8(M::kMaxMin);
  expected.per_channel = true;
  EXPECT_EQ(config.layers[0].tensors.weights, expected);
  EXPECT_EQ(config.layers[0].tensors.bias, Int8(M::kMaxMin));
  EXPECT_EQ(config.layers[0].tensors.activation, Int8(M::kEntropy, BatchStatistic::kMax));
  EXPECT_EQ(config.layers[0].tensors.input, config.tensors.input);
  expected = Int8(M::kMse, BatchStatistic::kMax);
  expected.round_mode = RoundMode::kHalfUp;
  EXPECT_EQ(config.layers[1].tensors.activation, expected);
  EXPECT_EQ(config.layers[1].tensors.weights, config.tensors.weights);
}

TEST(VendorExamplesTest, PaddleSettings) {
  const LoadedConfig loaded = LoadText(R"({
    "weight_preprocess_type": null, "activation_preprocess_type": null,
    "weight_quantize_type": "channel_wise_abs_max", "activation_quantize_type": "abs_max",
    "weight_bits": 8, "activation_bits": 8, "dtype": "int8", "window_size": 10000,
    "moving_rate": 0.9, "quantizable_layer_type": ["Conv2D", "Linear"],
    "not_quant_pattern": ["skip"]})",
                                       {}, "paddle.json");
  EXPECT_EQ(loaded.dialect, "Paddle");
  const QuantConfig& config = loaded.config;
  EXPECT_FALSE(config.tensors.activation.is_int()) << "what is not listed stays float";
  ASSERT_EQ(config.layers.size(), 3U);
  const NodeSettings& convs = config.layers[0].tensors;
  EXPECT_EQ(config.layers[0].match.types, (std::vector<OpMatch>{{"Conv", 4}}));
  TensorSettings expected = Int8(M::kMaxMin);
  expected.narrow_range = true;
  EXPECT_EQ(convs.activation, expected);
  expected.per_channel = true;
  EXPECT_EQ(convs.weights, expected);
  EXPECT_EQ(convs.bias.bit_width, 32);
  EXPECT_EQ(config.layers[2].match.pattern, "*skip*");
  EXPECT_FALSE(config.layers[2].tensors.activation.is_int());
}

TEST(VendorExamplesTest, PaddleMovesAnAverageByDefault) {
  const LoadedConfig loaded = LoadText("weight_bits: 8\nmoving_rate: 0.8\n");
  const TensorSettings& activation = loaded.config.layers[0].tensors.activation;
  EXPECT_EQ(activation.method, M::kMovingAverageAbsMax);
  EXPECT_EQ(activation.moving_rate, 0.8);
}

TEST(VendorExamplesTest, PactClipsWhereTheReadersLeastNoticeIt) {
  const LoadedConfig plain = LoadText("weight_bits: 8\nactivation_preprocess_type: None\n");
  EXPECT_EQ(plain.config.learned_clipping, Correction::kOff);
  const LoadedConfig values = LoadText("weight_bits: 8\nactivation_preprocess_type: PACT\n");
  EXPECT_EQ(values.config.learned_clipping, Correction::kOn);
  EXPECT_EQ(values.config.layers[0].tensors, plain.config.layers[0].tensors);
  const LoadedConfig weights = LoadText("weight_bits: 8\nweight_preprocess_type: PACT\n");
  EXPECT_EQ(weights.config.learned_clipping, Correction::kOff);
  EXPECT_EQ(plain.config.layers[0].tensors.weights.method, M::kMaxMin);
  EXPECT_EQ(weights.config.layers[0].tensors.weights.method, M::kMse);
  for (const LoadedConfig* loaded : {&plain, &values, &weights}) {
    EXPECT_THAT(loaded->warnings, IsEmpty());
  }
}

TEST(VendorExamplesTest, EveryPresetConverts) {
  size_t presets = 0;
  for (const auto& entry : std::filesystem::directory_iterator(ProjectFolder() / "configs")) {
    if (entry.path().extension() != ".yaml") continue;
    ++presets;
    EXPECT_NO_THROW(ReadConfig(entry.path(), {})) << entry.path();
  }
  EXPECT_GE(presets, 14U);
}

TEST(VendorExamplesTest, PaddleProblems) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"weight_bits: 17\nactivation_bits: 8\n", "weight_bits is '17'"},
      {"weight_bits: 8\nactivation_quantize_type: channel_wise_abs_max\n",
       "activation_quantize_type is 'channel_wise_abs_max'"},
      {"weight_bits: 8\nmoving_rate: 1.5\n", "moving_rate is '1.5'"},
      {"weight_bits: 8\nwindow_size: x\n", "window_size is 'x'"},
      {"weight_bits: 8\ndtype: float\n", "dtype is 'float'"},
      {"weight_bits: 8\nquantizable_layer_type: [Conv9D]\n",
       "c.yaml:2:26: unknown quantizable_layer_type 'Conv9D', did you mean 'Conv1d'?"},
      {"weight_bits: 8\nweight_quantise_type: abs_max\n",
       "unknown key 'weight_quantise_type', did you mean 'weight_quantize_type'?"},
  };
  for (const auto& [text, message] : cases) {
    const auto problems = ProblemsOf(text);
    EXPECT_TRUE(AnyHolds(problems, message)) << text << (problems.empty() ? "" : problems[0]);
  }
}

}  // namespace
}  // namespace qconvert
