// A folder of pictures gives the model that the same numbers in .npy files give.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "picture_file.h"
#include "qconvert/base/error.h"
#include "qconvert/dataset/npy_writer.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/bench_models.h"
#include "qconvert/pipeline/calibration_table_command.h"
#include "qconvert/pipeline/compare_files.h"
#include "qconvert/pipeline/convert.h"
#include "qconvert/pipeline/evaluate_models.h"
#include "qconvert/pipeline/run_model.h"
#include "support/graph_builder.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using Kind = CalibTransform::Kind;

constexpr int64_t kSide = 12;
constexpr size_t kPictures = 10;

GraphBuilder Net() {
  GraphBuilder b;
  b.Input("x", {"1", "3", "12", "12"}).Output("y").Random("w", {8, 3, 3, 3}, 0.3F);
  b.Random("v", {4, 8, 3, 3}, 0.3F);
  b.Add("Conv", {"x", "w"}, {"a"});
  b.Add("Relu", {"a"}, {"r"});
  b.Add("Conv", {"r", "v"}, {"y"});
  return b;
}

CalibTransform Numbers(Kind kind, std::vector<double> numbers) {
  CalibTransform step{.kind = kind};
  step.numbers = std::move(numbers);
  return step;
}

class PicturesTest : public testing::Test {
 protected:
  PicturesTest() {
    folder_.Write("m.onnx", SerializeModel(Net().model));
    for (size_t k = 0; k < kPictures; ++k) {
      Picture picture({kSide, kSide}, 3);
      const std::vector<float> noise =
          RandomFloats(picture.levels.size(), static_cast<uint32_t>(k), 60);
      std::vector<float> values(noise.size());
      const size_t plane = noise.size() / 3;
      for (size_t i = 0; i < noise.size(); ++i) {
        const auto level = static_cast<uint8_t>(std::clamp(noise[i] + 128, 0.F, 255.F));
        picture.levels[i] = level;
        values[i % 3 * plane + i / 3] = static_cast<float>((level - 127.5) / 64);
      }
      folder_.Write(fmt::format("png/{}.png", k), EncodePng(picture));
      folder_.Write(fmt::format("npy/{}.npy", k),
                    NpyBytes(MakeFloatTensor("", {1, 3, kSide, kSide}, values)));
    }
    for (uint32_t k = 0; k < 3; ++k)
      folder_.Write(fmt::format("fresh/{}.npy", k), NpyBytes(RandomTensor("", {1, 3, 12, 12}, k)));
  }
  ConvertOptions Options(const std::string& data) const {
    ConvertOptions options;
    options.model = folder_ / "m.onnx";
    options.calibration_folder = folder_ / data;
    // What would be kept out goes by the bytes of files: so all of any kind calibrate.
    options.validation_folder = folder_ / "fresh";
    options.output = folder_ / (data + ".onnx");
    options.config.scheme = Scheme::kStatic;
    options.config.calibration.transforms = {Numbers(Kind::kMean, {127.5}),
                                             Numbers(Kind::kStd, {64})};
    return options;
  }
  const TempDir folder_;
};

// Besides the hash of the data.
std::string WithoutMetadata(const std::filesystem::path& file) {
  Model model = LoadOnnx(file).model;
  model.metadata.clear();
  return SerializeModel(model);
}

TEST_F(PicturesTest, GiveTheModelThatArraysGive) {
  Convert(Options("npy"));
  ConvertOptions options = Options("png");
  Convert(options);
  const std::string expected = WithoutMetadata(folder_ / "npy.onnx");
  EXPECT_EQ(WithoutMetadata(folder_ / "png.onnx") == expected, true);
  const std::string bytes = Slurp(options.output);
  options.workers = 3;
  Convert(options);
  EXPECT_EQ(Slurp(options.output) == bytes, true) << "any number of workers";
  // Judged by the same numbers in the other form.
  options.validation_folder = folder_ / "npy";
  Convert(options);
  ConvertOptions arrays = Options("npy");
  arrays.validation_folder = folder_ / "png";
  Convert(arrays);
  EXPECT_EQ(WithoutMetadata(options.output) == WithoutMetadata(arrays.output), true);
}

TEST_F(PicturesTest, CalibrateAndEvaluateTakeThem) {
  ConvertOptions options = Options("png");
  const CalibrateOptions calibrate{.model = options.model,
                                   .output = folder_ / "t.json",
                                   .calibration_folder = options.calibration_folder,
                                   .configs = {{options.config, {}, {}}}};
  WriteCalibrationTable(calibrate);
  options.table = calibrate.output;
  Convert(options);
  EvaluateOptions evaluate;
  evaluate.a = options.model;
  evaluate.b = options.output;
  evaluate.data.folder = folder_ / "png";
  evaluate.data.settings.transforms = options.config.calibration.transforms;
  const Evaluation pictures = EvaluateModels(evaluate);
  evaluate.data.folder = folder_ / "npy";
  const Evaluation arrays = EvaluateModels(evaluate);
  ASSERT_EQ(pictures.samples.size(), kPictures);
  for (size_t k = 0; k < kPictures; ++k)
    EXPECT_EQ(pictures.samples[k].error_power, arrays.samples[k].error_power) << k;
}

TEST_F(PicturesTest, WithoutMeanAndScaleItIsSaid) {
  ConvertOptions options = Options("png");
  EXPECT_THAT(Convert(options).warnings, Not(Contains(HasSubstr("are fed as levels"))));
  options.config.calibration.transforms.clear();
  EXPECT_THAT(
      Convert(options).warnings,
      Contains(testing::AllOf(HasSubstr("pictures of input \"x\" are fed as levels of 0 to 255"),
                              HasSubstr(".png and "), HasSubstr(" more)"))));
}

std::string SaidBy(const std::function<void()>& run) {
  testing::internal::CaptureStderr();
  run();
  return testing::internal::GetCapturedStderr();
}

// A stage model that was made with settings is run without them.
TEST_F(PicturesTest, WithoutMeanAndScaleRunAndEvaluateSayItToo) {
  RunModelOptions run{.model = folder_ / "m.onnx"};
  run.data.folder = folder_ / "png";
  EXPECT_THAT(SaidBy([&] { RunModel(run); }), HasSubstr("are fed as levels of 0 to 255"));
  run.data.settings.transforms = Options("png").config.calibration.transforms;
  EXPECT_THAT(SaidBy([&] { RunModel(run); }), Not(HasSubstr("are fed as levels")));
  EvaluateOptions evaluate;
  evaluate.a = evaluate.b = run.model;
  evaluate.data.folder = run.data.folder;
  EXPECT_THAT(SaidBy([&] { EvaluateModels(evaluate); }),
              HasSubstr("are fed as levels of 0 to 255"));
  CompareFilesOptions compare;
  compare.a = compare.b = run.model;
  compare.data.folder = run.data.folder;
  EXPECT_THAT(SaidBy([&] { CompareFiles(compare); }), HasSubstr("are fed as levels of 0 to 255"));
  BenchModelsOptions bench;
  bench.models = {run.model, run.model};
  bench.rounds = 1;
  bench.data.folder = run.data.folder;
  const std::string benched = SaidBy([&] { BenchModels(bench); });
  const size_t first = benched.find("are fed as levels of 0 to 255");
  EXPECT_NE(first, std::string::npos);
  EXPECT_EQ(benched.find("are fed as levels", first + 1), std::string::npos) << "once";
}

// Levels where a first BatchNormalization or a camera file says that they are normalized.
TEST_F(PicturesTest, ArraysOfLevelsAreToldWhereverTheyAreRead) {
  GraphBuilder b;
  b.Input("x", {"1", "3", "12", "12"}).Output("y").Random("w", {4, 3, 1, 1}, 0.3F);
  for (const char* one : {"gain", "variance"}) b.Floats(one, {3}, {1, 1, 1});
  b.Floats("shift", {3}, {0, 0, 0});
  b.Add("Constant", {}, {"mean"})
      .Set("value", MakeFloatTensor("", {3}, std::vector<float>{0, 0, 0}));
  b.Add("BatchNormalization", {"x", "gain", "shift", "mean", "variance"}, {"n"}).name = "first";
  b.Add("Conv", {"n", "w"}, {"y"});
  const std::filesystem::path norm = folder_.Write("norm.onnx", SerializeModel(b.model));
  std::vector<float> levels = RandomFloats(3 * kSide * kSide, 3);
  for (float& level : levels) level = 127 + 120 * level;
  folder_.Write("levels/0.npy", NpyBytes(MakeFloatTensor("x", {1, 3, kSide, kSide}, levels)));
  CompareFilesOptions compare;
  compare.a = compare.b = norm;
  compare.data.folder = folder_ / "levels";
  EXPECT_THAT(SaidBy([&] { CompareFiles(compare); }),
              HasSubstr("deviations from the mean it was trained with"));
  RunModelOptions run{.model = folder_ / "m.onnx"};
  run.data.folder = folder_ / "levels";
  EXPECT_THAT(SaidBy([&] { RunModel(run); }), Not(HasSubstr("are they raw?")));
  run.data.deployment.generation = Generation::kJ6;
  run.data.deployment.inputs = {{.name = "x",
                                 .kind_rt = InputKind::kRgb,
                                 .kind_train = InputKind::kRgb,
                                 .layout_train = InputLayout::kNchw,
                                 .mean = {127},
                                 .scale = {0.01}}};
  EXPECT_THAT(SaidBy([&] { RunModel(run); }), HasSubstr("are they raw?"));
}

TEST_F(PicturesTest, TheFirstOneIsShown) {
  for (const char* data : {"png", "npy"}) {
    ConvertOptions options = Options(data);
    options.first_picture = folder_ / "seen.png";
    Convert(options);
    EXPECT_EQ(ReadPicture(options.first_picture).levels, ReadPicture(folder_ / "png/0.png").levels)
        << data;
  }
  ConvertOptions options = Options("png");
  options.first_picture = folder_ / "png/0.png";
  EXPECT_THROW(Convert(options), Error) << "it is a sample";
}

TEST_F(PicturesTest, ADamagedOneWritesNothing) {
  const std::string whole = Slurp(folder_ / "png/3.png");
  folder_.Write("png/3.png", whole.substr(0, whole.size() / 2));
  ConvertOptions options = Options("png");
  options.first_picture = folder_ / "seen.png";
  try {
    Convert(options);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kData);
    EXPECT_THAT(e.what(), HasSubstr("3.png: is a damaged PNG picture"));
  }
  EXPECT_FALSE(std::filesystem::exists(options.output));
  EXPECT_FALSE(std::filesystem::exists(options.first_picture));
}

TEST_F(PicturesTest, FormatPictureRefusesOtherFiles) {
  ConvertOptions options = Options("npy");
  options.config.calibration.format = "picture";
  try {
    Convert(options);
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("0.npy: is no picture, as the settings say"));
  }
}

// What the chip gives: the runtime's color, less 128.
TEST_F(PicturesTest, DeployedModelsTakeTheRuntimesPixels) {
  struct Form {
    Generation generation;
    InputKind kind_rt;
    YuvRange range = YuvRange::kFull;
    InputLayout layout_rt = InputLayout::kNone;
    const char* model = "out/net_quantized_model.onnx";
  };
  constexpr auto kStage = "out/net_original_float_model.onnx";
  for (const Form& form :
       {Form{Generation::kJ5, InputKind::kNv12, YuvRange::kFull, InputLayout::kNone, kStage},
        Form{Generation::kJ5, InputKind::kNv12, YuvRange::kVideo, InputLayout::kNone, kStage},
        Form{Generation::kJ5, InputKind::kBgr, YuvRange::kFull, InputLayout::kNhwc, kStage},
        Form{Generation::kJ5, InputKind::kNv12},
        Form{Generation::kJ5, InputKind::kRgb, YuvRange::kFull, InputLayout::kNhwc},
        Form{Generation::kJ6, InputKind::kBgr}, Form{Generation::kJ6, InputKind::kYuv444}}) {
    ConvertOptions options = Options("png");
    options.config.calibration.transforms.clear();
    options.output = folder_ / "out/net_quantized_model.onnx";
    DeploymentConfig& deployment = options.config.deployment;
    deployment.generation = form.generation;
    deployment.output_prefix = "net";
    deployment.inputs = {{.name = "x",
                          .kind_rt = form.kind_rt,
                          .kind_train = InputKind::kRgb,
                          .layout_train = InputLayout::kNchw,
                          .layout_rt = form.layout_rt,
                          .range = form.range,
                          .mean = {127.5},
                          .scale = {1.0 / 64}}};
    options.make_output_folder = options.write_stages = true;
    Convert(options);
    const auto output_of = [&](const std::filesystem::path& model) {
      RunModelOptions run{.model = model};
      run.data.folder = folder_ / "png";
      run.data.deployment = deployment;
      return RunModel(run).outputs.at(0);
    };
    const OutputSummary expected = output_of(options.model);
    const OutputSummary got = output_of(folder_ / form.model);
    const double near = (expected.max - expected.min) * 0.05;
    const std::string what = fmt::format("{} {}", form.model, static_cast<int>(form.kind_rt));
    EXPECT_NEAR(got.min, expected.min, near) << what;
    EXPECT_NEAR(got.max, expected.max, near) << what;
    EXPECT_NEAR(got.mean(), expected.mean(), near / 10) << what;
  }
}

// Inputs of pictures and of numbers, paired by the stem.
TEST_F(PicturesTest, BesideOtherInputs) {
  GraphBuilder b = Net();
  b.Input("angle", {"1", "2"}).Output("z");
  b.Add("Neg", {"angle"}, {"z"});
  folder_.Write("two.onnx", SerializeModel(b.model));
  for (size_t k = 0; k < kPictures; ++k) {
    const std::string name = fmt::format("{}", k);
    folder_.Write("both/x/" + name + ".png", Slurp(folder_ / ("png/" + name + ".png")));
    folder_.Write("both/angle/" + name + ".npy",
                  NpyBytes(MakeFloatTensor("", {1, 2}, RandomFloats(2, 3))));
  }
  ConvertOptions options = Options("both");
  options.model = folder_ / "two.onnx";
  options.validation_folder = folder_ / "both";  // so that all calibrate
  EXPECT_EQ(Convert(options).samples, kPictures);
  folder_.Write("both/angle/0.png", Slurp(folder_ / "png/0.png"));
  std::filesystem::remove(folder_ / "both/angle/0.npy");
  try {
    Convert(options);
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(),
                HasSubstr("0.png: is a picture, but input \"angle\" has no shape of three"));
  }
}

}  // namespace
}  // namespace qconvert
