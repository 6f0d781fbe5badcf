#include "qconvert/pipeline/run_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "qconvert/base/error.h"
#include "qconvert/dataset/npy_reader.h"
#include "qconvert/exporter/onnx_exporter.h"
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

}  // namespace
}  // namespace qconvert
