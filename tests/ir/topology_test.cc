#include "qconvert/ir/topology.h"

#include "qconvert/ir/sorted.h"

#include <gtest/gtest.h>

#include "qconvert/ir/graph_printer.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

// x -> Relu -> a;  If{c}{ then: Neg(a) }
GraphBuilder WithSubgraph() {
  GraphBuilder b;
  b.Input("x", {"2"}).Input("c", {}, DataType::kBool).Output("y");
  b.Add("Relu", {"x"}, {"a"});
  Graph branch;
  branch.nodes.push_back(MakeNode("Neg", {"a"}, {"n"}));
  branch.outputs.push_back({"n", FloatType({"2"}), {}, {}});
  Node& node = b.Add("If", {"c"}, {"y"});
  node.Set("then_branch", Subgraph(branch));
  node.Set("else_branch", Subgraph(branch));
  return b;
}

TEST(TopologyTest, FindsProducersUsesAndCaptures) {
  const GraphBuilder b = WithSubgraph();
  const Topology topology(b.model.graph);
  EXPECT_EQ(topology.Producer("a")->op_type, "Relu");
  EXPECT_EQ(topology.Producer("x"), nullptr);
  ASSERT_EQ(topology.Uses("a").size(), 2U);
  EXPECT_EQ(topology.Uses("a")[0].slot, Use::kCaptured);
  EXPECT_FALSE(topology.HasSingleUse("a"));
  EXPECT_TRUE(topology.HasSingleUse("x"));
  EXPECT_TRUE(topology.IsGraphOutput("y"));
}

TEST(SortNodesTest, PutsProducersFirstAndKeepsFreeOrder) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("d");
  b.Add("Add", {"b", "c"}, {"d"});
  b.Add("Relu", {"x"}, {"b"});
  b.Add("Neg", {"x"}, {"c"});
  EXPECT_EQ(SortNodes(b.model.graph), "");
  EXPECT_EQ(PrintGraph(b.model.graph),
            "input x float[2]\nb = Relu(x)\nc = Neg(x)\nd = Add(b, c)\noutput d float\n");
}

TEST(IsSortedTest, AProducerAfterItsReaderACycleAndCapturesCount) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("d");
  b.Add("Relu", {"x"}, {"b"});
  b.Add("Neg", {"b"}, {"d"});
  EXPECT_TRUE(IsSorted(b.model.graph));
  std::swap(b.model.graph.nodes[0], b.model.graph.nodes[1]);
  EXPECT_FALSE(IsSorted(b.model.graph));
  b.model.graph.nodes = {MakeNode("Relu", {"d"}, {"d"})};
  EXPECT_FALSE(IsSorted(b.model.graph)) << "reads what it writes";
  GraphBuilder holder = WithSubgraph();
  EXPECT_TRUE(IsSorted(holder.model.graph));
  std::swap(holder.model.graph.nodes[0], holder.model.graph.nodes[1]);
  EXPECT_FALSE(IsSorted(holder.model.graph));
}

TEST(SortNodesTest, CountsCapturedValuesAsInputs) {
  GraphBuilder b = WithSubgraph();
  std::swap(b.model.graph.nodes[0], b.model.graph.nodes[1]);
  EXPECT_EQ(SortNodes(b.model.graph), "");
  EXPECT_EQ(b.model.graph.nodes[0].op_type, "Relu");
}

TEST(SortNodesTest, NamesAValueOnACycle) {
  GraphBuilder b;
  b.Output("p");
  b.Add("Relu", {"q"}, {"p"});
  b.Add("Relu", {"p"}, {"q"});
  EXPECT_EQ(SortNodes(b.model.graph), "p");
}

TEST(RemoveDeadNodesTest, KeepsWhatOutputsAndSubgraphsNeed) {
  GraphBuilder b = WithSubgraph();
  b.Floats("unused", {1}, {1});
  b.Add("Abs", {"x"}, {"dead"});
  EXPECT_EQ(RemoveDeadNodes(b.model.graph), 1U);
  EXPECT_EQ(b.model.graph.nodes.size(), 2U);
  EXPECT_TRUE(b.model.graph.initializers.empty());
}

// Long dead chains go at once, and what the file said of their values with them.
TEST(RemoveDeadNodesTest, TakesChainsTypesAndSparseConstantsAlong) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  Graph& graph = b.model.graph;
  b.Add("Relu", {"x"}, {"y"});
  std::string from = "x";
  for (int k = 0; k < 5; ++k) {
    const std::string to = "dead" + std::to_string(k);
    b.Add("Abs", {from}, {to});
    graph.value_info[to] = {to, FloatType({"2"}), {}, {}};
    from = to;
  }
  graph.value_info["y"] = {"y", FloatType({"2"}), {}, {}};
  SparseTensor sparse;
  sparse.values.name = "sparse";
  graph.sparse_initializers.push_back(sparse);
  EXPECT_EQ(RemoveDeadNodes(graph), 5U);
  EXPECT_EQ(graph.nodes.size(), 1U);
  EXPECT_EQ(graph.value_info.size(), 1U);
  EXPECT_TRUE(graph.value_info.contains("y"));
  EXPECT_TRUE(graph.sparse_initializers.empty());
}

TEST(RemoveDeadNodesTest, ANodeLivesByAnyOfItsOutputs) {
  GraphBuilder b;
  b.Input("x", {"4"}).Output("q");
  b.Add("Split", {"x"}, {"p", "q"});
  EXPECT_EQ(RemoveDeadNodes(b.model.graph), 0U);
  b.model.graph.outputs[0].name = "x";
  EXPECT_EQ(RemoveDeadNodes(b.model.graph), 1U);
}

TEST(RemoveNodesTest, KeepsTheOrderOfTheOthers) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("d");
  for (const char* to : {"a", "b", "c", "d"}) b.Add("Relu", {"x"}, {to});
  EXPECT_EQ(RemoveNodes(b.model.graph, {true, false, true, false}), 2U);
  ASSERT_EQ(b.model.graph.nodes.size(), 2U);
  EXPECT_EQ(b.model.graph.nodes[0].outputs[0], "b");
  EXPECT_EQ(b.model.graph.nodes[1].outputs[0], "d");
}

// A body's own names hide those outside; what it hands out of its level counts as read.
TEST(CapturedValuesTest, AreThoseThatNoInnerLevelDefines) {
  Graph inner;
  inner.nodes.push_back(MakeNode("Add", {"own", "far"}, {"i"}));
  inner.outputs.push_back({"i", {}, {}, {}});
  Graph body;
  body.inputs.push_back({"own", {}, {}, {}});
  body.initializers["w"] = RandomTensor("w", {2}, 1);
  body.nodes.push_back(MakeNode("Mul", {"own", "w", ""}, {"m"}));
  body.nodes.push_back(MakeNode("If", {"m"}, {"r"}));
  body.nodes.back().Set("then_branch", Subgraph(inner));
  body.outputs = {{"r", {}, {}, {}}, {"passed", {}, {}, {}}};
  EXPECT_EQ(CapturedValues(body), (std::set<std::string>{"far", "passed"}));
}

TEST(TopologyTest, ANodeThatReadsAValueTwiceHasTwoReadings) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  b.Add("Mul", {"x", "x"}, {"y"});
  const Topology topology(b.model.graph);
  ASSERT_EQ(topology.Uses("x").size(), 2U);
  EXPECT_EQ(topology.Uses("x")[1].slot, 1U);
  EXPECT_FALSE(topology.HasSingleUse("x"));
  EXPECT_FALSE(topology.HasSingleUse("y")) << "an output is read outside";
  EXPECT_EQ(topology.ProducerIndex("x"), Topology::kNpos);
  EXPECT_TRUE(topology.Uses("nobody").empty());
}

TEST(SortNodesTest, TheLowestFreeNodeComesFirst) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("e");
  b.Add("Add", {"c", "d"}, {"e"});
  b.Add("Abs", {"b"}, {"d"});
  b.Add("Neg", {"x"}, {"c"});
  b.Add("Relu", {"x"}, {"b"});
  EXPECT_EQ(SortNodes(b.model.graph), "");
  std::string order;
  for (const Node& node : b.model.graph.nodes) order += node.outputs[0];
  EXPECT_EQ(order, "cbde");
}

TEST(NameMakerTest, AvoidsNamesOfEveryLevel) {
  GraphBuilder b = WithSubgraph();
  b.Floats("n0", {1}, {1});
  NameMaker names(b.model.graph);
  EXPECT_EQ(names.Make("n"), "n1");
  EXPECT_EQ(names.Make("n"), "n2");
}

TEST(GraphTest, SubgraphsCopyDeeply) {
  const GraphBuilder b = WithSubgraph();
  Graph copy = b.model.graph;
  SubgraphsOf(copy.nodes[1])[0]->nodes[0].op_type = "Abs";
  EXPECT_EQ(SubgraphsOf(b.model.graph.nodes[1])[1]->nodes[0].op_type, "Neg");
}

// Whatever a new name could meet: values, constants and types of every level.
TEST(AllNamesTest, HoldsThoseOfEveryKindAndLevel) {
  Graph body;
  body.inputs.push_back({"body_input", {}, {}, {}});
  body.outputs.push_back({"body_output", {}, {}, {}});
  body.nodes.push_back(MakeNode("Neg", {"captured"}, {"body_output", "", "second"}));
  body.initializers["body_constant"] = MakeFloatTensor("body_constant", {}, std::vector<float>{1});
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y").Floats("w", {1}, {1});
  SparseTensor sparse;
  sparse.values = MakeFloatTensor("sparse", {1}, std::vector<float>{1});
  b.model.graph.sparse_initializers.push_back(sparse);
  b.Add("Loop", {"", "", "x"}, {"y"}).Set("body", Subgraph(body));
  const auto names = AllNames(b.model.graph);
  for (const char* name :
       {"x", "y", "w", "sparse", "body_input", "body_output", "second", "body_constant"})
    EXPECT_TRUE(names.contains(name)) << name;
  EXPECT_FALSE(names.contains("elsewhere"));
}

}  // namespace
}  // namespace qconvert
