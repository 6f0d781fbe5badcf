// The Quark language: both forms, what methods and scales come to, and every rule that refuses a
// file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/quark_text.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using M = CalibrationMethod;

TEST(QuarkConfigTest, IsToldByItsKeys) {
  const LoadedConfig loaded = Load(Int8());
  EXPECT_EQ(loaded.dialect, "Quark");
  EXPECT_THAT(loaded.warnings, IsEmpty());
  EXPECT_EQ(loaded.config.target_device, TargetDevice::kCpu);
  EXPECT_EQ(loaded.config.scheme, Scheme::kStatic);
}

TEST(QuarkConfigTest, SpecsStandForAllFiveKeys) {
  const QuantConfig config = Load(Int8()).config;
  const TensorSettings values{
      .method = M::kPercentile, .percentage = 99.999, .symmetry = true, .is_signed = true};
  EXPECT_EQ(config.tensors.activation, values);
  EXPECT_EQ(config.tensors.input, values);
  const TensorSettings weights{.method = M::kMaxMin, .symmetry = true, .is_signed = true};
  EXPECT_EQ(config.tensors.weights, weights) << "Percentile never reaches weights";
  EXPECT_EQ(config.tensors.bias.bit_width, 32);
  EXPECT_EQ(config.equalization, Correction::kOff);
  EXPECT_EQ(config.bias_correction, Correction::kOff);
}

TEST(QuarkConfigTest, BothFormsMeanTheSameAndParamsDiffer) {
  EXPECT_EQ(Load(File(Full("Int8", "Percentile", "Float32"), Spec("Int8Spec"))).config,
            Load(Int8()).config);
  const QuantConfig config =
      Load(File("{\"spec\": \"UInt16Spec\", \"params\": {\"calibration_method\": \"MinMax\"}}",
                "{\"spec\": \"Int8Spec\", \"params\": {\"quant_granularity\": "
                "\"QuantGranularity.Channel\"}}"))
          .config;
  EXPECT_EQ(config.tensors.activation.bit_width, 16);
  EXPECT_FALSE(config.tensors.activation.symmetry);
  EXPECT_EQ(config.tensors.activation.method, M::kMaxMin);
  EXPECT_TRUE(config.tensors.weights.per_channel);
}

TEST(QuarkConfigTest, MethodAndScaleComeToWhatTheVendorsToolMakesOfThem) {
  struct Row {
    const char* method;
    const char* scale;
    M expected;
    ScaleType expected_scale;
    const char* warning;
  };
  const Row rows[] = {
      {"MinMax", "Float32", M::kMaxMin, ScaleType::kFloat, ""},
      {"MinMax", "PowerOf2", M::kMaxMin, ScaleType::kPowerOfTwo, ""},
      {"MinMSE", "PowerOf2", M::kDiffs, ScaleType::kPowerOfTwo, ""},
      {"MinMSE", "Float32", M::kDiffs, ScaleType::kPowerOfTwo, "MinMSE of activations has power"},
      {"Percentile", "Float32", M::kPercentile, ScaleType::kFloat, ""},
      {"Percentile", "PowerOf2", M::kPercentile, ScaleType::kFloat, "scales are float with"},
      {"Entropy", "Float32", M::kEntropy, ScaleType::kFloat, ""},
  };
  for (const Row& row : rows) {
    const LoadedConfig loaded =
        Load(File(Full("Int8", row.method, row.scale), Full("Int8", "MinMax", "Float32")));
    EXPECT_EQ(loaded.config.tensors.activation.method, row.expected) << row.method << row.scale;
    EXPECT_EQ(loaded.config.tensors.input.scale_type, row.expected_scale);
    EXPECT_EQ(loaded.warnings.size(), *row.warning == '\0' ? 0U : 1U) << row.method << row.scale;
    EXPECT_TRUE(*row.warning == '\0' || AnyHolds(loaded.warnings, row.warning)) << row.method;
  }
}

TEST(QuarkConfigTest, WeightsKnowMinMaxAndMinMse) {
  const auto weights = [](const std::string& method, const std::string& scale,
                          const std::string& more = "") {
    return Load(File(Full("Int8", "MinMax", "Float32"), Full("Int8", method, scale), more))
        .config.tensors.weights;
  };
  EXPECT_EQ(weights("MinMSE", "Float32").method, M::kMse);
  EXPECT_EQ(weights("Entropy", "Float32").method, M::kMaxMin);
  EXPECT_EQ(weights("Entropy", "Int16").scale_type, ScaleType::kFloat) << "does nothing";
  EXPECT_EQ(weights("MinMSE", "PowerOf2").method, M::kMaxMin) << "that of the activations";
  EXPECT_EQ(weights("MinMax", "Float32",
                    "\"extra_options\": {\"WeightCalibrateMethod\": \"CalibMethod.MinMSE\"}")
                .method,
            M::kMse);
}

TEST(QuarkConfigTest, PowersOfTwoOnBothSidesAreForAnNpu) {
  const std::string xint8 = File(Spec("XInt8Spec"), Spec("XInt8Spec"));
  const LoadedConfig npu = Load(xint8);
  EXPECT_EQ(npu.config.target_device, TargetDevice::kDpu);
  EXPECT_EQ(npu.config.tensors.bias.bit_width, 8);
  EXPECT_EQ(npu.config.tensors.activation.round_mode, RoundMode::kHalfUp);
  const LoadedConfig cpu = Load(
      File(Spec("XInt8Spec"), Spec("XInt8Spec"), "\"extra_options\": {\"EnableNPUCnn\": false}"));
  EXPECT_EQ(cpu.config.target_device, TargetDevice::kCpu);
  EXPECT_EQ(cpu.config.tensors.weights.method, M::kDiffs);
  EXPECT_EQ(cpu.config.tensors.weights.scale_type, ScaleType::kPowerOfTwo);
  EXPECT_EQ(Load(xint8, {"target_device=CPU"}).config.target_device, TargetDevice::kCpu);
}

TEST(QuarkConfigTest, UnsignedSymmetricAndSignedAsymmetricGridsHoldTheNumbersOfTheOther) {
  const auto values = [](const std::string& type, const std::string& symmetric) {
    return Load(File(Full(type, "MinMax", "Float32", "Tensor", symmetric), Spec("Int8Spec")))
        .config.tensors.activation;
  };
  EXPECT_EQ(values("UInt8", "true"), values("Int8", "true"));
  EXPECT_EQ(values("UInt8", "false"), values("Int8", "false"));
  EXPECT_FALSE(values("UInt8", "false").symmetry);
  EXPECT_TRUE(values("UInt8", "true").is_signed);
}

TEST(QuarkConfigTest, BothKindsOfLayerEntries) {
  const std::string w16 = "{\"input_tensors\": " + Spec("Int16Spec") + ", \"weight\": null}";
  for (const std::string& specific :
       {"[[" + w16 + ", [\"/fc/Gemm\", \"^/neck/.*\"]]]",
        "[{\"target_node_names\": [\"/fc/Gemm\", null, \"^/neck/.*\"], \"layer_config\": " + w16 +
            "}]"}) {
    const LoadedConfig loaded = Load(Int8("\"specific_layer_config\": " + specific));
    ASSERT_EQ(loaded.config.layers.size(), 2U) << specific;
    const LayerSettings& gemm = loaded.config.layers[0];
    EXPECT_EQ(gemm.match.pattern, "/fc/Gemm");
    EXPECT_EQ(gemm.tensors.input.bit_width, 16);
    EXPECT_EQ(gemm.tensors.activation, loaded.config.tensors.activation);
    EXPECT_EQ(gemm.tensors.weights, loaded.config.tensors.weights);
    EXPECT_EQ(loaded.config.layers[1].match.pattern, "search:^/neck/.*");
    for (const LayerSettings& layer : loaded.config.layers) EXPECT_TRUE(layer.match.may_miss);
  }
}

TEST(QuarkConfigTest, TypesAndExclusions) {
  const LoadedConfig loaded = Load(
      Int8("\"layer_type_config\": [[null, [\"Softmax\", \"Resize\"]], [{\"output_tensors\": " +
           Spec("Int16Spec") +
           "}, [\"Add\"]]],\n\"exclude\": [\"/a[0]/*\", null, \"^/aux/.*\", [[\"/p/Conv\"], "
           "[\"/q/Concat\", \"/r\"]]]"));
  const auto& layers = loaded.config.layers;
  ASSERT_EQ(layers.size(), 6U);
  EXPECT_EQ(layers[0].match.types, (std::vector<OpMatch>{{"Softmax"}}));
  for (const size_t i : {0U, 1U, 3U, 4U, 5U})
    EXPECT_EQ(layers[i].tensors.activation.datatype, Datatype::kFloat32) << i;
  EXPECT_EQ(layers[2].tensors.activation.bit_width, 16);
  EXPECT_EQ(layers[3].match.pattern, "re:\\/a\\[0\\]\\/\\*") << "a name, no pattern";
  EXPECT_EQ(layers[5].match.kind, LayerMatch::Kind::kSubgraph);
  EXPECT_EQ(layers[5].match.inputs, std::vector<std::string>{"/p/Conv"});
  EXPECT_EQ(layers[5].match.outputs, (std::vector<std::string>{"/q/Concat", "/r"}));
  const LoadedConfig other =
      Load(Int8("\"exclude\": {\"node_names\": [\"/x\"], \"subgraphs\": [[[\"/p/Conv\"], "
                "[\"/q/Concat\"]]]}"));
  ASSERT_EQ(other.config.layers.size(), 2U);
  EXPECT_EQ(other.config.layers[1].match.kind, LayerMatch::Kind::kSubgraph);
}

TEST(QuarkConfigTest, MachineCodeIsNotLoaded) {
  EXPECT_TRUE(AnyHolds(Problems(Options("\"UserCustomOpLibPath\": \"a.so\"")),
                       "UserCustomOpLibPath is 'a.so', expected none: no machine code that a file "
                       "of settings names is loaded"));
}

TEST(QuarkConfigTest, PowersOfTwoOfWeightsBesidePercentilesAreThoseOfMinMax) {
  const LoadedConfig loaded = Load(File(Full("Int8", "Percentile", "Float32"), Spec("XInt8Spec")));
  EXPECT_EQ(loaded.config.tensors.weights.scale_type, ScaleType::kPowerOfTwo);
  EXPECT_EQ(loaded.config.tensors.weights.method, M::kMaxMin);
  EXPECT_TRUE(AnyHolds(loaded.warnings, "the weights take MinMax"));
}

TEST(QuarkConfigTest, BlockFormatsHaveNoOperator) {
  EXPECT_TRUE(AnyHolds(Problems(File(Spec("MX6Spec"), Spec("Int8Spec"))),
                       "c.json:1:46: spec: data_type is 'MX6', whose blocks no ONNX operator has"));
}

TEST(QuarkConfigTest, WeightsHaveAtMostSixteenBits) {
  EXPECT_TRUE(AnyHolds(Problems(File(Spec("Int8Spec"), Spec("UInt32Spec"))),
                       "weights: bit_width is 32, expected 2 to 16"));
}

TEST(QuarkConfigTest, WhatIsDoneAnywayIsNoError) {
  const LoadedConfig loaded = Load(
      Options("\"AlignConcat\": false, \"FoldBatchNorm\": true, \"InputNodes\": [], "
              "\"TensorQuantOverrides\": {}, \"UseRandomData\": null, \"OptimizeModel\": true"));
  EXPECT_TRUE(AnyHolds(loaded.infos, "OptimizeModel makes no difference here"));
}

TEST(QuarkConfigTest, WhatIsWrongIsAnErrorAtItsPlace) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{\"extra_options\": {}, \"exclude\": []}", "has no global_config"},
      {"{\"global_config\": {}, \"exclude\": []}", "global_config has no input_tensors"},
      {"{\"global_config\": {\"input_tensors\": {\"spec\": \"Int8Spec\"}, \"weight\": null}}",
       "global_config has no weight"},
      {"{\"global_config\": {\"input_tensors\": {}, \"activation\": {}, \"weight\": {}}}",
       "activation is the older name of input_tensors"},
      {File("{\"symmetric\": true}", Spec("Int8Spec")), "c.json:1:37: has no data_type"},
      {File(Spec("Int9Spec"), Spec("Int8Spec")), "spec is 'Int9Spec', expected"},
      {File(Spec("Int8spec"), Spec("Int8Spec")), "did you mean 'Int8Spec'?"},
      {File(Full("Int8", "MinMin", "Float32"), Spec("Int8Spec")), "calibration_method is"},
      {File(Full("Int8", "MinMax", "Int16"), Spec("Int8Spec")), "expected Float32 or PowerOf2"},
      {File(Full("Int7", "MinMax", "Float32"), Spec("Int8Spec")), "data_type is 'Int7'"},
      {File(Full("Int8", "MinMax", "Float32", "Tensor", "\"yes\""), Spec("Int8Spec")),
       "symmetric is 'yes'"},
      {Int8("\"globl_config\": {}"), "unknown key 'globl_config', did you mean 'global_config'?"},
      {Options("\"AlignConcats\": true"),
       "unknown key 'AlignConcats', did you mean 'AlignConcat'?"},
      {Options("\"AlignConcat\": \"true\""), "AlignConcat is 'true', expected true or false"},
      {Options("\"CalibDataSize\": 0"), "CalibDataSize is '0'"},
      {Options("\"Percentile\": 101"), "Percentile is '101'"},
      {Options("\"WeightCalibrateMethod\": \"Entropy\""), "expected MinMax or MinMSE"},
      {Int8("\"exclude\": \"/a\""), "exclude is '/a', expected a list"},
      {Int8("\"exclude\": [[\"/a\", \"/b\"]]"), "expected a subgraph: [[FIRST NODES], [LAST"},
      {Int8("\"exclude\": [[[\"/a\"]]]"), "expected a subgraph"},
      {Int8("\"exclude\": [[[], [\"/b\"]]]"), "expected a subgraph"},
      {Int8("\"exclude\": [{\"a\": 1}]"), "is 'a map', expected a name"},
      {Int8("\"exclude\": [\"^(?!x).*(\"]"), "'^(?!x).*(' is no regular expression"},
      {File(Full("Int8", "Distribution", "Float32"), Spec("Int8Spec")),
       "calibration_method is 'Distribution', which is for 8-bit floats"},
      {Options("\"MinMSEModePof2Scale\": \"Most\""), "expected All, MostCommon"},
      {Options("\"UseMatMulNBits\": true, \"MatMulNBitsParams\": {\"Algorithm\": \"RTN\"}"),
       "Algorithm is 'RTN', expected DEFAULT, GPTQ, HQQ"},
      {Options("\"UseMatMulNBits\": true, \"MatMulNBitsParams\": 5"),
       "MatMulNBitsParams is '5', expected a map"},
      {Options("\"TensorQuantOverrides\": [1]"),
       "TensorQuantOverrides is 'a list', expected a map"},
      {Options("\"TensorQuantOverrides\": {\"x\": [3]}"),
       "'x' has '3', expected a list with a map"},
      {Options("\"TensorQuantOverrides\": {\"x\": {\"rmin\": 2, \"rmax\": 1}}"), "range is '2, 1'"},
      {Int8("\"quant_mode\": \"statc\""), "did you mean 'static'?"},
      {Int8("\"exclude\": {\"nodes\": []}"), "unknown key 'nodes'"},
      {Int8("\"layer_type_config\": [[null, [\"Softmx\"]]]"), "did you mean 'Softmax'?"},
      {Int8("\"layer_type_config\": [null, [null, \"Softmax\"]]"), "expected [LAYER, [TYPES]]"},
      {Int8("\"layer_type_config\": [[{}, [\"Softmax\"]]]"), "the layer has no tensor"},
      {Int8("\"specific_layer_config\": [[null, [\"/a\"]]]"), "a null layer is for layer_type"},
      {Int8("\"specific_layer_config\": [[3, [\"/a\"]]]"), "expected a layer: a map"},
      {Int8("\"specific_layer_config\": [{\"layer_config\": {}}]"), "expected target_node_names"},
      {Int8("\"specific_layer_config\": [[{\"wight\": {}}, [\"/a\"]]]"),
       "unknown key 'wight', did you mean 'weight'?"},
      {Int8("\"algo_config\": [{\"name\": \"adaroud\"}]"), "did you mean 'adaround'?"},
      {Finetuning("adaround", ", \"num_iterations\": 0"), "num_iterations is '0'"},
      {Finetuning("adaround", ", \"drop_ratio\": 2"), "drop_ratio is '2'"},
      {Finetuning("adaquant", ", \"learning_rate\": \"fast\""), "learning_rate is 'fast'"},
      {Finetuning("adaquant", ", \"target_op_type\": 3"), "target_op_type is '3'"},
      {Int8("\"algo_config\": [{\"name\": \"cle\", \"cle_step\": 1}]"),
       "unknown key 'cle_step', did you mean 'cle_steps'?"},
      {Int8("\"algo_config\": [\"cle\"]"), "algo_config expects maps with a name"},
      {Int8("\"algo_config\": {\"name\": \"cle\"}"), "algo_config is 'a map', expected a list"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_TRUE(AnyHolds(Problems(text), message))
        << text << "\n"
        << (Problems(text).empty() ? "fine" : Problems(text)[0]);
  }
}

TEST(QuarkConfigTest, WhatIsRefusedInALayerIsNotCalledMissing) {
  EXPECT_THAT(Problems(Int8("\"layer_type_config\": [[{\"weight\": 5}, [\"Softmax\"]]]")),
              ElementsAre(HasSubstr("weight is '5', expected a map")));
  EXPECT_THAT(Problems(Int8("\"specific_layer_config\": [{\"target_node_names\": 5, "
                            "\"layer_config\": {\"weight\": " +
                            Spec("Int8Spec") + "}}]")),
              ElementsAre(HasSubstr("target_node_names is '5', expected a list")));
}

TEST(QuarkConfigTest, WhatTheVendorsToolIgnoresIsTold) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{\"global_config\": {\"activation\": " + Spec("Int8Spec") +
           ", \"weight\": " + Spec("Int8Spec") + ", \"bias\": " + Spec("Int8Spec") + "}}",
       "bias has no effect at global_config"},
      {File(Full("Int8", "MinMax", "Float32", "Channel"), Spec("Int8Spec")),
       "quant_granularity Channel has no effect on activations"},
      {File(Spec("Int8Spec"), Full("Int8", "MinMax", "Float32", "Group")),
       "quant_granularity Group is one scale per tensor"},
      {Int8("\"exclude\": [\"^/a\"]"), "'^/a' has no .* in it"},
  };
  for (const auto& [text, message] : cases)
    EXPECT_TRUE(AnyHolds(Load(text).warnings, message)) << text;
}

TEST(QuarkConfigTest, SubgraphsInTheWordsOfVitisToo) {
  const std::string cpu =
      "target_device: CPU\ninclude_cle: false\ninclude_bias_corr: false\nmethod: maxmin\n"
      "round_mode: half_even\nscale_type: float\ncalib_statistic_method: max\n"
      "layer_quantize_config:\n";
  const LoadedConfig loaded =
      LoadText(cpu +
               "- layer_subgraph: {inputs: [a], outputs: [b]}\n  overall_quantize_config: "
               "{datatype: float32}\n");
  EXPECT_EQ(loaded.config.layers[0].match.kind, LayerMatch::Kind::kSubgraph);
  EXPECT_EQ(LoadText(PrintConfig(loaded.effective)).config, loaded.config);
  EXPECT_TRUE(AnyHolds(ProblemsOf(cpu + "- layer_subgraph: {inputs: []}\n"),
                       "layer_quantize_config[0]: layer_subgraph has no nodes"));
  EXPECT_TRUE(
      AnyHolds(ProblemsOf(cpu + "- {layer_name: c, layer_subgraph: {inputs: [a], outputs: [b]}}\n"),
               "layer_subgraph stands alone"));
}

}  // namespace
}  // namespace qconvert
