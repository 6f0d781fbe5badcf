#include "qconvert/ir/body_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "qconvert/ir/graph_printer.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

Graph Branch(const std::string& input, const std::string& output) {
  Graph graph;
  graph.name = output;
  graph.nodes.push_back(MakeNode("MatMul", {input, "w"}, {output}));
  graph.outputs.push_back({output, FloatType({"2", "3"}), {}, {}});
  return graph;
}

// x -> Relu -> r; If{c} -> y reads r and w from outside.
GraphBuilder Branches() {
  GraphBuilder b;
  b.Input("x", {"2", "3"}).Input("c", {}, DataType::kBool).Output("y").Random("w", {3, 3});
  b.Add("Relu", {"x"}, {"r"});
  b.model.graph.value_info["r"] = {"r", FloatType({"2", "3"}), {}, {}};
  Node& node = b.Add("If", {"c"}, {"y"});
  node.name = "if";
  node.Set("then_branch", Subgraph(Branch("r", "t")));
  node.Set("else_branch", Subgraph(Branch("x", "e")));
  return b;
}

std::vector<std::string> Ways(const Graph& graph) {
  std::vector<std::string> ways;
  for (const BodyGraph& body : FindBodyGraphs(graph))
    if (body.why_float.empty()) ways.push_back(body.way);
  return ways;
}

TEST(BodyGraphTest, WhatIsCapturedBecomesInputsAndConstants) {
  const GraphBuilder b = Branches();
  const std::vector<BodyGraph> bodies = FindBodyGraphs(b.model.graph);
  ASSERT_EQ(bodies.size(), 2U);
  const BodyGraph& body = bodies[1];
  EXPECT_EQ(body.way, "if/then_branch/");
  ASSERT_EQ(body.graph.inputs.size(), 1U);
  EXPECT_EQ(body.graph.inputs[0].name, "r");
  EXPECT_NE(body.graph.FindInitializer("w"), nullptr);
  EXPECT_EQ(body.graph.nodes[0].name, "t") << "by its first output";
  EXPECT_THAT(body.captured, ElementsAre(Pair("r", "r"), Pair("w", "w")));
  EXPECT_EQ(body.FullName("t"), "if/then_branch/t");
  EXPECT_EQ(body.FullName("r"), "r");
}

TEST(BodyGraphTest, ABodyPutBackIsWhatItWas) {
  GraphBuilder b = Branches();
  const std::string before = PrintGraph(b.model.graph);
  const Graph outside = b.model.graph;
  const Scope scope(outside);
  for (Graph* body : SubgraphsOf(b.model.graph.nodes[1])) PutBack(*StandAlone(*body, scope), *body);
  EXPECT_EQ(PrintGraph(b.model.graph), before);
}

TEST(BodyGraphTest, InnerBodiesKnowWhoOwnsWhatTheyRead) {
  GraphBuilder outer;
  outer.model.graph.name = "outer";
  outer.Add("Relu", {"x"}, {"r"});
  outer.model.graph.value_info["r"] = {"r", FloatType({"2", "3"}), {}, {}};
  Node& inner = outer.Add("If", {"c"}, {"o"});
  inner.Set("then_branch", Subgraph(Branch("r", "t")));
  inner.Set("else_branch", Subgraph(Branch("x", "e")));
  outer.Output("o");
  GraphBuilder b = Branches();
  b.model.graph.nodes[1].Set("then_branch", Subgraph(outer.model.graph));
  const std::vector<BodyGraph> bodies = FindBodyGraphs(b.model.graph);
  ASSERT_THAT(Ways(b.model.graph),
              ElementsAre("if/else_branch/", "if/then_branch/", "if/then_branch/o/else_branch/",
                          "if/then_branch/o/then_branch/"));
  EXPECT_THAT(bodies[3].captured, ElementsAre(Pair("r", "if/then_branch/r"), Pair("w", "w")));
}

// By way.
std::map<std::string, std::string> Reasons(const Graph& graph) {
  std::map<std::string, std::string> reasons;
  for (const BodyGraph& body : FindBodyGraphs(graph))
    if (!body.why_float.empty()) reasons.emplace(body.way, body.why_float);
  return reasons;
}

TEST(BodyGraphTest, WaysThatSayTwoThingsAreFloat) {
  GraphBuilder twice = Branches();
  Node again = twice.model.graph.nodes[1];
  again.outputs[0] = "z";
  twice.model.graph.nodes.push_back(again);
  EXPECT_THAT(Ways(twice.model.graph), IsEmpty());
  const std::string why = "another level is called the same as its body";
  EXPECT_THAT(Reasons(twice.model.graph),
              ElementsAre(Pair("if/else_branch/", why), Pair("if/then_branch/", why)));
  GraphBuilder taken = Branches();
  taken.Add("Relu", {"x"}, {"if/else_branch/x"});
  EXPECT_THAT(Ways(taken.model.graph), ElementsAre("if/then_branch/"));
  GraphBuilder sparse = Branches();
  sparse.model.graph.sparse_initializers.emplace_back().values.name = "if/else_branch/x";
  EXPECT_THAT(Ways(sparse.model.graph), ElementsAre("if/then_branch/"));
}

TEST(BodyGraphTest, BodiesThatCannotStandAloneSayWhy) {
  GraphBuilder b = Branches();
  b.model.graph.value_info.erase("r");  // of unknown type
  EXPECT_THAT(Ways(b.model.graph), ElementsAre("if/else_branch/"));
  EXPECT_THAT(Reasons(b.model.graph),
              ElementsAre(Pair("if/then_branch/",
                               "its body reads \"r\", which is no tensor of known type")));
  b.model.graph.nodes[1].op_type = "SequenceMap";
  EXPECT_THAT(Ways(b.model.graph), IsEmpty());
}

}  // namespace
}  // namespace qconvert
