#include "qconvert/transform/inline_constant_if.h"

#include <gtest/gtest.h>

#include "qconvert/transform/normalize.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

Graph Branch(const std::string& op_type, const std::string& output) {
  Graph graph;
  graph.name = op_type;
  graph.nodes.push_back(MakeNode(op_type, {"x"}, {output}));
  graph.outputs.push_back({output, FloatType({"2"}), {}, {}});
  return graph;
}

Node IfNode(Graph then_branch, Graph else_branch, const std::string& output) {
  Node node = MakeNode("If", {"c"}, {output});
  node.Set("then_branch", Subgraph(std::move(then_branch)));
  node.Set("else_branch", Subgraph(std::move(else_branch)));
  return node;
}

Tensor Bool(uint8_t value) {
  return MakeTensor<uint8_t>("c", DataType::kBool, {}, std::vector<uint8_t>{value});
}

// The value inside has the same name in every branch.
Graph Deep(const std::string& op_type) {
  Graph graph = Branch(op_type, "t");
  graph.nodes.push_back(MakeNode("Exp", {"t"}, {"out"}));
  graph.outputs[0].name = "out";
  return graph;
}

TEST(InlineConstantIfTest, TheTakenBranchTakesItsPlace) {
  for (const uint8_t taken : {uint8_t{0}, uint8_t{1}}) {
    GraphBuilder b;
    b.Input("x", {"2"}).Output("y").Output("z");
    b.model.graph.nodes.push_back(IfNode(Deep("Neg"), Deep("Abs"), "y"));
    b.model.graph.nodes.push_back(IfNode(Deep("Relu"), Deep("Sign"), "z"));
    b.model.graph.initializers["c"] = Bool(taken);
    const Model before = b.model;
    EXPECT_EQ(InlineConstantIf(b.model.graph), 2U);
    for (const Node& node : b.model.graph.nodes) EXPECT_NE(node.op_type, "If");
    const std::vector<Tensor> inputs = {MakeFloatTensor("x", {2}, std::vector<float>{-3, 4})};
    const auto expected = RunModel(before, inputs);
    const auto actual = RunModel(b.model, inputs);
    EXPECT_EQ(ToFloats(actual[0]), ToFloats(expected[0]));
    EXPECT_EQ(ToFloats(actual[1]), ToFloats(expected[1]));
  }
}

TEST(InlineConstantIfTest, NestedOnesComeUpTogether) {
  Graph inner = Branch("Neg", "v0");
  constexpr int kDepth = 17;
  for (int i = 1; i < kDepth; ++i) {
    const std::string value = "v" + std::to_string(i);
    Graph outer;
    outer.name = value;
    outer.nodes.push_back(IfNode(std::move(inner), Branch("Abs", "e" + std::to_string(i)), value));
    outer.outputs.push_back({value, FloatType({"2"}), {}, {}});
    inner = std::move(outer);
  }
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  b.model.graph.initializers["c"] = Bool(1);
  b.model.graph.nodes.push_back(IfNode(std::move(inner), Branch("Abs", "e"), "y"));
  Normalize(b.model);
  EliminateIdentity(b.model.graph);
  for (const Node& node : b.model.graph.nodes) EXPECT_TRUE(SubgraphsOf(node).empty());
  const std::vector<Tensor> inputs = {MakeFloatTensor("x", {2}, std::vector<float>{-3, 4})};
  EXPECT_EQ(ToFloats(RunModel(b.model, inputs)[0]), (std::vector<float>{3, -4}));
}

TEST(InlineConstantIfTest, AComputedConditionIsLeftAlone) {
  GraphBuilder b;
  b.Input("x", {"2"}).Input("c", {}, DataType::kBool).Output("y");
  b.model.graph.nodes.push_back(IfNode(Branch("Neg", "a"), Branch("Abs", "b"), "y"));
  EXPECT_EQ(InlineConstantIf(b.model.graph), 0U);
  EXPECT_EQ(b.model.graph.nodes[0].op_type, "If");
}

}  // namespace
}  // namespace qconvert
