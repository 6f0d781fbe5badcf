#include "qconvert/pipeline/run_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "qconvert/base/error.h"
#include "qconvert/dataset/npy_reader.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "support/errors.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<float> Floats(const std::filesystem::path& path) {
  const InputFile file(path);
  const ByteSource source(file);
  return ToFloats(ReadNpy(source, ReadNpyHeader(source)));
}

// sum = a + b, and a twice.
Model TwoInputs(const std::string& sum, const std::string& twice,
                DataType type = DataType::kFloat) {
  GraphBuilder b;
  b.Input("a", {"1", "2"}, type).Input("b", {"1", "2"}, type);
  b.Output(sum, type).Output(twice, type);
  b.Add("Add", {"a", "b"}, {sum});
  b.Add("Add", {"a", "a"}, {twice});
  return b.model;
}

class RunModelTest : public testing::Test {
 protected:
  RunModelTest() {
    options_.model = dir_.Write("m.onnx", SerializeModel(TwoInputs("sum", "twice")));
    options_.files = {{"a", dir_.Write("in/first.npy", NpyFloats({1, 2}, Row(1, 2)))},
                      {"b", dir_.Write("in/second.npy", NpyFloats({1, 2}, Row(10, 20)))}};
    options_.folder = dir_ / "out";
  }
  static std::vector<float> Row(float x, float y) { return {x, y}; }
  std::string FailureOf(ExitCode code) const {
    try {
      RunModel(options_);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), code) << e.what();
      return e.what();
    }
    return "nothing thrown";
  }
  // All below the folder of the test, relative.
  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_.path())) {
      if (entry.is_regular_file())
        files.push_back(entry.path().lexically_relative(dir_.path()).string());
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  const TempDir dir_;
  RunModelOptions options_;
};

TEST_F(RunModelTest, OneFileForEachInput) {
  const RunReport report = RunModel(options_);
  EXPECT_EQ(report.files, 2U);
  EXPECT_THAT(Floats(dir_ / "out" / "sum.npy"), ElementsAre(11, 22));
  EXPECT_THAT(Floats(dir_ / "out" / "twice.npy"), ElementsAre(2, 4));
  EXPECT_EQ(report.outputs[0].max, 22);
}

TEST_F(RunModelTest, HeaderlessFilesOfAnyName) {
  options_.model =
      dir_.Write("m.onnx", SerializeModel(TwoInputs("sum", "twice", DataType::kInt32)));
  const auto bytes = [](int32_t x, int32_t y) {
    const std::array<int32_t, 2> values = {x, y};
    return std::string(reinterpret_cast<const char*>(values.data()), sizeof(values));
  };
  options_.files = {{"a", dir_.Write("frame.nv12", bytes(1, 2))},
                    {"b", dir_.Write("frame.data", bytes(3, 4))}};
  EXPECT_EQ(RunModel(options_).outputs[0].max, 6);
}

TEST_F(RunModelTest, FoldersOfSamples) {
  options_.files.clear();
  for (const char* input : {"a", "b"})
    for (const float k : {1.0F, 2.0F, 3.0F})
      dir_.Write(fmt::format("data/{}/{}.npy", input, k), NpyFloats({1, 2}, Row(k, -k)));
  options_.data.folder = dir_ / "data";
  for (const int workers : {1, 3}) {
    options_.data.workers = workers;
    EXPECT_EQ(RunModel(options_).files, 6U);
    EXPECT_THAT(Floats(dir_ / "out" / "sum" / "3.npy"), ElementsAre(6, -6));
    EXPECT_THAT(Floats(dir_ / "out" / "twice" / "1.npy"), ElementsAre(2, -2));
  }
}

TEST_F(RunModelTest, WithoutAFolderNothingIsWritten) {
  const std::vector<std::string> before = Files();
  options_.folder.clear();
  EXPECT_EQ(RunModel(options_).files, 0U);
  EXPECT_EQ(Files(), before);
}

TEST_F(RunModelTest, NamesNeverLeadOutOfTheFolder) {
  options_.model = dir_.Write("m.onnx", SerializeModel(TwoInputs("..", "../../twice")));
  RunModel(options_);
  for (const std::string& file : Files())
    EXPECT_TRUE(file.starts_with("out/") || file.starts_with("in/") || file == "m.onnx") << file;
  EXPECT_THAT(Floats(dir_ / "out" / "_..npy"), ElementsAre(11, 22));
}

TEST_F(RunModelTest, EqualPlainNamesStayApart) {
  options_.model = dir_.Write("m.onnx", SerializeModel(TwoInputs("x/y", "x_y")));
  RunModel(options_);
  EXPECT_THAT(Floats(dir_ / "out" / "x_y.npy"), ElementsAre(11, 22));
  EXPECT_THAT(Floats(dir_ / "out" / "x_y_2.npy"), ElementsAre(2, 4));
}

TEST_F(RunModelTest, StatesAreFedBack) {
  options_.files.clear();
  options_.data.states = {{"b", "sum"}};
  for (const char* name : {"0", "1", "2"})
    dir_.Write(fmt::format("data/{}.npy", name), NpyFloats({1, 2}, Row(1, 2)));
  options_.data.folder = dir_ / "data";
  RunModel(options_);
  EXPECT_THAT(Floats(dir_ / "out" / "sum" / "2.npy"), ElementsAre(3, 6));
}

TEST_F(RunModelTest, WhatDoesNotFitIsNamed) {
  options_.files.emplace("c", dir_ / "in" / "first.npy");
  EXPECT_THAT(FailureOf(ExitCode::kUsage), HasSubstr("no input \"c\""));
  options_.files.erase("c");
  options_.files.erase("b");
  EXPECT_THAT(FailureOf(ExitCode::kData), HasSubstr("\"b\""));
  options_.files["b"] = dir_ / "missing.npy";
  FailureOf(ExitCode::kFile);
  options_.files["b"] = dir_.Write("three.npy", NpyFloats({1, 3}, std::vector<float>(3)));
  EXPECT_THAT(FailureOf(ExitCode::kData), HasSubstr("[1,3]"));
  EXPECT_FALSE(std::filesystem::exists(options_.folder));
}

TEST_F(RunModelTest, NoFolderIsMadeAmongTheSamples) {
  options_.files.clear();
  dir_.Write("data/a/0.npy", NpyFloats({1, 2}, Row(1, 2)));
  dir_.Write("data/b/0.npy", NpyFloats({1, 2}, Row(1, 2)));
  options_.data.folder = dir_ / "data";
  options_.folder = dir_ / "data/../data";
  EXPECT_THAT(FailureOf(ExitCode::kUsage), HasSubstr("holds the samples"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "data" / "sum"));
}

TEST_F(RunModelTest, OutputsDoNotReplaceSamples) {
  options_.files.clear();
  dir_.Write("data/a/0.npy", NpyFloats({1, 2}, Row(1, 2)));
  dir_.Write("data/b/0.npy", NpyFloats({1, 2}, Row(1, 2)));
  options_.data.folder = dir_ / "data";
  std::filesystem::create_directories(dir_ / "out");
  std::filesystem::create_directory_symlink(dir_ / "data" / "a", dir_ / "out" / "sum");
  EXPECT_THAT(FailureOf(ExitCode::kUsage), HasSubstr("holds the samples"));
  EXPECT_THAT(Floats(dir_ / "data" / "a" / "0.npy"), ElementsAre(1, 2));
}

// A stage of int8 pixels [1, 3, 1, width] in training order, `raw` files being pixels of training.
RunModelOptions StageOfJ5(const TempDir& dir, const std::string& width, InputSettings input) {
  GraphBuilder b;
  b.Input("x", {"1", "3", "1", width}, DataType::kInt8).Output("y");
  b.Add("Cast", {"x"}, {"y"}).Set("to", int64_t{1});
  RunModelOptions run{.model = dir.Write("stage.onnx", SerializeModel(b.model))};
  run.data.deployment.generation = Generation::kJ5;
  run.data.deployment.calibration_domain = CalibrationDomain::kRaw;
  run.data.deployment.inputs = {std::move(input)};
  return run;
}

// What a J5 folder holds for the float model: pixels of training, in any form. A stage takes them
// less 128.
TEST_F(RunModelTest, PixelsOfTrainingForStagesOfJ5) {
  RunModelOptions run = StageOfJ5(dir_, "2",
                                  {.name = "x",
                                   .kind_rt = InputKind::kRgb,
                                   .kind_train = InputKind::kRgb,
                                   .layout_train = InputLayout::kNchw,
                                   .mean = {120, 110, 100},
                                   .scale = {0.02}});
  const std::vector<float> floats = {0, 255, 128, 90.6F, 1, 2};
  const std::string bytes("\x00\xff\x80\x5b\x01\x02", 6);
  dir_.Write("npy/0.npy", NpyFloats({1, 3, 1, 2}, floats));
  dir_.Write("bytes/0.npy",
             NpyBytes("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 3, 1, 2), }", bytes));
  dir_.Write("raw/0.rgb", bytes);
  dir_.Write("raw_f32/0.rgb", std::string(reinterpret_cast<const char*>(floats.data()), 24));
  for (const char* folder : {"npy", "bytes", "raw", "raw_f32"}) {
    run.data.folder = dir_ / folder;
    run.folder = dir_ / ("out_" + std::string(folder));
    EXPECT_EQ(RunModel(run).samples, 1U) << folder;
    const std::string file = std::string(folder).starts_with("raw") ? "0.rgb.npy" : "0.npy";
    EXPECT_THAT(Floats(run.folder / "y" / file), ElementsAre(-128, 127, 0, -37, -127, -126))
        << folder;
  }
  run.folder.clear();
  run.data.deployment.inputs[0].kind_rt = InputKind::kNv12;
  for (const char* folder : {"npy", "bytes", "raw", "raw_f32"}) {
    run.data.folder = dir_ / folder;
    EXPECT_THAT(
        [&] { RunModel(run); },
        ThrowsError(ExitCode::kData,
                    "holds rgb pixels of training (J5 rule), input \"x\" of this stage takes "
                    "yuv444 less 128: expected int8 .npy files of these, or pictures"))
        << folder;
  }
}

// What a stage takes is fed as it is, whatever the settings say of other files.
TEST_F(RunModelTest, CodesForStagesOfJ5) {
  RunModelOptions run = StageOfJ5(dir_, "1",
                                  {.name = "x",
                                   .kind_rt = InputKind::kNv12,
                                   .kind_train = InputKind::kRgb,
                                   .layout_train = InputLayout::kNchw});
  run.data.folder = dir_ / "codes";
  run.folder = dir_ / "out";
  dir_.Write("codes/0.npy",
             NpyBytes("{'descr': '|i1', 'fortran_order': False, 'shape': (1, 3, 1, 1), }",
                      std::string("\x80\x00\x7f", 3)));
  for (const InputKind kind : {InputKind::kNv12, InputKind::kRgb}) {
    run.data.deployment.inputs[0].kind_rt = kind;
    RunModel(run);
    EXPECT_THAT(Floats(dir_ / "out/y/0.npy"), ElementsAre(-128, 0, 127));
  }
}

}  // namespace
}  // namespace qconvert
