// Models that are fed with pixels: from a config file to a file that runs on raw bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/config/plan_file.h"
#include "qconvert/dataset/npy_reader.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/convert.h"
#include "support/errors.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/project_folder.h"
#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

constexpr int64_t kSide = 16;
constexpr size_t kPixels = kSide * kSide;
constexpr size_t kSamples = 12;
constexpr std::array<double, 3> kMean = {123.675, 116.28, 103.53};
constexpr std::array<double, 3> kStd = {58.395, 57.12, 57.375};

// Two convolutions on a normalized image.
Model SmallNetwork() {
  GraphBuilder b;
  b.Input("image", {"1", "3", "16", "16"}).Output("scores");
  b.Random("w", {8, 3, 3, 3}, 0.3F).Random("v", {4, 8, 3, 3}, 0.2F);
  b.Add("Conv", {"image", "w"}, {"c"}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add("Relu", {"c"}, {"r"});
  b.Add("Conv", {"r", "v"}, {"scores"});
  return b.model;
}

// A frame as a camera gives it: smooth luma, one chroma pair per 2x2 block.
struct Frame {
  std::vector<uint8_t> y;
  std::vector<uint8_t> uv;
};

Frame MakeFrame(size_t seed) {
  Frame frame;
  const auto wave = [&](int64_t a, int64_t b, double phase) {
    const double angle = 0.4 * static_cast<double>(a) + 0.7 * static_cast<double>(b) + phase;
    return std::sin(angle + static_cast<double>(seed));
  };
  for (int64_t i = 0; i < kSide * kSide; ++i)
    frame.y.push_back(static_cast<uint8_t>(128 + 90 * wave(i / kSide, i % kSide, 0)));
  for (int64_t i = 0; i < kSide * kSide / 4; ++i) {
    frame.uv.push_back(static_cast<uint8_t>(128 + 40 * wave(i / 8, i % 8, 1)));
    frame.uv.push_back(static_cast<uint8_t>(128 + 40 * wave(i / 8, i % 8, 2)));
  }
  return frame;
}

// What the float model takes: RGB planes, normalized.
Tensor Normalized(const Frame& frame) {
  std::vector<float> planes(3 * kPixels);
  for (size_t i = 0; i < kPixels; ++i) {
    const size_t block = (i / kSide / 2) * (kSide / 2) + i % kSide / 2;
    const double y = frame.y[i];
    const double u = frame.uv[2 * block] - 128.0;
    const double v = frame.uv[2 * block + 1] - 128.0;
    const std::array<double, 3> rgb = {y + 1.4017 * v, y - 0.3437 * u - 0.7142 * v, y + 1.7722 * u};
    for (size_t c = 0; c < 3; ++c)
      planes[c * kPixels + i] = static_cast<float>((rgb[c] - kMean[c]) / kStd[c]);
  }
  return MakeFloatTensor("image", {1, 3, kSide, kSide}, planes);
}

struct Job {
  TempDir folder;
  ConvertOptions options;

  explicit Job(const std::string& text) {
    folder.Write("model.onnx", SerializeModel(SmallNetwork()));
    for (size_t k = 0; k < kSamples; ++k) {
      const Tensor sample = Normalized(MakeFrame(k));
      folder.Write("calib/" + std::to_string(10 + k) + ".npy",
                   NpyFloats(sample.dims, sample.values<float>()));
    }
    const LoadedConfig loaded = LoadText(text);
    options.model = folder / "model.onnx";
    options.calibration_folder = folder / "calib";
    options.output = folder / "out.onnx";
    options.config = loaded.config;
    options.effective_config = loaded.effective;
  }
};

std::string CameraFile() { return ReadFile(ProjectFolder() / "configs/horizon_nv12_camera.yaml"); }

double Sqnr(const Tensor& expected, const Tensor& actual) {
  double signal = 0;
  double noise = 0;
  for (size_t i = 0; i < expected.values<float>().size(); ++i) {
    const auto e = static_cast<double>(expected.values<float>()[i]);
    const double d = e - static_cast<double>(actual.values<float>()[i]);
    signal += e * e;
    noise += d * d;
  }
  return 10 * std::log10(signal / noise);
}

TEST(DeployTest, TheCameraPresetRunsOnRawBytes) {
  const Job job(CameraFile());
  const ConversionReport report = Convert(job.options);
  EXPECT_GE(report.integer_nodes, 2U);
  EXPECT_GT(report.compared_samples, 0U) << "the quantized model on normalized samples";
  const Model deployed = LoadOnnx(job.folder / "out.onnx").model;
  ASSERT_EQ(deployed.graph.inputs.size(), 2U);
  EXPECT_EQ(deployed.graph.inputs[0].name, "image_y");
  EXPECT_EQ(deployed.graph.inputs[1].name, "image_uv");
  const Frame frame = MakeFrame(100);
  const Tensor y = MakeTensor<uint8_t>("image_y", DataType::kUint8, {1, kSide, kSide, 1}, frame.y);
  const Tensor uv =
      MakeTensor<uint8_t>("image_uv", DataType::kUint8, {1, kSide / 2, kSide / 2, 2}, frame.uv);
  const Tensor expected = RunModel(SmallNetwork(), {Normalized(frame)}).at(0);
  for (const bool optimize : {false, true})
    EXPECT_GT(Sqnr(expected, RunModel(deployed, {y, uv}, optimize).at(0)), 30) << optimize;
}

TEST(DeployTest, WhatIsMeasuredIsTheModelBehindTheCamera) {
  const Job camera(CameraFile());
  std::string text = CameraFile();
  for (const auto& [from, to] :
       {std::pair{"input_type_rt: nv12", "input_type_rt: featuremap"},
        std::pair{"input_type_train: rgb", "input_type_train: featuremap"},
        std::pair{"mean_value", "# mean_value"}, std::pair{"std_value: ", "# std_value: "},
        std::pair{"pyramid", "ddr"}}) {
    text.replace(text.rfind(from), std::string(from).size(), to);
  }
  const Job tensors(text);
  const ConversionReport a = Convert(camera.options);
  const ConversionReport b = Convert(tensors.options);
  ASSERT_EQ(a.outputs.size(), b.outputs.size());
  EXPECT_EQ(a.outputs[0].sqnr_db(), b.outputs[0].sqnr_db());
}

TEST(DeployTest, NodesAtTheBordersGoAndLeaveTheirNumbers) {
  std::string text = CameraFile();
  text.replace(text.find("  march:"), 0,
               "  remove_node_type: Quantize;Dequantize\n"
               "  remove_node_name: c\n");
  const Job job(text);
  const ConversionReport report = Convert(job.options);
  EXPECT_THAT(
      report.warnings,
      testing::Contains(testing::HasSubstr("remove_node_name has no effect for c: no node")));
  const Model deployed = LoadOnnx(job.folder / "out.onnx").model;
  EXPECT_EQ(deployed.graph.inputs[0].name, "image_y") << "nothing goes behind a camera";
  EXPECT_EQ(deployed.graph.outputs[0].name, "scores") << "the model's own name";
  EXPECT_NE(deployed.graph.outputs[0].type.element, DataType::kFloat);
  const bool told =
      std::any_of(deployed.metadata.begin(), deployed.metadata.end(), [&](const auto& entry) {
        return entry.first.starts_with("qconvert.removed.") &&
               entry.second.starts_with("DequantizeLinear at output " +
                                        deployed.graph.outputs[0].name + ": scale ");
      });
  EXPECT_TRUE(told);
  EXPECT_THAT(
      Slurp(job.folder / "deleted_nodes_info.txt"),
      testing::MatchesRegex(".*: DequantizeLinear at output .*: scale .*, zero point .*\n"));
}

TEST(DeployTest, TheListOfRemovedNodesIsCheckedBeforeTheWork) {
  std::string text = CameraFile();
  text.replace(text.find("  march:"), 0, "  remove_node_type: Dequantize\n");
  const Job job(text);
  const std::filesystem::path list = job.folder / "deleted_nodes_info.txt";
  std::filesystem::create_directory(list);
  ConvertOptions options = job.options;
  options.progress = [](size_t, size_t) { FAIL() << "calibrated before it looked"; };
  EXPECT_THAT([&] { Convert(options); }, ThrowsError(ExitCode::kFile, "deleted_nodes_info.txt"));
}

std::string Edited(const std::string& more_of_model, const std::string& more_of_input = "") {
  std::string text = CameraFile();
  text.replace(text.find("  march:"), 0, more_of_model);
  text.replace(text.find("  input_type_rt:"), 0, more_of_input);
  return text;
}

std::vector<Tensor> Bytes(const Frame& frame) {
  return {
      MakeTensor<uint8_t>("image_y", DataType::kUint8, {1, kSide, kSide, 1}, frame.y),
      MakeTensor<uint8_t>("image_uv", DataType::kUint8, {1, kSide / 2, kSide / 2, 2}, frame.uv)};
}

TEST(DeployTest, LayerOutDumpShowsWhatReadersSee) {
  const Job plain(CameraFile());
  Convert(plain.options);
  const Job job(Edited("  layer_out_dump: true\n"));
  EXPECT_GT(Convert(job.options).compared_samples, 0U);
  const Model dumped = LoadOnnx(job.folder / "out.onnx").model;
  ASSERT_EQ(dumped.graph.outputs.size(), 2U) << "the Conv under the Relu is none of its own";
  EXPECT_EQ(dumped.graph.outputs[0].name, "scores");
  EXPECT_EQ(dumped.graph.outputs[1].name, "r");
  const Frame frame = MakeFrame(3);
  const std::vector<Tensor> shown = RunModel(dumped, Bytes(frame));
  const Model deployed = LoadOnnx(plain.folder / "out.onnx").model;
  EXPECT_EQ(*shown[0].bytes == *RunModel(deployed, Bytes(frame))[0].bytes, true);
  Model inner = SmallNetwork();
  inner.graph.outputs = {{"r", {}, {}, {}}};
  EXPECT_GT(Sqnr(RunModel(inner, {Normalized(frame)})[0], shown[1]), 25);
  std::set<float> levels(shown[1].values<float>().begin(), shown[1].values<float>().end());
  EXPECT_LE(levels.size(), 256U) << "behind its Quantize";
}

TEST(DeployTest, CalibrationDataAreDumpedAsTheModelTakesThem) {
  const Job job(Edited("  debug_mode: dump_calibration_data\n"));
  Convert(job.options);
  for (size_t k = 0; k < kSamples; ++k) {
    EXPECT_EQ(Slurp(job.folder / ("calibration_data/image/" + std::to_string(k) + ".npy")).size(),
              Slurp(job.folder / ("calib/" + std::to_string(10 + k) + ".npy")).size());
  }
  const InputFile file(job.folder / "calibration_data/image/4.npy");
  EXPECT_EQ(*ReadNpy(file, ReadNpyHeader(file)).bytes == *Normalized(MakeFrame(4)).bytes, true);
  const std::string before = Slurp(job.folder / "out.onnx");
  try {
    Convert(job.options);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kFile);
    EXPECT_THAT(e.what(), testing::HasSubstr("calibration_data: is there already"));
  }
  EXPECT_EQ(Slurp(job.folder / "out.onnx") == before, true);
}

TEST(DeployTest, EveryPassIsShown) {
  Job job(Edited("  remove_node_type: Dequantize\n  layer_out_dump: true\n",
                 "  input_batch: 2\n  separate_batch: true\n  fold_normalization: true\n"));
  job.options.passes.dump_folder = job.folder / "passes";
  Convert(job.options);
  for (const char* name :
       {"inputs/00_fold_normalization", "quantize/00_apply_plan", "layers/00_dump_layers",
        "deploy/00_remove_border_nodes", "deploy/01_set_batch", "deploy/02_split_batch",
        "deploy/03_insert_preprocessing", "deploy/04_insert_preprocessing"}) {
    for (const char* when : {".before.txt", ".after.txt"})
      EXPECT_TRUE(exists(job.folder / ("passes/" + std::string(name) + when))) << name << when;
  }
}

TEST(DeployTest, ModelOutputsAreTheCodesThatAreAskedFor) {
  std::string text = Edited("  remove_node_type: Dequantize\n");
  const std::string section = "calibration_parameters:\n";
  text.insert(text.find(section) + section.size(),
              "  optimization: set_all_nodes_int16,set_model_output_int8\n");
  const Job job(text);
  Convert(job.options);
  const Model deployed = LoadOnnx(job.folder / "out.onnx").model;
  EXPECT_EQ(deployed.graph.outputs[0].type.element, DataType::kInt8) << "in spite of the other";
}

// What the deployed model computes is the same; mean and scale are in its first weights.
TEST(DeployTest, FoldedNormalizationIsExact) {
  const Job plain(CameraFile());
  const Job folded(Edited("", "  fold_normalization: true\n"));
  const ConversionReport a = Convert(plain.options);
  const ConversionReport b = Convert(folded.options);
  EXPECT_GT(b.outputs[0].sqnr_db(), a.outputs[0].sqnr_db() - 6);
  const Frame frame = MakeFrame(77);
  const Tensor expected = RunModel(SmallNetwork(), {Normalized(frame)}).at(0);
  const Model deployed = LoadOnnx(folded.folder / "out.onnx").model;
  EXPECT_GT(Sqnr(expected, RunModel(deployed, Bytes(frame)).at(0)), 25);
  const auto preprocess = std::find_if(deployed.graph.nodes.begin(), deployed.graph.nodes.end(),
                                       [](const Node& node) { return node.Is("Conv"); });
  const Tensor* weight = deployed.graph.FindInitializer(preprocess->inputs[1]);
  EXPECT_EQ(weight->values<float>()[0], 1) << "Y into R: no scale";
  const Tensor* bias = deployed.graph.FindInitializer(preprocess->inputs[2]);
  EXPECT_NEAR(bias->values<float>()[0], 128 - kMean[0], 1e-4) << "padded: the mean stays";
}

// Writes the model, and again by its plan file.
void ExpectTheSameBytesByPlan(const Job& job) {
  Convert(job.options);
  const std::string bytes = Slurp(job.options.output);
  const PlanFile plan = ReadPlanFile(job.folder / "out_quant_info.json");
  ConvertOptions again = job.options;
  again.plan = &plan;
  again.config = plan.config;
  again.effective_config = plan.effective;
  again.calibration_folder.clear();
  Convert(again);
  EXPECT_EQ(Slurp(job.options.output) == bytes, true);
}

TEST(DeployTest, AFoldedPlanFileGivesTheSameBytes) {
  ExpectTheSameBytesByPlan(Job(Edited("  layer_out_dump: true\n", "  fold_normalization: true\n")));
}

TEST(DeployTest, ThePlanFileHasTheLayoutOfJ5sDeployedModel) {
  const Job job(
      "model_parameters: {march: bayes}\n"
      "input_parameters: {input_type_rt: rgb, input_type_train: rgb, input_layout_train: NCHW, "
      "input_layout_rt: NHWC}\n");
  ExpectTheSameBytesByPlan(job);
  const Model deployed = LoadOnnx(job.options.output).model;
  const auto& shape = *deployed.graph.inputs.at(0).type.shape;
  EXPECT_EQ(shape.at(3).value, 3) << "channels last";
}

}  // namespace
}  // namespace qconvert
