#include "qconvert/ir/topology.h"

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

}  // namespace
}  // namespace qconvert
