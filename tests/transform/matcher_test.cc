#include "matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;

GraphBuilder Start() {
  GraphBuilder b;
  b.Input("x", {"2", "3"}).Output("y").Floats("two", {}, {2}).Floats("one", {1}, {1});
  b.Floats("row", {1, 1}, {5}).Floats("many", {3}, {1, 2, 3}).Floats("zero", {}, {0});
  b.Ints("int", {}, {2});
  return b;
}

TEST(MatcherTest, DecimalsOfExportersAreClose) {
  EXPECT_TRUE(IsClose(1.41421, std::sqrt(2.0)));
  EXPECT_TRUE(IsClose(0.044715F, 0.044715));
  EXPECT_FALSE(IsClose(1.4142, std::sqrt(2.0)));
  EXPECT_TRUE(IsClose(0, 0));
  EXPECT_FALSE(IsClose(1e-9, 0));
  EXPECT_FALSE(IsClose(NAN, 1));
}

TEST(MatcherTest, NumbersAreFloatsThatAddNoDimension) {
  const GraphBuilder b = Start();
  const Matcher matcher(b.model.graph);
  EXPECT_EQ(matcher.Number("two"), 2.0);
  EXPECT_EQ(matcher.Number("one"), 1.0);
  for (const char* other : {"row", "many", "int", "x", "nothing"})
    EXPECT_FALSE(matcher.Number(other)) << other;
}

TEST(MatcherTest, NumbersOfOnesBesideWhatHasTheirRank) {
  const GraphBuilder b = Start();
  const Matcher matcher(b.model.graph);
  EXPECT_EQ(matcher.Number("row", "x"), 5.0);
  EXPECT_FALSE(matcher.Number("row", "nothing"));
  EXPECT_FALSE(matcher.Number("many", "x"));
  const Node sum = MakeNode("Add", {"row", "x"}, {"s"});
  EXPECT_EQ(matcher.Sum(&sum)->number, 5);
}

TEST(MatcherTest, HalvesAreCloseWhereAllNumbersAre) {
  GraphBuilder b = Start();
  constexpr double kThird = 0.333251953125;  // 1 / 3 as float16
  b.Floats("third", {}, {static_cast<float>(kThird)});
  EXPECT_TRUE(Matcher(b.model.graph).IsClose(kThird, 1.0 / 3));
  EXPECT_FALSE(Matcher(b.model.graph).IsClose(0.33, 1.0 / 3));
  b.Floats("seventh", {}, {1.0F / 7}).Add("Mul", {"x", "seventh"}, {"y"});
  EXPECT_FALSE(Matcher(b.model.graph).IsClose(kThird, 1.0 / 3));
}

TEST(MatcherTest, RootsReciprocalsAndTheirExponents) {
  GraphBuilder b = Start();
  b.Floats("half", {}, {0.5F}).Ints("three", {1}, {3});
  b.Add("Sqrt", {"x"}, {"root"});
  b.Add("Pow", {"x", "half"}, {"power"});
  b.Add("Pow", {"x", "two"}, {"square"});
  b.Add("Reciprocal", {"x"}, {"r"});
  b.Add("Div", {"one", "x"}, {"d"});
  b.Add("Div", {"two", "x"}, {"other"});
  const Matcher matcher(b.model.graph);
  EXPECT_EQ(matcher.Exponent("three"), 3.0);
  EXPECT_EQ(matcher.Exponent("half"), 0.5);
  EXPECT_FALSE(matcher.Exponent("many"));
  for (const char* value : {"root", "power"}) EXPECT_EQ(matcher.Root(value)->inputs[0], "x");
  for (const char* value : {"square", "r", "x"}) EXPECT_EQ(matcher.Root(value), nullptr);
  for (const char* value : {"r", "d"}) EXPECT_EQ(matcher.Reciprocal(value)->inputs.back(), "x");
  for (const char* value : {"other", "root", "x"}) EXPECT_EQ(matcher.Reciprocal(value), nullptr);
}

TEST(MatcherTest, SumsAndProductsWithANumberOnEitherSide) {
  const GraphBuilder b = Start();
  const Matcher matcher(b.model.graph);
  const auto sum = [&](const char* type, std::vector<std::string> inputs) {
    const Node node = MakeNode(type, std::move(inputs), {"s"});
    return matcher.Sum(&node);
  };
  const auto product = [&](const char* type, std::vector<std::string> inputs) {
    const Node node = MakeNode(type, std::move(inputs), {"p"});
    return matcher.Product(&node);
  };
  EXPECT_EQ(sum("Add", {"x", "two"})->number, 2);
  EXPECT_EQ(sum("Add", {"two", "x"})->value, "x");
  EXPECT_FALSE(sum("Add", {"x", "many"}));
  EXPECT_EQ(sum("Sub", {"x", "two"})->number, -2);
  EXPECT_FALSE(sum("Sub", {"two", "x"}));
  EXPECT_EQ(product("Mul", {"two", "x"})->number, 2);
  EXPECT_EQ(product("Div", {"x", "two"})->number, 0.5);
  EXPECT_FALSE(product("Div", {"two", "x"})) << "a reciprocal";
  EXPECT_FALSE(product("Div", {"x", "zero"}));
  EXPECT_FALSE(matcher.Sum(nullptr));
  EXPECT_FALSE(matcher.Product(nullptr));
}

TEST(MatcherTest, ReadersAndWriters) {
  GraphBuilder b = Start();
  b.Add("Relu", {"x"}, {"r"});
  b.Add("Mul", {"r", "r"}, {"m"});
  b.Add("Neg", {"m"}, {"y"});
  const Matcher matcher(b.model.graph);
  EXPECT_EQ(matcher.Writer("m")->op_type, "Mul");
  EXPECT_EQ(matcher.Writer("m", "Add"), nullptr);
  EXPECT_EQ(matcher.Writer("x"), nullptr);
  EXPECT_EQ(matcher.Reader("r"), nullptr) << "read twice, by one node";
  EXPECT_EQ(matcher.Reader("m")->op_type, "Neg");
  EXPECT_EQ(matcher.Reader("y"), nullptr);
  EXPECT_EQ(matcher.Uses("r"), 2U);
  EXPECT_EQ(matcher.Uses("y"), 1U) << "the output of the graph";
  EXPECT_EQ(matcher.IndexOf(*matcher.Reader("m")), 2U);
}

TEST(MatcherTest, AxesAreCountedFromTheFrontHoweverTheyAreGiven) {
  GraphBuilder b = Start();
  b.Ints("axes", {2}, {-1, 0}).Input("z", {"2", "?", "4"});
  b.Add("ReduceMean", {"z"}, {"y"});
  const auto axes = [&](const Node& node) { return Matcher(b.model.graph).KeptAxes(node); };
  Node& node = b.model.graph.nodes[0];
  EXPECT_FALSE(axes(node)) << "all of them";
  node.Set("axes", std::vector<int64_t>{-1, -3});
  EXPECT_THAT(*axes(node), ElementsAre(0, 2));
  node.Set("keepdims", int64_t{0});
  EXPECT_FALSE(axes(node));
  Node input = MakeNode("ReduceMean", {"z", "axes"}, {"y"});
  EXPECT_THAT(*axes(input), ElementsAre(0, 2));
  b.model.graph.inputs.back().type.shape = std::nullopt;
  EXPECT_FALSE(axes(input)) << "no rank";
}

// x ─ a ─ b ─ c: closed while nobody else looks inside.
TEST(MatcherTest, AUnitIsClosedWhereOnlyItsLastNodeIsRead) {
  GraphBuilder b = Start();
  b.Add("Relu", {"x"}, {"a"});
  b.Add("Neg", {"a"}, {"b"});
  b.Add("Abs", {"b"}, {"y"});
  const auto closed = [](const Graph& graph) {
    std::set<const Node*> unit;
    for (size_t n = 0; n < 3; ++n) unit.insert(&graph.nodes[n]);
    return Matcher(graph).IsClosed(unit, graph.nodes[2]);
  };
  EXPECT_TRUE(closed(b.model.graph));
  GraphBuilder read = b;
  read.Output("z").Add("Neg", {"a"}, {"z"});
  EXPECT_FALSE(closed(read.model.graph));
  GraphBuilder given = b;
  given.Output("b");
  EXPECT_FALSE(closed(given.model.graph));
  GraphBuilder captured = b;
  Graph body;
  body.nodes.push_back(MakeNode("Neg", {"b"}, {"n"}));
  body.outputs.push_back({"n", {}, {}, {}});
  captured.Input("c", {}, DataType::kBool).Output("z");
  captured.Add("If", {"c"}, {"z"}).Set("then_branch", Subgraph(body));
  EXPECT_FALSE(closed(captured.model.graph));
}

TEST(UnitWriterTest, NodesStandInOrderAndForTheOneTheyReplace) {
  GraphBuilder b = Start();
  b.Add("Gelu", {"x"}, {"g"}).name = "act";
  b.Add("Relu", {"g"}, {"y"});
  b.model.graph.value_info["g"] = {"g", FloatType({"2", "3"}), {}, {}};
  UnitWriter writer(b.model.graph);
  EXPECT_EQ(writer.Scalar(0.5), writer.Scalar(0.5)) << "stored once";
  EXPECT_NE(writer.Scalar(0.5), writer.Scalar(0.25));
  Node& gelu = b.model.graph.nodes[0];
  const std::string half = writer.Add(gelu, "g", "Mul", {"x", writer.Scalar(0.5)});
  writer.Become(gelu, "Sigmoid", {half});
  writer.Finish();
  const Graph& graph = b.model.graph;
  ASSERT_EQ(graph.nodes.size(), 3U);
  EXPECT_EQ(graph.nodes[0].op_type, "Mul");
  EXPECT_EQ(graph.nodes[0].origin_name(), "act");
  EXPECT_NE(graph.nodes[0].name, "act") << "names are unique";
  EXPECT_EQ(graph.nodes[1].name, "act");
  EXPECT_THAT(graph.nodes[1].outputs, ElementsAre("g"));
  EXPECT_EQ(graph.value_info.at(half).type.shape->size(), 2U);
  EXPECT_EQ(graph.FindInitializer("many"), nullptr) << "what nobody reads goes";
}

}  // namespace
}  // namespace qconvert
