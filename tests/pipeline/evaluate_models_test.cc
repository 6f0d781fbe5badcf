#include "qconvert/pipeline/evaluate_models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../../src/pipeline/read_labels.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
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

TEST_F(EvaluateModelsTest, BudgetsAreOfWhatAnOutputTells) {
  EvaluateOptions options = Options(Classifier({1, 1, 1}, false), Classifier({1, 1.1F, 1}, false));
  options.min_agreement = 0.5;
  EXPECT_EQ(FailureOf(options, ExitCode::kUsage),
            "--min-agreement: output \"y\" tells no classes, expected scores, which --task "
            "classification makes of its last axis");
  options.task = Task::kClassification;
  EXPECT_EQ(EvaluateModels(options).Missed(), "");
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

TEST_F(EvaluateModelsTest, TheWorstSamplesOfInputsWhoseNamesAreAlikeStayApart) {
  GraphBuilder b;
  b.Input("x:y", {"1", "3"}).Input("x_y", {"1", "3"}).Output("y");
  b.Add("Add", {"x:y", "x_y"}, {"y"});
  EvaluateOptions options = Options(b.model, b.model);
  for (const char* input : {"x:y", "x_y"})
    dir_.Write(fmt::format("two/{}/0.npy", input), NpyFloats({1, 3}, std::vector<float>(3)));
  options.data.folder = dir_ / "two";
  options.save_worst = dir_ / "worst";
  EvaluateModels(options);
  EXPECT_TRUE(std::filesystem::exists(dir_ / "worst" / "x_y" / "01_0.npy"));
  EXPECT_TRUE(std::filesystem::exists(dir_ / "worst" / "x_y_2" / "01_0.npy"));
}

// x -> Mul by the gains -> ArgMax, an integer output in front of the floats it is made of, or
// alone.
Model Chooser(const std::vector<float>& gains, bool shows_floats) {
  GraphBuilder b;
  b.Input("x", {"1", "3"}).Floats("gains", {3}, gains);
  b.model.graph.outputs.push_back({"choice", {}, {}, {}});
  b.model.graph.outputs.back().type.element = DataType::kInt64;
  if (shows_floats) b.Output("values");
  b.Add("Mul", {"x", "gains"}, {"values"});
  b.Add("ArgMax", {"values"}, {"choice"}).Set("axis", int64_t{1});
  return b.model;
}

TEST_F(EvaluateModelsTest, IntegersAreComparedWhereNoFloatsAre) {
  const Model same = Chooser({1, 1, 1}, false);
  const Evaluation equal = EvaluateModels(Options(same, same));
  EXPECT_EQ(equal.output, "choice");
  for (const SampleScore& sample : equal.samples) EXPECT_EQ(sample.noise(), 0) << sample.name;
  const Evaluation other = EvaluateModels(Options(same, Chooser({1, 1.1F, 1}, false)));
  EXPECT_EQ(other.samples[2].noise(), 1) << "class 1 for class 2, its only element";
  EXPECT_EQ(other.samples[0].noise(), 0);
  EXPECT_EQ(EvaluateModels(Options(Chooser({1, 1, 1}, true), Chooser({1, 1, 1}, true))).output,
            "values");
}

TEST_F(EvaluateModelsTest, OutputsWithoutElementsAreNotCompared) {
  GraphBuilder b;
  b.Input("x", {"1", "3"}).Ints("none", {1}, {0}).Ints("axis", {1}, {1}).Output("y");
  b.Add("Slice", {"x", "none", "none", "axis"}, {"y"});
  const std::string text = FormatEvaluation(EvaluateModels(Options(b.model, b.model)));
  EXPECT_THAT(text, HasSubstr("SQNR dB  not compared: the output has no elements"));
  EXPECT_THAT(text, testing::Not(HasSubstr("200")));
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

// Two boxes that stand where they are, with scores that are x times a gain.
Model Detector(float gain, const char* boxes = "boxes", std::vector<int64_t> dims = {1, 3, 4}) {
  GraphBuilder b;
  b.Input("x", {"1", "3"}).Output(boxes).Output("confidence");
  b.Floats("places", std::move(dims), {0, 0, 10, 10, 20, 20, 30, 30, 50, 50, 60, 60});
  b.Floats("gain", {}, {gain}).Floats("zero", {}, {0});
  b.Add("Mul", {"x", "gain"}, {"confidence"});
  b.Add("ReduceSum", {"x"}, {"sum"});
  b.Add("Mul", {"sum", "zero"}, {"nothing"});
  b.Add("Add", {"places", "nothing"}, {boxes});
  return b.model;
}

class EvaluateDetectorTest : public EvaluateModelsTest {
 protected:
  EvaluateOptions Detectors(const Model& a, const Model& b) const {
    EvaluateOptions options = Options(a, b);
    const std::vector<std::vector<float>> rows = {
        {0.9F, 0.1F, 0.2F}, {0.9F, 0.55F, 0.2F}, {0.9F, 0.55F, 0.52F}, {0.1F, 0.2F, 0.3F}};
    for (size_t k = 0; k < rows.size(); ++k)
      dir_.Write(fmt::format("data/{}.npy", k), NpyFloats({1, 3}, rows[k]));
    return options;
  }
};

TEST_F(EvaluateDetectorTest, BoxesAreRecognizedAndCounted) {
  const Evaluation seen = EvaluateModels(Detectors(Detector(1), Detector(0.8F)));
  EXPECT_EQ(seen.task, Task::kDetection);
  EXPECT_EQ(seen.output, "boxes");
  EXPECT_EQ(seen.scores_output, "confidence");
  EXPECT_EQ(seen.boxes().in_a, 6);
  EXPECT_EQ(seen.boxes().in_b, 3) << "0.55 * 0.8 is below 0.5";
  EXPECT_EQ(seen.boxes().matched, 3);
  EXPECT_DOUBLE_EQ(seen.box_agreement(), 6.0 / 9);
  EXPECT_THAT(seen.Worst(), ElementsAre(2, 1, 0, 3)) << "two lost, then one, then none";
  EXPECT_THAT(FormatEvaluation(seen), HasSubstr("6 in the float model, 3 in the quantized one: 3 "
                                                "lost, 0 added"));
  EXPECT_THAT(EvaluationJson(seen, "success"), HasSubstr("\"lost\": 3"));
}

TEST_F(EvaluateDetectorTest, ABudgetIsOfF1) {
  EvaluateOptions options = Detectors(Detector(1), Detector(0.8F));
  options.min_agreement = 0.7;
  EXPECT_THAT(EvaluateModels(options).Missed(), HasSubstr("66.6667 % of the boxes agree"));
  options.min_score = 0.3;
  EXPECT_EQ(EvaluateModels(options).Missed(), "") << "the lower bar lets the same boxes through";
}

TEST_F(EvaluateDetectorTest, OutputsMayBeNamed) {
  EvaluateOptions options = Detectors(Detector(1), Detector(1));
  options.boxes = "boxes";
  options.scores = "confidence";
  EXPECT_DOUBLE_EQ(EvaluateModels(options).box_agreement(), 1);
  options.scores = "confidense";
  EXPECT_THAT(FailureOf(options, ExitCode::kUsage), HasSubstr("did you mean 'confidence'"));
  options.scores = "boxes";
  EXPECT_THAT(FailureOf(options, ExitCode::kUsage), HasSubstr("no detector: expected"));
}

TEST_F(EvaluateDetectorTest, AnotherTaskOrOutputIsNoDetector) {
  EvaluateOptions options = Detectors(Detector(1), Detector(1));
  options.output = "confidence";
  EXPECT_NE(EvaluateModels(options).task, Task::kDetection);
  options.output.clear();
  options.task = Task::kRegression;
  EXPECT_EQ(EvaluateModels(options).task, Task::kRegression);
}

TEST_F(EvaluateDetectorTest, WhatHoldsNoBoxesIsRefused) {
  EvaluateOptions options = Options(Classifier({1, 1, 1}), Classifier({1, 1.1F, 1}));
  options.task = Task::kDetection;
  EXPECT_THAT(FailureOf(options, ExitCode::kUsage), HasSubstr("--boxes and --scores name them"));
}

TEST_F(EvaluateDetectorTest, WorkersChangeNothing) {
  EvaluateOptions options = Detectors(Detector(1), Detector(0.8F));
  options.data.workers = 1;
  const std::string one = EvaluationJson(EvaluateModels(options), "success");
  options.data.workers = 4;
  EXPECT_EQ(EvaluationJson(EvaluateModels(options), "success"), one);
}

TEST_F(EvaluateModelsTest, WorstSamplesWithLongNamesAreSaved) {
  EvaluateOptions options = Options(Classifier({1, 1, 1}), Classifier({1, 1.1F, 1}));
  std::filesystem::rename(dir_ / "data/1.npy", dir_ / "data" / (std::string(251, 'n') + ".npy"));
  options.save_worst = dir_ / "worst";
  EvaluateModels(options);
  EXPECT_EQ(ListFolder(dir_ / "worst").size(), 4U);
}

}  // namespace
}  // namespace qconvert
