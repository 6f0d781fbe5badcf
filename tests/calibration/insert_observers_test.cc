// Where observers go: the graph around them stays what it was.
#include "qconvert/calibration/insert_observers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "qconvert/ir/graph_printer.h"
#include "qconvert/ir/topology.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Graph Body(GraphBuilder b, const std::string& name) {
  b.model.graph.name = name;
  return b.model.graph;
}

TEST(InsertObserversTest, OnInputsOutputsAndBetween) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  b.Add("Relu", {"x"}, {"a"});
  b.Add("Add", {"a", "x"}, {"y"});
  const std::string before = PrintGraph(b.model.graph);
  EXPECT_EQ(PrintGraph(InsertObservers(b.model.graph, {"y", "x", "a"})),
            "input x float[2]\n"
            "observed_1 = qconvert.observe:Observe(x) {id=1}\n"
            "observed_2 = Relu(observed_1)\n"
            "a = qconvert.observe:Observe(observed_2) {id=2}\n"
            "observed_0 = Add(a, observed_1)\n"
            "y = qconvert.observe:Observe(observed_0) {id=0}\n"
            "output y float\n")
      << "ids are places in the list, whatever the order of nodes";
  EXPECT_EQ(PrintGraph(b.model.graph), before) << "a copy";
  EXPECT_EQ(PrintGraph(InsertObservers(b.model.graph, {})), before);
  EXPECT_EQ(PrintGraph(InsertObservers(b.model.graph, {"not there"})), before);
}

TEST(InsertObserversTest, AnInputThatIsAnOutputKeepsBothNames) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("x").Output("y");
  b.Add("Neg", {"x"}, {"y"});
  const Graph out = InsertObservers(b.model.graph, {"x"});
  EXPECT_EQ(PrintGraph(out),
            "input x float[2]\nobserved_0 = qconvert.observe:Observe(x) {id=0}\n"
            "y = Neg(observed_0)\noutput x float\noutput y float\n");
}

TEST(InsertObserversTest, NamesOfTheModelAreNotTaken) {
  GraphBuilder b;
  b.Input("observed_0", {"2"}).Output("y");
  b.Add("Neg", {"observed_0"}, {"observed_1"});
  b.Add("Neg", {"observed_1"}, {"y"});
  EXPECT_EQ(PrintGraph(InsertObservers(b.model.graph, {"observed_1"})),
            "input observed_0 float[2]\nobserved_2 = Neg(observed_0)\n"
            "observed_1 = qconvert.observe:Observe(observed_2) {id=0}\ny = Neg(observed_1)\n"
            "output y float\n");
}

TEST(InsertObserversTest, ValuesOfBodiesByTheirWay) {
  GraphBuilder branch;
  branch.Output("t").Add("Neg", {"a"}, {"v"});
  branch.Add("Neg", {"v"}, {"t"});
  GraphBuilder b;
  b.Input("x", {"2"}).Input("c", {}, DataType::kBool).Output("y");
  b.Add("Relu", {"x"}, {"a"});
  Node& node = b.Add("If", {"c"}, {"y"});
  node.name = "if";
  node.Set("then_branch", Subgraph(Body(branch, "then")));
  node.Set("else_branch", Subgraph(Body(branch, "else")));
  const Graph out = InsertObservers(b.model.graph, {"if/then_branch/v", "a", "v"});
  const std::string text = PrintGraph(out);
  const auto bodies = SubgraphsOf(out.nodes.back());
  ASSERT_EQ(bodies.size(), 2U);
  EXPECT_EQ(bodies[0]->nodes.size(), 2U) << "not in the other branch: " << text;
  ASSERT_EQ(bodies[1]->nodes.size(), 3U);
  const Node& observer = bodies[1]->nodes[1];
  EXPECT_EQ(observer.GetInt("id", -1), 0);
  EXPECT_EQ(observer.name, "values of body if/then_branch\tv");
  EXPECT_EQ(observer.outputs[0], "v");
  EXPECT_EQ(bodies[1]->nodes[0].outputs[0], observer.inputs[0]);
  EXPECT_EQ(bodies[1]->nodes[0].inputs[0], "a") << "what is captured is observed where it is made";
  EXPECT_EQ(out.nodes[1].GetInt("id", -1), 1);
}

// MatMul of `from` with constant weights.
void AddProduct(GraphBuilder& b, const std::string& from, const std::string& to) {
  b.Random("w_" + to, {2, 2}).Add("MatMul", {from, "w_" + to}, {to});
}

TEST(FindBodyValuesTest, WhatProductsReadAndWriteThere) {
  GraphBuilder inner;  // reads `v` of the body around it
  AddProduct(inner, "v", "q");
  inner.Output("q");
  GraphBuilder body;
  body.Input("n", {}, DataType::kInt64).Input("go", {}, DataType::kBool).Input("s", {"2", "2"});
  body.Output("go", DataType::kBool).Output("u");
  AddProduct(body, "s", "v");
  AddProduct(body, "x", "r");  // of outside: only what it writes is the body's
  body.Add("MatMul", {"v", "r"}, {"p"});
  Node& node = body.Add("If", {"go"}, {"u"});
  node.Set("then_branch", Subgraph(Body(inner, "then")));
  node.Set("else_branch", Subgraph(Body(inner, "else")));
  GraphBuilder b;
  b.Input("x", {"2", "2"}).Output("y");
  AddProduct(b, "x", "main");
  b.Add("Loop", {"", "", "main"}, {"y"}).Set("body", Subgraph(Body(body, "body")));
  EXPECT_THAT(FindBodyValues(b.model.graph),
              ElementsAre("y/body/r", "y/body/s", "y/body/u/else_branch/q",
                          "y/body/u/then_branch/q", "y/body/v"))
      << "p has no constant weights, and v is that of the body for the branches too";
}

TEST(FindBodyValuesTest, ConstantsAndOtherOperatorsHaveNone) {
  GraphBuilder branch;
  branch.Output("t").Random("a", {2, 2}).Random("w", {2, 2}).Ints("i", {1}, {1});
  branch.Add("MatMul", {"a", "w"}, {"m"});  // a is a constant, m is not
  branch.Add("Mul", {"m", "w"}, {"o"});     // no product of matrices
  branch.Add("Gemm", {"o", "computed"}, {"g"});
  branch.Add("MatMul", {"g", "i"}, {"t"});  // integers
  GraphBuilder b;
  b.Input("c", {}, DataType::kBool).Output("y");
  b.Add("If", {"c"}, {"y"}).Set("then_branch", Subgraph(Body(branch, "then")));
  EXPECT_THAT(FindBodyValues(b.model.graph), ElementsAre("y/then_branch/m"));
  b.Add("Neg", {"x"}, {"y/then_branch/m"});
  EXPECT_THAT(FindBodyValues(b.model.graph), IsEmpty()) << "a name that says two things";
}

}  // namespace
}  // namespace qconvert
