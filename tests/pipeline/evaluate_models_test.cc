#include "qconvert/pipeline/evaluate_models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../../src/pipeline/read_labels.h"
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

// x [1, 3] times a gain per class; with a Softmax behind it, scores.
Model Classifier(const std::vector<float>& gains, bool softmax = true) {
  GraphBuilder b;
  b.Input("x", {"1", "3"}).Floats("gains", {3}, gains).Output("y");
  b.Add("Mul", {"x", "gains"}, {"logits"});
  b.Add(softmax ? "Softmax" : "Identity", {"logits"}, {"y"});
  return b.model;
}

class EvaluateModelsTest : public testing::Test {
 protected:
  EvaluateOptions Options(const Model& a, const Model& b) const {
    const std::vector<std::vector<float>> rows = {{3, 1, 0}, {1, 3, 0}, {0, 2.9F, 3}, {2, 0, 1}};
    for (size_t k = 0; k < rows.size(); ++k)
      dir_.Write(fmt::format("data/{}.npy", k), NpyFloats({1, 3}, rows[k]));
    EvaluateOptions options;
    options.a = dir_.Write("a.onnx", SerializeModel(a));
    options.b = dir_.Write("b.onnx", SerializeModel(b));
    options.data.folder = dir_ / "data";
    return options;
  }
  static std::string FailureOf(const EvaluateOptions& options, ExitCode code) {
    try {
      EvaluateModels(options);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), code);
      return e.what();
    }
    return "nothing thrown";
  }

  const TempDir dir_;
};

TEST_F(EvaluateModelsTest, WithLabels) {
  EvaluateOptions options = Options(Classifier({1, 1, 1}), Classifier({1, 1.1F, 1}));
  options.labels = dir_.Write("labels.txt", "0 1\n2,0\n");
  const Evaluation seen = EvaluateModels(options);
  EXPECT_EQ(seen.task, Task::kClassification);
  ASSERT_EQ(seen.samples.size(), 4U);
  EXPECT_EQ(seen.samples[2].of_a.top1, 1);
  EXPECT_EQ(seen.samples[2].of_b.top1, 0) << "2.9 * 1.1 is above 3";
  EXPECT_EQ(seen.samples[2].lost, 1);
  EXPECT_DOUBLE_EQ(seen.agreement(), 0.75);
  EXPECT_FALSE(seen.is_binary);
}

TEST_F(EvaluateModelsTest, WithoutLabelsAndForPlainValues) {
  const Evaluation scores =
      EvaluateModels(Options(Classifier({1, 1, 1}), Classifier({1, 1.1F, 1})));
  EXPECT_FALSE(scores.has_labels);
  EXPECT_DOUBLE_EQ(scores.agreement(), 0.75);
  const Evaluation values =
      EvaluateModels(Options(Classifier({1, 1, 1}, false), Classifier({1, 1.1F, 1}, false)));
  EXPECT_EQ(values.task, Task::kRegression);
  EXPECT_NEAR(values.samples[1].noise(), 0.09 / 10, 1e-6);
}

TEST_F(EvaluateModelsTest, WorkersChangeNothing) {
  EvaluateOptions options = Options(Classifier({1, 1, 1}), Classifier({1, 1.1F, 1}));
  options.data.workers = 1;
  const std::string one = EvaluationJson(EvaluateModels(options), "success");
  options.data.workers = 3;
  EXPECT_EQ(EvaluationJson(EvaluateModels(options), "success"), one);
}

TEST_F(EvaluateModelsTest, TheWorstSamplesAreSavedAsTheyWereRead) {
  EvaluateOptions options = Options(Classifier({1, 1, 1}, false), Classifier({1, 1, 2}, false));
  options.worst = 1;
  options.save_worst = dir_ / "worst" / "here";
  EvaluateModels(options);
  const InputFile file(dir_ / "worst" / "here" / "01_2.npy");
  const ByteSource source(file);
  const Tensor saved = ReadNpy(source, ReadNpyHeader(source));
  EXPECT_THAT(std::vector<float>(saved.values<float>().begin(), saved.values<float>().end()),
              ElementsAre(0, 2.9F, 3));
  options.data.folder = dir_ / "worst" / "here";
  EXPECT_THROW(EvaluateModels(options), Error) << "would save among its samples";
  options.save_worst.clear();
  EXPECT_EQ(EvaluateModels(options).samples.size(), 1U) << "may be fed again";
}

TEST_F(EvaluateModelsTest, TheWorstSamplesStayInTheirFolderWhateverInputsAreCalled) {
  GraphBuilder b;
  b.Input("..", {"1", "3"}).Input("x/../../y", {"1", "3"}).Output("y");
  b.Add("Add", {"..", "x/../../y"}, {"y"});
  EvaluateOptions options = Options(b.model, b.model);
  for (const char* input : {"_.", "x_.._.._y"})
    dir_.Write(fmt::format("two/{}/0.npy", input), NpyFloats({1, 3}, std::vector<float>(3)));
  options.data.folder = dir_ / "two";
  options.save_worst = dir_ / "worst" / "here";
  EvaluateModels(options);
  EXPECT_TRUE(std::filesystem::exists(dir_ / "worst" / "here" / "_." / "01_0.npy"));
  EXPECT_TRUE(std::filesystem::exists(dir_ / "worst" / "here" / "x_.._.._y" / "01_0.npy"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "worst" / "01_0.npy"));
}

TEST_F(EvaluateModelsTest, LabelsMustFitTheSamples) {
  EvaluateOptions options = Options(Classifier({1, 1, 1}), Classifier({1, 1, 1}));
  options.labels = dir_.Write("labels.txt", "0 1 2");
  EXPECT_THAT(FailureOf(options, ExitCode::kData), HasSubstr("3 labels for 4 samples"));
  options.labels = dir_.Write("labels.txt", "0 1 2 3");
  EXPECT_THAT(FailureOf(options, ExitCode::kData), HasSubstr("3.npy: label 3 is no class"));
  options.labels = dir_.Write("labels.txt", "0 1 2 0");
  options.data.max_samples = 2;
  EXPECT_THAT(FailureOf(options, ExitCode::kUsage), HasSubstr("--max-samples"));
  EvaluateOptions other = Options(Classifier({1, 1, 1}), Classifier({1, 1, 1}));
  other.output = "yy";
  EXPECT_THAT(FailureOf(other, ExitCode::kUsage), HasSubstr("no output of both models"));
}

TEST_F(EvaluateModelsTest, LabelsAreArraysOrTexts) {
  EXPECT_THAT(ReadLabels(dir_.Write("a.txt", "1\n2, 3\r\n\n-4")), ElementsAre(1, 2, 3, -4));
  const std::vector<int64_t> array = {7, 8};
  const std::string data(reinterpret_cast<const char*>(array.data()), 16);
  EXPECT_THAT(
      ReadLabels(dir_.Write(
          "a.npy", NpyBytes("{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", data))),
      ElementsAre(7, 8));
  const auto message = [&](const std::string& name, const std::string& bytes) -> std::string {
    try {
      ReadLabels(dir_.Write(name, bytes));
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ExitCode::kData);
      return e.what();
    }
    return "nothing thrown";
  };
  EXPECT_THAT(message("b.txt", "1\n2.5"), HasSubstr("b.txt:2: \"2.5\" is no label"));
  EXPECT_THAT(message("c.npy", NpyFloats({1}, std::vector<float>{1})),
              HasSubstr("expected integers"));
}

}  // namespace
}  // namespace qconvert
