// --export-config: one file of the language that came in, which means the same.
#include "qconvert/config/export_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "qconvert/base/file.h"
#include "support/project_folder.h"
#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::HasSubstr;
using testing::Not;

WrittenConfig Written(const std::filesystem::path& file,
                      const std::vector<ConfigOverride>& overrides = {},
                      const std::vector<std::filesystem::path>& layers = {}) {
  return ReadWrittenConfig(file, layers, overrides);
}

std::string FailureOf(const WrittenConfig& config, const std::string& target) {
  try {
    ExportConfig(config, target);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(ExportConfigTest, EveryPresetGivesTheSameSettingsAndFingerprint) {
  const TempDir dir;
  size_t count = 0;
  for (const auto& preset : std::filesystem::directory_iterator(ProjectFolder() / "configs")) {
    if (preset.path().extension() != ".yaml") continue;
    ++count;
    const std::string name = preset.path().filename().string();
    const auto base = dir.Write(name, ReadFile(preset.path()));
    const WrittenConfig config = Written(base);
    const LoadedConfig& loaded = config.loaded;
    for (const char* end : {".json", ".out.yaml"}) {
      const auto target = dir / (name + end);
      const LoadedConfig again =
          ReadConfig(dir.Write(target.filename().string(), ExportConfig(config, target)), {});
      EXPECT_EQ(again.config, loaded.config) << name << end;
      EXPECT_EQ(again.text, loaded.text) << name << end;
      EXPECT_EQ(again.dialect, loaded.dialect) << name << end;
    }
  }
  EXPECT_GE(count, 14U);
}

TEST(ExportConfigTest, OverridesAndLayersArePutIn) {
  const TempDir dir;
  const auto base = dir.Write("c.json", R"({"target_device": "CPU", "include_cle": false,
      "overall_quantize_config": {"datatype": "int", "bit_width": 8, "method": "percentile",
      "percentage": 99.0, "scale_type": "float", "calib_statistic_method": "max"}})");
  const auto layer = dir.Write("layer.yaml", "include_bias_corr: false\nonnx_opset_version: 17\n");
  const WrittenConfig config = Written(base,
                                       {{"weights.per_channel=true", "--set weights..."},
                                        {"weights.method=maxmin", "--set weights..."}},
                                       {layer});
  const LoadedConfig& loaded = config.loaded;
  const std::string text = ExportConfig(config, dir / "out.json");
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["tensor_quantize_config"]["weights"]["per_channel"], true);
  EXPECT_EQ(json["onnx_opset_version"], 17);
  EXPECT_THAT(text, HasSubstr("\"percentage\": 99.0")) << "the vendor's parser wants a float";
  EXPECT_FALSE(json.contains("scheme")) << "no key that was not written";
  EXPECT_EQ(ReadConfig(dir.Write("out.json", text), {}).text, loaded.text);
  const std::string yaml = ExportConfig(config, dir / "out.yaml");
  EXPECT_THAT(yaml, HasSubstr("onnx_opset_version: 17\n"));
  EXPECT_THAT(yaml, Not(HasSubstr("#"))) << "no place of another file";
}

TEST(ExportConfigTest, StaysInTheLanguageThatCameIn) {
  const TempDir dir;
  const std::string quark =
      "global_config:\n  input_tensors: {symmetric: false, data_type: UInt8, scale_type: Float32, "
      "calibration_method: MinMax, quant_granularity: Tensor}\n"
      "  weight: {symmetric: true, data_type: Int8, scale_type: Float32, calibration_method: "
      "MinMax, quant_granularity: Channel}\n"
      "exclude: ['^/head/.*', /a/Conv, [[/b/Relu], [/c/Add]]]\n"
      "layer_type_config:\n  - [null, [Softmax, Tanh]]\n"
      "  - [{input_tensors: {symmetric: true, data_type: Int16}}, [Gemm]]\n";
  const WrittenConfig config = Written(dir.Write("quark.yaml", quark));
  const LoadedConfig& loaded = config.loaded;
  ASSERT_EQ(loaded.dialect, "Quark");
  const std::string yaml = ExportConfig(config, dir / "out.yaml");
  EXPECT_THAT(yaml, HasSubstr("  - [null, [Softmax, Tanh]]\n"));
  EXPECT_EQ(ReadConfig(dir.Write("out.yaml", yaml), {}).text, loaded.text);
  const std::string text = ExportConfig(config, dir / "out.json");
  EXPECT_THAT(text, HasSubstr("\"global_config\""));
  EXPECT_THAT(text, Not(HasSubstr("tensor_quantize_config")));
  EXPECT_EQ(ReadConfig(dir.Write("out.json", text), {}).text, loaded.text);
}

TEST(ExportConfigTest, AnOverrideWithoutAKeyInThatLanguageIsRefused) {
  const TempDir dir;
  const auto base = dir.Write("p.yaml",
                              "weight_quantize_type: channel_wise_abs_max\n"
                              "activation_quantize_type: abs_max\n");
  const WrittenConfig config =
      Written(base, {{"weights.narrow_range=true", "--set weights.narrow_range=true"}});
  EXPECT_THAT(FailureOf(config, dir / "out.yaml"),
              HasSubstr("--set weights.narrow_range=true: has no key in the settings of Paddle"));
}

TEST(ExportConfigTest, RelativePathsWantTheSameFolder) {
  const TempDir dir;
  const WrittenConfig config =
      Written(dir.Write("a/c.yaml", "target_device: CPU\ncalibration: {data: samples}\n"));
  EXPECT_EQ(FailureOf(config, dir / "a/out.yaml"), "");
  EXPECT_THAT(FailureOf(config, dir / "out.yaml"),
              HasSubstr("out.yaml: paths in the settings are relative to another folder"));
}

TEST(ExportConfigTest, OneTextPerMeaning) {
  const auto text = [](const std::string& yaml) { return LoadText(yaml).text; };
  const std::string cpu = "target_device: CPU\n";
  EXPECT_EQ(text(cpu + "scheme: static\n"),
            text("{\"target_device\": \"CPU\", \"scheme\": \"static\"}"));
  EXPECT_EQ(text(cpu + "scheme: static   # of ours\n\n"), text(cpu + "scheme: 'static'\n"));
  EXPECT_NE(text(cpu + "scheme: static\n"), text(cpu + "scheme: auto\n"));
}

TEST(ConfigJsonTest, KeepsTypesAndEscapes) {
  const TempDir dir;
  const WrittenConfig config = Written(dir.Write(
      "c.yaml",
      "target_device: CPU\nlayer_quantize_config:\n  - layer_name: 'a\"b\\c'\n    "
      "overall_quantize_config: {datatype: "
      "float32}\n  - layer_name: '1'\n    overall_quantize_config: {datatype: float32}\n"));
  const auto json = nlohmann::json::parse(ConfigJson(config.written));
  EXPECT_EQ(json["layer_quantize_config"][0]["layer_name"], "a\"b\\c");
  EXPECT_EQ(json["layer_quantize_config"][1]["layer_name"], "1") << "a name, not a number";
}

}  // namespace
}  // namespace qconvert
