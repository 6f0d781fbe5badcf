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
#include "support/npy.h"
#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

constexpr uint32_t kSamples = 6;

// Keys with their values, "section.key"; an empty value is none.
using Keys = std::map<std::string, std::string>;

enum class Effect {
  kModel,     // another graph
  kFiles,     // files of other names
  kSettings,  // the same model in another way: threads, what is told and drawn
  kRefused,   // an error that says `text`
  kTold,      // a line that says `text`: the key is accepted and has no effect
};

struct Row {
  std::string key;
  std::string value;
  Effect effect = Effect::kModel;
  std::string text;
  Keys base = {};             // on top of BaseOf
  std::string only = "both";  // or J5, J6
};

using E = Effect;

const std::vector<Row>& ModelRows() {
  static const std::vector<Row> rows = {
      {"model.onnx_model", "other.onnx"},
      {"model.march", "nash-m", E::kSettings, "", {}, "J6"},
      {"model.march", "bayes-e", E::kSettings, "", {}, "J5"},
      {"model.march", "nash-q", E::kRefused, "march is 'nash-q', expected nash-e"},
      {"model.log_level", "warn", E::kSettings, "", {}, "J5"},
      {"model.log_level", "warn", E::kTold, "log_level is deprecated", {}, "J6"},
      {"model.layer_out_dump", "true"},
      {"model.working_dir", "elsewhere", E::kFiles},
      {"model.output_model_file_prefix", "net", E::kFiles},
      {"model.output_nodes", "Conv_0"},
      {"model.output_nodes", "Conv_9", E::kRefused, "Conv_9"},
      {"model.remove_node_type", "Dequantize"},
      {"model.remove_node_type",
       "Dequantize;Reshape",
       E::kModel,
       "",
       {{"model.remove_node_type", "Dequantize"}}},
      {"model.remove_node_type", "Conv", E::kRefused, "remove_node_type has 'Conv', expected"},
      {"model.remove_node_name", "scores_Dequantize_0"},
      {"model.keep_node_name",
       "scores_Dequantize_0",
       E::kModel,
       "",
       {{"model.remove_node_type", "Dequantize"}}},
      {"model.node_info", "Conv_0:int16"},
      {"model.node_info", "{Conv_1: {ON: CPU}}"},
      {"model.node_info", "{Conv_1: {InputType: int16}}"},
      {"model.node_info",
       "{Conv_1: {InputType: int8}}",
       E::kModel,
       "",
       {{"calibration.quant_config", "{node_config: {Conv_1: {qtype: int16}}}"}}},
      {"model.node_info", "{Conv_1: {OutputType: int16}}"},
      {"model.node_info", "Conv_0", E::kRefused, "node_info is 'Conv_0', expected NAME:int16"},
      {"model.set_node_data_type", "Conv_0:int16"},
      {"model.set_node_data_type", "Conv_0:int16", E::kTold, "use node_info", {}, "J6"},
      {"model.debug_mode", "dump_calibration_data", E::kFiles},
      {"model.caffe_model", "net.caffemodel", E::kRefused, "exclude each other"},
      {"model.prototxt", "net.prototxt", E::kRefused, "exclude each other"}};
  return rows;
}

const std::vector<Row>& InputRows() {
  const Keys nv12 = {{"input.input_type_rt", "nv12"}};
  const Keys batched = {{"input.input_batch", "2"}};
  const Keys resized = {{"input.input_type_rt", "nv12"},
                        {"compiler.input_source", "{image: resizer}"}};
  const Keys features = {{"input.input_type_rt", "featuremap"},
                         {"input.input_type_train", "featuremap"},
                         {"input.mean_value", ""},
                         {"input.scale_value", ""}};
  static const std::vector<Row> rows = {
      {"input.input_name", "picture", E::kRefused, "the model has no input 'picture'"},
      {"input.input_name",
       "",
       E::kRefused,
       "input_name is missing",
       {{"model.onnx_model", "two.onnx"},
        {"input.input_name", "image;gain"},
        {"input.input_type_rt", "rgb;featuremap"},
        {"input.input_type_train", "rgb;featuremap"},
        {"input.input_layout_train", "NCHW;NCHW"},
        {"input.mean_value", "120 110 100;None"},
        {"input.scale_value", "0.02;None"},
        {"calibration.cal_data_dir", "cal;gain"}}},
      {"input.input_type_rt", "bgr"},
      {"input.input_type_rt", "nv12"},
      {"input.input_type_rt", "yuv444"},
      {"input.input_type_rt", "gray", E::kRefused, "cannot be made from input_type_train rgb"},
      {"input.input_type_rt", "yuv444_128", E::kRefused, "which the vendor lists but has closed"},
      {"input.input_type_train", "bgr"},
      {"input.input_type_train", "yuv444", E::kModel, "", nv12},
      {"input.input_layout_train", "NHWC", E::kRefused, "has 8 channels in layout NHWC"},
      {"input.input_layout_rt", "NHWC", E::kModel, "", {}, "J5"},
      {"input.input_layout_rt", "NHWC", E::kModel, "", features, "J5"},
      {"input.input_layout_rt", "NHWC", E::kTold, "input_layout_rt is deprecated", {}, "J6"},
      {"input.input_space_and_range", "bt601_video", E::kModel, "", nv12},
      {"input.input_space_and_range", "bt601_video", E::kRefused, "for input_type_rt nv12 only"},
      {"input.resizer_interp_mode", "nearest", E::kModel, "", resized, "J6"},
      {"input.resizer_interp_mode", "nearest", E::kTold,
       "resizer_interp_mode of input 'image' has no effect", resized, "J5"},
      {"input.resizer_interp_mode", "nearest", E::kTold, "its input_source is not resizer", nv12},
      {"input.resizer_interp_mode", "bicubic", E::kRefused, "is 'bicubic'", resized},
      {"input.resizer_pad_mode", "border", E::kModel, "", resized, "J6"},
      {"input.resizer_pad_mode", "borders", E::kRefused, "did you mean 'border'?", resized},
      {"input.resizer_pad_value", "127 -1", E::kModel, "", resized, "J6"},
      {"input.resizer_pad_value", "16", E::kModel, "", resized, "J6"},
      {"input.resizer_pad_value", "1 2 3", E::kRefused, "expected bytes of Y and of U and V",
       resized},
      {"input.resizer_pad_value", "256", E::kRefused, "resizer_pad_value is '256'", resized},
      {"input.input_shape", "1x3x8x8", E::kModel, "", {{"model.onnx_model", "free.onnx"}}},
      {"input.input_shape", "1x3x9x9", E::kRefused, "input_shape is 1x3x9x9"},
      {"input.input_batch", "2"},
      {"input.separate_batch", "true", E::kModel, "", batched},
      {"input.separate_name", "image", E::kModel, "", batched},
      {"input.separate_name", "picture", E::kRefused, "which is no input_name", batched},
      {"input.norm_type", "data_mean", E::kModel, "", {}, "J5"},
      {"input.norm_type", "no_preprocess", E::kModel, "", {}, "J5"},
      {"input.norm_type", "data_mean", E::kTold, "norm_type is deprecated", {}, "J6"},
      {"input.mean_value", "100"},
      {"input.mean_value", "1 2", E::kRefused, "has 2 numbers, expected one, or one per channel"},
      {"input.scale_value", "0.03"},
      {"input.std_value", "40", E::kModel, "", {{"input.scale_value", ""}}},
      {"input.std_value", "40", E::kRefused, "scale_value and std_value are both given"},
      {"input.fold_normalization", "true"}};
  return rows;
}

const std::vector<Row>& CalibrationRows() {
  static const std::vector<Row> rows = {
      {"calibration.cal_data_dir", "wide"},
      {"calibration.cal_data_dir", ""},
      {"calibration.cal_data_type",
       "float32",
       E::kModel,
       "",
       {{"calibration.cal_data_dir", "raw"}},
       "J5"},
      {"calibration.cal_data_type", "float32", E::kTold, "cal_data_type is deprecated", {}, "J6"},
      {"calibration.preprocess_on", "true", E::kRefused, "is no picture", {}, "J5"},
      {"calibration.preprocess_on", "true", E::kTold, "preprocess_on is deprecated", {}, "J6"},
      {"calibration.calib_transforms", "[{color: bgr}]", E::kSettings},
      {"calibration.calibration_type", "kl"},
      {"calibration.calibration_type", "default"},
      {"calibration.calibration_type", "mix"},
      {"calibration.calibration_type", "skip"},
      {"calibration.calibration_type", "load", E::kRefused, "takes the thresholds of a model"},
      {"calibration.calibration_type", "mean", E::kRefused, "calibration_type is 'mean'"},
      {"calibration.max_percentile", "0.9"},
      {"calibration.max_percentile", "0.4", E::kRefused,
       "max_percentile is '0.4', expected a number of at least 0.5"},
      {"calibration.per_channel", "true"},
      {"calibration.run_on_cpu", "Conv_1"},
      {"calibration.run_on_bpu",
       "Conv_1",
       E::kModel,
       "",
       {{"calibration.quant_config", "{op_config: {Conv: {qtype: float32}}}"}}},
      {"calibration.run_on_bpu",
       "Conv_1",
       E::kRefused,
       "is in run_on_cpu too",
       {{"calibration.run_on_cpu", "Conv_1"}}},
      {"calibration.optimization",
       "set_model_output_int8",
       E::kModel,
       "",
       {{"calibration.quant_config", "{model_config: {all_node_type: int16}}"}}},
      {"calibration.optimization", "set_model_output_int16"},
      {"calibration.optimization", "set_Conv_input_int16"},
      {"calibration.optimization", "set_Conv_output_int16"},
      {"calibration.optimization",
       "set_Conv_input_int8",
       E::kModel,
       "",
       {{"calibration.quant_config", "{model_config: {all_node_type: int16}}"}}},
      {"calibration.optimization", "set_all_nodes_int16"},
      {"calibration.optimization", "asymmetric"},
      {"calibration.optimization", "bias_correction"},
      {"calibration.optimization", "run_fast", E::kTold, "run_fast matters to the vendor's"},
      {"calibration.optimization", "lstm_batch_last", E::kTold, "lstm_batch_last matters to"},
      {"calibration.optimization", "faster", E::kRefused, "optimization is 'faster', expected"},
      {"calibration.scheme", "weight-only"},
      {"calibration.scheme", "dynamic", E::kRefused, "scheme is dynamic, target BPU expects"},
      {"calibration.objective", "size", E::kSettings},
      {"calibration.processor", "avx2", E::kSettings},
      {"calibration.effort", "high", E::kSettings},
      {"calibration.quant_config", "{node_config: {Conv_0: {qtype: int16}}}"},
      {"calibration.quant_config", "{node_config: {Conv_1: {input0: int16}}}"},
      {"calibration.quant_config", "{node_config: {Conv_1: {input1: int16}}}"},
      {"calibration.quant_config", "{node_config: {Conv_1: {input0: int3}}}", E::kRefused,
       "type is 'int3'"},
      {"calibration.quant_config", "{node_config: {Conv_1: {qtype: {input0: int16}}}}"},
      {"calibration.quant_config", "{node_config: {Conv_1: {qtype: {input1: int16}}}}"},
      {"calibration.quant_config", "{op_config: {Conv: {qtype: int16}}}"},
      {"calibration.quant_config",
       "{subgraph_config: {s: {inputs: [Conv_1], outputs: [Conv_1], qtype: int16}}}"},
      {"calibration.quant_config", "{model_config: {activation: {asymmetric: true}}}"},
      {"calibration.quant_config", "{model_config: {weight: {bias_correction: {num_sample: 4}}}}"},
      {"calibration.quant_config", "quant.json"}};
  return rows;
}

const std::vector<Row>& CompilerRows() {
  static const std::vector<Row> rows = {
      {"compiler.jobs", "2", E::kSettings},
      {"compiler.debug", "false", E::kSettings},
      {"compiler.input_source",
       "{image: resizer}",
       E::kTold,
       "the chip crops and resizes before",
       {{"input.input_type_rt", "nv12"}},
       "J5"},
      {"compiler.input_source",
       "{image: resizer}",
       E::kModel,
       "",
       {{"input.input_type_rt", "nv12"}},
       "J6"},
      {"compiler.input_source", "{image: resizer}", E::kRefused,
       "input_source resizer does not go with input_type_rt rgb"},
      {"compiler.input_source", "{image: camera}", E::kRefused, "input_source is 'camera'"}};
  return rows;
}

std::vector<Row> AllRows() {
  std::vector<Row> all;
  for (const auto* rows : {&ModelRows(), &InputRows(), &CalibrationRows(), &CompilerRows()})
    all.insert(all.end(), rows->begin(), rows->end());
  return all;
}

Keys BaseOf(const std::string& generation) {
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

std::string TextOf(const Keys& keys) {
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
Outcome ConvertWith(const Keys& keys) {
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

void Expect(const Row& row, const Outcome& with, const Outcome& without) {
  if (row.effect == Effect::kRefused) {
    EXPECT_THAT(with.refusal, testing::HasSubstr(row.text));
    EXPECT_THAT(without.refusal, testing::Not(testing::HasSubstr(row.text)));
    return;
  }
  ASSERT_EQ(with.refusal, "");
  switch (row.effect) {
    case Effect::kModel:
      EXPECT_NE(with.graph == without.graph, true);
      break;
    case Effect::kFiles:
      EXPECT_NE(with.files, without.files);
      EXPECT_EQ(with.graph == without.graph, true);
      break;
    case Effect::kSettings:
      EXPECT_NE(with.config == without.config, true);
      break;
    case Effect::kTold:
      EXPECT_TRUE(AnyHolds(with.told, row.text)) << testing::PrintToString(with.told);
      EXPECT_FALSE(AnyHolds(without.told, row.text));
      break;
    case Effect::kRefused:
      break;
  }
}

TEST(HorizonKeysTest, EveryKeyActs) {
  std::map<Keys, Outcome> plain;
  for (const std::string generation : {"J6", "J5"}) {
    for (const Row& row : AllRows()) {
      if (row.only != "both" && row.only != generation) continue;
      SCOPED_TRACE(fmt::format("{}, {}: {}", generation, row.key, row.value));
      Keys keys = BaseOf(generation);
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
  for (const Row& row : AllRows()) tried.insert(row.key);
  const auto schema =
      nlohmann::json::parse(ReadFile(QCONVERT_SOURCE_DIR "/configs/schema/horizon.schema.json"));
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
