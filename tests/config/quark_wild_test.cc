// Files as users of Quark write them: options written out that make no difference here, names of
// another model, keys of the tools around it. None may be refused.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/read_config.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using M = CalibrationMethod;

constexpr const char* kInt8 = R"({"spec": "Int8Spec"})";

std::string Tensor(const std::string& type, const std::string& method, bool symmetric = true,
                   const std::string& scale = "Float32") {
  return fmt::format(
      R"({{"symmetric": {}, "scale_type": "ScaleType.{}", "calibration_method": "CalibMethod.{}", )"
      R"("quant_granularity": "QuantGranularity.Tensor", "data_type": "{}"}})",
      symmetric, scale, method, type);
}

std::string File(const std::string& values, const std::string& weights, const std::string& more) {
  return fmt::format(R"({{"global_config": {{"input_tensors": {}, "weight": {}}}{}}})", values,
                     weights, more.empty() ? "" : ",\n" + more);
}

std::string Options(const std::string& options) {
  return File(kInt8, kInt8, "\"extra_options\": {" + options + "}");
}

// A file that is taken as it is.
LoadedConfig Taken(const std::string& text) {
  const LoadedConfig loaded = LoadText(text, {}, "c.json");
  EXPECT_EQ(loaded.dialect, "Quark") << text;
  return loaded;
}

TEST(QuarkWildTest, OptionsOfAnOtherWayAreToldWhatHoldsInstead) {
  const std::vector<std::pair<std::string, std::string>> told = {
      {R"("SkipPreprocess": true)", "the graph is prepared all the same"},
      {R"("ConvertFP16ToFP32": true)", "inputs and outputs keep their type"},
      {R"("ConvertNCHWToNHWC": true)", "inputs keep the layout"},
      {R"("FixShapes": "x:[1,3,8,8]")", "shapes stay"},
      {R"("FoldBatchNorm": false)", "folded all the same"},
      {R"("EnableSubgraph": true)", "bodies"},
      {R"("EnableDualQuantNodePairs": true)", "a value has one type"},
      {R"("RemoveQDQMulAdd": true)", "pairs stand where"},
      {R"("RemoveQDQBetweenOps": [["Conv", "Relu"]])", "pairs stand where"},
      {R"("UseUnsignedReLU": true)", "the grid that their settings say"},
      {R"("UseRandomData": true)", "none are made up"},
      {R"("SaveAndRestore": "r.json")", "qconvert calibrate"},
      {R"("AdjustBiasScale": false)", "32-bit biases"},
      {R"("Int16Scale": true)", "scales are float"},
      {R"("EnableNPUTransformer": true)", "as for every model"},
      {R"("BF16WithClip": true)", "stays float32"},
      {R"("ConvertSoftmaxToDPUVersion": true)", "as ONNX says"},
      {R"("NodesToExcludeOutputQuantization": ["/a"])", "stay float"},
  };
  for (const auto& [option, message] : told)
    EXPECT_TRUE(AnyHolds(Taken(Options(option)).warnings, message)) << option;
  for (const char* silent :
       {R"("QuantizeFP16": true, "UseFP32Scale": true)", R"("CopySharedInit": [])",
        R"("QDQOpTypePerChannelSupportToAxis": {"MatMul": 1})", R"("CryptoMode": true)",
        R"("CalibPassthroughOpTypes": ["MaxPool"])", R"("PreprocessYAML": "xint8")",
        R"("SimplifyModelOptions": {"verbose": true})", R"("BFPAttributes": {"axis": 1})",
        R"("RemoveQDQBetweenOps": [], "FixShapes": null)"}) {
    EXPECT_THAT(Taken(Options(silent)).warnings, IsEmpty()) << silent;
  }
}

TEST(QuarkWildTest, OptionsOfNewerVersionsAreAWarningAndMisspeltOnesAnError) {
  EXPECT_TRUE(AnyHolds(Taken(Options(R"("RotateEverything": [1, {"a": 2}])")).warnings,
                       "c.json:2:19: nobody here knows extra_options 'RotateEverything'"));
  EXPECT_TRUE(AnyHolds(ProblemsOf(Options(R"("CalibDatSize": 4)"), {}, "c.json"),
                       "did you mean 'CalibDataSize'?"));
}

TEST(QuarkWildTest, CommentsAreNoKeys) {
  const LoadedConfig loaded =
      Taken(File(kInt8, kInt8, R"("_comment": "head in float", "$schema": "q.json", "//": [1])"));
  EXPECT_THAT(loaded.warnings, IsEmpty());
  EXPECT_EQ(loaded.config, Taken(File(kInt8, kInt8, "")).config);
}

TEST(QuarkWildTest, NamesOfAnotherModelMayMiss) {
  const LoadedConfig loaded = Taken(
      File(kInt8, kInt8, R"("exclude": ["/head/fc", "^(?!.*Conv).*", "a*b", [["/p"], ["/q"]]])"));
  std::vector<std::string> patterns;
  for (const LayerSettings& layer : loaded.config.layers) {
    EXPECT_TRUE(layer.match.may_miss);
    patterns.push_back(layer.match.pattern);
  }
  EXPECT_THAT(patterns, ElementsAre("/head/fc", "search:^(?!.*Conv).*", "re:a\\*b", "/p .. /q"));
}

TEST(QuarkWildTest, KeysOfATensorThatAreLeftOutAreThoseOfItsSpec) {
  const QuantConfig config =
      Taken(R"({"type": "QuarkQuantization", "data_config": "calib", "global_config": {
               "activation": {"data_type": "UInt8", "calibration_method": "MinMax"},
               "weight": {"data_type": "XInt8"}}})")
          .config;
  EXPECT_FALSE(config.tensors.activation.symmetry);
  EXPECT_EQ(config.tensors.activation.method, M::kMaxMin);
  EXPECT_EQ(config.tensors.activation.scale_type, ScaleType::kFloat);
  EXPECT_EQ(config.tensors.weights.scale_type, ScaleType::kPowerOfTwo);
  EXPECT_EQ(config.tensors.weights.bit_width, 8);
}

TEST(QuarkWildTest, ModesOfOlivesPass) {
  const auto scheme = [](const std::string& mode) {
    return Taken(File(kInt8, kInt8, R"("quant_format": "QDQ", "quant_mode": ")" + mode + "\""))
        .config.scheme;
  };
  EXPECT_EQ(scheme("static"), Scheme::kStatic);
  EXPECT_EQ(scheme("dynamic"), Scheme::kDynamic);
  EXPECT_TRUE(AnyHolds(Taken(File(kInt8, kInt8, R"("quant_format": "QOperator")")).warnings,
                       "quant_format QOperator: QDQ is written"));
}

TEST(QuarkWildTest, HowBatchesBecomeOneRange) {
  const auto values = [](const std::string& tensor, const std::string& options) {
    return Taken(File(tensor, kInt8, "\"extra_options\": {" + options + "}"))
        .config.tensors.activation;
  };
  const std::string pof2 = Tensor("Int8", "MinMSE", true, "PowerOf2");
  EXPECT_EQ(values(pof2, R"("MinMSEModePof2Scale": "MostCommon")").statistic,
            BatchStatistic::kModal);
  EXPECT_EQ(values(pof2, R"("MinMSEModePof2Scale": "All")").statistic, BatchStatistic::kAll);
  const std::string moving = R"("CalibMovingAverage": true, "CalibMovingAverageConstant": 0.1)";
  EXPECT_EQ(values(Tensor("UInt8", "MinMax", false), moving).statistic, BatchStatistic::kMean);
  EXPECT_EQ(values(Tensor("UInt8", "Percentile", false), moving).statistic, BatchStatistic::kAll)
      << "of MinMax alone";
}

TEST(QuarkWildTest, EntriesKeepThePercentage) {
  const LoadedConfig loaded = Taken(
      File(kInt8, kInt8,
           "\"specific_layer_config\": [[{\"input_tensors\": " + std::string(kInt8) +
               "}, [\"/a\"]]], \"extra_options\": {\"Percentile\": 99.5, \"NodesToQuantize\": "
               "[\"/b\"]}"));
  EXPECT_THAT(loaded.warnings, IsEmpty());
  ASSERT_EQ(loaded.config.layers.size(), 2U);
  for (const LayerSettings& layer : loaded.config.layers)
    EXPECT_EQ(layer.tensors.input.percentage, 99.5) << layer.match.pattern;
}

TEST(QuarkWildTest, LayerwisePercentileSearchesEveryTensor) {
  const LoadedConfig loaded = Taken(File(Tensor("Int8", "LayerwisePercentile"), kInt8, ""));
  EXPECT_EQ(loaded.config.tensors.activation.method, M::kMse);
  EXPECT_EQ(loaded.config.tensors.activation.scale_type, ScaleType::kFloat);
  EXPECT_TRUE(AnyHolds(loaded.warnings, "tensor by tensor"));
}

TEST(QuarkWildTest, AlgorithmsThatAreDoneAnotherWay) {
  const auto told = [](const std::string& item, const std::string& message) {
    return AnyHolds(Taken(File(kInt8, kInt8, "\"algo_config\": [" + item + "]")).warnings, message);
  };
  EXPECT_TRUE(told(R"({"name": "smooth_quant", "alpha": 0.8})", "alpha is 0.5"));
  EXPECT_TRUE(told(R"({"name": "quarot", "r_config_path": "r.json"})", "nothing is rotated"));
  EXPECT_TRUE(told(R"({"name": "auto_mixprecision", "l2_target": 0.1})", "by the guard"));
  EXPECT_TRUE(told(R"({"name": "adaround", "num_batches": 4})", "num_batches 4 has no effect"));
  EXPECT_TRUE(told(R"({"name": "adaquant", "lr_adjust": [1, 0.2]})", "the rate stays"));
  EXPECT_FALSE(told(R"({"name": "adaquant", "lr_adjust": []})", "the rate stays"));
  EXPECT_EQ(
      Taken(File(kInt8, kInt8, R"("algo_config": [{"name": "smooth_quant"}])")).config.equalization,
      Correction::kOn);
}

TEST(QuarkWildTest, NodesBetweenOthers) {
  const auto match = [](const std::string& options) {
    const QuantConfig config = Taken(Options(options)).config;
    EXPECT_EQ(config.layers.size(), 1U);
    EXPECT_FALSE(config.layers[0].tensors.activation.is_int()) << "what is outside";
    EXPECT_TRUE(config.layers[0].match.outside);
    return config.layers[0].match;
  };
  const LayerMatch both = match(R"("InputNodes": ["/a", "/b"], "OutputNodes": ["/c"])");
  EXPECT_THAT(both.inputs, ElementsAre("/a", "/b"));
  EXPECT_THAT(both.outputs, ElementsAre("/c"));
  EXPECT_THAT(match(R"("OutputNodes": ["/c"], "InputNodes": [])").inputs, IsEmpty());
}

TEST(QuarkWildTest, OverridesOfSingleTensors) {
  const LoadedConfig loaded = Taken(Options(
      R"("TensorQuantOverrides": {"x": [{"quant_type": "QuantType.QUInt16", "symmetric": false}],
         "y": [{"quant_type": "Int16", "rmin": -2.5, "rmax": 4}], "z": {"rmin": 1, "rmax": 3},
         "w": [{"scale": 0.5, "zero_point": 0}], "f": [{"quant_type": "QBFloat16"}], "n": []})"));
  const auto& values = loaded.config.values;
  ASSERT_EQ(values.size(), 4U);
  EXPECT_EQ(values[0].value, "x");
  EXPECT_EQ(values[0].settings.bit_width, 16);
  EXPECT_FALSE(values[0].settings.symmetry);
  EXPECT_EQ(values[0].settings.method, M::kPercentile) << "as the root has it";
  EXPECT_EQ(values[0].settings.percentage, 99.999);
  EXPECT_FALSE(values[0].range);
  EXPECT_TRUE(values[1].settings.symmetry);
  EXPECT_EQ(values[1].range, (Range{-2.5F, 4}));
  EXPECT_EQ(values[2].range, (Range{0, 3})) << "0 has a code";
  EXPECT_TRUE(AnyHolds(loaded.warnings, "scale of an override has no effect"));
  EXPECT_TRUE(AnyHolds(loaded.warnings, "the override of 'f' has no effect"));
}

TEST(QuarkWildTest, FormsOfADpuOnRequest) {
  const auto forms = [](const std::string& options) {
    return Taken(Options(options)).config.dpu_forms;
  };
  EXPECT_EQ(forms(R"("SimulateDPU": true)"), (DpuForms{true, true, true, true}));
  EXPECT_EQ(forms(R"("SimulateDPU": true, "ConvertSigmoidToHardSigmoid": false)"),
            (DpuForms{true, true, false, true}));
  EXPECT_EQ(forms(R"("ConvertLeakyReluToDPUVersion": true)"), DpuForms{.leaky_relu = true});
  EXPECT_EQ(forms(R"("SimulateDPU": false, "ConvertAvgPoolToDPUVersion": true)"), DpuForms{});
  EXPECT_EQ(forms(""), DpuForms{});
}

TEST(QuarkWildTest, BlocksWithParametersOfTheirAlgorithms) {
  const LoadedConfig loaded = Taken(Options(
      R"("UseMatMulNBits": true, "MatMulNBitsParams": {"Algorithm": "HQQ", "Symmetric": false,
         "PercDamp": 0.01, "BlockSize": 128, "ActOrder": false, "PerChannel": false})"));
  EXPECT_TRUE(AnyHolds(loaded.warnings, "Algorithm HQQ: scales are those"));
  EXPECT_TRUE(AnyHolds(loaded.warnings, "blocks have zero point 0"));
  EXPECT_TRUE(AnyHolds(loaded.infos, "PercDamp makes no difference here"));
  EXPECT_TRUE(loaded.config.layers[0].tensors.weights.symmetry);
}

}  // namespace
}  // namespace qconvert
