// New names of values, on every level that reads them.
#include "rename_values.h"

#include <gtest/gtest.h>

#include "qconvert/ir/graph_printer.h"
#include "qconvert/transform/normalize.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

Graph Body(GraphBuilder b, const std::string& name) {
  b.model.graph.name = name;
  return b.model.graph;
}

TEST(RenameValuesTest, WritersReadersTypesAndBodiesFollow) {
  GraphBuilder branch;
  branch.Output("t").Add("Mul", {"a", "a"}, {"t"});
  GraphBuilder b;
  b.Input("x", {"2"}).Input("c", {}, DataType::kBool).Output("y");
  b.Add("Relu", {"x"}, {"a"});
  b.Add("Add", {"a", "a"}, {"b"});
  b.Add("If", {"c"}, {"d"}).Set("then_branch", Subgraph(Body(branch, "then")));
  b.Add("Add", {"b", "d"}, {"y"});
  b.model.graph.value_info["a"] = {"a", FloatType({"2"}), {}, {}};
  RenameValues(b.model.graph, {"a"}, "_even");
  EXPECT_EQ(PrintGraph(b.model.graph),
            "input x float[2]\ninput c bool[]\n"
            "a_even0 = Relu(x)\nb = Add(a_even0, a_even0)\n"
            "d = If(c) {then_branch=...}\n"
            "  t = Mul(a_even0, a_even0)\n  output t float\n"
            "y = Add(b, d)\noutput y float\n");
  EXPECT_FALSE(b.model.graph.value_info.contains("a"));
  EXPECT_EQ(b.model.graph.value_info.at("a_even0").name, "a_even0");
  EXPECT_EQ(b.model.graph.value_info.at("a_even0").type, FloatType({"2"}));
}

TEST(RenameValuesTest, TheFirstFreeNumberOfEveryLevelIsTaken) {
  GraphBuilder branch;
  branch.Output("a_1").Add("Neg", {"x"}, {"a_1"});
  GraphBuilder b;
  b.Input("x", {"2"}).Input("a_0", {"2"}).Output("y");
  b.Add("If", {"c"}, {"i"}).Set("then_branch", Subgraph(Body(branch, "then")));
  b.Add("Neg", {"x"}, {"a"});
  b.Add("Neg", {"a_0"}, {"b"});
  b.Add("Sum", {"a", "b", "i"}, {"y"});
  RenameValues(b.model.graph, {"a", "b"}, "_");
  const std::string text = PrintGraph(b.model.graph);
  EXPECT_NE(text.find("a_2 = Neg(x)\n"), std::string::npos) << text;
  EXPECT_NE(text.find("b_0 = Neg(a_0)\n"), std::string::npos) << text;
  EXPECT_NE(text.find("y = Sum(a_2, b_0, i)\n"), std::string::npos) << text;
}

TEST(RenameValuesTest, NothingToRename) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y").Add("Neg", {"x"}, {"y"});
  const std::string before = PrintGraph(b.model.graph);
  RenameValues(b.model.graph, {}, "_even");
  EXPECT_EQ(PrintGraph(b.model.graph), before);
}

TEST(RenameDefinedTest, ConstantsInputsAndOutputsKeepWhatTheyHold) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y").Floats("w", {2}, {1, 2});
  b.Add("Mul", {"x", "w"}, {"y"});
  SparseTensor sparse;
  sparse.values = MakeFloatTensor("s", {1}, std::vector<float>{3});
  sparse.indices = MakeInt64Tensor("s_indices", {1}, std::vector<int64_t>{0});
  sparse.dims = {2};
  b.model.graph.sparse_initializers.push_back(sparse);
  RenameDefined(b.model.graph, {{"x", "x1"}, {"w", "w1"}, {"y", "y1"}, {"s", "s1"}, {"z", "z1"}});
  EXPECT_EQ(b.model.graph.initializers.at("w1").name, "w1");
  EXPECT_EQ(b.model.graph.sparse_initializers[0].values.name, "s1");
  b.model.graph.sparse_initializers.clear();
  EXPECT_EQ(PrintGraph(b.model.graph),
            "input x1 float[2]\ninit w1 float[2] = [1,2]\ny1 = Mul(x1, w1)\noutput y1 float\n");
}

// If with these branches.
void AddIf(GraphBuilder& b, const std::string& to, const GraphBuilder& then_branch,
           const GraphBuilder& else_branch) {
  Node& node = b.Add("If", {"c"}, {to});
  node.Set("then_branch", Subgraph(Body(then_branch, "then")));
  node.Set("else_branch", Subgraph(Body(else_branch, "else")));
}

TEST(RenameShadowsTest, BranchesBesideEachOtherMayShareNames) {
  GraphBuilder one;
  one.Output("t").Floats("w", {1}, {1}).Add("Mul", {"x", "w"}, {"t"});
  GraphBuilder two;
  two.Output("t").Floats("w", {1}, {2}).Add("Mul", {"x", "w"}, {"t"});
  GraphBuilder b;
  b.Input("x", {"1"}).Input("c", {}, DataType::kBool).Output("y");
  AddIf(b, "y", one, two);
  const std::string before = PrintGraph(b.model.graph);
  RenameShadows(b.model.graph);
  EXPECT_EQ(PrintGraph(b.model.graph), before);
}

TEST(RenameShadowsTest, WhatIsDefinedBehindTheBodyIsNotSeenThere) {
  GraphBuilder branch;
  branch.Output("t").Add("Neg", {"x"}, {"later"});
  branch.Add("Neg", {"later"}, {"t"});
  GraphBuilder b;
  b.Input("x", {"1"}).Input("c", {}, DataType::kBool).Output("y");
  AddIf(b, "i", branch, branch);
  b.Add("Neg", {"i"}, {"later"});
  b.Add("Neg", {"later"}, {"y"});
  const std::string before = PrintGraph(b.model.graph);
  RenameShadows(b.model.graph);
  EXPECT_EQ(PrintGraph(b.model.graph), before);
}

TEST(RenameShadowsTest, OnEveryLevelOfItsOwn) {
  GraphBuilder innermost;  // reads what the level around it calls `a`, and has an `h` of its own
  innermost.Output("h").Add("Neg", {"a"}, {"h"});
  GraphBuilder inner;
  inner.Output("m").Add("Abs", {"x"}, {"a"});
  AddIf(inner, "m", innermost, innermost);
  GraphBuilder b;
  b.Input("x", {"1"}).Input("c", {}, DataType::kBool).Output("y");
  b.Add("Exp", {"x"}, {"a"});
  b.Add("Exp", {"a"}, {"h"});
  AddIf(b, "i", inner, inner);
  b.Add("Sum", {"a", "h", "i"}, {"y"});
  RenameShadows(b.model.graph);
  const auto branch = [](const std::string& a, const std::string& h1, const std::string& h2) {
    const auto leaf = [&](const std::string& h) {
      return "    " + h + " = Neg(" + a + ")\n    output " + h + " float\n";
    };
    return "  " + a + " = Abs(x)\n  m = If(c) {else_branch=..., then_branch=...}\n" + leaf(h1) +
           leaf(h2) + "  output m float\n";
  };
  EXPECT_EQ(PrintGraph(b.model.graph),
            "input x float[1]\ninput c bool[]\na = Exp(x)\nh = Exp(a)\n"
            "i = If(c) {else_branch=..., then_branch=...}\n" +
                branch("a_0", "h_0", "h_1") + branch("a_1", "h_2", "h_3") +
                "y = Sum(a, h, i)\noutput y float\n");
}

// The inputs of a Loop's body, one of which is also an initializer there, as IR 3 has defaults.
TEST(RenameShadowsTest, InputsOfBodiesAndTheirDefaults) {
  GraphBuilder body;
  body.Input("n", {}, DataType::kInt64).Input("go", {}, DataType::kBool).Input("x", {"1"});
  body.Floats("x", {1}, {0}).Output("go", DataType::kBool).Output("z");
  body.Add("Neg", {"x"}, {"z"});
  GraphBuilder b;
  b.Input("x", {"1"}).Output("y");
  b.Add("Loop", {"", "", "x"}, {"y"}).Set("body", Subgraph(Body(body, "body")));
  RenameShadows(b.model.graph);
  const Graph& renamed = *SubgraphsOf(b.model.graph.nodes[0])[0];
  EXPECT_EQ(renamed.inputs[2].name, "x_0");
  EXPECT_EQ(renamed.initializers.begin()->first, "x_0");
  EXPECT_EQ(renamed.nodes[0].inputs[0], "x_0");
  EXPECT_EQ(renamed.outputs[1].name, "z");
  EXPECT_EQ(b.model.graph.nodes[0].inputs[2], "x") << "the outer one";
}

}  // namespace
}  // namespace qconvert
