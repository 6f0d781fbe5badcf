// Config files at work: what they say about types, values and files is what the exported model has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "qconvert/base/file.h"
#include "support/project_folder.h"
#include "support/settings_job.h"

namespace qconvert {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(SettingsTest, PresetsOfTargetsComputeOnIntegersEachInItsWay) {
  std::set<std::string> files;
  for (const char* preset : {"vitis_int8_cpu", "arm_qnnpack", "x86_fbgemm", "quark_a8w8"}) {
    const TempDir folder;
    const Result result = ConvertWith(
        ReadFile(ProjectFolder() / "configs" / (std::string(preset) + ".yaml")), folder);
    EXPECT_EQ(result.report.scheme, "static") << preset;
    EXPECT_GE(result.report.integer_nodes, 8U) << preset << ": 7 convolutions and a Gemm";
    files.insert(ReadFile(folder / "out.onnx"));
  }
  EXPECT_EQ(files.size(), 4U);
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

std::string Preset(const std::string& name) {
  return ReadFile(ProjectFolder() / "configs" / (name + ".yaml"));
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
