// The Horizon language: what files mean.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "qconvert/config/resizer_settings.h"
#include "support/horizon_text.h"
#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(HorizonConfigTest, TheWholeCameraFile) {
  const LoadedConfig loaded = LoadText(
      "model_parameters:\n"
      "  onnx_model: net.onnx\n"
      "  march: nash-e\n"
      "  working_dir: ./out\n"
      "  output_model_file_prefix: cam\n"
      "  remove_node_type: \"Quantize;Dequantize\"\n"
      "input_parameters:\n"
      "  input_name: \"image;lidar\"\n"
      "  input_type_rt: \"nv12;featuremap\"\n"
      "  input_type_train: \"rgb;featuremap\"\n"
      "  input_layout_train: \"NCHW;NCHW\"\n"
      "  input_shape: \"1x3x512x960;1x64x256x256\"\n"
      "  mean_value: \"123.675 116.28 103.53;None\"\n"
      "  std_value: \"58.395, 57.12, 57.375;None\"\n"
      "calibration_parameters:\n"
      "  cal_data_dir: \"./cal/image;./cal/lidar\"\n"
      "  calibration_type: max\n"
      "  max_percentile: 0.99995\n"
      "  run_on_cpu: \"Softmax_1;Resize_2\"\n"
      "  quant_config: {model_config: {all_node_type: int8}, op_config: {Softmax: {qtype: int16}}, "
      "node_config: {\"Conv_3\": {qtype: int16}}, subgraph_config: {head: {inputs: [Conv_7], "
      "outputs: [Conv_9], qtype: float32}}}\n"
      "compiler_parameters:\n"
      "  input_source: {image: pyramid, lidar: ddr}\n"
      "  jobs: 3\n",
      {}, "/job/camera.yaml");
  EXPECT_EQ(loaded.dialect, "Horizon");
  const QuantConfig& config = loaded.config;
  EXPECT_EQ(config.target_device, TargetDevice::kBpu);
  const DeploymentConfig& deployment = config.deployment;
  EXPECT_EQ(deployment.model, "/job/net.onnx");
  EXPECT_EQ(deployment.working_dir, "/job/out");
  EXPECT_EQ(deployment.output_prefix, "cam");
  EXPECT_EQ(deployment.calibration_domain, CalibrationDomain::kNormalized);
  ASSERT_EQ(deployment.inputs.size(), 2U);
  EXPECT_EQ(deployment.inputs[0].kind_rt, InputKind::kNv12);
  EXPECT_EQ(deployment.inputs[0].kind_train, InputKind::kRgb);
  EXPECT_EQ(deployment.inputs[0].source, InputSource::kPyramid);
  EXPECT_EQ(deployment.inputs[0].mean, (std::vector<double>{123.675, 116.28, 103.53}));
  EXPECT_DOUBLE_EQ(deployment.inputs[0].scale[1], 1 / 57.12);
  EXPECT_THAT(deployment.inputs[1].mean, IsEmpty());
  EXPECT_EQ(deployment.inputs[1].shape, (std::vector<int64_t>{1, 64, 256, 256}));
  EXPECT_EQ(config.calibration.input.at("lidar"), "/job/cal/lidar");
  EXPECT_EQ(config.calibration.workers, 3);
  EXPECT_EQ(config.tensors.activation.method, CalibrationMethod::kPercentile);
  EXPECT_DOUBLE_EQ(config.tensors.activation.percentage, 99.995);
  EXPECT_TRUE(config.tensors.activation.symmetry && config.tensors.activation.is_signed);
  EXPECT_TRUE(config.tensors.weights.per_channel);
  ASSERT_EQ(config.layers.size(), 5U);
  EXPECT_EQ(config.layers[0].match.types, (std::vector<OpMatch>{{"Softmax"}}));
  EXPECT_EQ(config.layers[0].tensors.activation.bit_width, 16);
  EXPECT_EQ(config.layers[0].tensors.weights.bit_width, 8) << "int16 is int16 activations";
  EXPECT_EQ(config.layers[1].match.kind, LayerMatch::Kind::kSubgraph);
  EXPECT_EQ(config.layers[1].match.outputs, std::vector<std::string>{"Conv_9"});
  EXPECT_FALSE(config.layers[1].tensors.activation.is_int());
  EXPECT_EQ(config.layers[2].match.pattern, "Conv_3");
  EXPECT_FALSE(config.layers[3].tensors.activation.is_int()) << "run_on_cpu";
  EXPECT_TRUE(AnyHolds(loaded.infos, "already normalized (J6 rule)"));
}

TEST(HorizonConfigTest, TheCalibrationTypesAndTheirMethods) {
  const auto method = [](const std::string& more) {
    return LoadText(CalibrationText(more)).config.tensors.activation;
  };
  EXPECT_EQ(method("").method, CalibrationMethod::kAuto);
  EXPECT_EQ(method("  calibration_type: default\n").method, CalibrationMethod::kAuto);
  EXPECT_EQ(method("  calibration_type: mix\n").method, CalibrationMethod::kAuto);
  EXPECT_EQ(method("  calibration_type: max\n").method, CalibrationMethod::kMaxMin);
  EXPECT_EQ(method("  calibration_type: max\n  max_percentile: 1.0\n").method,
            CalibrationMethod::kMaxMin);
  EXPECT_EQ(method("  calibration_type: kl\n").method, CalibrationMethod::kEntropy);
  const TensorSettings percentile = method("  calibration_type: max\n  max_percentile: 0.999\n");
  EXPECT_EQ(percentile.method, CalibrationMethod::kPercentile);
  EXPECT_DOUBLE_EQ(percentile.percentage, 99.9);
  EXPECT_TRUE(AnyHolds(LoadText(CalibrationText("  max_percentile: 0.9\n")).warnings,
                       "max_percentile has no effect with calibration_type default"));
}

TEST(HorizonConfigTest, TheGenerationFollowsFromTheMarch) {
  for (const char* march : {"nash-b-lite", "nash-b", "nash-b-plus", "nash-e", "nash-m", "nash-h",
                            "nash-p", "nash-starry-p"}) {
    const LoadedConfig loaded = LoadText(MarchText(march, HorizonSections().Text()));
    EXPECT_EQ(loaded.config.deployment.generation, Generation::kJ6) << march;
  }
  for (const char* march : {"bernoulli2", "bayes", "bayes-e"}) {
    const LoadedConfig loaded = LoadText(MarchText(march, HorizonSections().Text()));
    EXPECT_EQ(loaded.config.deployment.generation, Generation::kJ5) << march;
    EXPECT_EQ(loaded.config.deployment.calibration_domain, CalibrationDomain::kRaw);
    EXPECT_TRUE(AnyHolds(loaded.infos, "(J5 rule)"));
  }
}

TEST(HorizonConfigTest, BoolsAndEmptyValuesAsTheVendorsToolTakesThem) {
  for (const char* word : {"True", "true", "1", "\"True\"", "TRUE"}) {
    const auto loaded = LoadText(ModelText("  layer_out_dump: " + std::string(word) + "\n"));
    EXPECT_TRUE(loaded.config.deployment.dump_layers) << word;
  }
  EXPECT_THAT(
      ProblemsOf(CalibrationText("  run_on_cpu: ''\n  optimization:\n  per_channel: False\n")),
      IsEmpty());
  EXPECT_TRUE(
      AnyHolds(ProblemsOf(ModelText("  layer_out_dump: perhaps\n")), "expected true or false"));
}

TEST(HorizonConfigTest, TheSchemeIsStaticUnlessToldOtherwise) {
  EXPECT_EQ(LoadText(HorizonSections{}.Text()).config.scheme, Scheme::kStatic);
  const LoadedConfig loaded = LoadText(HorizonSections{}.Text(), {"scheme=auto", "objective=size"});
  EXPECT_EQ(loaded.config.scheme, Scheme::kAuto);
  EXPECT_EQ(loaded.config.objective, Objective::kSize);
  EXPECT_EQ(LoadText(HorizonSections{}.Text(), {"effort=high"}).config.effort, Effort::kHigh);
}

TEST(HorizonConfigTest, DeprecatedKeysWarnAndCompilerKeysInform) {
  const std::string text = ModelText("  log_level: debug\n") +
                           "compiler_parameters:\n  optimize_level: "
                           "O2\n  compile_mode: latency\n";
  const LoadedConfig j6 = LoadText(text);
  EXPECT_TRUE(AnyHolds(j6.warnings, "c.yaml:4:14: log_level is deprecated: use -v or -q"));
  EXPECT_TRUE(AnyHolds(j6.infos, "optimize_level matters to the vendor's compiler alone"));
  EXPECT_THAT(LoadText(MarchText("bayes", text)).warnings, IsEmpty());
  for (const char* key : {"  input_layout_rt: NHWC\n", "  norm_type: data_mean\n"}) {
    const std::string input = "  input_type_rt: featuremap\n  input_type_train: featuremap\n";
    EXPECT_TRUE(AnyHolds(LoadText(InputText(input + key)).warnings, "is deprecated")) << key;
  }
}

TEST(HorizonConfigTest, TheDeployedModelsLayoutIsThatOfJ5) {
  const auto load = [](const std::string& march, const std::string& rt, const std::string& layout) {
    return LoadText(
        MarchText(march, InputText("  input_type_rt: " + rt +
                                   "\n  input_type_train: rgb\n  input_layout_train: NCHW\n"
                                   "  input_layout_rt: " +
                                   layout + "\n")));
  };
  const auto layout = [&](const std::string& march, const std::string& rt,
                          const std::string& word) {
    const LoadedConfig loaded = load(march, rt, word);
    return loaded.config.deployment.inputs.at(0).layout_rt;
  };
  EXPECT_EQ(layout("bayes", "rgb", "NHWC"), InputLayout::kNhwc);
  EXPECT_EQ(layout("bayes", "rgb", "NCHW"), InputLayout::kNchw);
  EXPECT_EQ(layout("bayes", "rgb", "''"), InputLayout::kNone);
  EXPECT_EQ(layout("bayes", "nv12", "NHWC"), InputLayout::kNone) << "has planes of its own";
  EXPECT_EQ(layout("nash-e", "rgb", "NHWC"), InputLayout::kNone) << "is deprecated there";
  EXPECT_TRUE(AnyHolds(load("bayes", "nv12", "NHWC").warnings,
                       "input_layout_rt of the input has no effect: nv12 has a layout of its own"));
  EXPECT_THAT(load("bayes", "nv12", "''").warnings, IsEmpty());
  const std::string features = InputText(
      "  input_type_rt: featuremap\n  input_type_train: featuremap\n  input_layout_rt: NHWC\n");
  EXPECT_TRUE(AnyHolds(LoadText(MarchText("bayes", features)).warnings,
                       "input_layout_rt of the input has no effect"));
  EXPECT_THAT([&] { load("bayes", "rgb", "NWHC"); },
              testing::ThrowsMessage<ConfigError>(
                  testing::HasSubstr("input_layout_rt is 'NWHC', expected NHWC, NCHW")));
  EXPECT_THAT([&] { load("bayes", "rgb", "NHWC;NCHW"); },
              testing::ThrowsMessage<ConfigError>(
                  testing::HasSubstr("input_layout_rt has 2 values, expected 1, one per input")));
}

TEST(HorizonConfigTest, TheResizerHasSettingsOfEachInput) {
  const auto load = [](const std::string& more) {
    HorizonSections sections;
    sections.input =
        "  input_name: a;b\n  input_type_rt: nv12;nv12\n  input_type_train: rgb;rgb\n"
        "  input_layout_train: NCHW;NCHW\n" +
        more;
    sections.calibration = "  cal_data_dir: a;b\n";
    sections.rest = "compiler_parameters:\n  input_source: {a: resizer, b: resizer}\n";
    return LoadText(sections.Text());
  };
  const LoadedConfig loaded = load(
      "  resizer_interp_mode: nearest;None\n  resizer_pad_mode: None;border\n"
      "  resizer_pad_value: 127, -128;None\n");
  EXPECT_THAT(loaded.warnings, IsEmpty());
  const std::vector<InputSettings>& inputs = loaded.config.deployment.inputs;
  ASSERT_EQ(inputs.size(), 2U);
  EXPECT_EQ(inputs[0].resizer, (ResizerSettings{InterpMode::kNearest, PadMode::kConstant, 127}));
  EXPECT_EQ(inputs[1].resizer, (ResizerSettings{InterpMode::kBilinear, PadMode::kBorder}));
  const LoadedConfig padded = load("  resizer_pad_value: 0 -128;16 255\n");
  EXPECT_EQ(padded.config.deployment.inputs[0].resizer, ResizerSettings{})
      << "the vendor's pair is the default";
  EXPECT_EQ(padded.config.deployment.inputs[1].resizer,
            (ResizerSettings{InterpMode::kBilinear, PadMode::kConstant, 16, 255}));
  EXPECT_TRUE(AnyHolds(load("  resizer_pad_mode: ;border\n  resizer_pad_value: ;16\n").warnings,
                       "resizer_pad_value of input 'b' has no effect: its resizer_pad_mode is "
                       "border"));
  EXPECT_THAT([&] { load("  resizer_pad_mode: border\n"); },
              testing::ThrowsMessage<ConfigError>(
                  testing::HasSubstr("resizer_pad_mode has 1 values, expected 2, one per input")));
}

TEST(HorizonConfigTest, NumbersThatAreNotUsedAreTold) {
  const auto load = [](const std::string& march, const std::string& more) {
    return LoadText(MarchText(march, ImageText("nv12", "rgb", more)));
  };
  const std::string both = "  mean_value: 1\n  scale_value: 2\n";
  const LoadedConfig raw = load("bayes", both + "  norm_type: no_preprocess\n");
  EXPECT_TRUE(AnyHolds(raw.warnings, "norm_type no_preprocess leaves out the mean_value of the"));
  EXPECT_TRUE(AnyHolds(raw.warnings, "norm_type no_preprocess leaves out the scale_value of the"));
  EXPECT_FALSE(raw.config.deployment.inputs.at(0).normalizes());
  const LoadedConfig mean = load("bayes", both + "  norm_type: data_mean\n");
  EXPECT_THAT(mean.warnings, testing::ElementsAre(testing::HasSubstr(
                                 "norm_type data_mean leaves out the scale_value of the input")));
  EXPECT_THAT(load("bayes", both + "  norm_type: data_mean_and_scale\n").warnings, IsEmpty());
  const LoadedConfig std = load("bayes", "  std_value: 4\n");
  EXPECT_TRUE(AnyHolds(std.warnings, "std_value is a key of J6"));
  EXPECT_THAT(std.config.deployment.inputs.at(0).scale, testing::ElementsAre(0.25));
  EXPECT_THAT(load("nash-e", "  std_value: 4\n").warnings, IsEmpty());
  const std::string fold = "  fold_normalization: true\n";
  EXPECT_TRUE(
      AnyHolds(load("nash-e", fold).warnings, "fold_normalization has no effect: no input"));
  EXPECT_THAT(load("nash-e", both + fold).warnings, IsEmpty());
  EXPECT_TRUE(AnyHolds(load("bayes", both + fold + "  norm_type: no_preprocess\n").warnings,
                       "fold_normalization has no effect"));
}

TEST(HorizonConfigTest, NodeInfoInBothFormsBeatsRunOnCpu) {
  const auto layers = [](const std::string& info) {
    return LoadText(ModelText(info)).config.layers;
  };
  const auto text = layers("  node_info: \"Conv_0:int16; /a:b:int16\"\n");
  ASSERT_EQ(text.size(), 2U);
  EXPECT_EQ(text[1].match.pattern, "/a:b");
  EXPECT_EQ(text[0].tensors.activation.bit_width, 16);
  const auto map = layers(
      "  node_info: {Conv_0: {ON: CPU}, Conv_1: {InputType0: int16, OutputType: "
      "int8}}\n");
  ASSERT_EQ(map.size(), 2U);
  EXPECT_FALSE(map[0].tensors.activation.is_int());
  EXPECT_EQ(map[1].tensors.input.bit_width, 16);
  EXPECT_EQ(map[1].tensors.activation.bit_width, 8);
}

TEST(HorizonConfigTest, OptimizationWordsBecomeSettings) {
  const QuantConfig config =
      LoadText(CalibrationText("  optimization: set_Softmax_input_int16,set_Softmax_output_int16,"
                               "asymmetric,run_fast\n"))
          .config;
  EXPECT_FALSE(config.tensors.activation.symmetry);
  ASSERT_EQ(config.layers.size(), 1U) << "both sides of a type are one entry";
  EXPECT_EQ(config.layers[0].tensors.input.bit_width, 16);
  EXPECT_EQ(config.layers[0].tensors.activation.bit_width, 16);
  EXPECT_FALSE(config.layers[0].tensors.activation.symmetry) << "entries start from the model's";
  EXPECT_EQ(LoadText(CalibrationText("  optimization: set_all_nodes_int16\n"))
                .config.tensors.activation.bit_width,
            16);
}

TEST(HorizonConfigTest, BiasCorrectionOfBothGenerations) {
  EXPECT_EQ(LoadText(CalibrationText("")).config.bias_correction, Correction::kOff);
  const LoadedConfig listed = LoadText(CalibrationText("  optimization: bias_correction\n"));
  EXPECT_EQ(listed.config.bias_correction, Correction::kOn);
  EXPECT_EQ(listed.config.bias_correction_samples, 0);
  const LoadedConfig nested = LoadText(CalibrationText(
      "  quant_config: {model_config: {weight: {bias_correction: {num_sample: 8}}}}\n"));
  EXPECT_EQ(nested.config.bias_correction, Correction::kOn);
  EXPECT_EQ(nested.config.bias_correction_samples, 8);
  EXPECT_FALSE(AnyHolds(nested.warnings, "metric"));
  EXPECT_TRUE(AnyHolds(
      LoadText(CalibrationText(
                   "  quant_config: {model_config: {weight: {bias_correction: {metric: mse}}}}\n"))
          .warnings,
      "metric of bias_correction has no effect"));
}

TEST(HorizonConfigTest, QuantConfigFromAFileKeepsItsPlaces) {
  const TempDir folder;
  std::ofstream(folder / "q.json") << "{\"node_config\": {\n  \"Conv_3\": {\"qtype\": \"int17\"}}}";
  std::ofstream(folder / "c.yaml") << CalibrationText("  quant_config: q.json\n");
  try {
    ReadConfig(folder / "c.yaml", {});
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.problems()[0], HasSubstr("q.json:2:23: qtype is 'int17', expected int8, int16"));
  }
  std::ofstream(folder / "q.json") << "{\"model_config\": {\"all_node_type\": \"int16\", "
                                      "\"activation\": {\"calibration_type\": \"max\"}}}";
  const LoadedConfig loaded = ReadConfig(folder / "c.yaml", {});
  EXPECT_EQ(loaded.config.tensors.activation.bit_width, 16);
  EXPECT_EQ(loaded.config.tensors.activation.method, CalibrationMethod::kMaxMin);
}

TEST(HorizonConfigTest, TheFormsOfQuantConfigSeenInTheWild) {
  for (const char* form :
       {"{model_config: {activation: {calibration_type: max, max_percentile: 0.999}}}",
        "{activation: {calibration_type: max, max_percentile: 0.999}}",
        "{model_config: {default: {activation: {calibration_type: max, max_percentile: "
        "0.999}}}}"}) {
    const auto loaded = LoadText(CalibrationText(std::string("  quant_config: ") + form + "\n"));
    EXPECT_DOUBLE_EQ(loaded.config.tensors.activation.percentage, 99.9) << form;
  }
  const auto older = LoadText(
      CalibrationText("  quant_config: {node_config: {Conv_1: {ON: int16}, Conv_2: {qtype: "
                      "{input0: int16, input1: int16}}}}\n"));
  EXPECT_EQ(older.config.layers[0].tensors.activation.bit_width, 16);
  EXPECT_EQ(older.config.layers[1].tensors.input.bit_width, 16);
  const auto dual =
      LoadText(CalibrationText("  quant_config: {node_config: {Conv_1: {qtype: dual-int16}}}\n"));
  EXPECT_EQ(dual.config.layers[0].tensors.activation.bit_width, 16);
  EXPECT_EQ(dual.config.layers[0].tensors.weights.bit_width, 16);
  const auto mixed = LoadText(CalibrationText(
      "  quant_config: {node_config: {Conv_2: {qtype: {input0: int16, input1: int8}}}}\n"));
  EXPECT_EQ(mixed.config.layers[0].tensors.input.bit_width, 16);
  EXPECT_EQ(mixed.config.layers[0].tensors.weights.bit_width, 8) << "input1 is the weights";
}

TEST(HorizonConfigTest, LegalPairsOfTrainAndRuntimeTypes) {
  const std::vector<std::pair<std::string, std::string>> legal = {
      {"rgb", "nv12"},  {"rgb", "yuv444"},  {"rgb", "rgb"},       {"rgb", "bgr"},
      {"bgr", "nv12"},  {"bgr", "yuv444"},  {"bgr", "rgb"},       {"bgr", "bgr"},
      {"gray", "gray"}, {"yuv444", "nv12"}, {"yuv444", "yuv444"}, {"featuremap", "featuremap"}};
  const std::vector<std::string> kinds = {"rgb", "bgr", "yuv444", "gray", "featuremap"};
  for (const std::string& train : kinds) {
    for (const char* rt : {"nv12", "yuv444", "rgb", "bgr", "gray", "featuremap"}) {
      const bool expected =
          std::find(legal.begin(), legal.end(), std::pair(train, std::string(rt))) != legal.end();
      EXPECT_EQ(!AnyHolds(ProblemsOf(ImageText(rt, train, "")), "cannot be made from"), expected)
          << train << " -> " << rt;
    }
  }
}

TEST(HorizonConfigTest, FormsOfCameraFilesThatAreDone) {
  const std::string norm = "  mean_value: 1\n  scale_value: 2\n";
  for (const std::string& text :
       {ImageText("nv12", "rgb", norm), MarchText("bayes", ImageText("nv12", "rgb", norm)),
        MarchText("bayes", ImageText("bgr", "rgb", "")),
        ImageText("nv12", "rgb", "") + "compiler_parameters:\n  input_source: {data: resizer}\n",
        ImageText("nv12", "rgb", "  input_batch: 4\n  separate_batch: True\n"),
        ModelText("  output_nodes: Conv_7;Conv_9\n"),
        CalibrationText("  calibration_type: skip\n")}) {
    EXPECT_THAT(ProblemsOf(text), IsEmpty()) << text;
  }
  const auto kept = LoadText(ModelText("  remove_node_type: Dequantize\n  keep_node_name: a;b\n"));
  EXPECT_THAT(kept.config.deployment.keep_node_names, testing::ElementsAre("a", "b"));
}

TEST(HorizonConfigTest, TheTypeOfRawFiles) {
  const auto raw = [](const std::string& march, const std::string& more) {
    return LoadText(MarchText(march, CalibrationText(more))).config.deployment.inputs[0].raw;
  };
  EXPECT_EQ(raw("bayes", "  cal_data_type: uint8\n"), RawElement::kUint8);
  EXPECT_EQ(raw("bayes", "  cal_data_type: float32\n"), RawElement::kFloat32);
  EXPECT_EQ(raw("bayes", ""), RawElement::kOfInput);
  EXPECT_EQ(raw("nash-e", "  cal_data_type: uint8\n"), RawElement::kOfInput) << "deprecated";
  const auto conflict = LoadText(MarchText(
      "bayes",
      HorizonSections{.calibration = "  cal_data_dir: a_f32\n  cal_data_type: uint8\n"}.Text()));
  EXPECT_TRUE(AnyHolds(conflict.warnings, "cal_data_type uint8 wins over the name of a_f32"));
  EXPECT_TRUE(
      AnyHolds(ProblemsOf(MarchText("bayes", CalibrationText("  cal_data_type: uint8;uint8\n"))),
               "cal_data_type has 2 values, expected 1"));
}

TEST(HorizonConfigTest, OverridesNameTheSectionOrTheKeyAlone) {
  const std::string text = HorizonSections().Text();
  for (const char* set : {"calibration_parameters.calibration_type=max", "calibration_type=max"}) {
    EXPECT_EQ(LoadText(text, {set}).config.tensors.activation.method, CalibrationMethod::kMaxMin)
        << set;
  }
  EXPECT_TRUE(AnyHolds(ProblemsOf(text, {"calibration_type=min"}),
                       "--set calibration_type=min: calibration_type is 'min'"));
}

TEST(HorizonConfigTest, AJsonFileOfThisLanguageIsReadAsSuch) {
  const LoadedConfig loaded = LoadText(
      "{\"model_parameters\": {\"onnx_model\": \"a.onnx\", \"march\": \"nash-m\"}, "
      "\"input_parameters\": {\"input_type_rt\": \"featuremap\", \"input_type_train\": "
      "\"featuremap\"}}",
      {}, "c.json");
  EXPECT_EQ(loaded.dialect, "Horizon");
}

}  // namespace
}  // namespace qconvert
