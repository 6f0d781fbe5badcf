// Readers move from one name to another, on every level.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/ir/topology.h"
#include "qconvert/transform/normalize.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;

// c ? body of `value` : the same
void AddIf(GraphBuilder& b, const std::string& value, const std::string& output) {
  Graph body;
  body.nodes.push_back(MakeNode("Neg", {value}, {"inner"}));
  body.outputs = {{"inner", {}, {}, {}}, {value, {}, {}, {}}};
  Node& node = b.Add("If", {"c"}, {output, output + "2"});
  node.Set("then_branch", Subgraph(body));
  node.Set("else_branch", Subgraph(body));
}

GraphBuilder Chain() {
  GraphBuilder b;
  b.Input("x", {"2"}).Input("c", {}, DataType::kBool).Output("y").Output("z");
  b.Add("Identity", {"x"}, {"a"});
  b.Add("Identity", {"a"}, {"b"});
  b.Add("Relu", {"b"}, {"y"});
  AddIf(b, "b", "z");
  return b;
}

TEST(BypassNodesTest, ChainsEndAtTheirBeginning) {
  GraphBuilder b = Chain();
  EXPECT_EQ(BypassNodes(b.model.graph, {true, true, false, false}), 2U);
  const Graph& graph = b.model.graph;
  ASSERT_EQ(graph.nodes.size(), 2U);
  EXPECT_THAT(graph.nodes[0].inputs, ElementsAre("x"));
  const Graph& body = *SubgraphsOf(graph.nodes[1])[0];
  EXPECT_THAT(body.nodes[0].inputs, ElementsAre("x"));
  EXPECT_EQ(body.outputs[1].name, "x") << "a body may give out what it captures";
  EXPECT_EQ(body.outputs[0].name, "inner");
}

TEST(BypassNodesTest, OneOfAChain) {
  GraphBuilder b = Chain();
  EXPECT_EQ(BypassNodes(b.model.graph, {false, true, false, false}), 1U);
  EXPECT_THAT(b.model.graph.nodes[1].inputs, ElementsAre("a"));
  EXPECT_EQ(BypassNodes(b.model.graph, {false, false, false}), 0U);
}

TEST(RenameUsesTest, WritersKeepTheirNames) {
  GraphBuilder b = Chain();
  RenameUses(b.model.graph, {{"a", "other"}, {"x", "first"}, {"first", "last"}});
  EXPECT_THAT(b.model.graph.nodes[0].inputs, ElementsAre("last")) << "through both";
  EXPECT_THAT(b.model.graph.nodes[0].outputs, ElementsAre("a"));
  EXPECT_THAT(b.model.graph.nodes[1].inputs, ElementsAre("other"));
  EXPECT_EQ(b.model.graph.outputs[0].name, "y") << "what a graph gives out is no reading";
}

// An output keeps its node, a Dropout whose mask is read too.
TEST(EliminateIdentityTest, LeavesWhatOthersKnow) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y").Output("mask", DataType::kBool);
  b.Add("Dropout", {"x"}, {"d"});
  b.Add("Dropout", {"d"}, {"e", "mask"});
  b.Add("Relu", {"e"}, {"r"});
  b.Add("Identity", {"r"}, {"y"});
  EXPECT_EQ(EliminateIdentity(b.model.graph), 1U);
  EXPECT_THAT(b.model.graph.nodes[0].inputs, ElementsAre("x"));
  EXPECT_EQ(b.model.graph.nodes.size(), 3U);
  EXPECT_EQ(EliminateIdentity(b.model.graph), 0U);
}

}  // namespace
}  // namespace qconvert
