#include "qconvert/ir/scope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

// x, w outside; a body that captures x and hides w by an output of its own.
GraphBuilder WithBody() {
  GraphBuilder b;
  b.Input("x", {"2", "3"}).Input("c", {}, DataType::kBool).Output("y").Floats("w", {1}, {1});
  Graph body;
  body.nodes.push_back(MakeNode("Neg", {"x"}, {"w"}));
  body.initializers["inside"] = MakeFloatTensor("inside", {4}, std::vector<float>(4, 1));
  body.outputs.push_back({"w", FloatType({"2", "?"}), {}, {}});
  Node& node = b.Add("If", {"c"}, {"y"});
  node.Set("then_branch", Subgraph(body));
  node.Set("else_branch", Subgraph(body));
  return b;
}

TEST(ScopeTest, LookUpsWalkOutwardsToTheNearestDefinition) {
  const GraphBuilder b = WithBody();
  const Scope main(b.model.graph);
  std::vector<std::string> ways;
  ForEachBody(b.model.graph.nodes[0], "", [&](const Graph& body, const std::string& way) {
    ways.push_back(way);
    const Scope scope(main, body, way);
    EXPECT_EQ(scope.FullName("w"), way + "w");
    EXPECT_FALSE(scope.Defines("x"));
    EXPECT_EQ(scope.FindType("x"), FloatType({"2", "3"}));
    EXPECT_EQ(scope.FindType("w"), FloatType({"2", "?"}));
    EXPECT_EQ(scope.FindInitializer("w"), nullptr) << "the body's own w hides the one outside";
    EXPECT_NE(scope.FindInitializer("inside"), nullptr);
    EXPECT_EQ(scope.FindType("nowhere"), std::nullopt);
  });
  EXPECT_THAT(ways, testing::ElementsAre("y/else_branch/", "y/then_branch/"));
  EXPECT_NE(main.FindInitializer("w"), nullptr);
  EXPECT_EQ(main.FindInitializer("inside"), nullptr);
}

TEST(ScopeTest, OmittedOutputsDefineNothing) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  b.Add("Split", {"x"}, {"y", ""});
  EXPECT_FALSE(Scope(b.model.graph).Defines(""));
}

TEST(ScopeTest, TheDefiningLevelIsTheNearest) {
  const GraphBuilder b = WithBody();
  const Scope main(b.model.graph);
  const Graph& body = *SubgraphsOf(b.model.graph.nodes[0])[0];
  const Scope middle(main, body, "y/then_branch/");
  Graph leaf;
  leaf.inputs.push_back({"i", FloatType({"1"}), {}, {}});
  SparseTensor sparse;
  sparse.values = MakeFloatTensor("s", {1}, std::vector<float>{1});
  leaf.sparse_initializers.push_back(sparse);
  const Scope inner(middle, leaf, "y/then_branch/z/body/");
  EXPECT_EQ(inner.FindDefining("x"), &main) << "two levels out";
  EXPECT_EQ(inner.FindDefining("w"), &middle) << "not the outermost";
  EXPECT_EQ(inner.FindDefining("i"), &inner);
  EXPECT_EQ(inner.FindDefining("s"), &inner) << "sparse constants too";
  EXPECT_EQ(inner.FindDefining("nowhere"), nullptr);
  EXPECT_EQ(middle.FindDefining("i"), nullptr) << "never inwards";
  EXPECT_NE(inner.FindInitializer("inside"), nullptr);
  EXPECT_EQ(inner.FindType("i"), FloatType({"1"}));
}

TEST(ScopeTest, BodiesInAListHaveNumbersAndNodesTheirLabel) {
  Node node = MakeNode("Sequential", {}, {"o"});
  node.Set("parts", std::vector<Subgraph>{Subgraph(Graph()), Subgraph(Graph())});
  node.Set("body", Subgraph(Graph()));
  node.Set("alpha", 1.0F);
  const auto ways = [](const Node& of) {
    std::vector<std::string> out;
    ForEachBody(of, "a/b/", [&](const Graph&, const std::string& way) { out.push_back(way); });
    return out;
  };
  EXPECT_THAT(ways(node), testing::ElementsAre("a/b/o/body/", "a/b/o/parts/0/", "a/b/o/parts/1/"));
  node.name = "n";
  EXPECT_EQ(ways(node)[0], "a/b/n/body/");
  EXPECT_EQ(LabelOf(node), "n");
  EXPECT_EQ(LabelOf(MakeNode("Neg", {}, {})), "");
}

}  // namespace
}  // namespace qconvert
