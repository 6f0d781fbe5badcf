#include "qconvert/transform/normalize.h"

#include <gtest/gtest.h>

#include <utility>

#include "qconvert/ir/graph_printer.h"
#include "qconvert/transform/lower_hard_swish.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

TEST(NormalizeTest, ConstantsBecomeInitializersAndLeaveTheInputs) {
  GraphBuilder b;
  b.Input("x", {"2"}).Input("w", {"2"}).Output("y").Floats("w", {2}, {1, 2});
  b.Add("Add", {"x", "c"}, {"a"});
  b.Add("Constant", {}, {"c"}).Set("value_floats", std::vector<float>{3, 4});
  b.Add("Add", {"a", "w"}, {"y"});
  Normalize(b.model);
  EXPECT_EQ(PrintGraph(b.model.graph),
            "input x float[2]\ninit c float[2] = [3,4]\ninit w float[2] = [1,2]\n"
            "a = Add(x, c)\ny = Add(a, w)\noutput y float\n");
}

// if c: x * w else x * w, with a `w` of each branch's own and one around them.
Model ShadowedWeight() {
  const auto branch = [](float weight, const std::string& out) {
    GraphBuilder b;
    b.Output(out).Floats("w", {1}, {weight});
    b.Add("Mul", {"h", "w"}, {out});
    b.model.graph.name = out;
    return b.model.graph;
  };
  GraphBuilder around;  // another If, whose branches read its own `w`
  around.model.graph = branch(3, "y");
  Node& inner = around.Add("If", {"c"}, {"t"});
  GraphBuilder reader;
  reader.Output("w_0").Add("Add", {"w", "y"}, {"w_0"});
  reader.model.graph.name = "reader";
  inner.Set("then_branch", Subgraph(reader.model.graph));
  inner.Set("else_branch", Subgraph(branch(7, "e")));
  around.model.graph.outputs[0].name = "t";
  GraphBuilder b;
  b.Input("x", {"2"}).Input("c", {}, DataType::kBool).Output("y").Floats("w", {1}, {2});
  b.Add("Mul", {"x", "w"}, {"h"});
  Node& node = b.Add("If", {"c"}, {"y"});
  node.Set("then_branch", Subgraph(around.model.graph));
  node.Set("else_branch", Subgraph(branch(5, "z")));
  return b.model;
}

TEST(NormalizeTest, WhatBodiesDefineIsCalledLikeNothingAroundThem) {
  Model model = ShadowedWeight();
  const Model before = model;
  Normalize(model);
  const std::vector<Graph*> branches = SubgraphsOf(model.graph.nodes[1]);
  const Graph& then_branch = *branches[1];
  ASSERT_EQ(then_branch.initializers.size(), 1U);
  const std::string name = then_branch.initializers.begin()->first;
  EXPECT_NE(name, "w");
  EXPECT_EQ(then_branch.initializers.begin()->second.name, name);
  EXPECT_EQ(then_branch.nodes[0].inputs, (std::vector<std::string>{"h", name}));
  const std::vector<const Graph*> inner = SubgraphsOf(std::as_const(then_branch.nodes[1]));
  EXPECT_EQ(inner[1]->nodes[0].inputs, (std::vector<std::string>{name, "y"}));
  EXPECT_FALSE(inner[0]->initializers.contains("w"));
  EXPECT_FALSE(inner[0]->initializers.contains(name));
  EXPECT_FALSE(branches[0]->initializers.contains("w"));
  EXPECT_TRUE(model.graph.initializers.contains("w"));
  // The name is that of the value behind the If: nothing is hidden.
  EXPECT_EQ(then_branch.nodes[0].outputs[0], "y");
  const Tensor x = MakeFloatTensor("x", {2}, std::vector<float>{-3, 4});
  for (const uint8_t taken : {uint8_t{0}, uint8_t{1}}) {
    const Tensor c = MakeTensor<uint8_t>("c", DataType::kBool, {}, std::vector<uint8_t>{taken});
    EXPECT_EQ(ToFloats(RunModel(model, {x, c})[0]), ToFloats(RunModel(before, {x, c})[0]));
  }
}

TEST(RenameUsesTest, ABodyThatDefinesTheNameMeansItsOwn) {
  GraphBuilder body;
  body.Output("q").Add("Neg", {"x"}, {"y"});
  body.Add("Add", {"y", "z"}, {"q"});
  GraphBuilder b;
  b.Input("x", {"2"}).Input("c", {}, DataType::kBool).Output("p");
  Node& node = b.Add("If", {"c"}, {"p"});
  node.Set("then_branch", Subgraph(body.model.graph));
  node.Set("else_branch", Subgraph(body.model.graph));
  RenameUses(b.model.graph, {{"z", "y"}, {"y", "r"}});
  for (const Graph* branch : SubgraphsOf(b.model.graph.nodes[0]))
    EXPECT_EQ(branch->nodes[1].inputs, (std::vector<std::string>{"y", "r"}));
}

TEST(EliminateIdentityTest, LeavesOtherNodesAlone) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  b.Add("Relu", {"x"}, {"y"});
  EXPECT_EQ(EliminateIdentity(b.model.graph), 0U);
}

TEST(EliminateIdentityTest, ChainsGoButGraphOutputsKeepTheirName) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y").Output("z");
  b.Add("Identity", {"x"}, {"a"});
  b.Add("Dropout", {"a"}, {"d", "mask"});
  b.Add("Relu", {"d"}, {"y"});
  b.Add("Identity", {"a"}, {"z"});
  EXPECT_EQ(EliminateIdentity(b.model.graph), 2U);
  EXPECT_EQ(PrintGraph(b.model.graph),
            "input x float[2]\ny = Relu(x)\nz = Identity(x)\noutput y float\noutput z float\n");
}

TEST(EliminateIdentityTest, ADropoutWhoseMaskIsReadStays) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y").Output("m", DataType::kBool);
  b.Add("Dropout", {"x"}, {"d", "m"});
  b.Add("Relu", {"d"}, {"y"});
  EXPECT_EQ(EliminateIdentity(b.model.graph), 0U);
}

TEST(WidenFloat16Test, ComputesTheSameInFloat32BehindCasts) {
  GraphBuilder b;
  b.Input("x", {"2"}, DataType::kFloat16).Output("y", DataType::kFloat16);
  const std::vector<uint16_t> halves = {0x3C00, 0xC000};  // 1, -2
  b.model.graph.initializers["w"] = MakeTensor<uint16_t>("w", DataType::kFloat16, {2}, halves);
  b.Add("Mul", {"x", "w"}, {"y"});
  const Model narrow = b.model;
  ASSERT_TRUE(WidenFloat16(b.model));
  const Tensor x = MakeTensor<uint16_t>("x", DataType::kFloat16, {2}, halves);
  EXPECT_EQ(*RunModel(narrow, {x})[0].bytes, *RunModel(b.model, {x})[0].bytes);
  EXPECT_EQ(b.model.graph.initializers.at("w").type, DataType::kFloat);
  EXPECT_EQ(b.model.graph.inputs[0].type.element, DataType::kFloat16);
}

TEST(WidenFloat16Test, AConstantMayBeAnOutput) {
  GraphBuilder b;
  b.Input("x", {"2"}, DataType::kFloat16).Output("y", DataType::kFloat16);
  b.Output("w", DataType::kFloat16).Output("k", DataType::kFloat16);
  const std::vector<uint16_t> halves = {0x3C00, 0xC000};  // 1, -2
  const Tensor constant = MakeTensor<uint16_t>("w", DataType::kFloat16, {2}, halves);
  b.model.graph.initializers["w"] = constant;
  b.Add("Constant", {}, {"k"}).Set("value", constant);
  b.Add("Mul", {"x", "w"}, {"m"});
  b.Add("Add", {"m", "k"}, {"y"});
  const Model narrow = b.model;
  Normalize(b.model);
  ASSERT_TRUE(WidenFloat16(b.model));
  const Tensor x = MakeTensor<uint16_t>("x", DataType::kFloat16, {2}, halves);
  const std::vector<Tensor> before = RunModel(narrow, {x});
  const std::vector<Tensor> after = RunModel(b.model, {x});
  ASSERT_EQ(after.size(), 3U);
  for (size_t o = 0; o < after.size(); ++o) EXPECT_EQ(*before[o].bytes, *after[o].bytes) << o;
}

TEST(WidenFloat16Test, LeavesFloat32ModelsAlone) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  b.Add("Relu", {"x"}, {"y"});
  EXPECT_FALSE(WidenFloat16(b.model));
}

TEST(LowerHardSwishTest, KeepsTheFunction) {
  GraphBuilder b(14);
  b.Input("x", {"1", "64"}).Output("y");
  b.Add("HardSwish", {"x"}, {"y"});
  const Model before = b.model;
  EXPECT_EQ(LowerHardSwish(b.model.graph), 1U);
  const Tensor x = RandomTensor("x", {1, 64}, 4, 3.0F);
  EXPECT_LE(MaxDifference(RunModel(before, {x})[0], RunModel(b.model, {x})[0]), 1e-6F);
  EXPECT_EQ(LowerHardSwish(b.model.graph), 0U);
}

TEST(LowerHardSwishTest, LeavesOthersAlone) {
  GraphBuilder b(14);
  b.Input("x", {"1", "64"}).Output("y");
  b.Add("HardSigmoid", {"x"}, {"g"});
  b.Add("Mul", {"x", "g"}, {"y"});
  EXPECT_EQ(LowerHardSwish(b.model.graph), 0U);
  EXPECT_EQ(b.model.graph.nodes.size(), 2U);
}

}  // namespace
}  // namespace qconvert
