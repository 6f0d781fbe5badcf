// Nodes that stay float, in every language: the settings read back say so of these nodes alone.
#include "qconvert/config/float_nodes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/config/name_pattern.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::HasSubstr;

constexpr const char* kVitis = "target_device: CPU\n";
constexpr const char* kPaddle = "weight_quantize_type: abs_max\n";
constexpr const char* kQuark =
    "global_config: {input_tensors: {spec: Int8Spec}, weight: {spec: Int8Spec}}\n";
constexpr const char* kHorizon =
    "model_parameters: {onnx_model: m.onnx, march: nash-e}\n"
    "input_parameters: {input_type_rt: featuremap, input_type_train: featuremap, input_shape: "
    "1x3x8x8}\n"
    "calibration_parameters: {calibration_type: skip}\n";

class FloatNodesTest : public testing::Test {
 protected:
  WrittenConfig Read(const std::string& text) const {
    return ReadWrittenConfig(dir_.Write("c.yaml", text), {}, {});
  }
  // The settings with these nodes float, written and read again.
  std::optional<LoadedConfig> With(const std::string& text,
                                   const std::vector<std::string>& patterns) {
    const auto tree = WithFloatNodes(Read(text), patterns, dir_ / "out.yaml");
    if (!tree) return std::nullopt;
    written_ = PrintSettings(*tree);
    return ParseConfigText(written_, dir_ / "out.yaml", {});
  }
  // Whether the last entry that fits this name keeps it float.
  static bool IsFloat(const LoadedConfig& loaded, const std::string& name) {
    bool is_float = false;
    for (const LayerSettings& layer : loaded.config.layers) {
      const bool fits = layer.match.kind == LayerMatch::Kind::kNode
                            ? layer.match.pattern == name
                            : layer.match.kind == LayerMatch::Kind::kName &&
                                  NamePattern(layer.match.pattern).Matches(name);
      if (fits) is_float = !layer.tensors.activation.is_int();
    }
    return is_float;
  }

  const TempDir dir_;
  std::string written_;
};

TEST_F(FloatNodesTest, EveryLanguageCanNameANode) {
  for (const char* text : {kVitis, kPaddle, kQuark, kHorizon}) {
    const auto loaded = With(text, {"/head/Conv_1", "add"});
    ASSERT_TRUE(loaded.has_value()) << text;
    EXPECT_EQ(loaded->dialect, Read(text).loaded.dialect) << written_;
    EXPECT_TRUE(IsFloat(*loaded, "/head/Conv_1")) << written_;
    EXPECT_TRUE(IsFloat(*loaded, "add")) << written_;
    EXPECT_FALSE(IsFloat(*loaded, "/head/Conv_10")) << "a name that begins so: " << written_;
    EXPECT_FALSE(IsFloat(*loaded, "/x/head/Conv_1")) << written_;
    EXPECT_FALSE(IsFloat(*loaded, "badd")) << written_;
  }
}

TEST_F(FloatNodesTest, PatternsWhereTheLanguageHasThem) {
  for (const char* text : {kVitis, kPaddle, kQuark}) {
    const auto loaded = With(text, {"/head/*", "re:.*stage[23].*"});
    ASSERT_TRUE(loaded.has_value()) << text;
    EXPECT_TRUE(IsFloat(*loaded, "/head/Conv")) << written_;
    EXPECT_TRUE(IsFloat(*loaded, "/a/stage3/b")) << written_;
    EXPECT_FALSE(IsFloat(*loaded, "/neck/head/")) << written_;
    EXPECT_FALSE(IsFloat(*loaded, "/a/stage4/b")) << written_;
  }
  EXPECT_FALSE(With(kHorizon, {"/head/*"}).has_value()) << "the tool knows names alone";
  EXPECT_FALSE(With(kHorizon, {"a;b"}).has_value()) << "two names";
  EXPECT_FALSE(With(kHorizon, {" a"}).has_value()) << "read without the space";
}

TEST_F(FloatNodesTest, NamesThatLookLikePatternsStayNames) {
  for (const char* text : {kVitis, kPaddle, kQuark}) {
    const auto loaded = With(text, {PatternOfName("a*b"), "^c.d"});
    ASSERT_TRUE(loaded.has_value()) << text;
    EXPECT_TRUE(IsFloat(*loaded, "a*b")) << written_;
    EXPECT_TRUE(IsFloat(*loaded, "^c.d")) << written_;
    EXPECT_FALSE(IsFloat(*loaded, "aab")) << written_;
    EXPECT_FALSE(IsFloat(*loaded, "c.d")) << written_;
  }
}

TEST_F(FloatNodesTest, WhatIsThereStays) {
  const std::string vitis =
      "target_device: CPU\n"
      "layer_quantize_config: [{layer_name: a, overall_quantize_config: {datatype: float32}}]\n";
  for (const std::string& text :
       {vitis, kPaddle + std::string("not_quant_pattern: [a]\n"),
        kQuark + std::string("exclude: [a]\n"),
        kQuark + std::string("exclude: {node_names: [a]}\n"),
        std::string(kHorizon).replace(std::string(kHorizon).find("calibration_type"), 0,
                                      "run_on_cpu: a, ")}) {
    const auto loaded = With(text, {"b"});
    ASSERT_TRUE(loaded.has_value()) << text;
    EXPECT_TRUE(IsFloat(*loaded, "a")) << written_;
    EXPECT_TRUE(IsFloat(*loaded, "b")) << written_;
  }
  EXPECT_EQ(PrintSettings(*WithFloatNodes(Read(kQuark), {}, dir_ / "out.yaml")),
            PrintSettings(Read(kQuark).written));
}

TEST_F(FloatNodesTest, ContradictionsAreNotWritten) {
  const std::string forced = std::string(kHorizon).replace(
      std::string(kHorizon).find("calibration_type"), 0, "run_on_bpu: a, ");
  EXPECT_FALSE(With(forced, {"a"}).has_value());
  EXPECT_TRUE(With(forced, {"b"}).has_value());
}

}  // namespace
}  // namespace qconvert
