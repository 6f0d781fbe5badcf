#include "qconvert/ir/value_types.h"

#include <gtest/gtest.h>

#include "qconvert/ir/scope.h"
#include "qconvert/targets/op_rules.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

// x -> y with a value h between; `h` and `y` as an engine inferred them.
GraphBuilder Typed() {
  GraphBuilder b;
  b.Input("x", {"N", "3"}).Output("y", DataType::kInt64).Floats("w", {3}, {1, 2, 3});
  b.Add("Mul", {"x", "w"}, {"h"});
  b.Add("Cast", {"h"}, {"y"}).Set("to", int64_t{7});
  b.model.graph.value_info["h"] = {"h", FloatType({"2", "3"}), {}, {}};
  return b;
}

TEST(ValueTypesTest, WhatIsInferredWinsOverWhatIsDeclared) {
  GraphBuilder b = Typed();
  const Graph& graph = b.model.graph;
  EXPECT_EQ(FindValueType(graph, "x")->element, DataType::kFloat);
  EXPECT_EQ(FindValueType(graph, "y")->element, DataType::kInt64);
  EXPECT_FALSE(HasFixedShape(graph, "y")) << "declared without a shape";
  b.model.graph.value_info["y"] = {"y", TypeOf(DataType::kInt64, {"2", "3"}), {}, {}};
  EXPECT_TRUE(HasFixedShape(graph, "y"));
  EXPECT_EQ(FindValueType(graph, "nowhere"), nullptr);
  EXPECT_EQ(FindValueType(graph, "w"), nullptr) << "a constant";
}

TEST(ValueTypesTest, ShapesThatAreFixed) {
  GraphBuilder b = Typed();
  const Graph& graph = b.model.graph;
  EXPECT_TRUE(HasFixedShape(graph, "h"));
  EXPECT_FALSE(HasFixedShape(graph, "x")) << "N";
  EXPECT_FALSE(HasFixedShape(graph, "nowhere"));
  ASSERT_NE(FindShape(graph, "x"), nullptr);
  EXPECT_EQ(FindShape(graph, "x")->size(), 2U);
  b.model.graph.value_info["h"].type.shape = std::vector<Dim>();
  EXPECT_TRUE(HasFixedShape(graph, "h")) << "a scalar";
}

// Those who ask of constants too, and on the levels around.
TEST(ValueTypesTest, ConstantsHaveTypesOfTheirOwn) {
  const GraphBuilder b = Typed();
  const Graph& graph = b.model.graph;
  EXPECT_EQ(TypeOfValue(graph, "w"), DataType::kFloat);
  EXPECT_EQ(TypeOfValue(graph, "y"), DataType::kInt64);
  EXPECT_EQ(TypeOfValue(graph, "nowhere"), DataType::kUndefined);
  const Scope outer(graph);
  Graph body;
  body.nodes.push_back(MakeNode("Neg", {"h"}, {"n"}));
  const Scope inner(outer, body, "If/then");
  EXPECT_EQ(inner.FindType("w")->element, DataType::kFloat);
  EXPECT_EQ(inner.FindType("h")->shape->size(), 2U);
  EXPECT_FALSE(inner.FindType("n")) << "nobody said";
  EXPECT_FALSE(inner.FindType("nowhere"));
}

}  // namespace
}  // namespace qconvert
