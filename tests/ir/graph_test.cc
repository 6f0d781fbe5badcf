#include "qconvert/ir/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "qconvert/ir/one_of.h"
#include "qconvert/ir/tensor.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;

TEST(NodeTest, OmittedAndMissingInputsAreEmpty) {
  const Node node = MakeNode("Clip", {"x", ""}, {"y"});
  EXPECT_EQ(node.input(0), "x");
  EXPECT_EQ(node.input(1), "");
  EXPECT_EQ(node.input(2), "");
}

TEST(NodeTest, IsAsksForTheStandardDomain) {
  Node node = MakeNode("Relu", {"x"}, {"y"});
  EXPECT_TRUE(node.Is("Relu"));
  EXPECT_FALSE(node.Is("Rel"));
  node.domain = "com.acme";
  EXPECT_FALSE(node.Is("Relu"));
}

TEST(NodeTest, AttributesOfAnotherKindAreAbsent) {
  Node node = MakeNode("N", {}, {});
  node.Set("i", int64_t{3});
  node.Set("f", 0.5F);
  node.Set("s", std::string("same"));
  node.Set("v", std::vector<int64_t>{1, 2});
  EXPECT_EQ(node.GetInt("i", -1), 3);
  EXPECT_EQ(node.GetInt("f", -1), -1);
  EXPECT_EQ(node.GetFloat("f", 9), 0.5F);
  EXPECT_EQ(node.GetFloat("i", 9), 9);
  EXPECT_EQ(node.GetString("s", ""), "same");
  EXPECT_EQ(node.GetString("none", "else"), "else");
  ASSERT_NE(node.FindInts("v"), nullptr);
  EXPECT_THAT(*node.FindInts("v"), ElementsAre(1, 2));
  EXPECT_EQ(node.FindInts("i"), nullptr);
}

TEST(NodeTest, AReferenceToAFunctionsAttributeHasNoValueOfItsOwn) {
  Node node = MakeNode("N", {}, {});
  node.attributes["i"] = {int64_t{3}, "outer", {}};
  EXPECT_EQ(node.GetInt("i", -1), -1);
}

TEST(NodeTest, SetReplaces) {
  Node node = MakeNode("N", {}, {});
  node.Set("a", int64_t{1});
  node.Set("a", 2.0F);
  EXPECT_EQ(node.attributes.size(), 1U);
  EXPECT_EQ(node.GetFloat("a", 0), 2.0F);
}

TEST(SubgraphTest, CopiesDeeply) {
  Graph inner;
  inner.name = "before";
  Node node = MakeNode("If", {"c"}, {"y"});
  node.Set("then_branch", Subgraph(inner));
  const Node copy = node;
  SubgraphsOf(node)[0]->name = "after";
  EXPECT_EQ(SubgraphsOf(copy)[0]->name, "before");
  Subgraph assigned(inner);
  assigned = Subgraph(*SubgraphsOf(node)[0]);
  EXPECT_EQ(assigned.graph().name, "after");
}

TEST(SubgraphTest, ThoseOfANodeInAttributeOrderListsIncluded) {
  const auto named = [](const char* name) {
    Graph graph;
    graph.name = name;
    return Subgraph(graph);
  };
  Node node = MakeNode("Custom", {}, {});
  node.Set("z", named("last"));
  node.Set("m", std::vector<Subgraph>{named("second"), named("third")});
  node.Set("a", named("first"));
  node.Set("number", int64_t{1});
  std::vector<std::string> names;
  for (const Graph* graph : SubgraphsOf(std::as_const(node))) names.push_back(graph->name);
  EXPECT_THAT(names, ElementsAre("first", "second", "third", "last"));
}

TEST(GraphTest, LooksUpByName) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y").Floats("w", {1}, {4});
  const Graph& graph = b.model.graph;
  EXPECT_TRUE(graph.IsInput("x"));
  EXPECT_FALSE(graph.IsInput("w"));
  EXPECT_TRUE(graph.IsOutput("y"));
  EXPECT_FALSE(graph.IsOutput("x"));
  ASSERT_NE(graph.FindInitializer("w"), nullptr);
  EXPECT_EQ(graph.FindInitializer("x"), nullptr);
}

TEST(ModelTest, OpsetIsThatOfTheStandardDomain) {
  Model model;
  EXPECT_EQ(model.opset(), 0);
  model.opsets = {{"com.acme", 3}};
  EXPECT_EQ(model.opset(), 0);
  model.opsets[""] = 17;
  EXPECT_EQ(model.opset(), 17);
}

TEST(TensorTest, MakingChecksTheElementCount) {
  const std::vector<float> three = {1, 2, 3};
  EXPECT_THROW(MakeFloatTensor("t", {2}, three), InternalError);
  EXPECT_THROW(MakeTensor<float>("t", DataType::kInt8, {3}, three), InternalError);
  EXPECT_EQ(MakeFloatTensor("t", {3, 1}, three).byte_size(), 12);
  EXPECT_EQ(MakeFloatTensor("t", {0, 5}, {}).element_count(), 0);
}

TEST(TensorTest, ToFloatsOfEveryFloatType) {
  EXPECT_THAT(ToFloats(MakeTensor<double>("t", DataType::kDouble, {2}, std::vector{0.1, -2.0})),
              ElementsAre(0.1F, -2.0F));
  EXPECT_THAT(ToFloats(MakeTensor<uint16_t>("t", DataType::kFloat16, {3},
                                            std::vector<uint16_t>{0x3C00, 0xC000, 0x0001})),
              ElementsAre(1.0F, -2.0F, 0x1p-24F));
  EXPECT_THAT(ToFloats(MakeTensor<uint16_t>("t", DataType::kBfloat16, {2},
                                            std::vector<uint16_t>{0x3F80, 0xC040})),
              ElementsAre(1.0F, -3.0F));
  EXPECT_THROW(ToFloats(MakeInt64Tensor("t", {1}, std::vector<int64_t>{1})), InternalError);
}

TEST(TensorTest, ToInt64sOfBothIntegerTypes) {
  EXPECT_THAT(ToInt64s(MakeInt64Tensor("t", {2}, std::vector<int64_t>{INT64_MIN, 5})),
              ElementsAre(INT64_MIN, 5));
  EXPECT_THAT(
      ToInt64s(MakeTensor<int32_t>("t", DataType::kInt32, {2}, std::vector<int32_t>{-7, 7})),
      ElementsAre(-7, 7));
}

// What an engine infers by itself goes from the file on every level; what only the file knows
// stays.
TEST(DropInferredTypesTest, KeepsWhatIsDeclared) {
  Graph body;
  for (const char* name : {"kept", "inferred"}) body.value_info[name] = {name, {}, {}, {}};
  body.declared.insert("kept");
  Graph graph = body;
  graph.nodes.push_back(MakeNode("If", {"c"}, {"y"}));
  graph.nodes[0].Set("then_branch", Subgraph(body));
  DropInferredTypes(graph);
  EXPECT_EQ(graph.value_info.size(), 1U);
  EXPECT_TRUE(graph.value_info.contains("kept"));
  const Graph& inner = *SubgraphsOf(graph.nodes[0])[0];
  EXPECT_EQ(inner.value_info.size(), 1U);
  EXPECT_TRUE(inner.value_info.contains("kept"));
}

TEST(TypeOfTest, OfATensorHasEveryDimension) {
  const ValueType type = TypeOf(MakeInt64Tensor("t", {2, 0}, {}));
  EXPECT_EQ(type.element, DataType::kInt64);
  ASSERT_TRUE(type.shape.has_value());
  EXPECT_EQ(*type.shape, (std::vector<Dim>{{2, ""}, {0, ""}}));
  EXPECT_TRUE(type.is_tensor());
}

TEST(OnlyReshapesTest, FourOperatorsOfTheStandard) {
  constexpr std::array<std::string_view, 4> kTypes = {"Reshape", "Flatten", "Squeeze", "Unsqueeze"};
  for (const std::string_view type : kTypes) {
    Node node;
    node.op_type = std::string(type);
    EXPECT_TRUE(OnlyReshapes(node)) << type;
    EXPECT_TRUE(IsOneOf(node, kTypes)) << type;
    node.domain = "com.example";
    EXPECT_FALSE(OnlyReshapes(node)) << type << " of somebody else";
    EXPECT_FALSE(IsOneOf(node, kTypes)) << type << " of somebody else";
  }
  for (const char* type : {"Transpose", "Identity", "Expand", "reshape", ""}) {
    Node node;
    node.op_type = type;
    EXPECT_FALSE(OnlyReshapes(node)) << type;
    EXPECT_FALSE(IsOneOf(node, kTypes)) << type;
    EXPECT_FALSE(IsOneOf(node, {})) << type;
  }
}

}  // namespace
}  // namespace qconvert
