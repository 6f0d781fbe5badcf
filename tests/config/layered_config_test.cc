#include "qconvert/config/layered_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class LayeredConfigTest : public testing::Test {
 protected:
  LoadedConfig Read(const std::string& base, const std::vector<std::string>& layers,
                    const std::vector<ConfigOverride>& overrides = {}) const {
    std::vector<std::filesystem::path> files;
    for (size_t k = 0; k < layers.size(); ++k)
      files.push_back(dir_.Write("l" + std::to_string(k) + "/layer.yaml", layers[k]));
    return ReadLayeredConfig(dir_.Write("base/base.yaml", "target_device: CPU\n" + base), files,
                             overrides);
  }
  std::string FailureOf(const std::string& base, const std::vector<std::string>& layers) const {
    try {
      Read(base, layers);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "nothing thrown";
  }
  const TempDir dir_;
};

TEST_F(LayeredConfigTest, ALayerChangesWhatItSaysAndNothingElse) {
  const LoadedConfig seen = Read("scheme: auto\nobjective: speed\n", {"objective: size\n"});
  EXPECT_EQ(seen.config.scheme, Scheme::kAuto);
  EXPECT_EQ(seen.config.objective, Objective::kSize);
  EXPECT_EQ(seen.config, Read("scheme: auto\nobjective: size\n", {}).config);
}

TEST_F(LayeredConfigTest, MapsAreMergedListsReplaced) {
  const std::string base =
      "overall_quantize_config: {method: maxmin}\n"
      "layer_quantize_config: [{layer_type: Conv, overall_quantize_config: {datatype: float32}}]\n";
  const LoadedConfig merged = Read(base, {"overall_quantize_config: {symmetry: true}\n"});
  const std::string text = PrintConfig(merged.effective);
  EXPECT_THAT(text, HasSubstr("method: maxmin"));
  EXPECT_THAT(text, HasSubstr("symmetry: true"));
  EXPECT_EQ(merged.config.layers.size(), 1U);
  EXPECT_EQ(Read(base, {"layer_quantize_config: []\n"}).config.layers.size(), 0U);
}

TEST_F(LayeredConfigTest, TheLastLayerWinsAndOverridesWinOverAll) {
  const LoadedConfig seen =
      Read("objective: speed\n", {"objective: size\n", "objective: balanced\n"});
  EXPECT_EQ(seen.config.objective, Objective::kBalanced);
  const LoadedConfig overridden = Read("objective: speed\n", {"objective: balanced\n"},
                                       {{"objective=size", "--set objective=size"}});
  EXPECT_EQ(overridden.config.objective, Objective::kSize);
}

TEST_F(LayeredConfigTest, SettingsSayWhichFileTheyComeFrom) {
  const std::string text = PrintConfig(Read("scheme: static\n", {"\nobjective: size\n"}).effective);
  EXPECT_THAT(text, HasSubstr("base.yaml:2"));
  EXPECT_THAT(text, HasSubstr("layer.yaml:2"));
  EXPECT_THAT(FailureOf("scheme: static\n", {"objective: sizes\n"}), HasSubstr("layer.yaml:1"));
}

TEST_F(LayeredConfigTest, PathsAreRelativeToTheFileTheyStandIn) {
  const LoadedConfig below = Read("calibration: {data: samples}\n", {"objective: size\n"});
  EXPECT_EQ(below.config.calibration.data, dir_ / "base" / "samples");
  const LoadedConfig above = Read("objective: size\n", {"calibration: {data: samples}\n"});
  EXPECT_EQ(above.config.calibration.data, dir_ / "l0" / "samples");
}

TEST_F(LayeredConfigTest, AllFilesCountInTheFingerprint) {
  const LoadedConfig one = Read("scheme: static\n", {"objective: size\n"});
  EXPECT_NE(one.text, Read("scheme: static\n", {"objective: speed\n"}).text);
  EXPECT_THAT(one.text, HasSubstr("\"scheme\": \"static\""));
}

TEST_F(LayeredConfigTest, AnotherLanguageIsRefused) {
  const std::string horizon = "model_parameters: {march: nash-e}\n";
  EXPECT_THAT(FailureOf("scheme: static\n", {horizon}),
              HasSubstr("has settings of Horizon, expected Vitis"));
}

TEST_F(LayeredConfigTest, AnEmptyLayerIsRefused) {
  EXPECT_THAT(FailureOf("objective: size\n", {"# nothing\n"}),
              HasSubstr("layer.yaml: is empty, expected settings"));
}

}  // namespace
}  // namespace qconvert
