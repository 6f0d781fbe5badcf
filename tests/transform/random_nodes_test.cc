#include "qconvert/transform/random_nodes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

// Noise on x, and a Dropout that trains or not.
GraphBuilder Noisy(bool training) {
  GraphBuilder b;
  b.Input("x", {"1", "64"}).Output("y").Floats("ratio", {}, {0.5F});
  const uint8_t mode = training ? 1 : 0;
  b.model.graph.initializers["mode"] =
      MakeTensor<uint8_t>("mode", DataType::kBool, {}, std::span(&mode, 1));
  b.Add("RandomNormalLike", {"x"}, {"noise"}).name = "draw";
  b.Add("Add", {"x", "noise"}, {"sum"});
  b.Add("Dropout", {"sum", "ratio", "mode"}, {"y"}).name = "drop";
  return b;
}

TEST(RandomNodesTest, FindsWhatDrawsNumbers) {
  EXPECT_THAT(FindRandomNodes(Noisy(true).model.graph), testing::ElementsAre("draw", "drop"));
  EXPECT_THAT(FindRandomNodes(Noisy(false).model.graph), testing::ElementsAre("draw"));
  GraphBuilder plain;
  plain.Input("x", {"4"}).Output("y");
  plain.Add("Dropout", {"x"}, {"y"});
  EXPECT_TRUE(FindRandomNodes(plain.model.graph).empty()) << "inference is the default";
}

TEST(RandomNodesTest, SeededModelsDrawTheSame) {
  GraphBuilder b = Noisy(true);
  const std::vector<Tensor> x = {RandomTensor("x", {1, 64}, 1)};
  EXPECT_GT(MaxDifference(RunModel(b.model, x)[0], RunModel(b.model, x)[0]), 0);
  SeedRandomNodes(b.model.graph);
  EXPECT_EQ(MaxDifference(RunModel(b.model, x)[0], RunModel(b.model, x)[0]), 0);
  Model other = b.model;  // with other nodes around
  other.graph.nodes.insert(other.graph.nodes.begin(), MakeNode("Relu", {"x"}, {"unused"}));
  EXPECT_EQ(MaxDifference(RunModel(b.model, x)[0], RunModel(other, x)[0]), 0);
}

TEST(RandomNodesTest, NodesDrawDifferentNumbers) {
  GraphBuilder b;
  b.Input("x", {"1", "64"}).Output("a").Output("b");
  b.Add("RandomUniformLike", {"x"}, {"a"});
  b.Add("RandomUniformLike", {"x"}, {"b"});
  SeedRandomNodes(b.model.graph);
  const auto outputs = RunModel(b.model, {RandomTensor("x", {1, 64}, 1)});
  EXPECT_GT(MaxDifference(outputs[0], outputs[1]), 0.1F);
}

}  // namespace
}  // namespace qconvert
