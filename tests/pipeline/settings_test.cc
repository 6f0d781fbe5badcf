// Config files at work: what they say about nodes, types and files is what the exported model has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <tuple>

#include "qconvert/base/file.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/convert.h"
#include "qconvert/plan/node_settings.h"
#include "qconvert/rewrite/store_weights.h"
#include "support/npy.h"
#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const std::filesystem::path kDigits = QCONVERT_SOURCE_DIR "/examples/digits";

// Static int8 as a vendor's file would say it, with more.
std::string Static(const std::string& more, const std::string& target = "CPU") {
  return "target_device: " + target +
         "\nscheme: static\ninclude_cle: false\ninclude_bias_corr: false\n"
         "overall_quantize_config: {method: maxmin, round_mode: half_even, scale_type: float, "
         "calib_statistic_method: max}\n" +
         more;
}

struct Result {
  ConversionReport report;
  Graph graph;

  std::vector<std::string> FloatNodes() const {
    std::vector<std::string> out;
    for (const auto& [kind, nodes] : report.float_reasons)
      out.insert(out.end(), nodes.begin(), nodes.end());
    std::sort(out.begin(), out.end());
    return out;
  }
  const Node* Find(const std::string& name) const {
    for (const Node& node : graph.nodes) {
      if (node.name == name) return &node;
    }
    return nullptr;
  }
  const Node& ProducerOf(const std::string& value) const {
    for (const Node& node : graph.nodes) {
      if (std::find(node.outputs.begin(), node.outputs.end(), value) != node.outputs.end())
        return node;
    }
    throw std::runtime_error("nobody writes " + value);
  }
};

// The shipped example, into out.onnx.
ConvertOptions OptionsOf(const LoadedConfig& loaded, const TempDir& folder) {
  ConvertOptions options;
  options.model = kDigits / "model.onnx";
  options.calibration_folder = kDigits / "calib";
  options.output = folder / "out.onnx";
  options.config = loaded.config;
  options.effective_config = loaded.effective;
  return options;
}

Result ConvertWith(const std::string& text, const TempDir& folder) {
  const LoadedConfig loaded = LoadText(text);
  ConvertOptions options = OptionsOf(loaded, folder);
  options.guard = GuardMode::kReport;
  Result result;
  result.report = Convert(options);
  result.graph = LoadOnnx(folder / "out.onnx").model.graph;
  return result;
}

std::string FailureWith(const std::string& text) {
  const TempDir folder;
  try {
    ConvertWith(text, folder);
  } catch (const ConfigError& e) {
    std::string all;
    for (const std::string& problem : e.problems()) all += problem + "\n";
    return all;
  }
  return "no problem";
}

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

// Static int8 with one scale per weight, and what more says.
std::string PerTensor(const std::string& more) {
  return "target_device: CPU\nscheme: static\n" + more +
         "overall_quantize_config: {method: maxmin, round_mode: half_even, scale_type: float, "
         "per_channel: false, calib_statistic_method: max}\n";
}

TEST(SettingsTest, EqualizationAndReplacedActivationsAct) {
  const TempDir folder;
  const Result result = ConvertWith(
      PerTensor("include_cle: true\ninclude_bias_corr: false\nconvert_relu6_to_relu: true\n"),
      folder);
  EXPECT_GE(result.report.integer_nodes, 8U);
  const std::string info = ReadFile(folder / "out_quant_info.json");
  EXPECT_THAT(info, HasSubstr("_equalized"));
  EXPECT_THAT(result.report.warnings,
              Contains(AllOf(HasSubstr("convert_relu6_to_relu"), HasSubstr("before anything"))))
      << "values go above 6";
  const Result kept = ConvertWith(PerTensor("include_bias_corr: false\n"), folder);
  EXPECT_THAT(kept.report.warnings, Not(Contains(HasSubstr("before anything"))));
}

// Weights of 4 bits and one scale: much noise to correct.
std::string FewBits(const std::string& more) {
  return PerTensor("include_cle: false\n" + more) +
         "tensor_quantize_config: {weights: {bit_width: 4}, bias: {bit_width: 32}}\n";
}

TEST(SettingsTest, CorrectionsThatAreAskedForAreMade) {
  const TempDir folder;
  const Result result =
      ConvertWith(FewBits("include_bias_corr: true\nsecond_order_rounding: true\n"), folder);
  ASSERT_EQ(result.report.corrections.size(), 2U);
  const auto& [biases, rounding] =
      std::tie(result.report.corrections[0], result.report.corrections[1]);
  EXPECT_EQ(biases.name, "biases");
  EXPECT_EQ(biases.layers, 8U) << "7 convolutions and a Gemm";
  EXPECT_LT(biases.noise_after, biases.noise_before);
  EXPECT_EQ(rounding.name, "rounding");
  EXPECT_EQ(rounding.layers, 8U);
  EXPECT_EQ(rounding.noise_before, biases.noise_after);
  EXPECT_LT(rounding.noise_after, rounding.noise_before / 2);
  EXPECT_TRUE(biases.kept && rounding.kept);
  ASSERT_TRUE(result.report.noise_parts);
  EXPECT_GT(result.report.noise_parts->weights, 10 * result.report.noise_parts->values)
      << "4 bits against 8";
  EXPECT_NEAR(result.report.noise_parts->weights / biases.noise_before, 1, 0.5);
  EXPECT_THAT(FormatReport(result.report), HasSubstr("dB with rounded weights alone"));
  EXPECT_THAT(ReportJson(result.report, "ok"), HasSubstr("\"weights_alone_sqnr_db\""));
  EXPECT_THAT(FormatReport(result.report), HasSubstr("  biases   of 8 layers corrected: "));
  EXPECT_THAT(ReadFile(folder / "out_quant_info.json"), HasSubstr("\"shift\""));
}

TEST(SettingsTest, ACorrectionThatFitsNoLayerIsTold) {
  const TempDir folder;
  const Result result = ConvertWith(
      PerTensor("include_cle: false\ninclude_bias_corr: false\nsecond_order_rounding: true\n") +
          "tensor_quantize_config: {weights: {symmetry: false, signed: false}}\n",
      folder);
  EXPECT_TRUE(result.report.corrections.empty());
  EXPECT_THAT(result.report.warnings,
              Contains(HasSubstr("rounding is left out: no layer has symmetric weights")));
}

// Biases that make up for what a white picture meets harm what digits meet.
TEST(SettingsTest, ACorrectionThatIsAskedForButHarmsIsToldAndNotKept) {
  const TempDir folder;
  std::vector<float> white(256, 1.0F);
  white[0] = 0;
  std::filesystem::create_directory(folder / "white");
  WriteFile(folder / "white" / "a.npy", NpyFloats({1, 1, 16, 16}, white));
  const auto convert = [&](const std::string& asked) {
    const LoadedConfig loaded =
        LoadText(PerTensor("include_cle: false\ninclude_bias_corr: " + asked + "\n") +
                 "tensor_quantize_config: {weights: {bit_width: 5}, bias: {bit_width: 32}}\n");
    ConvertOptions options = OptionsOf(loaded, folder);
    options.calibration_folder = folder / "white";
    options.validation_folder = kDigits / "calib";
    options.guard = GuardMode::kReport;
    return Convert(options);
  };
  const ConversionReport report = convert("true");
  ASSERT_EQ(report.corrections.size(), 1U);
  const CorrectionReport& biases = report.corrections[0];
  EXPECT_GT(biases.noise_after, 2 * biases.noise_before);
  EXPECT_FALSE(biases.kept);
  EXPECT_THAT(report.warnings, Contains(HasSubstr("biases are not corrected: ")));
  EXPECT_EQ(report.outputs[0].sums.error_power, convert("false").outputs[0].sums.error_power);
}

TEST(SettingsTest, CorrectionsLeftOpenAreMadeWhereTheyHelp) {
  const TempDir folder;
  const Result few =
      ConvertWith(FewBits("include_bias_corr: auto\nsecond_order_rounding: auto\n"), folder);
  ASSERT_FALSE(few.report.corrections.empty());
  for (const CorrectionReport& one : few.report.corrections)
    EXPECT_EQ(one.kept, one.noise_after < one.noise_before) << one.name;
  const Result plain = ConvertWith(FewBits("include_bias_corr: false\n"), folder);
  EXPECT_TRUE(plain.report.corrections.empty());
  EXPECT_LT(few.report.outputs[0].sums.error_power, plain.report.outputs[0].sums.error_power / 2);
}

TEST(SettingsTest, BiasesLeftOpenAreTriedBelow40Decibels) {
  const TempDir folder;
  const std::string open = "include_cle: false\nsecond_order_rounding: auto\n";
  const Result near = ConvertWith(PerTensor(open), folder);
  ASSERT_EQ(near.report.corrections.size(), 1U) << "8 bits leave 38 dB";
  const CorrectionReport& biases = near.report.corrections[0];
  EXPECT_EQ(biases.name, "biases");
  EXPECT_EQ(biases.kept, biases.noise_after < biases.noise_before);
  EXPECT_FALSE(near.report.noise_parts) << "what takes more time is for less than 30 dB";

  const Result enough = ConvertWith(
      "target_device: CPU\nscheme: static\nextensions: true\n" + open +
          "overall_quantize_config: {method: auto, round_mode: half_even, scale_type: float, "
          "per_channel: false, calib_statistic_method: all, symmetry: false, signed: false}\n"
          "tensor_quantize_config:\n"
          "  weights: {per_channel: true, symmetry: true, signed: true}\n"
          "  bias: {bit_width: 32, symmetry: true, signed: true, method: maxmin}\n",
      folder);
  EXPECT_GT(enough.report.outputs[0].sqnr_db(), 40);
  EXPECT_TRUE(enough.report.corrections.empty());
}

TEST(SettingsTest, CorrectedFilesDoNotDependOnThreads) {
  std::set<std::string> files;
  for (const int workers : {1, 3}) {
    const TempDir folder;
    const LoadedConfig loaded =
        LoadText(FewBits("include_bias_corr: true\nsecond_order_rounding: true\n"));
    ConvertOptions options = OptionsOf(loaded, folder);
    options.workers = workers;
    Convert(options);
    files.insert(ReadFile(options.output));
  }
  EXPECT_EQ(files.size(), 1U);
}

TEST(SettingsTest, PresetsOfTargetsComputeOnIntegersEachInItsWay) {
  std::set<std::string> files;
  for (const char* preset : {"vitis_int8_cpu", "arm_qnnpack", "x86_fbgemm", "quark_a8w8"}) {
    const TempDir folder;
    const Result result = ConvertWith(
        ReadFile(std::string(QCONVERT_SOURCE_DIR "/configs/") + preset + ".yaml"), folder);
    EXPECT_EQ(result.report.scheme, "static") << preset;
    EXPECT_GE(result.report.integer_nodes, 8U) << preset << ": 7 convolutions and a Gemm";
    files.insert(ReadFile(folder / "out.onnx"));
  }
  EXPECT_EQ(files.size(), 4U);
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

TEST(SettingsTest, TypesThatAreNotListedStayFloat) {
  const TempDir folder;
  const Result weights = ConvertWith(Static("quantizable_data_type: [weights]\n"), folder);
  EXPECT_EQ(weights.report.integer_nodes, 0U);
  EXPECT_GT(weights.report.stored_weights, 7U);
  const Result none = ConvertWith(Static("quantizable_data_type: [input, activation]\n"), folder);
  EXPECT_EQ(none.report.stored_weights, 0U);
  for (const Node& node : none.graph.nodes) {
    if (!node.Is("Conv")) continue;
    EXPECT_NE(none.graph.FindInitializer(node.inputs[1]), nullptr) << node.name;
  }
}

TEST(SettingsTest, TheFirstAndLastNodesWithWeightsKeepTheirAccuracy) {
  const TempDir folder;
  const Result result = ConvertWith(Static("keep_first_last_layer_accuracy: true\n"), folder);
  EXPECT_THAT(
      result.FloatNodes(),
      testing::IsSupersetOf({"/classifier/Gemm", "/features/features.0/features.0.0/Conv"}));
  for (const char* name : {"/classifier/Gemm", "/features/features.0/features.0.0/Conv"}) {
    EXPECT_NE(result.graph.FindInitializer(result.Find(name)->inputs[1]), nullptr) << name;
  }
}

TEST(SettingsTest, AddsKeepTheirAccuracy) {
  const TempDir folder;
  const Result result = ConvertWith(Static("keep_add_layer_accuracy: true\n"), folder);
  EXPECT_THAT(result.FloatNodes(),
              testing::UnorderedElementsAre("/features/features.2/Add", "/features/features.4/Add",
                                            "/features/features.2/act/Clip",
                                            "/features/features.4/act/Clip",
                                            "/pool/GlobalAveragePool", "/Flatten"))
      << "the Adds, and what computes on their results without weights";
}

TEST(SettingsTest, OnlyTheListedLayersAreQuantizedInThePaddleLanguage) {
  const TempDir folder;
  const Result result = ConvertWith(
      "weight_bits: 8\nactivation_quantize_type: abs_max\nquantizable_layer_type: [Linear]\n",
      folder);
  EXPECT_LE(result.report.integer_nodes, 2U);
  for (const auto& [reason, nodes] : result.report.float_reasons)
    EXPECT_THAT(reason.second, testing::Not(testing::HasSubstr("infinities"))) << nodes[0];
  for (const Node& node : result.graph.nodes) {
    if (!node.Is("Conv")) continue;
    EXPECT_NE(result.graph.FindInitializer(node.inputs[1]), nullptr) << node.name;
  }
}

TEST(SettingsTest, A8BitBiasLiesOnItsOwnGrid) {
  const TempDir folder;
  const Result result = ConvertWith(Static(""), folder);
  const Node& bias = result.ProducerOf(result.Find("/classifier/Gemm")->inputs[2]);
  const auto codes = result.graph.FindInitializer(bias.inputs[0])->values<int32_t>();
  const auto scales = result.graph.FindInitializer(bias.inputs[1])->values<float>();
  double largest = 0;
  for (const int32_t code : codes) largest = std::max(largest, std::fabs(code * double{scales[0]}));
  for (const int32_t code : codes) {
    const double steps = code * double{scales[0]} / (largest / 127);
    EXPECT_NEAR(steps, std::nearbyint(steps), 0.1) << "one of 255 numbers, to half a 32-bit code";
  }
}

TEST(SettingsTest, InputSettingsThatDoNothingAreTold) {
  const TempDir folder;
  const auto warnings = [&](const std::string& entry) {
    return ConvertWith(Static("layer_quantize_config:\n  - " + entry + "\n"), folder)
        .report.warnings;
  };
  EXPECT_TRUE(AnyHolds(
      warnings("{layer_name: /classifier/Gemm, tensor_quantize_config: {input: {bit_width: 16}}}"),
      "c.yaml:7:18: input settings have no effect where '/classifier/Gemm' reads what '/Flatten' "
      "quantizes"));
  EXPECT_FALSE(AnyHolds(warnings("{layer_name: /features/features.0/features.0.0/Conv, "
                                 "tensor_quantize_config: {input: {symmetry: false, "
                                 "calib_statistic_method: all}}}"),
                        "no effect"))
      << "it reads the model's input";
}

TEST(SettingsTest, TheVendorsDefaultsMakePowersOfTwo) {
  const TempDir folder;
  const Result result = ConvertWith("target_device: CPU\nscheme: static\n", folder);
  EXPECT_GT(result.report.outputs[0].cosine(), 0.99);
  EXPECT_EQ(result.report.float_nodes, 0U);
  size_t scales = 0;
  for (const Node& node : result.graph.nodes) {
    if (!node.Is("QuantizeLinear") && !node.Is("DequantizeLinear")) continue;
    for (const float scale : result.graph.FindInitializer(node.inputs[1])->values<float>()) {
      EXPECT_EQ(scale, std::exp2(std::round(std::log2(scale)))) << node.outputs[0];
      ++scales;
    }
  }
  EXPECT_GT(scales, 30U);
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

TEST(SettingsTest, AValueHasARangeAndBitsOfItsOwn) {
  const TempDir folder;
  const Result result = ConvertWith(Static("value_quantize_config:\n"
                                           "  - {value: image, symmetry: true, range: [-1, 2.54]}\n"
                                           "  - {value: nobody, bit_width: 16}\n"),
                                    folder);
  EXPECT_TRUE(AnyHolds(result.report.warnings, "c.yaml:8:13: no value of the model is named"));
  const auto quantizes = [](const Node& node) {
    return node.Is("QuantizeLinear") && node.inputs[0] == "image";
  };
  const auto q = std::find_if(result.graph.nodes.begin(), result.graph.nodes.end(), quantizes);
  ASSERT_NE(q, result.graph.nodes.end());
  EXPECT_FLOAT_EQ(ToFloats(*result.graph.FindInitializer(q->inputs[1]))[0], 2.54F / 127)
      << "symmetric around 0, whatever the samples reach";
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

TEST(SettingsTest, TheOpsetIsTheOneAskedFor) {
  const TempDir folder;
  ConvertWith(Static("onnx_opset_version: 17\n"), folder);
  EXPECT_EQ(LoadOnnx(folder / "out.onnx").model.opset(), 17);
  EXPECT_THAT(FailureWith(Static("onnx_opset_version: 26\n")),
              HasSubstr("c.yaml:6:21: onnx_opset_version is 26, expected at most 25"));
  ConvertWith(Static("onnx_opset_version: 25\n"), folder);
  EXPECT_EQ(LoadOnnx(folder / "out.onnx").model.ir_version, 13);
  EXPECT_TRUE(AnyHolds(ProblemsOf(Static("onnx_opset_version: 11\n")),
                       "onnx_opset_version is 11, expected -1, or 13 and newer"));
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

std::string Preset(const std::string& name) {
  return ReadFile(std::filesystem::path(QCONVERT_SOURCE_DIR) / "configs" / (name + ".yaml"));
}

TEST(SettingsTest, Bfloat16HalvesTheFileAndStaysNear) {
  const TempDir folder;
  const Result result = ConvertWith(Preset("vitis_bfloat16"), folder);
  EXPECT_EQ(result.report.integer_nodes, 0U);
  for (const OutputComparison& output : result.report.outputs) {
    EXPECT_GT(output.sqnr_db(), 30) << output.value.name;
    EXPECT_LT(output.sqnr_db(), 90) << "rounded";
  }
  size_t halves = 0;
  for (const auto& [name, tensor] : result.graph.initializers)
    halves += tensor.type == DataType::kBfloat16 ? 1 : 0;
  EXPECT_GT(halves, 0U);
}

TEST(SettingsTest, MixedBfloat16HasIntegerConvolutions) {
  const TempDir folder;
  const std::string text = Preset("vitis_mixed_bfloat16");
  const Result result = ConvertWith(text.substr(0, text.find("  - layer_name")), folder);
  EXPECT_GT(result.report.integer_nodes, 0U);
  for (const OutputComparison& output : result.report.outputs) EXPECT_GT(output.sqnr_db(), 15);
}

TEST(SettingsTest, OnlyWeightsThatBlocksDivideLeaveTheIntegers) {
  const TempDir folder;
  const auto in_blocks_of = [&](int size) {
    return ConvertWith(
        Static("tensor_quantize_config: {weights: {block_size: " + std::to_string(size) + "}}\n"),
        folder);
  };
  const Result blocks = in_blocks_of(16);
  EXPECT_EQ(blocks.FloatNodes().size(), 1U) << "the Gemm";
  EXPECT_THAT(blocks.report.warnings,
              testing::Not(testing::Contains(HasSubstr("no weights are in blocks"))));
  const Result too_large = in_blocks_of(65536);
  EXPECT_THAT(too_large.FloatNodes(), IsEmpty());
  EXPECT_THAT(too_large.report.warnings,
              testing::Contains(HasSubstr("block_size 65536: no weights are in blocks")));
}

TEST(SettingsTest, StoredWeightsStayInTheirBits) {
  const TempDir folder;
  std::string text = Static("tensor_quantize_config: {weights: {bit_width: 4}}\n");
  text.replace(text.find("static"), 6, "weight-only");
  const Result result = ConvertWith(text, folder);
  EXPECT_GT(result.report.stored_weights, 0U);
  int largest = 0;
  for (const auto& [name, tensor] : result.graph.initializers) {
    if (tensor.type != DataType::kInt8) continue;
    for (const int8_t code : tensor.values<int8_t>()) largest = std::max(largest, std::abs(code));
  }
  EXPECT_EQ(largest, 7);
}

}  // namespace
}  // namespace qconvert
