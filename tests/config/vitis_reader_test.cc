#include "qconvert/config/vitis_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/config/config_node.h"

namespace qconvert {
namespace {

QuantConfig Parse(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return ParseVitisConfig(text, "c.json", overrides);
}

std::vector<std::string> Problems(const std::string& text,
                                  const std::vector<std::string>& overrides = {}) {
  try {
    Parse(text, overrides);
  } catch (const ConfigError& e) {
    EXPECT_EQ(e.code(), ExitCode::kConfig);
    return e.problems();
  }
  return {};
}

std::string Tensor(const std::string& type, const std::string& parameters) {
  return "{\"target_device\": \"CPU\", \"tensor_quantize_config\": {\"" + type + "\": {" +
         parameters + "}}}";
}

TEST(VitisReaderTest, ThePresetIsTheDefault) {
  EXPECT_EQ(ReadVitisConfig(QCONVERT_SOURCE_DIR "/configs/cpu_int8.json", {}), QuantConfig{});
  EXPECT_EQ(Parse("{\"target_device\": \"CPU\"}"), QuantConfig{});
}

TEST(VitisReaderTest, TensorSettingsGoOnTopOfOverallOnesInAnyOrder) {
  const QuantConfig config = Parse(R"({
    "tensor_quantize_config": {"weights": {"per_channel": false}, "activation": {"percentage": 99.5}},
    "overall_quantize_config": {"method": "percentile", "symmetry": true, "signed": true, "narrow_range": true},
    "target_device": "CPU"})",
                                   {"weights.method=maxmin"});
  EXPECT_EQ(config.activation.method, CalibrationMethod::kPercentile);
  EXPECT_EQ(config.activation.percentage, 99.5);
  EXPECT_TRUE(config.activation.symmetry);
  EXPECT_FALSE(config.weights.per_channel);
  EXPECT_EQ(config.weights.method, CalibrationMethod::kMaxMin);
  EXPECT_EQ(config.bias.bit_width, 32) << "overall settings say nothing about bias on a CPU";
}

TEST(VitisReaderTest, ReadsYamlCommentsByteOrderMarkAndCrLf) {
  const QuantConfig config = Parse(
      "\xef\xbb\xbf# mine\r\ntarget_device: CPU\r\ntensor_quantize_config:\r\n  activation:\r\n    "
      "bit_width: 16\r\n");
  EXPECT_EQ(config.activation.bit_width, 16);
}

TEST(VitisReaderTest, OverridesWin) {
  const QuantConfig config =
      Parse("{\"target_device\": \"CPU\"}",
            {"activation.method=maxmin", "overall.bit_width=8", "input.percentage=50"});
  EXPECT_EQ(config.activation.method, CalibrationMethod::kMaxMin);
  EXPECT_EQ(config.input.percentage, 50);
}

TEST(VitisReaderTest, BadInputsGetTheirPlace) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "c.json: is empty, expected settings"},
      {"# nothing", "c.json: is empty, expected settings"},
      {"[1]", "c.json:1:1: expected a map of settings"},
      {"{", "c.json:1:1: end of map flow not found"},
      {std::string("{\"a\0\": 1}", 9), "c.json: holds a NUL byte"},
      {"{\"target_device\": \"CPU\", \"target_device\": \"CPU\"}",
       "key 'target_device' is given twice, first at line 1"},
      {"{\"target_devise\": \"CPU\"}",
       "c.json:1:2: unknown key 'target_devise', did you mean 'target_device'?"},
      {"{}", "c.json:1:1: has no target_device, expected CPU"},
      {"{\"target_device\": \"NPU\"}", "target_device is 'NPU'"},
      {"{\"target_device\": \"DPU\"}",
       "c.json:1:19: target_device: DPU is not implemented yet, expected CPU"},
      {"{\"target_device\": \"CPU\", \"include_cle\": true}",
       "include_cle: true is not implemented yet"},
      {"{\"target_device\": \"CPU\", \"include_cle\": \"no\"}",
       "include_cle is 'no', expected true or false"},
      {"{\"target_device\": \"CPU\", \"layer_quantize_config\": []}",
       "layer_quantize_config is not implemented yet"},
      {"a: &x 1\nb: *x", "c.json:1:4: anchors are not allowed"},
      {"a: !!python/object 1", "is not allowed"},
      {"target_device: CPU\n---\ntarget_device: CPU", "second document"},
      {std::string(100, '[') + std::string(100, ']'), "is nested deeper than 64 levels"},
      {std::string(100000, '['), "is nested deeper than 64 levels"},
      {"{\"target_device\": \"CPU\", \"tensor_quantize_config\": 3}",
       "tensor_quantize_config is '3', expected a map"},
      {"{\"target_device\": \"CPU\", \"tensor_quantize_config\": {\"weight\": {}}}",
       "unknown tensor type 'weight', did you mean 'weights'?"},
      {Tensor("activation", "\"metod\": \"maxmin\""),
       "unknown key 'metod', did you mean 'method'?"},
      {Tensor("activation", "\"method\": \"entropy\""),
       "method: entropy is not implemented yet, expected maxmin or percentile or mse or auto"},
      {Tensor("activation", "\"method\": \"median\""), "method is 'median'"},
      {Tensor("activation", "\"bit_width\": 8.0"), "bit_width is '8.0', expected a whole number"},
      {Tensor("activation", "\"bit_width\": \"8\""), "bit_width is '8', expected a whole number"},
      {Tensor("activation", "\"bit_width\": 7"),
       "bit_width 7 is not implemented yet, expected 8 or 16"},
      {Tensor("activation", "\"bit_width\": 99"), "bit_width 99 is out of range"},
      {Tensor("weights", "\"bit_width\": 4"), "bit_width 4 is not implemented yet, expected 8"},
      {Tensor("activation", "\"percentage\": .nan"), "percentage is '.nan'"},
      {Tensor("activation", "\"percentage\": 150"), "percentage is '150'"},
      {Tensor("activation", "\"percentage\": 0"), "percentage is '0'"},
      {Tensor("activation", "\"percentage\": 1e999"), "percentage is '1e999'"},
      {Tensor("activation", "\"symmetry\": maybe"), "symmetry is 'maybe', expected true or false"},
      {Tensor("activation", "\"symmetry\": [true]"), "symmetry is 'a list'"},
      {Tensor("activation", "\"per_channel\": true"), "per_channel is for weights only"},
      {Tensor("activation", "\"narrow_range\": true"),
       "narrow_range of activation needs symmetry and signed"},
      {Tensor("weights", "\"method\": \"percentile\""), "weights take method maxmin, mse or auto"},
      {Tensor("weights", "\"symmetry\": false, \"narrow_range\": false"), "symmetric and signed"},
      {Tensor("activation", "\"round_mode\": \"std_round\""),
       "round_mode: std_round is not implemented yet"},
      {Tensor("activation", "\"scale_type\": \"poweroftwo\""),
       "scale_type: poweroftwo is not implemented yet"},
      {Tensor("activation", "\"datatype\": \"bfloat16\""),
       "datatype: bfloat16 is not implemented yet"},
      {Tensor("activation", "\"calib_statistic_method\": \"max\""),
       "calib_statistic_method is not implemented yet"},
  };
  for (const auto& [text, message] : cases) {
    const auto problems = Problems(text);
    ASSERT_FALSE(problems.empty()) << text.substr(0, 100);
    EXPECT_THAT(problems[0], testing::HasSubstr(message)) << text.substr(0, 100);
  }
}

TEST(VitisReaderTest, ReportsAllProblemsInOneRun) {
  const auto problems = Problems("target_device: XPU\nfoo: 1\ninclude_cle: true\n");
  ASSERT_EQ(problems.size(), 3U);
  EXPECT_THAT(problems[0], testing::StartsWith("c.json:1:16: "));
  EXPECT_THAT(problems[1], testing::StartsWith("c.json:2:1: "));
  EXPECT_THAT(problems[2], testing::StartsWith("c.json:3:14: "));
}

TEST(VitisReaderTest, BadOverridesAreNamed) {
  EXPECT_THAT(Problems("{\"target_device\": \"CPU\"}", {"nonsense"})[0],
              testing::HasSubstr("--set nonsense: expected key=value"));
  EXPECT_THAT(Problems("{\"target_device\": \"CPU\"}", {"activation.metod=maxmin"})[0],
              testing::HasSubstr("unknown key 'metod'"));
}

}  // namespace
}  // namespace qconvert
