// The main job on the shipped example.
#include "qconvert/pipeline/convert.h"
#include "qconvert/loader/onnx_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/sha256.h"
#include "qconvert/config/read_config.h"
#include "qconvert/dataset/npy_reader.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/runtime/ort_session.h"
#include "support/conversion_job.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/project_folder.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

const std::filesystem::path kExample = ProjectFolder() / "examples/digits";

ConvertOptions ExampleOptions(const TempDir& folder) {
  ConvertOptions options;
  options.model = kExample / "model.onnx";
  options.calibration_folder = kExample / "calib";
  options.output = folder / "out.onnx";
  options.config.scheme = Scheme::kStatic;
  return options;
}

// Share of the labelled test pictures that a model gets right.
double Accuracy(const std::filesystem::path& model) {
  const InputFile image_file(kExample / "test_images.npy");
  const InputFile label_file(kExample / "test_labels.npy");
  const Tensor images = ReadNpy(image_file, ReadNpyHeader(image_file));
  const Tensor labels = ReadNpy(label_file, ReadNpyHeader(label_file));
  std::vector<float> pixels;
  for (const uint8_t p : images.values<uint8_t>()) pixels.push_back(static_cast<float>(p) / 16);
  const int64_t count = images.dims[0];
  const auto session = OpenOrtSessionFile(model, "model", {});
  const auto scores =
      session->Run(std::vector{MakeFloatTensor("image", {count, 1, 16, 16}, pixels)}, nullptr)[0];
  const auto values = scores.values<float>();
  int right = 0;
  for (int64_t i = 0; i < count; ++i) {
    const auto* row = values.data() + i * 10;
    right +=
        std::max_element(row, row + 10) - row == labels.values<uint8_t>()[static_cast<size_t>(i)]
            ? 1
            : 0;
  }
  return static_cast<double>(right) / static_cast<double>(count);
}

TEST(ConvertTest, TheExampleStaysAccurateAndShrinks) {
  const TempDir folder;
  const ConversionReport report = Convert(ExampleOptions(folder));
  EXPECT_EQ(report.samples, 52U) << "of 64, 12 are kept out";
  ASSERT_EQ(report.outputs.size(), 1U);
  EXPECT_GT(report.outputs[0].cosine(), 0.999);
  EXPECT_EQ(report.float_nodes, 0U);
  EXPECT_LT(report.quantized_bytes, report.float_bytes * 35 / 100);
  EXPECT_EQ(report.quantized_bytes,
            static_cast<int64_t>(std::filesystem::file_size(folder / "out.onnx")));
  EXPECT_GE(Accuracy(folder / "out.onnx"), Accuracy(kExample / "model.onnx") - 0.005);
  const std::string info = Slurp(folder / "out_quant_info.json");
  EXPECT_THAT(info, testing::HasSubstr("\"method\":"));
  EXPECT_THAT(info, testing::Not(testing::HasSubstr(folder.path().string())))
      << "no path in any output";
}

struct Statistic {
  CalibrationMethod method;
  BatchStatistic statistic = BatchStatistic::kAll;
  int64_t batch_size = 1;
};

TEST(ConvertTest, TheSameBytesForAnyWorkerCount) {
  using M = CalibrationMethod;
  for (const Statistic& one :
       {Statistic{M::kMaxMin}, Statistic{M::kPercentile}, Statistic{M::kEntropy},
        Statistic{M::kMse}, Statistic{M::kMovingAverageAbsMax}, Statistic{M::kRangeAbsMax},
        Statistic{M::kPercentile, BatchStatistic::kMean, 4},
        Statistic{M::kMaxMin, BatchStatistic::kMedian, 5},
        Statistic{M::kEntropy, BatchStatistic::kMax, 3}}) {
    std::string first;
    for (const int workers : {1, 3, 8}) {
      const TempDir folder;
      ConvertOptions options = ExampleOptions(folder);
      options.max_samples = 23;
      options.guard = GuardMode::kOff;
      options.workers = workers;
      options.config.calibration.batch_size = one.batch_size;
      for (TensorSettings* settings :
           {&options.config.tensors.input, &options.config.tensors.activation}) {
        settings->method = one.method;
        settings->statistic = one.statistic;
      }
      Convert(options);
      const std::string bytes = Slurp(folder / "out.onnx") + Slurp(folder / "out_quant_info.json");
      if (first.empty()) first = bytes;
      EXPECT_EQ(bytes == first, true) << MethodName(one.method) << " " << workers;
    }
  }
}

TEST(ConvertTest, StatisticsOfBatchesGoByTheBatch) {
  const auto scale = [](BatchStatistic statistic, int64_t batch_size) {
    const TempDir folder;
    ConvertOptions options = ExampleOptions(folder);
    options.guard = GuardMode::kOff;
    options.config.calibration.batch_size = batch_size;
    options.config.tensors.activation.method = CalibrationMethod::kMaxMin;
    options.config.tensors.activation.statistic = statistic;
    Convert(options);
    const Graph graph = LoadOnnx(folder / "out.onnx").model.graph;
    double sum = 0;
    for (const Node& node : graph.nodes) {
      if (node.Is("QuantizeLinear"))
        sum += static_cast<double>(graph.FindInitializer(node.inputs[1])->values<float>()[0]);
    }
    return sum;
  };
  const double all = scale(BatchStatistic::kAll, 1);
  EXPECT_GT(all, 0);
  EXPECT_EQ(scale(BatchStatistic::kMax, 4), all) << "the widest of all batches is the whole";
  const double mean = scale(BatchStatistic::kMean, 4);
  EXPECT_LT(mean, all);
  EXPECT_LT(scale(BatchStatistic::kMean, 1), mean) << "larger batches are wider";
  EXPECT_EQ(scale(BatchStatistic::kMean, 64), all) << "one batch";
}

TEST(ConvertTest, EveryPresetConverts) {
  for (const auto& preset : ListFolder(ProjectFolder() / "configs")) {
    if (preset.extension() != ".yaml") continue;
    const LoadedConfig loaded = ReadConfig(preset, {});
    const bool names_inputs = loaded.dialect == "Horizon";
    // Some name nodes of the vendor's network.
    const bool names_nodes =
        std::any_of(loaded.config.layers.begin(), loaded.config.layers.end(),
                    [](const auto& layer) { return layer.match.kind != LayerMatch::Kind::kType; });
    if (names_inputs || names_nodes) continue;
    const TempDir folder;
    ConvertOptions options = ExampleOptions(folder);
    options.config = loaded.config;
    const ConversionReport report = Convert(options);
    EXPECT_GT(report.outputs[0].cosine(), 0.99) << preset;
    EXPECT_EQ(report.simulated,
              loaded.config.target_device != TargetDevice::kCpu && report.integer_nodes > 0)
        << preset;
  }
}

TEST(ConvertTest, ExternalDataAndFloatOnly) {
  const TempDir folder;
  ConvertOptions options = ExampleOptions(folder);
  options.external_data = true;
  const ConversionReport report = Convert(options);
  EXPECT_GT(report.outputs[0].cosine(), 0.999);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 3);
  options.float_only = true;
  options.output = folder / "float.onnx";
  Convert(options);
  EXPECT_EQ(Accuracy(folder / "float.onnx"), Accuracy(kExample / "model.onnx"));
}

// The plan of what was there before is none of a float model.
TEST(ConvertTest, FloatOnlyTakesTheEarlierPlanAway) {
  const TempDir folder;
  ConvertOptions options = ExampleOptions(folder);
  Convert(options);
  ASSERT_TRUE(std::filesystem::exists(QuantInfoPath(options.output)));
  options.float_only = true;
  options.other_inputs = {QuantInfoPath(options.output)};
  Convert(options);
  EXPECT_TRUE(std::filesystem::exists(QuantInfoPath(options.output))) << "an input";
  options.other_inputs.clear();
  Convert(options);
  EXPECT_FALSE(std::filesystem::exists(QuantInfoPath(options.output)));
  folder.Write(QuantInfoPath(options.output).filename().string(), "{\"mine\": 1}");
  Convert(options);
  EXPECT_TRUE(std::filesystem::exists(QuantInfoPath(options.output))) << "of somebody else";
}

ExitCode FailureOf(const ConvertOptions& options, const std::string& message) {
  try {
    Convert(options);
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr(message));
    return e.code();
  }
  return ExitCode::kSuccess;
}

TEST(ConvertTest, InputsAreNeverOverwritten) {
  const TempDir folder;
  std::filesystem::copy(kExample / "model.onnx", folder / "m.onnx");
  std::filesystem::copy(kExample / "calib", folder / "calib");
  ConvertOptions options = ExampleOptions(folder);
  options.model = folder / "m.onnx";
  options.calibration_folder = folder / "calib";
  std::filesystem::create_hard_link(folder / "m.onnx", folder / "hard.onnx");
  for (const auto& output :
       {folder / "m.onnx", folder / "hard.onnx", folder / "calib" / "00.npy"}) {
    const std::string before = Slurp(output);
    options.output = output;
    EXPECT_EQ(FailureOf(options, "is an input"), ExitCode::kUsage);
    EXPECT_EQ(Slurp(output), before);
  }
}

TEST(ConvertTest, FailuresLeaveAnOlderOutputAlone) {
  const TempDir folder;
  ConvertOptions options = ExampleOptions(folder);
  folder.Write("out.onnx", "old");
  folder.Write("calib/a.npy", NpyFloats({1, 1, 16, 16}, std::vector<float>(256, NAN)));
  options.calibration_folder = folder / "calib";
  EXPECT_EQ(FailureOf(options, "256 of 256 values are NaN"), ExitCode::kNumeric);
  options.calibration_folder = folder / "none";
  EXPECT_EQ(FailureOf(options, "no such calibration folder"), ExitCode::kFile);
  options.calibration_folder.clear();
  EXPECT_EQ(FailureOf(options, "no calibration data given"), ExitCode::kUsage);
  EXPECT_EQ(Slurp(folder / "out.onnx"), "old");
}

// A spectrum in front of a logarithm: small values matter as much as large ones.
TEST(ConvertTest, StatesWithoutDataAreFedBack) {
  const TempDir folder;
  GraphBuilder b;
  b.Input("x", {"1", "8"})
      .Input("hidden", {"1", "8"})
      .Output("y")
      .Output("hidden_out")
      .Random("w", {8, 8}, 0.3F);
  b.Add("MatMul", {"x", "w"}, {"m"});
  b.Add("Add", {"m", "hidden"}, {"s"});
  b.Add("Tanh", {"s"}, {"hidden_out"});
  b.Add("MatMul", {"hidden_out", "w"}, {"y"});
  ConvertOptions options = PrepareConversion(folder, b, {1, 8});
  EXPECT_EQ(FailureOf(options, "has no sub-folder for input"), ExitCode::kData);
  options.states = {{"hidden", "hidden_out"}};
  EXPECT_GT(Convert(options).outputs[0].cosine(), 0.99);
  options.states = {{"hiden", "hidden_out"}};
  EXPECT_EQ(FailureOf(options, "no input \"hiden\", did you mean 'hidden'?"), ExitCode::kUsage);
  options.states = {{"hidden", "hidden_uot"}};
  EXPECT_EQ(FailureOf(options, "no output \"hidden_uot\", did you mean 'hidden_out'?"),
            ExitCode::kUsage);
}

TEST(ConvertTest, InfinitiesInsideStayFloatAndAreNamed) {
  const TempDir folder;
  GraphBuilder b;
  b.Input("x", {"1", "8"})
      .Output("y")
      .Random("w", {8, 8})
      .Floats("ninf", {}, {-INFINITY})
      .Floats("zero", {}, {0});
  b.Add("MatMul", {"x", "w"}, {"m"});
  b.Add("Greater", {"x", "zero"}, {"g"});
  b.Add("Where", {"g", "m", "ninf"}, {"masked"});
  b.Add("Softmax", {"masked"}, {"p"});
  b.Add("MatMul", {"p", "w"}, {"y"});
  const ConversionReport report = Convert(PrepareConversion(folder, b, {1, 8}));
  EXPECT_GT(report.outputs[0].cosine(), 0.99);
}

TEST(ConvertTest, ConstantAndZeroAndTinyDataConvert) {
  for (const float value : {0.0F, 5.0F, -5.0F, 1e-40F, 1e30F}) {
    const TempDir folder;
    GraphBuilder b;
    b.Input("x", {"1", "4", "6", "6"}).Output("y").Random("w", {4, 4, 3, 3});
    b.Add("Conv", {"x", "w"}, {"c"});
    b.Add("Relu", {"c"}, {"y"});
    ConvertOptions options = PrepareConversion(folder, b, {1, 4, 6, 6});
    for (int i = 0; i < 4; ++i)
      folder.Write(fmt::format("calib/{}.npy", i),
                   NpyFloats({1, 4, 6, 6}, std::vector<float>(144, value)));
    EXPECT_NO_THROW(Convert(options)) << value;
  }
}

TEST(ConvertTest, AModelWithNothingToQuantizePasses) {
  const TempDir folder;
  GraphBuilder b;
  b.Input("x", {"1", "8"}).Output("y");
  b.Add("Relu", {"x"}, {"y"});
  const ConversionReport report = Convert(PrepareConversion(folder, b, {1, 8}));
  EXPECT_EQ(report.integer_nodes, 0U);
  EXPECT_THAT(report.warnings, testing::ElementsAre(testing::HasSubstr("nothing was quantized")));
}

TEST(ConvertTest, GraphOutputsThatAreInputsOrInitializersPass) {
  const TempDir folder;
  GraphBuilder b;
  b.Input("x", {"1", "8"}).Output("x").Output("w").Output("y").Random("w", {8, 8});
  b.Add("MatMul", {"x", "w"}, {"y"});
  EXPECT_NO_THROW(Convert(PrepareConversion(folder, b, {1, 8})));
}

TEST(ConvertTest, NaNWeightsAreNamed) {
  const TempDir folder;
  GraphBuilder b;
  b.Input("x", {"1", "2"}).Output("y").Floats("w", {2, 2}, {1, NAN, INFINITY, 2});
  b.Add("MatMul", {"x", "w"}, {"y"});
  EXPECT_EQ(FailureOf(PrepareConversion(folder, b, {1, 2}),
                      "2 of 4 values of weight \"w\" are NaN or infinite"),
            ExitCode::kNumeric);
}

TEST(ConvertTest, BiasesOfWrongLengthAreNamedWhereTheyAreComputedToo) {
  for (const bool dequantized : {true, false}) {
    const TempDir folder;
    GraphBuilder b;
    b.Input("x", {"1", "2", "4", "4"}).Output("y").Random("w", {4, 2, 3, 3});
    if (dequantized) {
      b.Ints("whole", {2}, {1, 2}).Floats("s", {}, {0.5F});
      b.Add("Cast", {"whole"}, {"codes"}).Set("to", static_cast<int64_t>(DataType::kInt32));
      b.Add("DequantizeLinear", {"codes", "s"}, {"b"});
    } else {
      b.Ints("shape", {1}, {2});
      b.Add("GlobalAveragePool", {"x"}, {"mean"});
      b.Add("Reshape", {"mean", "shape"}, {"b"});
    }
    b.Add("Conv", {"x", "w", "b"}, {"y"}).name = "conv";
    EXPECT_EQ(FailureOf(PrepareConversion(folder, b, {1, 2, 4, 4}),
                        "node \"conv\" has 2 biases, expected 4"),
              ExitCode::kModel);
  }
}

TEST(ConvertTest, NaNBiasesAreNamedAndMasksMayBeInfinite) {
  const TempDir folder;
  GraphBuilder b;
  b.Input("x", {"1", "2"}).Output("y").Random("w", {2, 2}).Floats("b", {2}, {1, INFINITY});
  b.Add("MatMul", {"x", "w"}, {"p"});
  b.Add("Add", {"p", "b"}, {"y"});
  EXPECT_EQ(FailureOf(PrepareConversion(folder, b, {1, 2}),
                      "1 of 2 values of bias \"b\" are NaN or infinite"),
            ExitCode::kNumeric);
  GraphBuilder masked;
  masked.Input("x", {"1", "2"}).Output("y").Random("w", {2, 2});
  masked.Floats("mask", {1, 2}, {0, -INFINITY}).Random("v", {2, 2});
  masked.Add("MatMul", {"x", "w"}, {"p"});
  masked.Add("Add", {"p", "mask"}, {"m"});
  masked.Add("Softmax", {"m"}, {"s"});
  masked.Add("MatMul", {"s", "v"}, {"y"});
  const TempDir other;
  EXPECT_NO_THROW(Convert(PrepareConversion(other, masked, {1, 2})));
}

TEST(ConvertTest, TheSchemeOfAQuantizedModelSaysThatItIsOne) {
  const TempDir folder;
  GraphBuilder b;
  b.Input("x", {"1", "8"}).Output("y").Random("w", {8, 8});
  b.Add("MatMul", {"x", "w"}, {"y"});
  ConvertOptions options = PrepareConversion(folder, b, {1, 8});
  options.config.scheme = Scheme::kStatic;
  const ConversionReport first = Convert(options);
  EXPECT_THAT(first.scheme_reason, testing::Not(testing::HasSubstr("already")));
  options.model = first.output;
  options.output = folder / "again.onnx";
  options.config.scheme = Scheme::kAuto;
  EXPECT_EQ(Convert(options).scheme_reason,
            "the model is quantized already, nothing is left to quantize");
}

TEST(QuantInfoPathTest, IsTheStemBeside) {
  EXPECT_EQ(QuantInfoPath("a/m_quantized.onnx"), "a/m_quant_info.json");
  EXPECT_EQ(QuantInfoPath("a/m.onnx"), "a/m_quant_info.json");
}

}  // namespace
}  // namespace qconvert
