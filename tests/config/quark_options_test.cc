// The Quark language: its extra options and algorithms.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/quark_text.h"

namespace qconvert {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using M = CalibrationMethod;

TEST(QuarkOptionsTest, OptionsThatAct) {
  const auto config = [](const std::string& options) { return Load(Options(options)).config; };
  EXPECT_EQ(config("\"Percentile\": 99.9").tensors.activation.percentage, 99.9);
  EXPECT_EQ(config("\"CalibDataSize\": 64").calibration.max_samples, 64);
  EXPECT_EQ(config("\"CalibWorkerNum\": 2").calibration.workers, 2);
  EXPECT_EQ(config("\"ConvertOpsetVersion\": 17").onnx_opset_version, 17);
  EXPECT_EQ(config("\"WeightsOnly\": true").scheme, Scheme::kWeightOnly);
  EXPECT_FALSE(config("\"QuantizeBias\": false").tensors.bias.is_int());
  EXPECT_EQ(config("\"Int32Bias\": false").tensors.bias.bit_width, 8);
  EXPECT_EQ(config("\"Int16Bias\": true").tensors.bias.bit_width, 16);
  const QuantConfig matmul = config("\"MatMulConstBOnly\": true");
  ASSERT_EQ(matmul.layers.size(), 1U);
  EXPECT_EQ(matmul.layers[0].match.types[0].weight, OpMatch::Weight::kComputed);
  const QuantConfig types = config("\"OpTypesToQuantize\": [\"Conv\"]");
  EXPECT_FALSE(types.tensors.activation.is_int());
  ASSERT_EQ(types.layers.size(), 1U);
  EXPECT_TRUE(types.layers[0].tensors.activation.is_int());
  EXPECT_EQ(types.layers[0].tensors.activation.method, M::kPercentile);
  const LayerMatch named = config("\"NodesToQuantize\": [\"/a\"]").layers[0].match;
  EXPECT_EQ(named.pattern, "/a");
  EXPECT_TRUE(named.types.empty());
  const QuantConfig both =
      config("\"NodesToQuantize\": [\"/a\", \"/b\"], \"OpTypesToQuantize\": [\"Conv\", \"Gemm\"]");
  EXPECT_FALSE(both.tensors.activation.is_int());
  ASSERT_EQ(both.layers.size(), 2U);
  EXPECT_EQ(both.layers[1].match.pattern, "/b");
  ASSERT_EQ(both.layers[1].match.types.size(), 2U);
  EXPECT_EQ(both.layers[1].match.types[1].op_type, "Gemm");
}

TEST(QuarkOptionsTest, RangesAtRunTimeAreTheDynamicScheme) {
  const auto scheme = [](const std::string& root, std::vector<std::string> overrides = {}) {
    return Load(File(Full("Int8", "MinMax", "Float32"), Full("Int8", "MinMax", "Float32"), root),
                overrides)
        .config.scheme;
  };
  EXPECT_EQ(scheme("\"use_dynamic_quant\": true"), Scheme::kDynamic);
  EXPECT_EQ(scheme("\"use_dynamic_quant\": true", {"scheme=static"}), Scheme::kStatic);
  EXPECT_NE(scheme("\"use_dynamic_quant\": false"), Scheme::kDynamic);
}

TEST(QuarkOptionsTest, OptionsAreOverriddenByTheirName) {
  const LoadedConfig loaded = Load(Options("\"CalibDataSize\": 64"),
                                   {"CalibDataSize=8", "activation.method=mse", "scheme=auto"});
  EXPECT_EQ(loaded.config.calibration.max_samples, 8);
  EXPECT_EQ(loaded.config.tensors.activation.method, M::kMse) << "in the words of Vitis";
  EXPECT_EQ(loaded.config.scheme, Scheme::kAuto);
  EXPECT_THAT(
      [] { Load(Options("\"CalibDataSize\": 64"), {"global_config.weight={spec: UInt32Spec}"}); },
      testing::ThrowsMessage<ConfigError>(HasSubstr("weights: bit_width is 32, expected 2")));
  EXPECT_NO_THROW(Load(Options("\"UserCustomOpLibPath\": \"a\""), {"UserCustomOpLibPath="}));
}

TEST(QuarkOptionsTest, GptqRoundsBySecondOrder) {
  const LoadedConfig loaded = Load(Int8("\"algo_config\": [{\"name\": \"gptq\"}]"));
  EXPECT_EQ(loaded.config.second_order_rounding, Correction::kOn);
  EXPECT_EQ(Load(Int8()).config.second_order_rounding, Correction::kOff);
}

TEST(QuarkOptionsTest, FinetuningHasTheVendorsDefaults) {
  const LoadedConfig loaded = Load(Finetuning("adaround"));
  LearningSettings expected{.method = LearningMethod::kAdaRound,
                            .iterations = 1000,
                            .learning_rate = 0.1,
                            .learns_bias = false,
                            .stops_early = false};
  EXPECT_EQ(loaded.config.learning, expected);
  expected.method = LearningMethod::kAdaQuant;
  expected.iterations = 3000;
  expected.learning_rate = 1e-5;
  EXPECT_EQ(Load(Finetuning("adaquant")).config.learning, expected);
  EXPECT_FALSE(Load(Int8()).config.learning);
}

TEST(QuarkOptionsTest, ParametersOfFinetuningAct) {
  const LoadedConfig loaded = Load(Finetuning(
      "adaround",
      R"(, "num_iterations": 50, "learning_rate": 0.01, "batch_size": 2, "data_size": 100,
         "fixed_seed": 7, "early_stop": true, "update_bias": true, "drop_ratio": 0.5,
         "target_op_type": ["Conv"], "num_batches": 1, "output_index": 0, "output_qdq": false,
         "reconstruction": "block", "lr_adjust": null, "selective_update": true, "optim_device": "cpu", "num_workers": 1)"));
  const LearningSettings expected{.unit = LearningUnit::kBlock,
                                  .iterations = 50,
                                  .batch = 512,
                                  .learning_rate = 0.01,
                                  .learns_bias = true,
                                  .quantized_part = 0.5,
                                  .seed = 7,
                                  .stops_early = true,
                                  .samples = 100,
                                  .op_types = {"Conv"}};
  EXPECT_EQ(loaded.config.learning, expected);
}

TEST(QuarkOptionsTest, OfSeveralFinetuningsTheFirstStays) {
  const LoadedConfig loaded = Load(
      Int8(R"("algo_config": [{"name": "adaquant"}, {"name": "adaround", "num_iterations": 5}])"));
  EXPECT_EQ(loaded.config.learning->method, LearningMethod::kAdaQuant);
  EXPECT_EQ(loaded.config.learning->iterations, 3000);
}

TEST(QuarkOptionsTest, BiasCorrectionIsAskedForByItsName) {
  const LoadedConfig loaded = Load(Int8("\"algo_config\": [{\"name\": \"bias_correction\"}]"));
  EXPECT_EQ(loaded.config.bias_correction, Correction::kOn);
}

TEST(QuarkOptionsTest, SmoothQuantEqualizesWithItsDefaultAlpha) {
  const auto smooth = [](const std::string& parameters) {
    return Load(Int8("\"algo_config\": [{\"name\": \"smooth_quant\"" + parameters + "}]"));
  };
  EXPECT_EQ(Load(Int8()).config.equalization, Correction::kOff);
  for (const char* alpha : {"", ", \"alpha\": 0.5", ", \"alpha\": null"}) {
    const LoadedConfig loaded = smooth(alpha);
    EXPECT_EQ(loaded.config.equalization, Correction::kOn) << alpha;
  }
  EXPECT_THAT(smooth("").warnings, IsEmpty());
  EXPECT_THAT(smooth(", \"alpha\": 0.8").warnings, ElementsAre(HasSubstr("alpha is 0.5, not 0.8")));
}

// The options that AMD's presets XINT8, VINT8, A8W8 and A16W8 are written out with.
TEST(QuarkOptionsTest, OptionsOfTheVendorsPresetsAreTaken) {
  const std::vector<std::pair<std::string, std::string>> told = {
      {"\"DedicatedQDQPair\": true", "DedicatedQDQPair true: one pair serves all readers"},
      {"\"RemoveQDQConvRelu\": false", "RemoveQDQConvRelu false: no pair stands there"},
      {"\"RemoveQDQConvClip\": false", "RemoveQDQConvClip false: no pair stands there"},
      {"\"ConvertBNToConv\": false", "ConvertBNToConv false: one that no Conv takes in"},
      {"\"ConvertClipToRelu\": true", "ConvertClipToRelu true: a Clip whose bounds"},
      {"\"ConvertSplitToSlice\": true", "ConvertSplitToSlice true: Split stays"},
      {"\"NPULimitationCheck\": false", "NPULimitationCheck false: shifts are always kept"},
  };
  for (const auto& [option, message] : told) {
    const LoadedConfig loaded = Load(Options(option));
    EXPECT_TRUE(AnyHolds(loaded.warnings, "c.json:3:")) << option;
    EXPECT_TRUE(AnyHolds(loaded.warnings, message)) << option;
  }
  for (const char* silent :
       {"\"DedicatedQDQPair\": false", "\"RemoveQDQConvRelu\": true", "\"AlignSlice\": true",
        "\"AlignEltwiseQuantType\": true", "\"FoldRelu\": true", "\"BF16QDQToCast\": true",
        "\"AdjustShiftCut\": true"}) {
    const LoadedConfig loaded = Load(Options(silent));
    EXPECT_THAT(loaded.warnings, IsEmpty()) << silent;
  }
}

TEST(QuarkOptionsTest, AlignedScalesAreThoseOfTheVitisSwitches) {
  const QuantConfig aligned = Load(Options("\"AlignConcat\": true, \"AlignPool\": true")).config;
  EXPECT_TRUE(aligned.change_concat_input_fix);
  EXPECT_TRUE(aligned.change_pool_input_fix);
  EXPECT_FALSE(Load(Options("\"AlignConcat\": false")).config.change_concat_input_fix);
}

TEST(QuarkOptionsTest, ExternalDataIsTheCommandLines) {
  const LoadedConfig loaded = Load(Int8("\"use_external_data_format\": true"));
  EXPECT_TRUE(AnyHolds(loaded.warnings, "--external-data writes two"));
  EXPECT_THAT(Load(Int8("\"use_external_data_format\": false")).warnings, IsEmpty());
}

TEST(QuarkOptionsTest, MatMulNBitsAreBlocksOfTheWeightsOfMatMulAlone) {
  const QuantConfig config = Load(Options("\"UseMatMulNBits\": true")).config;
  EXPECT_EQ(config.scheme, Scheme::kWeightOnly);
  EXPECT_TRUE(config.matmul_nbits);
  EXPECT_EQ(config.tensors.weights.datatype, Datatype::kFloat32);
  ASSERT_EQ(config.layers.size(), 1U);
  EXPECT_EQ(config.layers[0].match.pattern, "MatMul");
  const TensorSettings& weights = config.layers[0].tensors.weights;
  EXPECT_TRUE(weights.is_int());
  EXPECT_EQ(weights.bit_width, 4);
  EXPECT_EQ(weights.block_size, 128);
  EXPECT_TRUE(weights.symmetry);
  const QuantConfig asked =
      Load(Options("\"UseMatMulNBits\": true, \"MatMulNBitsParams\": {\"GroupSize\": 32, "
                   "\"Bits\": 8, \"Algorithm\": \"GPTQ\", \"AccuracyLevel\": 1}"))
          .config;
  EXPECT_EQ(asked.layers[0].tensors.weights.block_size, 32);
  EXPECT_EQ(asked.layers[0].tensors.weights.bit_width, 8);
  EXPECT_EQ(asked.second_order_rounding, Correction::kOn);
  EXPECT_TRUE(AnyHolds(
      Problems(Options("\"UseMatMulNBits\": true, \"MatMulNBitsParams\": {\"Group\": 32}")),
      "key of MatMulNBitsParams is 'Group', expected GroupSize"));
  EXPECT_TRUE(AnyHolds(Load(Options("\"MatMulNBitsParams\": {\"GroupSize\": 32}")).warnings,
                       "MatMulNBitsParams has no effect with UseMatMulNBits false"));
}

}  // namespace
}  // namespace qconvert
