// The Horizon language: what files mean, and every rule that refuses one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "qconvert/config/resizer_settings.h"
#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// One featuremap input; sections can be replaced.
struct Sections {
  std::string model = "  onnx_model: net.onnx\n  march: nash-e\n";
  std::string input = "  input_type_rt: featuremap\n  input_type_train: featuremap\n";
  std::string calibration = "  cal_data_dir: cal\n";
  std::string rest;

  std::string Text() const {
    return "model_parameters:\n" + model + "input_parameters:\n" + input +
           "calibration_parameters:\n" + calibration + rest;
  }
};

std::string Model(const std::string& more) {
  Sections sections;
  sections.model += more;
  return sections.Text();
}
std::string Input(const std::string& input) { return Sections{.input = input}.Text(); }
std::string Calibration(const std::string& more) {
  Sections sections;
  sections.calibration += more;
  return sections.Text();
}
std::string Compiler(const std::string& more) {
  return Sections{.rest = "compiler_parameters:\n" + more}.Text();
}
// An image input of the float model, fed as `rt`.
std::string Image(const std::string& rt, const std::string& train, const std::string& more) {
  return Input("  input_type_rt: " + rt + "\n  input_type_train: " + train +
               "\n  input_layout_train: NCHW\n" + more);
}

std::string March(const std::string& march, const std::string& text) {
  std::string out = text;
  return out.replace(out.find("nash-e"), 6, march);
}

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
    return LoadText(Calibration(more)).config.tensors.activation;
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
  EXPECT_TRUE(AnyHolds(LoadText(Calibration("  max_percentile: 0.9\n")).warnings,
                       "max_percentile has no effect with calibration_type default"));
}

TEST(HorizonConfigTest, TheGenerationFollowsFromTheMarch) {
  for (const char* march : {"nash-b-lite", "nash-b", "nash-b-plus", "nash-e", "nash-m", "nash-h",
                            "nash-p", "nash-starry-p"}) {
    const LoadedConfig loaded = LoadText(March(march, Sections().Text()));
    EXPECT_EQ(loaded.config.deployment.generation, Generation::kJ6) << march;
  }
  for (const char* march : {"bernoulli2", "bayes", "bayes-e"}) {
    const LoadedConfig loaded = LoadText(March(march, Sections().Text()));
    EXPECT_EQ(loaded.config.deployment.generation, Generation::kJ5) << march;
    EXPECT_EQ(loaded.config.deployment.calibration_domain, CalibrationDomain::kRaw);
    EXPECT_TRUE(AnyHolds(loaded.infos, "(J5 rule)"));
  }
}

TEST(HorizonConfigTest, BoolsAndEmptyValuesAsTheVendorsToolTakesThem) {
  for (const char* word : {"True", "true", "1", "\"True\"", "TRUE"}) {
    const auto loaded = LoadText(Model("  layer_out_dump: " + std::string(word) + "\n"));
    EXPECT_TRUE(loaded.config.deployment.dump_layers) << word;
  }
  EXPECT_THAT(ProblemsOf(Calibration("  run_on_cpu: ''\n  optimization:\n  per_channel: False\n")),
              IsEmpty());
  EXPECT_TRUE(AnyHolds(ProblemsOf(Model("  layer_out_dump: perhaps\n")), "expected true or false"));
}

TEST(HorizonConfigTest, TheSchemeIsStaticUnlessToldOtherwise) {
  EXPECT_EQ(LoadText(Sections{}.Text()).config.scheme, Scheme::kStatic);
  const LoadedConfig loaded = LoadText(Sections{}.Text(), {"scheme=auto", "objective=size"});
  EXPECT_EQ(loaded.config.scheme, Scheme::kAuto);
  EXPECT_EQ(loaded.config.objective, Objective::kSize);
  EXPECT_EQ(LoadText(Sections{}.Text(), {"effort=high"}).config.effort, Effort::kHigh);
}

TEST(HorizonConfigTest, DeprecatedKeysWarnAndCompilerKeysInform) {
  const std::string text = Model("  log_level: debug\n") +
                           "compiler_parameters:\n  optimize_level: "
                           "O2\n  compile_mode: latency\n";
  const LoadedConfig j6 = LoadText(text);
  EXPECT_TRUE(AnyHolds(j6.warnings, "c.yaml:4:14: log_level is deprecated: use -v or -q"));
  EXPECT_TRUE(AnyHolds(j6.infos, "optimize_level matters to the vendor's compiler alone"));
  EXPECT_THAT(LoadText(March("bayes", text)).warnings, IsEmpty());
  for (const char* key : {"  input_layout_rt: NHWC\n", "  norm_type: data_mean\n"}) {
    const std::string input = "  input_type_rt: featuremap\n  input_type_train: featuremap\n";
    EXPECT_TRUE(AnyHolds(LoadText(Input(input + key)).warnings, "is deprecated")) << key;
  }
}

TEST(HorizonConfigTest, TheDeployedModelsLayoutIsThatOfJ5) {
  const auto load = [](const std::string& march, const std::string& rt, const std::string& layout) {
    return LoadText(March(march, Input("  input_type_rt: " + rt +
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
  const std::string features = Input(
      "  input_type_rt: featuremap\n  input_type_train: featuremap\n  input_layout_rt: NHWC\n");
  EXPECT_TRUE(AnyHolds(LoadText(March("bayes", features)).warnings,
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
    Sections sections;
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

// One after another: a model with several in a batch was refused at the end of the conversion.
TEST(HorizonConfigTest, AResizerTakesOnePicture) {
  const std::string rest = "compiler_parameters:\n  input_source: {data: resizer}\n";
  const std::string shape = "  input_shape: 2x3x8x8\n";
  EXPECT_TRUE(AnyHolds(ProblemsOf(Image("nv12", "rgb", "  input_batch: 2\n") + rest),
                       "input_batch is 2, the resizer of the input takes one picture: expected "
                       "separate_batch"));
  EXPECT_TRUE(AnyHolds(ProblemsOf(Image("nv12", "rgb", shape) + rest),
                       "the input has a batch of 2, the resizer takes one picture"));
  EXPECT_THAT(ProblemsOf(Image("nv12", "rgb", "  input_batch: 2\n  separate_batch: true\n") + rest),
              IsEmpty());
  EXPECT_THAT(ProblemsOf(March("bayes", Image("nv12", "rgb", "  input_batch: 2\n") + rest)),
              IsEmpty());
}

TEST(HorizonConfigTest, NumbersThatAreNotUsedAreTold) {
  const auto load = [](const std::string& march, const std::string& more) {
    return LoadText(March(march, Image("nv12", "rgb", more)));
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
  const auto layers = [](const std::string& info) { return LoadText(Model(info)).config.layers; };
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
      LoadText(Calibration("  optimization: set_Softmax_input_int16,set_Softmax_output_int16,"
                           "asymmetric,run_fast\n"))
          .config;
  EXPECT_FALSE(config.tensors.activation.symmetry);
  ASSERT_EQ(config.layers.size(), 2U);
  EXPECT_EQ(config.layers[0].tensors.input.bit_width, 16);
  EXPECT_EQ(config.layers[1].tensors.activation.bit_width, 16);
  EXPECT_FALSE(config.layers[1].tensors.activation.symmetry) << "entries start from the model's";
  EXPECT_EQ(LoadText(Calibration("  optimization: set_all_nodes_int16\n"))
                .config.tensors.activation.bit_width,
            16);
}

TEST(HorizonConfigTest, BiasCorrectionOfBothGenerations) {
  EXPECT_EQ(LoadText(Calibration("")).config.bias_correction, Correction::kOff);
  const LoadedConfig listed = LoadText(Calibration("  optimization: bias_correction\n"));
  EXPECT_EQ(listed.config.bias_correction, Correction::kOn);
  EXPECT_EQ(listed.config.bias_correction_samples, 0);
  const LoadedConfig nested = LoadText(Calibration(
      "  quant_config: {model_config: {weight: {bias_correction: {num_sample: 8}}}}\n"));
  EXPECT_EQ(nested.config.bias_correction, Correction::kOn);
  EXPECT_EQ(nested.config.bias_correction_samples, 8);
}

TEST(HorizonConfigTest, QuantConfigFromAFileKeepsItsPlaces) {
  const TempDir folder;
  std::ofstream(folder / "q.json") << "{\"node_config\": {\n  \"Conv_3\": {\"qtype\": \"int17\"}}}";
  std::ofstream(folder / "c.yaml") << Calibration("  quant_config: q.json\n");
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
    const auto loaded = LoadText(Calibration(std::string("  quant_config: ") + form + "\n"));
    EXPECT_DOUBLE_EQ(loaded.config.tensors.activation.percentage, 99.9) << form;
  }
  const auto older =
      LoadText(Calibration("  quant_config: {node_config: {Conv_1: {ON: int16}, Conv_2: {qtype: "
                           "{input0: int16, input1: int16}}}}\n"));
  EXPECT_EQ(older.config.layers[0].tensors.activation.bit_width, 16);
  EXPECT_EQ(older.config.layers[1].tensors.input.bit_width, 16);
  const auto dual =
      LoadText(Calibration("  quant_config: {node_config: {Conv_1: {qtype: dual-int16}}}\n"));
  EXPECT_EQ(dual.config.layers[0].tensors.activation.bit_width, 16);
  EXPECT_EQ(dual.config.layers[0].tensors.weights.bit_width, 16);
  const auto mixed = LoadText(Calibration(
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
      EXPECT_EQ(!AnyHolds(ProblemsOf(Image(rt, train, "")), "cannot be made from"), expected)
          << train << " -> " << rt;
    }
  }
}

TEST(HorizonConfigTest, FormsOfCameraFilesThatAreDone) {
  const std::string norm = "  mean_value: 1\n  scale_value: 2\n";
  for (const std::string& text :
       {Image("nv12", "rgb", norm), March("bayes", Image("nv12", "rgb", norm)),
        March("bayes", Image("bgr", "rgb", "")),
        Image("nv12", "rgb", "") + "compiler_parameters:\n  input_source: {data: resizer}\n",
        Image("nv12", "rgb", "  input_batch: 4\n  separate_batch: True\n"),
        Model("  output_nodes: Conv_7;Conv_9\n"), Calibration("  calibration_type: skip\n")}) {
    EXPECT_THAT(ProblemsOf(text), IsEmpty()) << text;
  }
  const auto kept = LoadText(Model("  remove_node_type: Dequantize\n  keep_node_name: a;b\n"));
  EXPECT_THAT(kept.config.deployment.keep_node_names, testing::ElementsAre("a", "b"));
}

TEST(HorizonConfigTest, TheTypeOfRawFiles) {
  const auto raw = [](const std::string& march, const std::string& more) {
    return LoadText(March(march, Calibration(more))).config.deployment.inputs[0].raw;
  };
  EXPECT_EQ(raw("bayes", "  cal_data_type: uint8\n"), RawElement::kUint8);
  EXPECT_EQ(raw("bayes", "  cal_data_type: float32\n"), RawElement::kFloat32);
  EXPECT_EQ(raw("bayes", ""), RawElement::kOfInput);
  EXPECT_EQ(raw("nash-e", "  cal_data_type: uint8\n"), RawElement::kOfInput) << "deprecated";
  const auto conflict = LoadText(March(
      "bayes", Sections{.calibration = "  cal_data_dir: a_f32\n  cal_data_type: uint8\n"}.Text()));
  EXPECT_TRUE(AnyHolds(conflict.warnings, "cal_data_type uint8 wins over the name of a_f32"));
  EXPECT_TRUE(AnyHolds(ProblemsOf(March("bayes", Calibration("  cal_data_type: uint8;uint8\n"))),
                       "cal_data_type has 2 values, expected 1"));
}

TEST(HorizonConfigTest, EveryRuleOfTheVendorHasAnErrorAtItsPlace) {
  const std::string feature = "  input_type_rt: featuremap\n  input_type_train: featuremap\n";
  const std::string two =
      "  input_type_rt: featuremap;featuremap\n  input_type_train: "
      "featuremap;featuremap\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      // model_parameters
      {Model("  caffe_model: a.caffemodel\n"), "caffe_model and onnx_model exclude each other"},
      {Sections{.model = "  caffe_model: a\n  prototxt: b\n  march: nash-e\n"}.Text(),
       "Caffe models are not read, expected onnx_model"},
      {Sections{.model = "  onnx_model: net.pb\n  march: nash-e\n"}.Text(),
       "c.yaml:2:15: onnx_model is 'net.pb', expected a file named *.onnx"},
      {Sections{.model = "  onnx_model: a.onnx\n"}.Text(), "march is missing"},
      {Sections{.model = "  onnx_model: a.onnx\n  march: nash-x\n"}.Text(), "march is 'nash-x'"},
      {Model("  output_model_file_prefix: ''\n"), "output_model_file_prefix is empty"},
      {Model("  output_model_file_prefix: a/b\n"), "expected no folder in it"},
      {Model("  remove_node_type: Quantize;Relu\n"),
       "remove_node_type has 'Relu', expected Quantize, Dequantize, Transpose, Cast, Reshape, "
       "Softmax"},
      {Model("  node_info: Conv_0\n"), "node_info is 'Conv_0', expected NAME:int16"},
      {Model("  node_info: {Conv_0: int16}\n"), "node_info is 'int16', expected"},
      {Model("  node_info: {Conv_0: {ON: GPU}}\n"), "ON is 'GPU', expected BPU or CPU"},
      {Model("  node_info: {Conv_0: {Output: int8}}\n"), "unknown key 'Output'"},
      {Model("  node_info: Conv_0:int12\n"), "type is 'int12'"},
      {Model("  debug_mode: dump\n"), "debug_mode is 'dump'"},
      {Model("  marsh: 1\n"), "unknown key 'marsh', did you mean 'march'?"},
      // input_parameters
      {Input(two), "input_name is missing, expected with several inputs"},
      {Input("  input_name: a;b\n" + feature), "input_type_rt has 1 values, expected 2"},
      {Input("  input_name: a;a\n" + two), "input_name has 'a' twice"},
      {Input("  input_type_train: featuremap\n"), "input_type_rt is missing"},
      {Input("  input_type_rt: featuremap\n"), "input_type_train is missing"},
      {Image("nv21", "rgb", ""), "input_type_rt is 'nv21', expected featuremap, rgb, bgr"},
      {Image("yuv444_128", "rgb", ""),
       "input_type_rt is 'yuv444_128', which the vendor lists but has closed"},
      {Image("nv12", "nv12", ""), "input_type_train is 'nv12', expected featuremap, rgb, bgr"},
      {Image("rgb", "gray", ""), "cannot be made from input_type_train gray, expected gray"},
      {Input("  input_type_rt: rgb\n  input_type_train: rgb\n"), "input_layout_train is missing"},
      {Input("  input_name: a;b\n  input_type_rt: rgb;rgb\n  input_type_train: rgb;rgb\n"
             "  input_layout_train: ;NCHW\n"),
       "input_layout_train is missing, expected NCHW or NHWC for input 'a'"},
      {Input(feature + "  input_layout_train: NCWH\n"), "input_layout_train is 'NCWH'"},
      {Input(feature + "  input_shape: 1,3,4\n"), "input_shape is '1,3,4', expected a shape like"},
      {Input(feature + "  input_shape: 1x0x4\n"), "input_shape is '1x0x4'"},
      {Input(feature + "  input_shape: 1X3\n"), "input_shape is '1X3'"},
      {Image("rgb", "rgb", "  input_shape: 1x3x8\n"), "has 3 dimensions, expected 4 for rgb"},
      {Image("rgb", "rgb", "  input_shape: 1x4x8x8\n"),
       "has 4 channels in layout NCHW, expected 3"},
      {Image("gray", "gray", "  input_shape: 1x3x8x8\n"), "expected 1 for gray"},
      {Image("nv12", "rgb", "  input_shape: 1x3x7x8\n"), "is 7x8, nv12 needs an even height"},
      {March("bayes", Image("yuv444", "rgb", "  input_shape: 1x3x7x8\n")), "yuv444 needs an even"},
      {Input(feature + "  input_space_and_range: full\n"), "input_space_and_range is 'full'"},
      {Image("rgb", "rgb", "  input_space_and_range: bt601_video\n"),
       "for input_type_rt nv12 only"},
      {Image("rgb", "rgb", "  scale_value: 1\n  std_value: 1\n"), "are both given"},
      {Image("rgb", "rgb", "  std_value: 0\n"), "std_value is 0"},
      {Image("rgb", "rgb", "  scale_value: 1 0 1\n"), "scale_value is 0, expected another number"},
      {Image("rgb", "rgb", "  mean_value: 1 2 x\n"), "mean_value is '1 2 x', expected numbers"},
      {Image("rgb", "rgb", "  mean_value: .nan\n"), "mean_value is '.nan'"},
      {Image("rgb", "rgb", "  input_shape: 1x3x8x8\n  mean_value: 1 2\n"),
       "has 2 numbers, expected one, or one per channel (3)"},
      {Input(feature + "  mean_value: 1\n"), "mean_value is for images"},
      {Input(feature + "  scale_value: 1\n"), "scale_value is for images"},
      {Input(feature + "  input_batch: 0\n"), "input_batch is '0'"},
      {Input(feature + "  input_batch: 2;3\n"), "input_batch is '2;3', expected a whole number"},
      {Input(feature + "  input_batch: 2\n  input_shape: 4x3\n"), "needs a first dimension of 1"},
      {March("bayes", Input(feature + "  input_batch: 129\n")), "expected at most 128"},
      {March("bayes", Input("  input_name: a;b\n" + two + "  input_batch: 2\n")), "with one input"},
      {Input(feature + "  input_name: a\n  separate_batch: True\n  separate_name: a\n"),
       "separate_batch and separate_name exclude each other"},
      {Input(feature + "  input_name: data\n  separate_name: dat\n"),
       "separate_name has 'dat', which is no input_name, did you mean 'data'?"},
      {Input(feature + "  norm_type: mean\n"), "norm_type is 'mean'"},
      {March("bayes", Image("rgb", "rgb", "  norm_type: data_mean\n")), "needs mean_value"},
      {March("bayes", Image("rgb", "rgb", "  norm_type: data_scale\n")), "needs scale_value"},
      // calibration_parameters
      {Calibration("  calibration_type: min\n"), "calibration_type is 'min', expected max, kl"},
      {Calibration("  calibration_type: max\n  max_percentile: 1.5\n"),
       "of at least 0.5 and at most 1"},
      {Calibration("  max_percentile: 0.2\n"), "max_percentile is '0.2'"},
      {Calibration("  per_channel: maybe\n"), "per_channel is 'maybe', expected true or false"},
      {Sections{.calibration = "  cal_data_dir: a;b\n"}.Text(),
       "cal_data_dir has 2 folders, expected 1"},
      {Sections{.calibration = "  cal_data_dir: ''\n"}.Text(), "cal_data_dir is empty"},
      {Calibration("  cal_data_type: int3\n"), "cal_data_type is 'int3'"},
      {Calibration("  optimization: set_fast\n"), "optimization is 'set_fast'"},
      {Calibration("  run_on_cpu: a\n  run_on_bpu: a\n"), "'a' is in run_on_cpu too"},
      {Calibration("  quant_config: [1]\n"), "quant_config is 'a list', expected a map"},
      {Calibration("  quant_config: {model_config: {all_node_type: int9}}\n"),
       "all_node_type is 'int9'"},
      {Calibration("  quant_config: {model_config: {all_node_type: int4}}\n"),
       "qtype is 'int4', whose numbers no ONNX operator has, expected int8, int16, dual-int16"},
      {Calibration("  quant_config: {modl_config: {}}\n"), "unknown key 'modl_config'"},
      {Calibration("  quant_config: {op_config: {Convv: {qtype: int8}}}\n"),
       "unknown op type 'Convv'"},
      {Calibration("  quant_config: {subgraph_config: {a: {inputs: [x]}}}\n"),
       "subgraph 'a' has no outputs"},
      {Calibration("  quant_config: {op_config: {Conv: {activation: {calibration_type: load}}}}\n"),
       "calibration_type load is for the whole model and alone"},
      {Calibration("  quant_config: {activation: {calibration_type: mean}}\n"),
       "expected max, kl or load"},
      {Calibration("  quant_config: {activation: {num_bin: 100}}\n"), "of at least 129"},
      {Calibration("  quant_config: {activation: {max_num_bin: 200}}\n"), "of at least 258"},
      {Calibration("  quant_config: {activation: {max_percentile: 0.4}}\n"),
       "max_percentile is '0.4'"},
      {Calibration("  quant_config: {activation: {asymmetric: maybe}}\n"), "asymmetric is 'maybe'"},
      {Calibration("  quant_config: {model_config: {modelwise_search: {metric: cos}}}\n"),
       "metric is 'cos'"},
      {Calibration("  quant_config: {model_config: {layerwise_search: {topk: 0}}}\n"),
       "topk is '0'"},
      {Calibration("  quant_config: {model_config: {layerwise_search: {qtype: int16, metric: "
                   "mse}}}\n"),
       "goes on until what? expected topk or similarity"},
      {Calibration("  quant_config: {model_config: {search: {layer: {topc: 3}}}}\n"),
       "unknown key 'topc'"},
      {Calibration("  quant_config: {model_config: {search: {layer: 3}}}\n"), "layer is no map"},
      {Calibration("  quant_config: {node_config: {a: {activation: {calibration_type: [max, "
                   "kl]}}}}\n"),
       "the activation of single nodes has a list, expected single values"},
      {Calibration("  quant_config: {model_config: {model_output_type: mxint8}}\n"),
       "model_output_type is 'mxint8', whose numbers no ONNX operator has, expected"},
      {Calibration(
           "  quant_config: {model_config: {weight: {bias_correction: {num_sample: 0}}}}\n"),
       "num_sample is '0'"},
      // compiler_parameters
      {Compiler("  input_source: {x: usb}\n"), "input_source is 'usb'"},
      {Compiler("  input_source: pyramid\n"), "expected a map from inputs"},
      {Compiler("  input_source: {x: pyramid}\n"),
       "does not go with input_type_rt featuremap, expected ddr"},
      {Compiler("  compile_mode: fast\n"), "compile_mode is 'fast'"},
      {Compiler("  compile_mode: balance\n"), "needs balance_factor"},
      {Compiler("  balance_factor: 101\n"), "balance_factor is '101'"},
      {Compiler("  optimize_level: O4\n"), "optimize_level is 'O4'"},
      {Compiler("  optimize_level: O3\n"), "march nash-e takes O0, O1 or O2"},
      {Compiler("  core_num: 5\n"), "core_num is '5'"},
      {Compiler("  max_time_per_fc: 10\n"), "expected 0, or 1000 to 10000000"},
      {Compiler("  max_l2m_size: 25165825\n"), "max_l2m_size is '25165825'"},
      {Compiler("  jobs: 0\n"), "jobs is '0'"},
      {Compiler("  debug: perhaps\n"), "debug is 'perhaps'"},
      {Sections{.rest = "custom_op:\n  custom_op_method: call\n"}.Text(),
       "custom_op_method is 'call'"},
      {Sections{.rest = "model_parametres: {}\n"}.Text(), "did you mean 'model_parameters'?"},
  };
  for (const auto& [text, message] : cases) {
    const auto problems = ProblemsOf(text);
    EXPECT_TRUE(AnyHolds(problems, message)) << text << "\n"
                                             << (problems.empty() ? "no problem" : problems[0]);
  }
}

// Rules that need the model.
std::vector<std::string> ModelProblems(const std::string& text,
                                       const std::vector<InputSignature>& inputs) {
  const LoadedConfig loaded = LoadText(text);
  try {
    CheckInputs(loaded.config, loaded.effective, inputs);
  } catch (const ConfigError& e) {
    return e.problems();
  }
  return {};
}

TEST(HorizonConfigTest, RulesThatNeedTheModel) {
  const std::string feature = "  input_type_rt: featuremap\n  input_type_train: featuremap\n";
  const InputSignature image{"data", true, {1, 3, 8, 8}};
  EXPECT_THAT(ModelProblems(Input(feature), {image}), IsEmpty());
  EXPECT_TRUE(AnyHolds(ModelProblems(Input(feature), {image, {"b", true, {1}}}),
                       "input_name is missing, the model has 2 inputs: data, b"));
  EXPECT_TRUE(AnyHolds(ModelProblems(Input("  input_name: dat\n" + feature), {image}),
                       "c.yaml:5:15: the model has no input 'dat', did you mean 'data'?"));
  EXPECT_TRUE(AnyHolds(ModelProblems(Input(feature), {{"data", true, {-1, 3, 8, 8}}}),
                       "input_shape is missing, expected with the free dimensions of input 'data' "
                       "(?x3x8x8)"));
  EXPECT_THAT(ModelProblems(March("bayes", Input(feature)), {{"data", true, {-1, 3, 8, 8}}}),
              IsEmpty())
      << "a free batch alone becomes 1";
  EXPECT_TRUE(AnyHolds(ModelProblems(Input(feature + "  input_shape: 1x3x9x8\n"), {image}),
                       "input_shape is 1x3x9x8, input 'data' of the model is 1x3x8x8"));
  EXPECT_TRUE(AnyHolds(ModelProblems(Image("gray", "gray", ""), {image}), "expected 1 for gray"));
  EXPECT_TRUE(AnyHolds(ModelProblems(Image("nv12", "rgb", ""), {{"data", true, {1, 3, 7, 8}}}),
                       "needs an even height"));
  EXPECT_TRUE(AnyHolds(ModelProblems(Image("rgb", "rgb", ""), {{"data", true, {1, 3}}}),
                       "expected 4 for rgb"));
  EXPECT_TRUE(
      AnyHolds(ModelProblems(Input(feature + "  input_batch: 4\n"), {{"data", true, {2, 3}}}),
               "needs a first dimension of 1"));
}

TEST(HorizonConfigTest, OverridesNameTheSectionOrTheKeyAlone) {
  const std::string text = Sections().Text();
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
