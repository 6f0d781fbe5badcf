// Every rule of the Horizon language that refuses a file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "support/horizon_text.h"
#include "support/read_config.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(HorizonRulesTest, EveryRuleOfTheVendorHasAnErrorAtItsPlace) {
  const std::string feature = "  input_type_rt: featuremap\n  input_type_train: featuremap\n";
  const std::string two =
      "  input_type_rt: featuremap;featuremap\n  input_type_train: "
      "featuremap;featuremap\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      // model_parameters
      {ModelText("  caffe_model: a.caffemodel\n"), "caffe_model and onnx_model exclude each other"},
      {HorizonSections{.model = "  caffe_model: a\n  prototxt: b\n  march: nash-e\n"}.Text(),
       "Caffe models are not read, expected onnx_model"},
      {HorizonSections{.model = "  onnx_model: net.pb\n  march: nash-e\n"}.Text(),
       "c.yaml:2:15: onnx_model is 'net.pb', expected a file named *.onnx"},
      {HorizonSections{.model = "  onnx_model: a.onnx\n"}.Text(), "march is missing"},
      {HorizonSections{.model = "  onnx_model: a.onnx\n  march: nash-x\n"}.Text(),
       "march is 'nash-x'"},
      {ModelText("  output_model_file_prefix: ''\n"), "output_model_file_prefix is empty"},
      {ModelText("  output_model_file_prefix: a/b\n"), "expected no folder in it"},
      {ModelText("  remove_node_type: Quantize;Relu\n"),
       "remove_node_type has 'Relu', expected Quantize, Dequantize, Transpose, Cast, Reshape, "
       "Softmax"},
      {ModelText("  node_info: Conv_0\n"), "node_info is 'Conv_0', expected NAME:int16"},
      {ModelText("  node_info: {Conv_0: int16}\n"), "node_info is 'int16', expected"},
      {ModelText("  node_info: {Conv_0: {ON: GPU}}\n"), "ON is 'GPU', expected BPU or CPU"},
      {ModelText("  node_info: {Conv_0: {Output: int8}}\n"), "unknown key 'Output'"},
      {ModelText("  node_info: Conv_0:int12\n"), "type is 'int12'"},
      {ModelText("  debug_mode: dump\n"), "debug_mode is 'dump'"},
      {ModelText("  marsh: 1\n"), "unknown key 'marsh', did you mean 'march'?"},
      // input_parameters
      {InputText(two), "input_name is missing, expected with several inputs"},
      {InputText("  input_name: a;b\n" + feature), "input_type_rt has 1 values, expected 2"},
      {InputText("  input_name: a;a\n" + two), "input_name has 'a' twice"},
      {InputText("  input_type_train: featuremap\n"), "input_type_rt is missing"},
      {InputText("  input_type_rt: featuremap\n"), "input_type_train is missing"},
      {ImageText("nv21", "rgb", ""), "input_type_rt is 'nv21', expected featuremap, rgb, bgr"},
      {ImageText("yuv444_128", "rgb", ""),
       "input_type_rt is 'yuv444_128', which the vendor lists but has closed"},
      {ImageText("nv12", "nv12", ""), "input_type_train is 'nv12', expected featuremap, rgb, bgr"},
      {ImageText("rgb", "gray", ""), "cannot be made from input_type_train gray, expected gray"},
      {InputText("  input_type_rt: rgb\n  input_type_train: rgb\n"),
       "input_layout_train is missing"},
      {InputText("  input_name: a;b\n  input_type_rt: rgb;rgb\n  input_type_train: rgb;rgb\n"
                 "  input_layout_train: ;NCHW\n"),
       "input_layout_train is missing, expected NCHW or NHWC for input 'a'"},
      {InputText(feature + "  input_layout_train: NCWH\n"), "input_layout_train is 'NCWH'"},
      {InputText(feature + "  input_shape: 1,3,4\n"),
       "input_shape is '1,3,4', expected a shape like"},
      {InputText(feature + "  input_shape: 1x0x4\n"), "input_shape is '1x0x4'"},
      {InputText(feature + "  input_shape: 1X3\n"), "input_shape is '1X3'"},
      {ImageText("rgb", "rgb", "  input_shape: 1x3x8\n"), "has 3 dimensions, expected 4 for rgb"},
      {ImageText("rgb", "rgb", "  input_shape: 1x4x8x8\n"),
       "has 4 channels in layout NCHW, expected 3"},
      {ImageText("gray", "gray", "  input_shape: 1x3x8x8\n"), "expected 1 for gray"},
      {ImageText("nv12", "rgb", "  input_shape: 1x3x7x8\n"), "is 7x8, nv12 needs an even height"},
      {MarchText("bayes", ImageText("yuv444", "rgb", "  input_shape: 1x3x7x8\n")),
       "yuv444 needs an even"},
      {InputText(feature + "  input_space_and_range: full\n"), "input_space_and_range is 'full'"},
      {ImageText("rgb", "rgb", "  input_space_and_range: bt601_video\n"),
       "for input_type_rt nv12 only"},
      {ImageText("rgb", "rgb", "  scale_value: 1\n  std_value: 1\n"), "are both given"},
      {ImageText("rgb", "rgb", "  std_value: 0\n"), "std_value is 0"},
      {ImageText("rgb", "rgb", "  std_value: 1e-310\n"), "std_value is '1e-310', expected numbers"},
      {ImageText("rgb", "rgb", "  mean_value: 1e300\n"), "mean_value is '1e300', expected numbers"},
      {ImageText("rgb", "rgb", "  scale_value: 1 0 1\n"),
       "scale_value is 0, expected another number"},
      {ImageText("rgb", "rgb", "  mean_value: 1 2 x\n"), "mean_value is '1 2 x', expected numbers"},
      {ImageText("rgb", "rgb", "  mean_value: .nan\n"), "mean_value is '.nan'"},
      {ImageText("rgb", "rgb", "  input_shape: 1x3x8x8\n  mean_value: 1 2\n"),
       "has 2 numbers, expected one, or one per channel (3)"},
      {InputText(feature + "  mean_value: 1\n"), "mean_value is for images"},
      {InputText(feature + "  scale_value: 1\n"), "scale_value is for images"},
      {InputText(feature + "  input_batch: 0\n"), "input_batch is '0'"},
      {InputText(feature + "  input_batch: 2;3\n"),
       "input_batch is '2;3', expected a whole number"},
      {InputText(feature + "  input_batch: 2\n  input_shape: 4x3\n"),
       "needs a first dimension of 1"},
      {MarchText("bayes", InputText(feature + "  input_batch: 129\n")), "expected at most 128"},
      {MarchText("bayes", InputText("  input_name: a;b\n" + two + "  input_batch: 2\n")),
       "with one input"},
      {InputText(feature + "  input_name: a\n  separate_batch: True\n  separate_name: a\n"),
       "separate_batch and separate_name exclude each other"},
      {InputText(feature + "  input_name: data\n  separate_name: dat\n"),
       "separate_name has 'dat', which is no input_name, did you mean 'data'?"},
      {InputText(feature + "  norm_type: mean\n"), "norm_type is 'mean'"},
      {MarchText("bayes", ImageText("rgb", "rgb", "  norm_type: data_mean\n")), "needs mean_value"},
      {MarchText("bayes", ImageText("rgb", "rgb", "  norm_type: data_scale\n")),
       "needs scale_value"},
      // calibration_parameters
      {CalibrationText("  calibration_type: min\n"), "calibration_type is 'min', expected max, kl"},
      {CalibrationText("  calibration_type: max\n  max_percentile: 1.5\n"),
       "of at least 0.5 and at most 1"},
      {CalibrationText("  max_percentile: 0.2\n"), "max_percentile is '0.2'"},
      {CalibrationText("  per_channel: maybe\n"), "per_channel is 'maybe', expected true or false"},
      {HorizonSections{.calibration = "  cal_data_dir: a;b\n"}.Text(),
       "cal_data_dir has 2 folders, expected 1"},
      {HorizonSections{.calibration = "  cal_data_dir: ''\n"}.Text(), "cal_data_dir is empty"},
      {CalibrationText("  cal_data_type: int3\n"), "cal_data_type is 'int3'"},
      {CalibrationText("  optimization: set_fast\n"), "optimization is 'set_fast'"},
      {CalibrationText("  run_on_cpu: a\n  run_on_bpu: a\n"), "'a' is in run_on_cpu too"},
      {CalibrationText("  quant_config: [1]\n"), "quant_config is 'a list', expected a map"},
      {CalibrationText("  quant_config: {model_config: {all_node_type: int9}}\n"),
       "all_node_type is 'int9'"},
      {CalibrationText("  quant_config: {model_config: {all_node_type: int4}}\n"),
       "qtype is 'int4', whose numbers no ONNX operator has, expected int8, int16, dual-int16"},
      {CalibrationText("  quant_config: {modl_config: {}}\n"), "unknown key 'modl_config'"},
      {CalibrationText("  quant_config: {op_config: {Convv: {qtype: int8}}}\n"),
       "unknown op type 'Convv'"},
      {CalibrationText("  quant_config: {subgraph_config: {a: {inputs: [x]}}}\n"),
       "subgraph 'a' has no outputs"},
      {CalibrationText(
           "  quant_config: {op_config: {Conv: {activation: {calibration_type: load}}}}\n"),
       "calibration_type load is for the whole model and alone"},
      {CalibrationText("  quant_config: {activation: {calibration_type: mean}}\n"),
       "expected max, kl or load"},
      {CalibrationText("  quant_config: {activation: {num_bin: 100}}\n"), "of at least 129"},
      {CalibrationText("  quant_config: {activation: {max_num_bin: 200}}\n"), "of at least 258"},
      {CalibrationText("  quant_config: {activation: {max_percentile: 0.4}}\n"),
       "max_percentile is '0.4'"},
      {CalibrationText("  quant_config: {activation: {asymmetric: maybe}}\n"),
       "asymmetric is 'maybe'"},
      {CalibrationText("  quant_config: {model_config: {modelwise_search: {metric: cos}}}\n"),
       "metric is 'cos'"},
      {CalibrationText("  quant_config: {model_config: {layerwise_search: {topk: 0}}}\n"),
       "topk is '0'"},
      {CalibrationText("  quant_config: {model_config: {layerwise_search: {qtype: int16, metric: "
                       "mse}}}\n"),
       "goes on until what? expected topk or similarity"},
      {CalibrationText("  quant_config: {model_config: {search: {layer: {topc: 3}}}}\n"),
       "unknown key 'topc'"},
      {CalibrationText("  quant_config: {model_config: {search: {layer: 3}}}\n"),
       "layer is no map"},
      {CalibrationText("  quant_config: {node_config: {a: {activation: {calibration_type: [max, "
                       "kl]}}}}\n"),
       "the activation of single nodes has a list, expected single values"},
      {CalibrationText("  quant_config: {model_config: {model_output_type: mxint8}}\n"),
       "model_output_type is 'mxint8', whose numbers no ONNX operator has, expected"},
      {CalibrationText(
           "  quant_config: {model_config: {weight: {bias_correction: {num_sample: 0}}}}\n"),
       "num_sample is '0'"},
      {CalibrationText(
           "  quant_config: {model_config: {search: {layer: {topk: 3, similarity: abc}}}}\n"),
       "similarity is 'abc', expected a number"},
      // compiler_parameters
      {CompilerText("  input_source: {x: usb}\n"), "input_source is 'usb'"},
      {CompilerText("  input_source: pyramid\n"), "expected a map from inputs"},
      {CompilerText("  input_source: {x: pyramid}\n"),
       "does not go with input_type_rt featuremap, expected ddr"},
      {CompilerText("  compile_mode: fast\n"), "compile_mode is 'fast'"},
      {CompilerText("  compile_mode: balance\n"), "needs balance_factor"},
      {CompilerText("  balance_factor: 101\n"), "balance_factor is '101'"},
      {CompilerText("  optimize_level: O4\n"), "optimize_level is 'O4'"},
      {CompilerText("  optimize_level: O3\n"), "march nash-e takes O0, O1 or O2"},
      {CompilerText("  core_num: 5\n"), "core_num is '5'"},
      {CompilerText("  max_time_per_fc: 10\n"), "expected 0, or 1000 to 10000000"},
      {CompilerText("  max_l2m_size: 25165825\n"), "max_l2m_size is '25165825'"},
      {CompilerText("  jobs: 0\n"), "jobs is '0'"},
      {CompilerText("  debug: perhaps\n"), "debug is 'perhaps'"},
      {HorizonSections{.rest = "custom_op:\n  custom_op_method: call\n"}.Text(),
       "custom_op_method is 'call'"},
      {HorizonSections{.rest = "model_parametres: {}\n"}.Text(),
       "did you mean 'model_parameters'?"},
  };
  for (const auto& [text, message] : cases) {
    const auto problems = ProblemsOf(text);
    EXPECT_TRUE(AnyHolds(problems, message)) << text << "\n"
                                             << (problems.empty() ? "no problem" : problems[0]);
  }
}

TEST(HorizonRulesTest, WhatIsRefusedIsNotCalledMissing) {
  EXPECT_THAT(ProblemsOf(InputText("  input_type_rt: [featuremap]\n  input_type_train: {a: 1}\n")),
              ElementsAre(HasSubstr("input_type_rt is 'a list', expected a text"),
                          HasSubstr("input_type_train is 'a map', expected a text")));
  EXPECT_THAT(ProblemsOf(InputText("  input_type_rt: rgb\n  input_type_train: rgb\n"
                                   "  input_layout_train: [NCHW]\n")),
              ElementsAre(HasSubstr("input_layout_train is 'a list', expected a text")));
  EXPECT_THAT(ProblemsOf(InputText("  input_name: [a, b]\n  input_type_rt: rgb;rgb\n"
                                   "  input_type_train: rgb;rgb\n")),
              ElementsAre(HasSubstr("input_name is 'a list', expected a text")));
}

TEST(HorizonRulesTest, WithoutTheNumberOfInputsNoOtherIsToldWrong) {
  EXPECT_THAT(ProblemsOf(MarchText(
                  "bayes", InputText("  input_type_rt: rgb;rgb\n  input_type_train: rgb;rgb\n"
                                     "  input_layout_rt: NHWC;NHWC\n  resizer_pad_mode: border\n") +
                               "  cal_data_type: uint8\n")),
              ElementsAre(HasSubstr("input_name is missing, expected with several inputs")));
}

TEST(HorizonRulesTest, WhatASectionThatIsMissingLacksIsToldAtTheFile) {
  EXPECT_THAT(ProblemsOf("calibration_parameters: {calibration_type: max}\n"),
              ElementsAre(HasSubstr("c.yaml:1:1: march is missing"),
                          HasSubstr("c.yaml:1:1: input_type_rt is missing"),
                          HasSubstr("c.yaml:1:1: input_type_train is missing")));
}

TEST(HorizonRulesTest, OneReasonIsEnoughForASettingWithoutEffect) {
  const std::string text = CalibrationText(
      "  calibration_type: kl\n  max_percentile: 0.9\n  quant_config: {model_config: {activation: "
      "{calibration_type: max}}}\n");
  ASSERT_THAT(ProblemsOf(text), IsEmpty());
  int told = 0;
  for (const std::string& warning : LoadText(text).warnings)
    told += warning.find("max_percentile has no effect") != std::string::npos ? 1 : 0;
  EXPECT_EQ(told, 1);
}

// One after another: a model with several in a batch was refused at the end of the conversion.
TEST(HorizonRulesTest, NodesAreOnOneUnit) {
  const auto problems = [](const std::string& calibration, const std::string& unit) {
    HorizonSections sections;
    sections.calibration += "  " + calibration + "\n";
    sections.model += "  node_info: {a: {ON: " + unit + "}}\n";
    return ProblemsOf(sections.Text());
  };
  EXPECT_THAT(problems("run_on_cpu: a", "BPU"),
              ElementsAre("c.yaml:4:23: ON is BPU, but 'a' is on the CPU"));
  EXPECT_THAT(problems("run_on_bpu: a", "CPU"),
              ElementsAre("c.yaml:4:23: ON is CPU, but 'a' is on the BPU"));
  EXPECT_THAT(problems("run_on_cpu: a", "CPU"), IsEmpty());
  EXPECT_THAT(problems("run_on_bpu: a", "BPU"), IsEmpty());
  EXPECT_THAT(problems("run_on_cpu: b", "BPU"), IsEmpty());
}

TEST(HorizonRulesTest, AResizerTakesOnePicture) {
  const std::string rest = "compiler_parameters:\n  input_source: {data: resizer}\n";
  const std::string shape = "  input_shape: 2x3x8x8\n";
  EXPECT_TRUE(AnyHolds(ProblemsOf(ImageText("nv12", "rgb", "  input_batch: 2\n") + rest),
                       "input_batch is 2, the resizer of the input takes one picture: expected "
                       "separate_batch"));
  EXPECT_TRUE(AnyHolds(ProblemsOf(ImageText("nv12", "rgb", shape) + rest),
                       "the input has a batch of 2, the resizer takes one picture"));
  EXPECT_THAT(
      ProblemsOf(ImageText("nv12", "rgb", "  input_batch: 2\n  separate_batch: true\n") + rest),
      IsEmpty());
  EXPECT_THAT(ProblemsOf(MarchText("bayes", ImageText("nv12", "rgb", "  input_batch: 2\n") + rest)),
              IsEmpty());
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

TEST(HorizonRulesTest, RulesThatNeedTheModel) {
  const std::string feature = "  input_type_rt: featuremap\n  input_type_train: featuremap\n";
  const InputSignature image{"data", true, {1, 3, 8, 8}};
  EXPECT_THAT(ModelProblems(InputText(feature), {image}), IsEmpty());
  EXPECT_TRUE(AnyHolds(ModelProblems(InputText(feature), {image, {"b", true, {1}}}),
                       "input_name is missing, the model has 2 inputs: data, b"));
  EXPECT_TRUE(AnyHolds(ModelProblems(InputText("  input_name: dat\n" + feature), {image}),
                       "c.yaml:5:15: the model has no input 'dat', did you mean 'data'?"));
  EXPECT_TRUE(AnyHolds(ModelProblems(InputText(feature), {{"data", true, {-1, 3, 8, 8}}}),
                       "input_shape is missing, expected with the free dimensions of input 'data' "
                       "(?x3x8x8)"));
  EXPECT_THAT(
      ModelProblems(MarchText("bayes", InputText(feature)), {{"data", true, {-1, 3, 8, 8}}}),
      IsEmpty())
      << "a free batch alone becomes 1";
  EXPECT_TRUE(AnyHolds(ModelProblems(InputText(feature + "  input_shape: 1x3x9x8\n"), {image}),
                       "input_shape is 1x3x9x8, input 'data' of the model is 1x3x8x8"));
  EXPECT_TRUE(
      AnyHolds(ModelProblems(ImageText("gray", "gray", ""), {image}), "expected 1 for gray"));
  EXPECT_TRUE(AnyHolds(ModelProblems(ImageText("nv12", "rgb", ""), {{"data", true, {1, 3, 7, 8}}}),
                       "needs an even height"));
  EXPECT_TRUE(AnyHolds(ModelProblems(ImageText("rgb", "rgb", ""), {{"data", true, {1, 3}}}),
                       "expected 4 for rgb"));
  EXPECT_TRUE(
      AnyHolds(ModelProblems(InputText(feature + "  input_batch: 4\n"), {{"data", true, {2, 3}}}),
               "needs a first dimension of 1"));
}

}  // namespace
}  // namespace qconvert
