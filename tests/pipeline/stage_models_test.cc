// The models that a Horizon file leaves beside the deployed one: each runs, and says what it
// should.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "../../src/pipeline/dump_samples.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/config/plan_file.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/convert.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr size_t kSamples = 8;

// Two convolutions with a BatchNormalization between, which the float passes fold.
Model Network() {
  GraphBuilder b;
  b.Input("image", {"1", "3", "8", "8"}).Output("scores");
  b.Random("w", {8, 3, 3, 3}, 0.3F).Random("v", {4, 8, 1, 1}, 0.3F).Random("beta", {8}, 0.1F);
  b.Floats("one", {8}, std::vector<float>(8, 1)).Floats("var", {8}, std::vector<float>(8, 2));
  b.Random("mean", {8}, 0.1F);
  b.Add("Conv", {"image", "w"}, {"c"}).name = "Conv_0";
  b.Add("BatchNormalization", {"c", "one", "beta", "mean", "var"}, {"n"}).name = "Norm_0";
  b.Add("Relu", {"n"}, {"r"}).name = "Relu_0";
  b.Add("Conv", {"r", "v"}, {"scores"}).name = "Conv_1";
  return b.model;
}

std::string File(const std::string& march, const std::string& calibration) {
  return "model_parameters:\n  onnx_model: model.onnx\n  march: " + march +
         "\ninput_parameters:\n  input_name: image\n  input_type_rt: rgb\n  input_type_train: rgb\n"
         "  input_layout_train: NCHW\n  mean_value: 128\n  scale_value: 0.0078125\n"
         "calibration_parameters:\n  cal_data_dir: cal\n" +
         calibration;
}

Tensor Sample(size_t seed) {
  return RandomTensor("image", {1, 3, 8, 8}, static_cast<uint32_t>(seed), 0.3F);
}

// J6 takes normalized samples; J5 pixels, which are the same after mean and scale.
void WriteSamples(const TempDir& folder, bool is_j5) {
  for (size_t k = 0; k < kSamples; ++k) {
    const Tensor sample = Sample(k);
    std::vector<float> values(sample.values<float>().begin(), sample.values<float>().end());
    if (is_j5)
      for (float& value : values) value = value * 128 + 128;
    folder.Write("cal/" + std::to_string(k) + ".npy", NpyFloats(sample.dims, values));
  }
}

struct Job {
  TempDir folder;
  ConvertOptions options;

  explicit Job(const std::string& text, const Model& model = Network()) {
    folder.Write("model.onnx", SerializeModel(model));
    const LoadedConfig loaded = LoadText(text);
    options.model = folder / "model.onnx";
    options.output = folder / "out/net_quantized_model.onnx";
    options.make_output_folder = options.write_stages = true;
    options.calibration_folder = folder / "cal";
    options.config = loaded.config;
    options.effective_config = loaded.effective;
    WriteSamples(folder, loaded.config.deployment.generation == Generation::kJ5);
  }
  Model Stage(const std::string& name) const {
    return LoadOnnx(folder / ("out/net_" + name + "_model.onnx")).model;
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& path : ListFolder(folder / "out")) names.push_back(path.filename().string());
    return names;
  }
};

TEST(StageModelsTest, J6StagesAreFedAsTheFloatModelIs) {
  const Job job(File("nash-e", ""));
  const ConversionReport report = Convert(job.options);
  EXPECT_THAT(job.Files(), UnorderedElementsAre(
                               "net_original_float_model.onnx", "net_optimized_float_model.onnx",
                               "net_calibrated_model.onnx", "net_ptq_model.onnx",
                               "net_quantized_model.onnx", "net_quantized_model_quant_info.json"));
  const std::vector<Tensor> sample = {Sample(3)};
  const Tensor expected = RunModel(Network(), sample).at(0);
  EXPECT_EQ(MaxDifference(expected, RunModel(job.Stage("original_float"), sample).at(0)), 0);
  EXPECT_LT(MaxDifference(expected, RunModel(job.Stage("optimized_float"), sample).at(0)), 1e-5);
  const Tensor calibrated = RunModel(job.Stage("calibrated"), sample).at(0);
  const Tensor ptq = RunModel(job.Stage("ptq"), sample).at(0);
  EXPECT_GT(MaxDifference(expected, ptq), 1e-4) << "it is quantized";
  EXPECT_LT(MaxDifference(calibrated, ptq), 0.02) << "at most one code of the output";
  for (const OutputComparison& output : report.outputs) EXPECT_GT(output.sqnr_db(), 25);
}

TEST(StageModelsTest, WhatEachStageIsMadeOf) {
  const Job job(File("nash-e", ""));
  Convert(job.options);
  const auto types = [&](const std::string& stage) {
    std::set<DataType> found;
    for (const auto& [name, tensor] : job.Stage(stage).graph.initializers)
      if (tensor.element_count() > 8) found.insert(tensor.type);
    return found;
  };
  EXPECT_THAT(types("optimized_float"), ElementsAre(DataType::kFloat));
  EXPECT_THAT(types("calibrated"), ElementsAre(DataType::kFloat)) << "weights are floats";
  EXPECT_THAT(types("ptq"), ElementsAre(DataType::kInt8));
  const auto has = [&](const std::string& stage, const std::string& op) {
    const Model model = job.Stage(stage);
    return std::any_of(model.graph.nodes.begin(), model.graph.nodes.end(),
                       [&](const Node& node) { return node.op_type == op; });
  };
  EXPECT_TRUE(has("original_float", "BatchNormalization"));
  EXPECT_FALSE(has("optimized_float", "BatchNormalization"));
  EXPECT_FALSE(has("optimized_float", "QuantizeLinear"));
  EXPECT_TRUE(has("calibrated", "QuantizeLinear"));
}

TEST(StageModelsTest, J5StagesTakePixelsLess128) {
  const Job job(File("bayes", ""));
  Convert(job.options);
  std::vector<int8_t> pixels(3 * 64);
  for (size_t k = 0; k < pixels.size(); ++k)
    pixels[k] = static_cast<int8_t>(static_cast<int>(k * 7 % 200) - 100);
  std::vector<float> normalized(pixels.size());
  for (size_t k = 0; k < pixels.size(); ++k)
    normalized[k] = static_cast<float>(pixels[k]) * 0.0078125F;
  const Tensor expected =
      RunModel(Network(), {MakeFloatTensor("image", {1, 3, 8, 8}, normalized)}).at(0);
  Tensor fed;
  fed.name = "image";
  fed.type = DataType::kInt8;
  fed.dims = {1, 3, 8, 8};
  fed.bytes = std::make_shared<const std::string>(
      std::string(reinterpret_cast<const char*>(pixels.data()), pixels.size()));
  for (const char* stage : {"original_float", "optimized_float"})
    EXPECT_LT(MaxDifference(expected, RunModel(job.Stage(stage), {fed}).at(0)), 1e-5) << stage;
  const Tensor deployed = RunModel(job.Stage("quantized"), {fed}).at(0);
  EXPECT_LT(MaxDifference(deployed, RunModel(job.Stage("ptq"), {fed}).at(0)), 1e-6);
  EXPECT_LT(MaxDifference(deployed, RunModel(job.Stage("calibrated"), {fed}).at(0)), 0.02);
}

TEST(StageModelsTest, FixedShapesAndFreeOnes) {
  Model free = Network();
  free.graph.inputs[0].type = FloatType({"N", "3", "8", "8"});
  std::string text = File("bayes", "");
  text.insert(text.find("  input_layout_train"), "  input_shape: 1x3x8x8\n");
  const Job job(text, free);
  Convert(job.options);
  const Model original = job.Stage("original_float");
  EXPECT_EQ((*original.graph.inputs[0].type.shape)[0].value, 1);
}

TEST(StageModelsTest, ARowOfTheTableForEveryNode) {
  const Job job(File("nash-e", ""));
  const ConversionReport report = Convert(job.options);
  ASSERT_EQ(report.stage_nodes.size(), 3U) << "the BatchNormalization is folded";
  const StageNode& conv = report.stage_nodes[0];
  EXPECT_EQ(conv.name, "Conv_0");
  EXPECT_EQ(conv.type, "Conv");
  EXPECT_TRUE(conv.on_bpu);
  EXPECT_EQ(conv.data_type, "int8");
  EXPECT_FALSE(conv.cosine) << "what is between it and its Relu is nowhere";
  ASSERT_TRUE(conv.threshold);
  EXPECT_NEAR(*conv.threshold, 1, 0.5) << "three and more deviations of 0.3";
  EXPECT_GT(report.stage_nodes[1].cosine.value_or(0), 0.99);
  EXPECT_FALSE(report.stage_nodes[1].threshold) << "it reads no codes";
  EXPECT_GT(report.stage_nodes[2].cosine.value_or(0), 0.99) << "of an output";
}

TEST(StageModelsTest, RowsOfFloatNodes) {
  const Job job(File("nash-e", "  run_on_cpu: Conv_1\n"));
  const ConversionReport report = Convert(job.options);
  const StageNode& last = report.stage_nodes.at(2);
  EXPECT_FALSE(last.on_bpu);
  EXPECT_EQ(last.data_type, "float");
  EXPECT_GT(last.cosine.value_or(0), 0.99);
  EXPECT_THAT(FormatReport(report), HasSubstr("Conv_1  CPU  Conv"));
}

TEST(StageModelsTest, AFailedConversionLeavesNone) {
  Job job(File("nash-e", ""));
  job.options.must_pass = true;
  job.options.gate.min_sqnr_db = 190;
  job.options.guard = GuardMode::kReport;
  EXPECT_THROW(Convert(job.options), Error);
  EXPECT_FALSE(std::filesystem::exists(job.folder / "out"));
}

TEST(StageModelsTest, ADumpGoesAgainUnlessKept) {
  Job job(File("nash-e", ""));
  const std::filesystem::path folder = job.folder / "dump";
  const Value image{"image", FloatType({"1", "3", "8", "8"}), {}, {}};
  const SampleSource samples = OpenSamples(job.folder / "cal", {image}, {});
  {
    const SampleDump dump(samples, folder);
    EXPECT_TRUE(std::filesystem::exists(folder / "image/7.npy"));
  }
  EXPECT_FALSE(std::filesystem::exists(folder));
  {
    SampleDump dump(samples, folder);
    dump.Keep();
  }
  EXPECT_EQ(ListFolder(folder / "image").size(), kSamples);
  EXPECT_THROW(RequireEmptyFolder(folder), Error);
}

TEST(StageModelsTest, ADumpKeepsInputsApartAndInItsFolder) {
  const TempDir dir;
  const std::vector<std::string> names = {"..", "a/b", "a_b"};
  std::vector<Value> inputs;
  SampleSourceOptions options;
  for (size_t k = 0; k < names.size(); ++k) {
    const std::vector<float> values = {static_cast<float>(k)};
    options.folders[names[k]] =
        dir.Write(fmt::format("in{}/0.npy", k), NpyFloats({1}, values)).parent_path();
    inputs.push_back({names[k], FloatType({"1"}), {}, {}});
  }
  const SampleSource samples = OpenSamples(dir.path(), inputs, options);
  SampleDump dump(samples, dir / "dump");
  dump.Keep();
  const auto read = [&](const char* file) {
    const ByteSource source(std::make_shared<InputFile>(dir / "dump" / file));
    return ToFloats(ReadNpy(source, ReadNpyHeader(source)));
  };
  EXPECT_EQ(read("_./0.npy"), std::vector<float>{0});
  EXPECT_EQ(read("a_b/0.npy"), std::vector<float>{1});
  EXPECT_EQ(read("a_b_2/0.npy"), std::vector<float>{2});
  EXPECT_FALSE(std::filesystem::exists(dir / "0.npy")) << "beside the dump";
}

// Codes of outputs, and what they stand for.
TEST(StageModelsTest, OutputsOfSixteenBits) {
  for (const bool removed : {false, true}) {
    std::string text = File("nash-e", "  optimization: set_model_output_int16\n");
    if (removed) text.insert(text.find("  march"), "  remove_node_type: Dequantize\n");
    const Job job(text);
    const ConversionReport report = Convert(job.options);
    const Graph deployed = job.Stage("quantized").graph;
    EXPECT_EQ(deployed.outputs[0].type.element, removed ? DataType::kInt16 : DataType::kFloat);
    const PlanFile plan = ReadPlanFile(job.folder / "out/net_quantized_model_quant_info.json");
    const auto value = std::find_if(plan.values.begin(), plan.values.end(),
                                    [](const auto& one) { return one.name == "scores"; });
    ASSERT_NE(value, plan.values.end());
    EXPECT_GT(report.outputs.at(0).sqnr_db(), 30);
  }
}

// A mean and what is added to it: taken for a part of a normalization, and kept float.
Model WithMean() {
  Model model = Network();
  GraphBuilder b;
  b.model = std::move(model);
  b.Output("mean_out").Floats("half", {1}, {0.5F}).Ints("axes", {2}, {2, 3});
  b.Add("ReduceMean", {"scores"}, {"m"}).Set("axes", std::vector<int64_t>{2, 3});
  b.model.graph.nodes.back().name = "Mean_0";
  b.Add("Add", {"m", "half"}, {"mean_out"}).name = "Add_0";
  return b.model;
}

TEST(StageModelsTest, RunOnBpuBeatsTypesOrSaysWhyNot) {
  const auto row_of = [](const std::string& more) {
    const Job job(File("nash-e", more), WithMean());
    const ConversionReport report = Convert(job.options);
    const auto row = std::find_if(report.stage_nodes.begin(), report.stage_nodes.end(),
                                  [](const StageNode& node) { return node.name == "Conv_1"; });
    return std::pair{row != report.stage_nodes.end() && row->on_bpu, report.warnings};
  };
  const std::string by_type = "  quant_config: {op_config: {Conv: {qtype: float32}}}\n";
  EXPECT_FALSE(row_of(by_type).first);
  EXPECT_TRUE(row_of(by_type + "  run_on_bpu: Conv_1\n").first);
  const std::vector<std::string> warnings = row_of("  run_on_bpu: Mean_0;Add_0\n").second;
  EXPECT_TRUE(AnyHolds(warnings, "run_on_bpu: stay float: Mean_0 (no integer kernel for Red"));
  EXPECT_TRUE(AnyHolds(warnings, "Add_0 (inside a normalization"));
  const Job unknown(File("nash-e", "  run_on_bpu: Ad_0\n"), WithMean());
  EXPECT_THROW(Convert(unknown.options), ConfigError);
}

// Names of the optimized model are names too.
TEST(StageModelsTest, NodesThatPassesMakeCanBeNamed) {
  GraphBuilder b(14);
  b.model = Network();
  b.model.opsets[""] = 14;
  b.Output("h");
  b.Add("HardSwish", {"scores"}, {"h"}).name = "Swish_0";
  const auto on_bpu = [&](const std::string& more) {
    const Job job(File("nash-e", more), b.model);
    const ConversionReport report = Convert(job.options);
    std::map<std::string, bool> rows;
    for (const StageNode& node : report.stage_nodes) rows[node.name] = node.on_bpu;
    return rows;
  };
  const std::map<std::string, bool> whole = on_bpu("");
  ASSERT_TRUE(whole.contains("Swish_0/gate"));
  EXPECT_TRUE(whole.at("Swish_0/gate"));
  const auto named = on_bpu("  quant_config: {node_config: {Swish_0/gate: {qtype: float32}}}\n");
  EXPECT_FALSE(named.at("Swish_0/gate"));
}

// A model as quantization-aware training leaves it: pairs on values and on weights.
Model Trained() {
  GraphBuilder b;
  b.Input("image", {"1", "3", "8", "8"}).Output("scores").Random("w", {4, 3, 3, 3}, 0.3F);
  b.Floats("s", {}, {0.02F}).Floats("t", {}, {0.01F});
  Tensor zero;
  zero.name = "z";
  zero.type = DataType::kInt8;
  zero.bytes = std::make_shared<const std::string>(1, '\0');
  b.model.graph.initializers.emplace("z", zero);
  b.Add("QuantizeLinear", {"image", "s", "z"}, {"xq"});
  b.Add("DequantizeLinear", {"xq", "s", "z"}, {"xd"});
  b.Add("QuantizeLinear", {"w", "t", "z"}, {"wq"});
  b.Add("DequantizeLinear", {"wq", "t", "z"}, {"wd"});
  b.Add("Conv", {"xd", "wd"}, {"scores"}).name = "Conv_0";
  return b.model;
}

TEST(StageModelsTest, LoadKeepsTheThresholdsOfTraining) {
  const Job job(File("nash-e", "  calibration_type: load\n"), Trained());
  const ConversionReport report = Convert(job.options);
  EXPECT_FALSE(AnyHolds(report.warnings, "nothing was quantized"));
  const std::vector<Tensor> sample = {Sample(3)};
  const Tensor expected = RunModel(Trained(), sample).at(0);
  EXPECT_LT(MaxDifference(expected, RunModel(job.Stage("ptq"), sample).at(0)), 1e-5);
}

TEST(StageModelsTest, RandomDataAreTold) {
  Job job(File("nash-e", "  calibration_type: skip\n"));
  const auto is_told = [&] {
    return AnyHolds(Convert(job.options).warnings, "ranges are those of random data");
  };
  EXPECT_FALSE(is_told()) << "there is a folder";
  job.options.calibration_folder.clear();
  job.options.config.calibration.data.clear();
  EXPECT_TRUE(is_told());
}

TEST(StageModelsTest, LoadNeedsThresholds) {
  const Job job(File("nash-e", "  calibration_type: load\n"));
  try {
    Convert(job.options);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.problems().at(0), HasSubstr("found no QuantizeLinear in the model"));
  }
}

// The better of two ways to choose ranges holds, whichever stands first.
TEST(StageModelsTest, ASearchTakesTheNearestModel) {
  for (const char* shares : {"[0.5, 1.0]", "[1.0, 0.5]"}) {
    const Job job(File("nash-e", std::string("  quant_config: {model_config: {activation: "
                                             "{calibration_type: max, max_percentile: ") +
                                     shares + "}, modelwise_search: {metric: mse}}}\n"));
    const ConversionReport report = Convert(job.options);
    EXPECT_GT(report.outputs.at(0).sqnr_db(), 25) << shares;
    const std::string info = ReadFile(job.folder / "out/net_quantized_model_quant_info.json");
    EXPECT_THAT(info, HasSubstr("maxmin")) << shares;
    EXPECT_THAT(info, testing::Not(HasSubstr("percentile"))) << shares;
  }
}

}  // namespace
}  // namespace qconvert
