// Every key of a Horizon file acts: with it a conversion gives another model, other files or other
// settings than without it, or says why not.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/convert.h"
#include "support/graph_builder.h"
#include "support/horizon_key_rows.h"
#include "support/npy.h"
#include "support/project_folder.h"
#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

constexpr uint32_t kSamples = 6;

HorizonKeys BaseOf(const std::string& generation) {
  return {{"model.onnx_model", "model.onnx"},
          {"model.march", generation == "J6" ? "nash-e" : "bayes"},
          {"model.working_dir", "out"},
          {"input.input_name", "image"},
          {"input.input_type_rt", "rgb"},
          {"input.input_type_train", "rgb"},
          {"input.input_layout_train", "NCHW"},
          {"input.mean_value", "120 110 100"},
          {"input.scale_value", "0.02"},
          {"calibration.cal_data_dir", "cal"},
          {"calibration.calibration_type", "max"}};
}

std::string TextOf(const HorizonKeys& keys) {
  std::string text;
  for (const char* section : {"model", "input", "calibration", "compiler"}) {
    text += fmt::format("{}_parameters:\n", section);
    for (const auto& [name, value] : keys) {
      const size_t dot = name.find('.');
      if (name.substr(0, dot) == section && !value.empty())
        text += fmt::format("  {}: {}\n", name.substr(dot + 1), value);
    }
  }
  return text;
}

Model Network(const std::string& side, float spread, bool has_gain = false) {
  GraphBuilder b;
  b.Input("image", {"1", "3", side, side}).Output("scores");
  b.Random("w", {8, 3, 3, 3}, spread).Random("b", {8}, 0.2F).Random("v", {4, 8, 3, 3}, 0.3F);
  b.Ints("rows", {2}, {1, -1});
  b.Add("Conv", {"image", "w", "b"}, {"c"}).name = "Conv_0";
  b.Add("Relu", {"c"}, {"r"}).name = "Relu_0";
  b.Add("Conv", {"r", "v"}, {"d"}).name = "Conv_1";
  std::string last = "d";
  if (has_gain) {
    b.Input("gain", {"1", "4", "4", "4"});
    b.Add("Mul", {"d", "gain"}, {"e"}).name = "Mul_0";
    last = "e";
  }
  b.Add("Reshape", {last, "rows"}, {"scores"}).name = "Reshape_0";
  return b.model;
}

// What is there before a conversion: models, and samples of both generations.
void WriteJob(const TempDir& folder) {
  folder.Write("model.onnx", SerializeModel(Network("8", 0.3F)));
  folder.Write("other.onnx", SerializeModel(Network("8", 0.5F)));
  folder.Write("free.onnx", SerializeModel(Network("S", 0.3F)));
  folder.Write("two.onnx", SerializeModel(Network("8", 0.3F, true)));
  folder.Write("quant.json", R"({"model_config": {"all_node_type": "int16"}})");
  for (uint32_t k = 0; k < kSamples; ++k) {
    const auto write = [&](const std::string& name, const std::vector<int64_t>& dims,
                           float spread) {
      const Tensor sample = RandomTensor("x", dims, k, spread);
      const auto values = sample.values<float>();
      folder.Write(fmt::format("{}/{}.npy", name, k), NpyFloats(dims, values));
      folder.Write(fmt::format("raw_{}/{}.bin", name, k), *sample.bytes);
    };
    write("cal", {1, 3, 8, 8}, 1);
    write("wide", {1, 3, 8, 8}, 3);
    write("gain", {1, 4, 4, 4}, 1);
    folder.Write(fmt::format("raw/{}.bin", k), *RandomTensor("x", {1, 3, 8, 8}, k, 60).bytes);
  }
}

struct Outcome {
  std::string refusal;
  std::string graph;
  std::set<std::string> files;
  QuantConfig config;
  std::vector<std::string> told;
};

// Without what the file says about its making.
std::string GraphOf(const std::filesystem::path& file) {
  Model model = LoadOnnx(file).model;
  model.metadata.clear();
  return SerializeModel(model);
}

// As `qconvert --config c.yaml` does it, in a folder of its own.
Outcome ConvertWith(const HorizonKeys& keys) {
  const TempDir folder;
  WriteJob(folder);
  Outcome outcome;
  try {
    LoadedConfig loaded = LoadText(TextOf(keys), {}, folder / "c.yaml");
    outcome.config = loaded.config;
    outcome.told = loaded.warnings;
    outcome.told.insert(outcome.told.end(), loaded.infos.begin(), loaded.infos.end());
    const DeploymentConfig& deployment = loaded.config.deployment;
    ConvertOptions options;
    options.model = deployment.model;
    options.output = deployment.working_dir / (deployment.output_prefix + "_quantized_model.onnx");
    options.make_output_folder = true;
    options.guard = GuardMode::kOff;
    options.config = loaded.config;
    options.effective_config = loaded.effective;
    const ConversionReport report = Convert(options);
    outcome.told.insert(outcome.told.end(), report.warnings.begin(), report.warnings.end());
    outcome.graph = GraphOf(options.output);
  } catch (const Error& e) {
    outcome.refusal = e.what();
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path()))
    outcome.files.insert(std::filesystem::relative(entry.path(), folder.path()).string());
  // Where everything is, is no setting.
  outcome.config.deployment.model = outcome.config.deployment.working_dir = "";
  outcome.config.calibration.data = "";
  return outcome;
}

void Expect(const HorizonKeyRow& row, const Outcome& with, const Outcome& without) {
  if (row.effect == KeyEffect::kRefused) {
    EXPECT_THAT(with.refusal, testing::HasSubstr(row.text));
    EXPECT_THAT(without.refusal, testing::Not(testing::HasSubstr(row.text)));
    return;
  }
  ASSERT_EQ(with.refusal, "");
  switch (row.effect) {
    case KeyEffect::kModel:
      EXPECT_NE(with.graph == without.graph, true);
      break;
    case KeyEffect::kFiles:
      EXPECT_NE(with.files, without.files);
      EXPECT_EQ(with.graph == without.graph, true);
      break;
    case KeyEffect::kSettings:
      EXPECT_NE(with.config == without.config, true);
      break;
    case KeyEffect::kTold:
      EXPECT_TRUE(AnyHolds(with.told, row.text)) << testing::PrintToString(with.told);
      EXPECT_FALSE(AnyHolds(without.told, row.text));
      break;
    case KeyEffect::kRefused:
      break;
  }
}

TEST(HorizonKeysTest, EveryKeyActs) {
  std::map<HorizonKeys, Outcome> plain;
  for (const std::string generation : {"J6", "J5"}) {
    for (const HorizonKeyRow& row : AllHorizonKeyRows()) {
      if (row.only != "both" && row.only != generation) continue;
      SCOPED_TRACE(fmt::format("{}, {}: {}", generation, row.key, row.value));
      HorizonKeys keys = BaseOf(generation);
      for (const auto& [key, value] : row.base) keys[key] = value;
      if (!plain.contains(keys)) plain[keys] = ConvertWith(keys);
      const Outcome& without = plain[keys];
      keys[row.key] = row.value;
      Expect(row, ConvertWith(keys), without);
    }
  }
}

// A key that no row tries is one that nobody has seen act.
TEST(HorizonKeysTest, EveryKeyHasARow) {
  const std::set<std::string> of_the_compiler = {
      "model.enable_vpu",         "model.enable_spu",
      "compiler.compile_mode",    "compiler.balance_factor",
      "compiler.optimize_level",  "compiler.core_num",
      "compiler.max_time_per_fc", "compiler.advice",
      "compiler.cache_mode",      "compiler.cache_path",
      "compiler.max_l2m_size",    "compiler.ability_entry",
      "compiler.extra_params",    "compiler.hbdk3_compatible_mode"};
  std::set<std::string> tried = of_the_compiler;
  for (const HorizonKeyRow& row : AllHorizonKeyRows()) tried.insert(row.key);
  const auto schema =
      nlohmann::json::parse(ReadFile(ProjectFolder() / "configs/schema/horizon.schema.json"));
  std::set<std::string> known;
  for (const char* section : {"model", "input", "calibration", "compiler"}) {
    const auto& of_section = schema["properties"][fmt::format("{}_parameters", section)];
    for (const auto& [key, rules] : of_section["properties"].items())
      known.insert(fmt::format("{}.{}", section, key));
  }
  EXPECT_EQ(tried, known);
}

}  // namespace
}  // namespace qconvert
