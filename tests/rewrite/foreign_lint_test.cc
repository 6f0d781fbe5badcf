// Prediction of lint and reality of the engine, on trained models and on files of other tools.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/base/signals.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/convert.h"
#include "support/disagreements.h"
#include "support/project_folder.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

const std::filesystem::path kTrained = ProjectFolder() / "../shared/data/models";

// Converted from one sample: what the outputs are worth does not matter here.
Model Converted(const std::filesystem::path& folder, Scheme scheme) {
  const TempDir work;
  ConvertOptions options;
  options.model = folder / "model.onnx";
  options.output = work / "quantized.onnx";
  std::filesystem::create_directory(work / "calib");
  std::filesystem::copy(folder / "sample/0_in0.npy", work / "calib/x.npy");
  options.calibration_folder = work / "calib";
  options.config.scheme = scheme;
  options.guard = GuardMode::kOff;
  bool has_sample = true;  // the first input; others are states that begin at zero
  const Graph graph = LoadOnnx(options.model).model.graph;
  for (const Value& input : graph.inputs) {
    if (graph.FindInitializer(input.name) != nullptr) continue;
    if (!std::exchange(has_sample, false)) options.states.push_back({input.name, ""});
  }
  Convert(options);
  ReleaseSignals();
  return LoadOnnx(options.output).model;
}

class TrainedLintTest : public testing::TestWithParam<const char*> {};

TEST_P(TrainedLintTest, TheEngineRunsWhatIsPredicted) {
  const std::filesystem::path folder = kTrained / GetParam();
  if (!std::filesystem::exists(folder / "model.onnx")) GTEST_SKIP() << "no " << folder;
  for (const Scheme scheme : {Scheme::kStatic, Scheme::kDynamic}) {
    size_t judged = 0;
    EXPECT_EQ(Disagreements(Converted(folder, scheme), judged), "") << SchemeName(scheme);
    EXPECT_GT(judged, 0U);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, TrainedLintTest,
                         testing::Values("dtln_1_lstm", "dtln_2_lstm", "kwt1_transformer",
                                         "magika_v3_3", "mnist_cnn", "mobilenet_v2_035_flowers",
                                         "nanodet_m_320", "odd_basic_pitch_shared_weights",
                                         "odd_resnet20_external_data", "odd_resnet8_qdq",
                                         "odd_squeezenet_fp16", "ppocr_cls_mobilenetv3",
                                         "resnet20_cifar10", "squeezenet11_imagenet",
                                         "ultraface_rfb_320"),
                         [](const auto& one) { return std::string(one.param); });

// Files of other tools, from a folder of *.onnx named by QCONVERT_LINT_FILES.
TEST(ForeignLintTest, TheEngineRunsWhatIsPredicted) {
  const char* folder = std::getenv("QCONVERT_LINT_FILES");
  if (folder == nullptr) GTEST_SKIP() << "QCONVERT_LINT_FILES names no folder";
  size_t judged = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".onnx") continue;
    const size_t before = judged;
    try {
      EXPECT_EQ(Disagreements(LoadOnnx(entry.path()).model, judged), "") << entry.path();
    } catch (const Error& error) {  // a file that is broken runs nothing
      std::printf("left out, %s: %s\n", entry.path().filename().c_str(), error.what());
      EXPECT_EQ(error.code(), ExitCode::kModel) << error.what();
    }
    std::printf("%6zu operators checked in %s\n", judged - before, entry.path().filename().c_str());
  }
  EXPECT_GT(judged, 0U) << "no operators in " << folder;
}

}  // namespace
}  // namespace qconvert
