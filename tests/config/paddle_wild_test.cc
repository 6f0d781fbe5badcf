// Paddle's settings as its tools write them: names of quant_aware and quant_post_static, and files
// of training with the settings somewhere in them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/read_config.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using M = CalibrationMethod;

LoadedConfig Taken(const std::string& text) {
  const LoadedConfig loaded = LoadText(text);
  EXPECT_EQ(loaded.dialect, "Paddle") << text;
  return loaded;
}

std::vector<std::string> Types(const QuantConfig& config) {
  std::vector<std::string> out;
  for (const LayerSettings& layer : config.layers) {
    EXPECT_TRUE(layer.tensors.activation.is_int());
    out.push_back(layer.match.types.at(0).op_type);
  }
  return out;
}

TEST(PaddleWildTest, OperatorsByTheNamesOfPrograms) {
  EXPECT_THAT(Types(Taken("weight_bits: 8\nquantize_op_types: [conv2d, depthwise_conv2d, mul, "
                          "elementwise_add]\n")
                        .config),
              UnorderedElementsAre("Conv", "Gemm", "Add"));
  EXPECT_THAT(
      Types(Taken("weight_bits: 8\nquantizable_op_type: [matmul_v2, conv2d_transpose]\n").config),
      UnorderedElementsAre("MatMul", "ConvTranspose"));
  EXPECT_TRUE(AnyHolds(ProblemsOf("weight_bits: 8\nquantize_op_types: [conv9d]\n"),
                       "c.yaml:2:21: unknown quantizable_layer_type 'conv9d'"));
}

TEST(PaddleWildTest, OneKeyByTwoNames) {
  const std::string both = "quantizable_layer_type: [Conv2D]\nquantize_op_types: ";
  EXPECT_THAT(
      ProblemsOf(both + "[matmul]\n"),
      ElementsAre("c.yaml:2:1: quantize_op_types is quantizable_layer_type by another name, "
                  "which says something else"));
  EXPECT_THAT(Types(Taken(both + "[Conv2D]\n").config), ElementsAre("Conv"));
  EXPECT_TRUE(AnyHolds(ProblemsOf("weight_bits: 8\nquant_batch_num: 3\nbatch_nums: 4\n"),
                       "c.yaml:2:1: quant_batch_num is batch_nums by another name"));
}

TEST(PaddleWildTest, SettingsInLargerFiles) {
  const std::string inner = "{weight_bits: 4, activation_bits: 8, use_pact: true}";
  for (const std::string& file :
       {"epoch: 5\nQAT:\n  quant_config: " + inner + "\n  print_model: true\n",
        "Global: {model_dir: ./m}\nQuantAware: " + inner + "\nTrainConfig: {epochs: 1}\n",
        "Quantization: " + inner + "\nDistillation: {alpha: 1.0}\n",
        "Architecture: {a: 1}\nquant_config: " + inner + "\n"}) {
    const LoadedConfig loaded = Taken(file);
    EXPECT_EQ(loaded.config.layers.at(0).tensors.weights.bit_width, 4) << file;
    EXPECT_EQ(loaded.config.learned_clipping, Correction::kOn) << file;
    EXPECT_TRUE(AnyHolds(loaded.infos, "for training")) << file;
  }
  EXPECT_EQ(Taken("Slim: {quant: {name: pact}}\n").config.learned_clipping, Correction::kOn);
  EXPECT_EQ(Taken("Slim: {quant: {name: quant}}\n").config.learned_clipping, Correction::kOff);
}

TEST(PaddleWildTest, AlgorithmsOfPostTraining) {
  const auto activation = [](const std::string& more) {
    return Taken("weight_bits: 8\nactivation_quantize_type: range_abs_max\n" + more)
        .config.layers.at(0)
        .tensors.activation;
  };
  EXPECT_EQ(activation("algo: KL\n").method, M::kEntropy);
  EXPECT_EQ(activation("algo: mse\n").method, M::kMse);
  EXPECT_EQ(activation("algo: abs_max\n").method, M::kMaxMin);
  EXPECT_DOUBLE_EQ(activation("algo: hist\n").percentage, 99.999);
  EXPECT_EQ(activation("algo: hist\nhist_percent: 0.5\n").percentage, 50);
  EXPECT_EQ(activation("algo: avg\n").statistic, BatchStatistic::kMean);
  EXPECT_EQ(activation("").method, M::kRangeAbsMax);
  EXPECT_TRUE(AnyHolds(ProblemsOf("weight_bits: 8\nalgo: kl\n"), "did you mean 'KL'?"));
}

TEST(PaddleWildTest, WhatPostTrainingHasBesideRanges) {
  const QuantConfig config =
      Taken(
          "weight_bits: 8\nalgo: hist\nround_type: adaround\nbias_correction: true\n"
          "batch_size: 4\nbatch_nums: 8\n")
          .config;
  ASSERT_TRUE(config.learning);
  EXPECT_EQ(config.learning->method, LearningMethod::kAdaRound);
  EXPECT_EQ(config.bias_correction, Correction::kOn);
  EXPECT_EQ(config.calibration.max_samples, 32);
  const LoadedConfig idle = Taken(
      "weight_bits: 8\nalgo: hist\nskip_tensor_list: [a]\nonnx_format: true\n"
      "for_tensorrt: false\n");
  EXPECT_TRUE(AnyHolds(idle.warnings, "skip_tensor_list has no effect"));
  EXPECT_TRUE(AnyHolds(idle.infos, "onnx_format"));
}

TEST(PaddleWildTest, FullQuantizationIsOfEveryType) {
  const QuantConfig config = Taken("weight_bits: 8\nis_full_quantize: true\n").config;
  EXPECT_TRUE(config.tensors.activation.is_int());
  EXPECT_THAT(config.layers, IsEmpty());
}

TEST(PaddleWildTest, ClassesOfQuantizers) {
  const QuantConfig config =
      Taken(
          "PTQ:\n  ptq_config: {activation_quantizer: HistQuantizer, hist_percent: 0.999, "
          "weight_quantizer: AbsmaxQuantizer}\n  fuse: true\nweights: x.pdparams\n")
          .config;
  EXPECT_EQ(config.layers.at(0).tensors.activation.method, M::kPercentile);
  EXPECT_EQ(config.layers.at(0).tensors.activation.percentage, 99.9);
  EXPECT_FALSE(config.layers.at(0).tensors.weights.per_channel);
}

TEST(PaddleWildTest, LearnedStepsAreLearnedThresholds) {
  const QuantConfig config = Taken(
                                 "weight_quantize_type: channel_wise_lsq_weight\n"
                                 "activation_quantize_type: lsqplus_act\n")
                                 .config;
  EXPECT_EQ(config.learned_clipping, Correction::kOn);
  EXPECT_TRUE(config.layers.at(0).tensors.weights.per_channel);
  EXPECT_EQ(config.layers.at(0).tensors.activation.method, M::kMaxMin);
}

TEST(PaddleWildTest, PatternsMayFitNothing) {
  const QuantConfig config = Taken("weight_bits: 8\nnot_quant_pattern: [skip_quant]\n").config;
  EXPECT_TRUE(config.layers.back().match.may_miss);
}

}  // namespace
}  // namespace qconvert
