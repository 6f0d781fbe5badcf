#include "qconvert/ir/constant_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// w -> Transpose -> Mul{w2}, and a product with the input behind it.
GraphBuilder Chain() {
  GraphBuilder b;
  b.Input("x", {"4", "4"}).Output("y").Random("w", {4, 4}).Random("w2", {4, 4});
  b.Add("Transpose", {"w"}, {"t"});
  b.Add("Mul", {"t", "w2"}, {"m"});
  b.Add("MatMul", {"x", "m"}, {"y"});
  return b;
}

TEST(ConstantValuesTest, WhatFollowsFromInitializersAlone) {
  const Graph graph = Chain().model.graph;
  const std::set<std::string> made = FindConstantValues(graph);
  EXPECT_THAT(made, ElementsAre("m", "t"));
  for (const char* constant : {"w", "t", "m"}) EXPECT_TRUE(IsConstant(graph, made, constant));
  for (const char* value : {"x", "y", "", "nobody's"})
    EXPECT_FALSE(IsConstant(graph, made, value)) << value;
}

TEST(ConstantValuesTest, AnInitializerThatMayBeFedIsNone) {
  Graph graph = Chain().model.graph;
  graph.inputs.push_back({"w2", FloatType({"4", "4"}), {}, {}});
  const std::set<std::string> made = FindConstantValues(graph);
  EXPECT_THAT(made, ElementsAre("t"));
  EXPECT_FALSE(IsConstant(graph, made, "w2"));
}

TEST(ConstantValuesTest, RandomNumbersAreNone) {
  for (const char* type : {"RandomNormalLike", "Bernoulli", "Multinomial"}) {
    GraphBuilder b;
    b.Output("y").Random("w", {4, 4});
    b.Add(type, {"w"}, {"r"});
    b.Add("Relu", {"r"}, {"y"});
    EXPECT_THAT(FindConstantValues(b.model.graph), IsEmpty()) << type;
  }
}

TEST(ConstantValuesTest, NodesWithBodiesAreNone) {
  GraphBuilder b;
  b.Output("y").Random("c", {1}).Random("w", {4});
  Graph branch;
  branch.nodes.push_back(MakeNode("Relu", {"w"}, {"p"}));
  branch.outputs.push_back({"p", FloatType({"4"}), {}, {}});
  Node& node = b.Add("If", {"c"}, {"y"});
  node.Set("then_branch", Subgraph(branch));
  node.Set("else_branch", Subgraph(branch));
  EXPECT_THAT(FindConstantValues(b.model.graph), IsEmpty());
}

}  // namespace
}  // namespace qconvert
