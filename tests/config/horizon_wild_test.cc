// What public Horizon files hold that no table of the vendor lists: they are legal, and none of it
// may be refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/read_config.h"

namespace qconvert {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

std::string File(const std::string& calibration, const std::string& march = "nash-e") {
  return "model_parameters:\n  onnx_model: net.onnx\n  march: " + march +
         "\ninput_parameters:\n  input_type_rt: 'featuremap;'\n  input_type_train: "
         "'featuremap;'\n" +
         calibration;
}

std::string Calibration(const std::string& more) {
  return File("calibration_parameters:\n  cal_data_dir: cal\n" + more);
}

std::string Quant(const std::string& quant) {
  return Calibration("  quant_config: " + quant + "\n");
}

TEST(HorizonWildTest, NumbersMayBeQuoted) {
  const TensorSettings settings =
      LoadText(Calibration("  calibration_type: 'max'\n  max_percentile: '0.9999'\n"))
          .config.tensors.activation;
  EXPECT_EQ(settings.method, CalibrationMethod::kPercentile);
  EXPECT_DOUBLE_EQ(settings.percentage, 99.99);
  EXPECT_TRUE(AnyHolds(ProblemsOf(Calibration("  max_percentile: 'much'\n")),
                       "max_percentile is 'much', expected a number"));
}

TEST(HorizonWildTest, BoolsOfPythonInFlowMaps) {
  const auto symmetry = [](const std::string& word) {
    return LoadText(Quant("{'activation': {'asymmetric': " + word + ", 'per_channel': False}}"))
        .config.tensors.activation.symmetry;
  };
  EXPECT_FALSE(symmetry("True"));
  EXPECT_TRUE(symmetry("False"));
  EXPECT_FALSE(symmetry("true"));
  EXPECT_THAT(ProblemsOf(Quant("{activation: {asymmetric: [True, False]}}")), IsEmpty());
}

// Public files ask for two cores of a chip with one; a compiler alone would care.
TEST(HorizonWildTest, LimitsOfTheCompilerAreWarnings) {
  const auto loaded =
      LoadText(Calibration("") + "compiler_parameters:\n  core_num: 2\n  max_l2m_size: 1024\n");
  EXPECT_TRUE(AnyHolds(loaded.warnings, "core_num is 2, march nash-e has 1"));
  EXPECT_TRUE(AnyHolds(loaded.warnings, "max_l2m_size is 1024, it is not for march nash-e"));
}

TEST(HorizonWildTest, OperatorTypesComeInAnyCase) {
  const auto loaded =
      LoadText(Quant("{op_config: {softmax: {qtype: int16}, CONV: {qtype: int8}}}"));
  ASSERT_THAT(loaded.config.layers, SizeIs(2));
  EXPECT_EQ(loaded.config.layers[0].match.types, (std::vector<OpMatch>{{"Softmax"}}));
  EXPECT_EQ(loaded.config.layers[1].match.types, (std::vector<OpMatch>{{"Conv"}}));
  EXPECT_TRUE(AnyHolds(ProblemsOf(Quant("{op_config: {sofmax: {qtype: int8}}}")),
                       "unknown op type 'sofmax', did you mean 'Softmax'?"));
}

TEST(HorizonWildTest, ASoftmaxInInt32IsComputedInFloat) {
  const auto loaded = LoadText(Quant("{op_config: {softmax: {qtype: int32}}}"));
  ASSERT_THAT(loaded.config.layers, SizeIs(1));
  EXPECT_FALSE(loaded.config.layers[0].tensors.activation.is_int());
  EXPECT_TRUE(AnyHolds(loaded.infos, "qtype int32: computed in float32"));
}

TEST(HorizonWildTest, ChannelsOfActivationsAreEvenedOutInTheWeights) {
  for (const std::string& text :
       {Calibration("  per_channel: True\n"), Quant("{activation: {per_channel: true}}")}) {
    const auto loaded = LoadText(text);
    EXPECT_THAT(ProblemsOf(text), IsEmpty());
    EXPECT_EQ(loaded.config.equalization, Correction::kOn);
    EXPECT_TRUE(AnyHolds(loaded.warnings, "per_channel: a value has one scale")) << text;
  }
  EXPECT_EQ(LoadText(Calibration("  per_channel: False\n")).config.equalization, Correction::kOff);
}

TEST(HorizonWildTest, AModelWithoutDataSkipsCalibration) {
  EXPECT_TRUE(LoadText(File("")).config.deployment.skip_calibration);
  EXPECT_TRUE(
      LoadText(Calibration("  calibration_type: skip\n")).config.deployment.skip_calibration);
  EXPECT_FALSE(LoadText(Calibration("")).config.deployment.skip_calibration);
  std::string preset = File("");
  const std::string model = "  onnx_model: net.onnx\n";
  preset.erase(preset.find(model), model.size());
  EXPECT_FALSE(LoadText(preset).config.deployment.skip_calibration) << "the data come with it";
}

TEST(HorizonWildTest, RunOnBpuBeatsTypesAndLeavesOwnEntriesAlone) {
  const auto layers =
      LoadText(
          Calibration("  run_on_bpu: a;b\n  quant_config: {op_config: {Add: {qtype: float32}}, "
                      "node_config: {a: {qtype: int16}}}\n"))
          .config.layers;
  ASSERT_THAT(layers, SizeIs(3));
  EXPECT_EQ(layers[1].match.pattern, "a");
  EXPECT_EQ(layers[1].tensors.activation.bit_width, 16);
  EXPECT_EQ(layers[2].match.pattern, "b");
  EXPECT_TRUE(layers[2].tensors.activation.is_int());
}

TEST(HorizonWildTest, LoadTakesTheThresholdsOfTheModel) {
  for (const std::string& text :
       {Calibration("  calibration_type: load\n"),
        Quant("{model_config: {activation: {calibration_type: load}}}")}) {
    const auto loaded = LoadText(text);
    EXPECT_TRUE(loaded.config.deployment.load_thresholds) << text;
    EXPECT_EQ(loaded.config.scheme, Scheme::kWeightOnly) << text;
  }
}

TEST(HorizonWildTest, OutputsOfBothWidths) {
  for (const char* bits : {"int8", "int16"}) {
    const std::string word = std::string("set_model_output_") + bits;
    EXPECT_EQ(
        LoadText(Calibration("  optimization: " + word + "\n")).config.deployment.model_output_type,
        bits);
    const auto text = Quant(
        "{model_config: {all_node_type: int16, model_output_type: " + std::string(bits) + "}}");
    EXPECT_THAT(ProblemsOf(text), IsEmpty());
    EXPECT_EQ(LoadText(text).config.deployment.model_output_type, bits);
  }
  EXPECT_THAT(ProblemsOf(Quant("{model_config: {model_output_type: int4}}")), SizeIs(1));
}

TEST(HorizonWildTest, ListsAreAProductThatIsSearched) {
  const QuantConfig config =
      LoadText(Quant("{model_config: {activation: {calibration_type: [max, kl], max_percentile: "
                     "[0.99995, 1.0], asymmetric: [true, false], num_bin: [1024, 2048]}, "
                     "modelwise_search: {metric: mse, similarity: 0.995}}}"))
          .config;
  EXPECT_EQ(config.search.metric, Metric::kMse);
  ASSERT_THAT(config.search.activations, SizeIs(6)) << "two of max and one of kl, each twice";
  EXPECT_FALSE(config.search.activations[0].symmetry);
  EXPECT_EQ(config.search.activations[0].method, CalibrationMethod::kPercentile);
  EXPECT_DOUBLE_EQ(config.search.activations[0].percentage, 99.995);
  EXPECT_EQ(config.search.activations[1].method, CalibrationMethod::kMaxMin);
  EXPECT_EQ(config.search.activations[2].method, CalibrationMethod::kEntropy);
  EXPECT_TRUE(config.search.activations[3].symmetry);
  EXPECT_EQ(config.tensors.activation.method, CalibrationMethod::kAuto) << "until measured";
}

TEST(HorizonWildTest, ASearchWithoutListsTriesWhatTheVendorsDoes) {
  const auto search = [](const std::string& quant) { return LoadText(Quant(quant)).config.search; };
  EXPECT_THAT(search("{model_config: {modelwise_search: {metric: cosine-similarity}}}").activations,
              SizeIs(6));
  EXPECT_THAT(search("{model_config: {search: {metric: sqnr}}}").activations, SizeIs(6));
  EXPECT_EQ(search("{model_config: {search: {metric: sqnr}}}").metric, Metric::kSqnr);
  EXPECT_THAT(search("{model_config: {all_node_type: int8}}").activations, IsEmpty());
  const QuantConfig layers =
      LoadText(Quant("{model_config: {layerwise_search: {metric: mse}}}")).config;
  EXPECT_THAT(layers.search.activations, IsEmpty());
  EXPECT_EQ(layers.tensors.activation.method, CalibrationMethod::kAuto);
}

TEST(HorizonWildTest, ALayerwiseSearchForAQtypeIsForNodes) {
  const QuantConfig config =
      LoadText(Quant("{model_config: {all_node_type: int8, layerwise_search: {metric: mse, topk: "
                     "3, qtype: dual-int16}}}"))
          .config;
  ASSERT_TRUE(config.node_search);
  EXPECT_EQ(config.node_search->count, 3);
  EXPECT_EQ(config.node_search->metric, Metric::kMse);
  EXPECT_EQ(config.node_search->tensors.weights.bit_width, 16);
  EXPECT_EQ(config.tensors.activation.bit_width, 8);
  EXPECT_EQ(config.tensors.activation, LoadText(Quant("{}")).config.tensors.activation)
      << "ranges are chosen as without it";
  EXPECT_TRUE(AnyHolds(LoadText(Quant("{model_config: {modelwise_search: {topk: 3}}}")).warnings,
                       "topk of modelwise_search has no effect"));
  const QuantConfig nested = LoadText(Quant("{model_config: {search: {layer: {topk: 2}}}}")).config;
  ASSERT_TRUE(nested.node_search);
  EXPECT_EQ(nested.node_search->tensors.activation.bit_width, 16);
  EXPECT_EQ(nested.node_search->tensors.weights.bit_width, 8);
  EXPECT_THAT(nested.search.activations, SizeIs(6)) << "the search of the whole model holds too";
}

}  // namespace
}  // namespace qconvert
