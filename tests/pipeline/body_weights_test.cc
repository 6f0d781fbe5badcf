// What bodies of If, Loop and Scan read from outside: weights, and values that are moved.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/body_jobs.h"

namespace qconvert {
namespace {

// x -> Conv, Relu -> Conv -> y with weights of the levels around: twice the same Conv.
Graph Captured(const std::string& x, const std::string& y) {
  GraphBuilder b;
  b.Output(y);
  b.Add("Conv", {x, "w", "bias"}, {y + "_c"}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add("Relu", {y + "_c"}, {y + "_r"});
  b.Add("Conv", {y + "_r", "w", "bias"}, {y}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.model.graph.name = y;
  return b.model.graph;
}

constexpr int64_t kWeights = 8 * 8 * 9;

// A stem, and an If whose branches convolve with the stem's weights.
Model CapturedBranches() {
  GraphBuilder b;
  b.Input("x", {"1", "8", "12", "12"}).Output("y").Floats("zero", {}, {0});
  b.Random("w", {8, 8, 3, 3}, 0.2F).Random("bias", {8}, 0.1F);
  b.Add("Conv", {"x", "w", "bias"}, {"stem"}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add("ReduceMean", {"x"}, {"mean"}).Set("keepdims", int64_t{0});
  b.Add("Greater", {"mean", "zero"}, {"is_large"});
  Node& node = b.Add("If", {"is_large"}, {"y"});
  node.name = "branch";
  node.Set("then_branch", Subgraph(Captured("stem", "large")));
  node.Set("else_branch", Subgraph(Captured("stem", "small")));
  return b.model;
}

// Bytes of 8-bit constants with two dimensions or more, on all levels.
int64_t CodeBytes(const Graph& graph) {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : graph.initializers)
    if (tensor.dims.size() >= 2 && BitsOf(tensor.type) == 8) bytes += tensor.byte_size();
  for (const Node& node : graph.nodes)
    for (const Graph* body : SubgraphsOf(node)) bytes += CodeBytes(*body);
  return bytes;
}

// The engine pulls a DequantizeLinear through a Transpose, and is killed where a body reads behind.
TEST(BodyWeightsTest, TheEngineOpensWhatABodyReadsBehindATranspose) {
  const auto body = [](const std::string& type) {
    GraphBuilder b;
    b.Output(type).Add("Transpose", {"t"}, {type + "_t"});
    b.model.graph.nodes.back().Set("perm", std::vector<int64_t>{0, 3, 1, 2});
    b.Add(type, {type + "_t"}, {type});
    return Subgraph(b.model.graph);
  };
  GraphBuilder b;
  b.Input("x", {"1", "8", "12", "12"}).Output("y").Floats("zero", {}, {0});
  b.Random("w", {8, 8, 3, 3}, 0.2F).Random("v", {8, 8, 3, 3}, 0.2F);
  b.Add("Conv", {"x", "w"}, {"p"});
  b.Add("Transpose", {"p"}, {"t"}).Set("perm", std::vector<int64_t>{0, 2, 3, 1});
  b.Add("ReduceMean", {"x"}, {"mean"}).Set("keepdims", int64_t{0});
  b.Add("Greater", {"mean", "zero"}, {"is_large"});
  Node& node = b.Add("If", {"is_large"}, {"z"});
  node.Set("then_branch", body("Relu"));
  node.Set("else_branch", body("Sigmoid"));
  b.Add("Conv", {"z", "v"}, {"y"});
  const StaticJob job(b.model, Shifted({1, 8, 12, 12}, 0.3F));
  const PlanFiles files = job.Write();
  EXPECT_EQ(files.report.integer_nodes, 3U) << "the Transpose moves codes";
  EXPECT_GT(WorstSqnr(files), 30);
}

TEST(BodyWeightsTest, CodesOfWeightsThatSeveralLevelsReadAreStoredOnce) {
  StaticJob job(CapturedBranches(), Shifted({1, 8, 12, 12}, 0.3F));
  job.options.strict_fusion = true;  // the engine names values alike on both levels
  const PlanFiles files = ExpectTheSameAgain(job, "captured by both");
  EXPECT_EQ(files.report.integer_nodes, 5U);
  EXPECT_EQ(Kernels(files, {"QLinearConv"}), 5);
  EXPECT_GT(WorstSqnr(files), 30) << "biases that the engine would lose stay in the bodies";
  const Model model = Parsed(files.model);
  EXPECT_EQ(CodeBytes(model.graph), kWeights);
}

TEST(BodyWeightsTest, DifferentCodesOfOneWeightStayApart) {
  PlanJob job(CapturedBranches(), Shifted({1, 8, 12, 12}, 0.3F));
  job.options.config.scheme = Scheme::kStatic;
  LayerSettings layer;
  layer.match = {.kind = LayerMatch::Kind::kName, .pattern = "branch/then_branch/*"};
  layer.tensors = job.options.config.tensors;
  layer.tensors.weights.bit_width = 6;
  job.options.config.layers.push_back(layer);
  const PlanFiles files = ExpectTheSameAgain(job, "two widths");
  EXPECT_EQ(files.report.integer_nodes, 5U);
  EXPECT_EQ(CodeBytes(Parsed(files.model).graph), 2 * kWeights);
}

}  // namespace
}  // namespace qconvert
