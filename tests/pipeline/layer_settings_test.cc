// Entries of layers at work: names, patterns and subgraphs reach the nodes they mean.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/plan/node_settings.h"
#include "support/settings_job.h"

namespace qconvert {
namespace {

using testing::HasSubstr;

TEST(SettingsTest, ALayerEntryKeepsItsNodesInFloatWithFloatWeights) {
  const TempDir folder;
  const Result result =
      ConvertWith(Static("layer_quantize_config:\n"
                         "  - {layer_name: /features/features.2/*, overall_quantize_config: "
                         "{datatype: float32}}\n"),
                  folder);
  for (const std::string& name : result.FloatNodes())
    EXPECT_THAT(name, HasSubstr("/features/features.2/"));
  EXPECT_EQ(result.FloatNodes().size(), 5U) << "two convolutions, two Clips and an Add";
  const Node* conv = result.Find("/features/features.2/body/body.1/body.1.0/Conv");
  ASSERT_NE(conv, nullptr);
  const Tensor* weight = result.graph.FindInitializer(conv->inputs[1]);
  ASSERT_NE(weight, nullptr) << "not stored as codes";
  EXPECT_EQ(weight->type, DataType::kFloat);
}

TEST(SettingsTest, LayersNamedByTorchScriptAreFoundByTheirModules) {
  const TempDir folder;
  const std::string name = "N::N/Sequential[features]/Block[4]/Sequential[body]/Sequential[1]/";
  const std::string kept = ", overall_quantize_config: {datatype: float32}}\n";
  const Result result =
      ConvertWith(Static("layer_quantize_config:\n  - {layer_name: '" + name + "Conv2d[0]/ret.7'" +
                         kept + "  - {layer_name: '" + name + "Linear[0]/ret.8'" + kept +
                         "  - {layer_name: 'N::N/Conv2d[stem]/ret.1'" + kept +
                         "  - {layer_name: 'N::N/Sequential[features]/ret.9'" + kept),
                  folder);
  std::vector<std::string> convolutions = result.FloatNodes();
  std::erase_if(convolutions, [](const std::string& node) { return !node.ends_with("/Conv"); });
  EXPECT_THAT(convolutions, testing::ElementsAre("/features/features.4/body/body.1/body.1.0/Conv"));
  std::vector<std::string> told;
  for (const std::string& warning : result.report.warnings) {
    if (warning.find("has no effect: no node of the model comes from module") != std::string::npos)
      told.push_back(warning);
  }
  ASSERT_EQ(told.size(), 3U) << "a Linear where a Conv is, a module that is not there, a container";
  EXPECT_THAT(told[0], HasSubstr("'" + name + "Linear[0]/ret.8'"));
  EXPECT_THAT(told[1], HasSubstr("module 'stem'"));
}

// As exporters of traced graphs name nodes: by the module alone.
TEST(SettingsTest, LayersNamedByTorchScriptAreFoundByNodesOfTheirName) {
  const TempDir folder;
  LoadedModel loaded = LoadOnnx(kDigits / "model.onnx");
  for (Node& node : loaded.model.graph.nodes) {
    if (node.name == "/features/features.0/features.0.0/Conv") node.name = "stem.conv";
  }
  const LoadedConfig config =
      LoadText(Static("layer_quantize_config:\n"
                      "  - {layer_name: 'N::N/Sequential[stem]/Conv2d[conv]/ret.3', "
                      "overall_quantize_config: {datatype: float32}}\n"
                      "  - {layer_name: 'N::N/Sequential[stem]/Conv2d[other]/ret.5', "
                      "overall_quantize_config: {datatype: float32}}\n"));
  std::vector<std::string> warnings;
  const auto layers = MatchLayers(loaded.model.graph, config.config, warnings);
  EXPECT_EQ(layers.size(), 1U);
  EXPECT_EQ(layers.at("stem.conv"), 0U);
  EXPECT_THAT(warnings, testing::ElementsAre(HasSubstr("module 'stem.other'")));
}

TEST(SettingsTest, NamesWinOverTypesAndPatternsAreGlobsAndExpressions) {
  const TempDir folder;
  const Result result = ConvertWith(
      Static("layer_quantize_config:\n"
             "  - {layer_name: 're:.*features\\.[13]/.*', overall_quantize_config: {method: "
             "maxmin}}\n"
             "  - {layer_type: Conv2d, overall_quantize_config: {datatype: float32}}\n"),
      folder);
  for (const std::string& name : result.FloatNodes())
    EXPECT_TRUE(name.find("features.1/") == std::string::npos &&
                name.find("features.3/") == std::string::npos)
        << name;
  EXPECT_THAT(result.FloatNodes(),
              testing::IsSupersetOf({"/features/features.0/features.0.0/Conv",
                                     "/features/features.4/body/body.1/body.1.0/Conv"}));
}

TEST(SettingsTest, WeightSettingsOfALayerReachItsWeightsAlone) {
  const TempDir folder;
  const Result result =
      ConvertWith(Static("layer_quantize_config:\n"
                         "  - {layer_name: /classifier/Gemm, tensor_quantize_config: {weights: "
                         "{per_channel: true}}}\n"),
                  folder);
  const auto scales = [&](const std::string& node) {
    const Node& dequantize = result.ProducerOf(result.Find(node)->inputs[1]);
    return result.graph.FindInitializer(dequantize.inputs[1])->element_count();
  };
  EXPECT_EQ(scales("/classifier/Gemm"), 10);
  EXPECT_EQ(scales("/features/features.3/features.3.0/Conv"), 1);
}

TEST(SettingsTest, ActivationSettingsOfALayerAreThoseOfItsFusedUnit) {
  const TempDir folder;
  // The Clip behind the convolution is quantized with it.
  const Result result = ConvertWith(
      Static("layer_quantize_config:\n"
             "  - {layer_name: /features/features.3/features.3.0/Conv, tensor_quantize_config: "
             "{activation: {symmetry: false, calib_statistic_method: all}}}\n"),
      folder);
  int asymmetric_values = 0;
  for (const Node& node : result.graph.nodes) {
    if (!node.Is("QuantizeLinear")) continue;
    const Tensor& zero_point = *result.graph.FindInitializer(node.inputs[2]);
    ASSERT_EQ(zero_point.type, DataType::kUint8) << "also of symmetric settings, with 128";
    asymmetric_values += zero_point.values<uint8_t>()[0] == 128 ? 0 : 1;
  }
  EXPECT_EQ(asymmetric_values, 1);
}

TEST(SettingsTest, PatternsThatFitNothingAreErrorsAtTheirPlace) {
  const std::string problems = FailureWith(
      Static("layer_quantize_config:\n"
             "  - {layer_name: /classifier/Gem, overall_quantize_config: {bit_width: 8}}\n"
             "  - {layer_name: /nothing/*, overall_quantize_config: {bit_width: 8}}\n"
             "  - {layer_type: MyBespokeOperator, overall_quantize_config: {bit_width: 8}}\n"));
  EXPECT_THAT(problems, HasSubstr("c.yaml:7:18: no node of the model is named '/classifier/Gem', "
                                  "did you mean '/classifier/Gemm'?"));
  EXPECT_THAT(problems, HasSubstr("c.yaml:8:18: no node of the model is named '/nothing/*'"));
  const TempDir folder;
  const Result result = ConvertWith(
      Static("layer_quantize_config:\n"
             "  - {layer_type: LSTM, overall_quantize_config: {datatype: float32}}\n"
             "  - {layer_type: MyBespokeOperator, overall_quantize_config: {bit_width: 8}}\n"
             "  - {layer_name: 'search:^/aux', optional: true, overall_quantize_config: "
             "{bit_width: 8}}\n"),
      folder);
  EXPECT_TRUE(
      AnyHolds(result.report.warnings, "c.yaml:7:18: no node of the model has type 'LSTM'"));
  EXPECT_TRUE(AnyHolds(
      result.report.warnings,
      "c.yaml:8:18: no node of the model has type 'MyBespokeOperator', and nobody knows it"));
  EXPECT_TRUE(AnyHolds(result.report.warnings,
                       "c.yaml:9:18: no node of the model is named '^/aux', the entry has no"));
}

TEST(SettingsTest, EntriesThatDifferWithinOneUnitAreAnError) {
  EXPECT_THAT(
      FailureWith(Static("layer_quantize_config:\n"
                         "  - {layer_name: '*features.3.0/Conv', tensor_quantize_config: "
                         "{activation: {narrow_range: true}}}\n"
                         "  - {layer_name: '*features.3.2/Clip', tensor_quantize_config: "
                         "{activation: {narrow_range: false}}}\n")),
      HasSubstr(
          "c.yaml:8:18: '/features/features.3/features.3.0/Conv' and "
          "'/features/features.3/features.3.2/Clip' are quantized as one, but their activation "
          "settings differ"));
}

TEST(SettingsTest, ASubgraphIsEverythingBetweenItsEnds) {
  const TempDir folder;
  QuantConfig config = LoadText(Static("")).config;
  LayerSettings layer{{.kind = LayerMatch::Kind::kSubgraph,
                       .inputs = {"/features/features.1/features.1.0/Conv"},
                       .outputs = {"/features/features.2/act/Clip"}},
                      config.tensors};
  for (const TensorType type : kTensorTypes) layer.tensors[type].datatype = Datatype::kFloat32;
  config.layers.push_back(layer);
  ConvertOptions options;
  options.model = kDigits / "model.onnx";
  options.calibration_folder = kDigits / "calib";
  options.output = folder / "out.onnx";
  options.config = config;
  options.guard = GuardMode::kReport;
  const Result result{Convert(options), {}};
  for (const std::string& name : result.FloatNodes())
    EXPECT_THAT(name, testing::ContainsRegex("features\\.[12]/"));
  EXPECT_EQ(result.FloatNodes().size(), 7U) << "three convolutions, three Clips, an Add";
}

}  // namespace
}  // namespace qconvert
