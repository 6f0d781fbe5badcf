// What a conversion says of outputs that a cosine says nothing about.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/convert.h"
#include "support/judged_job.h"

namespace qconvert {
namespace {

using Result = OutputVerdict::Result;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// A picture, 16 boxes in it with 2 scores each, and what NonMaxSuppression keeps of them.
GraphBuilder Detector() {
  GraphBuilder b;
  b.Input("x", {"1", "3", "16", "16"}).Output("kept");
  b.Random("w1", {8, 3, 3, 3}, 0.3F).Random("w2", {6, 8, 1, 1}, 0.5F);
  b.Ints("boxes_shape", {3}, {1, 256, 4}).Ints("scores_shape", {3}, {1, 2, 256});
  b.Ints("split", {2}, {4, 2})
      .Ints("most", {1}, {50})
      .Ints("column", {}, {2})
      .Ints("first", {1}, {0});
  b.Floats("overlap", {1}, {0.5F}).Floats("least", {1}, {0.6F});
  Node& conv = b.Add("Conv", {"x", "w1"}, {"c1"});
  conv.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add("Relu", {"c1"}, {"r1"});
  b.Add("Conv", {"r1", "w2"}, {"c2"});
  b.Add("Split", {"c2", "split"}, {"b0", "s0"}).Set("axis", int64_t{1});
  b.Add("Reshape", {"b0", "boxes_shape"}, {"b1"});
  b.Add("Exp", {"b1"}, {"boxes"});
  b.Add("Reshape", {"s0", "scores_shape"}, {"s1"});
  b.Add("Sigmoid", {"s1"}, {"scores"});
  b.Add("NonMaxSuppression", {"boxes", "scores", "most", "overlap", "least"}, {"picked"});
  b.Add("Gather", {"picked", "column"}, {"rows"}).Set("axis", int64_t{1});
  b.Add("Squeeze", {"boxes", "first"}, {"flat"});
  b.Add("Gather", {"flat", "rows"}, {"kept"});
  return b;
}

TEST_F(JudgedTest, InputsOfNonMaxSuppressionAreJudgedForWhatItKeeps) {
  GraphBuilder b = Detector();
  const ConversionReport report = Run(b, {1, 3, 16, 16});
  EXPECT_THAT(Names(report), testing::UnorderedElementsAre("kept", "boxes", "scores"));
  for (const OutputVerdict& output : JudgeOutputs(report.outputs, report.gate).outputs) {
    if (output.name == "kept") continue;
    EXPECT_EQ(output.result, Result::kPassed) << output.text;
  }
  EXPECT_THAT(FormatReport(report), HasSubstr("(in the place of \"kept\")"));
  const Graph written = LoadOnnx(dir_ / "q.onnx").model.graph;
  EXPECT_EQ(written.outputs.size(), 1U) << "the file has the model's outputs";
}

TEST_F(JudgedTest, RuinedBoxesNeverPass) {
  GraphBuilder b = Detector();
  Ruin();
  EXPECT_THAT(FailureOf(b, {1, 3, 16, 16}), HasSubstr("output \""));
}

// Three convolutions, of which integers save no time, and `tail` behind them.
GraphBuilder Thin(const std::string& tail) {
  GraphBuilder b;
  b.Input("x", {"1", "3", "24", "24"}).Output("y");
  b.Random("w1", {16, 3, 3, 3}, 0.25F).Random("w2", {32, 16, 3, 3}, 0.25F);
  b.Random("w3", {5, 32, 1, 1}, 0.25F);
  b.Add("Conv", {"x", "w1"}, {"c1"}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add("Relu", {"c1"}, {"r1"});
  b.Add("Conv", {"r1", "w2"}, {"c2"}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add("Relu", {"c2"}, {"r2"});
  b.Add("Conv", {"r2", "w3"}, {"c3"});
  b.Add(tail, {"c3"}, {"y"});
  return b;
}

// Steps make stored weights noisy, and that is not laid to integers that nobody chose.
TEST_F(JudgedTest, IntegersThatWereNotChosenAreNotToldToBeNoisy) {
  GraphBuilder b = Thin("Round");
  const ConversionReport report = Run(b, {1, 3, 24, 24});
  EXPECT_EQ(report.integer_nodes, 0U);
  EXPECT_THAT(FormatReport(report), Not(HasSubstr("leave the outputs")));
}

// A logarithm of what integers make negative or zero: no decibels, and one piece of advice.
TEST_F(JudgedTest, IntegersThatWouldGiveNaNAreToldSo) {
  GraphBuilder b = Thin("Log");
  options_.config.processor = Processor::kVnni;  // where integers are not slower
  const std::string text = FormatReport(Run(b, {1, 3, 24, 24}));
  EXPECT_THAT(text, HasSubstr("too small for speed to matter, but integers would leave the outputs "
                              "with NaN or an error; --objective speed takes them all the same"));
  EXPECT_THAT(text, Not(HasSubstr("goes by time")));
}

TEST_F(JudgedTest, ValuesOnIntegersCanBeLookedAtToo) {
  GraphBuilder b;  // all of it computes on integers, the logits are an inner value
  b.Input("x", {"1", "3", "8", "8"}).Output("class", DataType::kInt64);
  b.Random("w1", {16, 3, 3, 3}, 0.3F).Random("w2", {5, 16, 1, 1}, 0.4F);
  b.Add("Conv", {"x", "w1"}, {"c1"});
  b.Add("Relu", {"c1"}, {"r1"});
  b.Add("Conv", {"r1", "w2"}, {"logits"});
  b.Add("ArgMax", {"logits"}, {"class"}).Set("axis", int64_t{1});
  options_.config.scheme = Scheme::kStatic;
  const ConversionReport report = Run(b, {1, 3, 8, 8}, 40);
  EXPECT_GT(report.integer_nodes, 0U);
  ASSERT_THAT(Names(report), ElementsAre("class", "logits"));
  EXPECT_GT(report.outputs[1].sqnr_db(), 20);
  EXPECT_GT(report.outputs[1].decisions.decided, 100);
  EXPECT_GT(report.outputs[0].equal, report.outputs[0].elements * 9 / 10);
  EXPECT_THAT(FormatReport(report), HasSubstr("equal, judged by the values it is made from"));
}

TEST_F(JudgedTest, AnOutputThatIsNanEverywhereIsNamed) {
  GraphBuilder b;
  b.Input("x", {"1", "32"}).Random("w", {32, 32}).Floats("one", {}, {1}).Output("y");
  b.Add("MatMul", {"x", "w"}, {"h"});
  b.Add("Relu", {"h"}, {"r"});
  b.Add("Neg", {"r"}, {"n"});
  b.Add("Sub", {"n", "one"}, {"s"});
  b.Add("Log", {"s"}, {"y"});
  EXPECT_THAT(FailureOf(b, {1, 32}),
              HasSubstr("output \"y\" not compared: the float model gives NaN"));
  options_.must_pass = false;
  const ConversionReport report = Run(b, {1, 32});
  EXPECT_FALSE(report.guard.passed);
  EXPECT_LE(report.guard.measurements, 2) << "nothing helps, so nothing is tried";
  const std::string json = ReportJson(report, "success");
  EXPECT_THAT(json, HasSubstr("\"sqnr_db\": null"));
  EXPECT_THAT(json, HasSubstr("\"result\": \"failed\""));
}

TEST_F(JudgedTest, RandomNodesDrawTheSameForTheComparisonAndStayRandom) {
  GraphBuilder b;
  b.Input("x", {"1", "8", "40"}).Output("y").Random("w1", {16, 8, 3}, 0.3F);
  b.Random("w2", {4, 16, 5}, 0.2F);
  b.Add("Conv", {"x", "w1"}, {"c"});
  b.Add("RandomNormalLike", {"c"}, {"noise"}).name = "draw";
  b.Add("Add", {"c", "noise"}, {"sum"});
  b.Add("Conv", {"sum", "w2"}, {"y"});
  const ConversionReport report = Run(b, {1, 8, 40});
  EXPECT_TRUE(report.guard.passed);
  EXPECT_GT(report.outputs[0].sqnr_db(), 25);
  EXPECT_THAT(report.random_nodes, ElementsAre("draw"));
  EXPECT_THAT(FormatReport(report), HasSubstr("random"));
  bool found = false;
  for (const Node& node : LoadOnnx(dir_ / "q.onnx").model.graph.nodes) {
    if (!node.Is("RandomNormalLike")) continue;
    found = true;
    EXPECT_EQ(node.attributes.count("seed"), 0U);
  }
  EXPECT_TRUE(found);
}

// A sine of many turns, which forgives no integer before it.
GraphBuilder Turns() {
  GraphBuilder b;
  b.Input("x", {"64", "512"}).Output("y").Floats("turns", {}, {200});
  b.Random("w1", {512, 512}, 0.044F).Random("w2", {512, 512}, 0.044F);
  b.Add("MatMul", {"x", "w1"}, {"h"});
  b.Add("MatMul", {"h", "w2"}, {"angle"});
  b.Add("Mul", {"angle", "turns"}, {"wide"});
  b.Add("Sin", {"wide"}, {"y"});
  return b;
}

TEST_F(JudgedTest, WhatTheGuardLeavesWithoutIntegersIsNotCalledStatic) {
  GraphBuilder b = Turns();
  const ConversionReport report = Run(b, {64, 512});
  EXPECT_TRUE(report.guard.passed);
  EXPECT_EQ(report.integer_nodes, 0U);
  EXPECT_EQ(report.scheme, "weight-only");
  EXPECT_EQ(
      report.scheme_reason,
      "integer kernels were given up for the error at the outputs; --guard-reports keeps them");
  EXPECT_GT(report.outputs[0].sqnr_db(), 30) << "what stored weights are held to";
  EXPECT_EQ(report.guard.kept_wide.size(), 2U);
}

TEST_F(JudgedTest, AnEstimateOfNodesThatWentBackIsCalledOne) {
  GraphBuilder b = Turns();
  b.Output("z").Random("w3", {512, 512}, 0.044F);
  b.Add("MatMul", {"x", "w3"}, {"z"});
  const ConversionReport report = Run(b, {64, 512});
  EXPECT_TRUE(report.guard.passed);
  EXPECT_EQ(report.integer_nodes, 1U);
  EXPECT_EQ(report.scheme, "static");
  EXPECT_THAT(report.scheme_reason, testing::StartsWith("integer kernels take an estimated "));
  EXPECT_THAT(report.scheme_reason, testing::EndsWith(", before nodes went back to float"));
}

}  // namespace
}  // namespace qconvert
