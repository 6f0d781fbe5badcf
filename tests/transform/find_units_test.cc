// Which steps are kept together.
#include "qconvert/transform/find_units.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "qconvert/ir/topology.h"
#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

size_t CountOf(const std::map<size_t, std::string>& units, const std::string& operation) {
  return static_cast<size_t>(std::count_if(
      units.begin(), units.end(), [&](const auto& unit) { return unit.second == operation; }));
}

// x -> normalization over the last axis, scaled by w and shifted by b -> y
GraphBuilder Norm(bool is_centered) {
  GraphBuilder b;
  b.Input("x", {"2", "8"}).Output("y").Random("w", {8}).Random("b", {8});
  b.Floats("two", {}, {2}).Floats("epsilon", {}, {1e-5F});
  const std::vector<int64_t> axes = {-1};
  if (is_centered) {
    b.Add("ReduceMean", {"x"}, {"mean"}).Set("axes", axes);
    b.Add("Sub", {"x", "mean"}, {"d"});
  } else {
    b.Add("Neg", {"x"}, {"d"});
  }
  b.Add("Pow", {"d", "two"}, {"square"});
  b.Add("ReduceMean", {"square"}, {"variance"}).Set("axes", axes);
  b.Add("Add", {"variance", "epsilon"}, {"sum"});
  b.Add("Sqrt", {"sum"}, {"root"});
  b.Add("Div", {"d", "root"}, {"n"});
  b.Add("Mul", {"n", "w"}, {"nw"});
  b.Add("Add", {"nw", "b"}, {"y"});
  InferTypes(b.model, "m");
  return b;
}

TEST(FindUnitsTest, Normalizations) {
  EXPECT_EQ(CountOf(FindUnits(Norm(true).model.graph), "LayerNormalization"), 9U);
  const auto units = FindUnits(Norm(false).model.graph);
  EXPECT_EQ(CountOf(units, "RMSNormalization"), 7U);
  EXPECT_FALSE(units.contains(0)) << "the Neg in front";
  GraphBuilder other = Norm(true);
  other.Floats("two", {}, {4});
  EXPECT_EQ(CountOf(FindUnits(other.model.graph), "LayerNormalization"), 0U);
  GraphBuilder along = Norm(true);
  along.model.graph.nodes[3].Set("axes", std::vector<int64_t>{0});
  EXPECT_EQ(CountOf(FindUnits(along.model.graph), "LayerNormalization"), 0U)
      << "mean and variance along different axes";
}

TEST(FindUnitsTest, ADifferenceThatIsWrittenTwice) {
  for (const bool has_mean : {true, false}) {
    GraphBuilder b = Norm(true);
    const std::string mean = has_mean ? "mean2" : "mean";
    if (has_mean) b.Add("ReduceMean", {"x"}, {mean}).Set("axes", std::vector<int64_t>{1});
    b.Add("Sub", {"x", mean}, {"d2"});
    b.model.graph.nodes[2].inputs[0] = "d2";
    SortNodes(b.model.graph);
    InferTypes(b.model, "m");
    EXPECT_EQ(CountOf(FindUnits(b.model.graph), "LayerNormalization"), has_mean ? 11U : 10U);
  }
  GraphBuilder other = Norm(true);
  other.Add("Sub", {"x", "w"}, {"d2"});
  other.model.graph.nodes[2].inputs[0] = "d2";
  SortNodes(other.model.graph);
  InferTypes(other.model, "m");
  EXPECT_EQ(CountOf(FindUnits(other.model.graph), "LayerNormalization"), 0U)
      << "the square of another difference";
}

TEST(FindUnitsTest, ReciprocalsAndRootsOfAllKinds) {
  GraphBuilder b = Norm(true);
  b.Floats("one", {}, {1}).Floats("half", {}, {0.5F});
  std::vector<Node>& nodes = b.model.graph.nodes;
  nodes[5] = MakeNode("Pow", {"sum", "half"}, {"root"});
  EXPECT_EQ(CountOf(FindUnits(b.model.graph), "LayerNormalization"), 9U);
  nodes[6] = MakeNode("Mul", {"d", "r"}, {"n"});
  b.Add("Div", {"one", "root"}, {"r"});
  SortNodes(b.model.graph);
  EXPECT_EQ(CountOf(FindUnits(b.model.graph), "LayerNormalization"), 10U);
}

TEST(FindUnitsTest, WhatComesBehindIsNoPartOfThem) {
  GraphBuilder b = Norm(true);
  b.Input("z", {"2", "8"});
  b.model.graph.nodes.back().inputs[1] = "z";
  EXPECT_EQ(FindUnits(b.model.graph).size(), 8U) << "adds another value";
  GraphBuilder read = Norm(true);
  read.Output("n");
  EXPECT_EQ(CountOf(FindUnits(read.model.graph), "LayerNormalization"), 7U)
      << "others read the normalized value";
}

// x [2, 4] -> - a -> * c -> + b -> y, with constants of four elements
GraphBuilder ScaleAndShift() {
  GraphBuilder b;
  b.Input("x", {"2", "4"}).Output("y").Random("a", {4}).Random("c", {4}).Random("b", {1, 4});
  b.Add("Sub", {"x", "a"}, {"d"});
  b.Add("Mul", {"c", "d"}, {"m"});
  b.Add("Add", {"m", "b"}, {"y"});
  return b;
}

TEST(FindUnitsTest, AProductWithAVectorAndWhatShiftsBesideIt) {
  GraphBuilder b = ScaleAndShift();
  const auto count = [&] { return CountOf(FindUnits(b.model.graph), "BatchNormalization"); };
  EXPECT_EQ(count(), 3U);
  b.model.graph.nodes[0] = MakeNode("Relu", {"x"}, {"d"});
  EXPECT_EQ(count(), 2U) << "the product and the sum";
  b.model.graph.nodes[1] = MakeNode("Div", {"d", "c"}, {"m"});
  EXPECT_EQ(count(), 2U);
  b.model.graph.nodes[1] = MakeNode("Div", {"c", "d"}, {"m"});
  EXPECT_EQ(count(), 0U) << "a constant divided is no product";
}

TEST(FindUnitsTest, OtherProductsAndSumsAreNone) {
  GraphBuilder number = ScaleAndShift();
  number.Floats("c", {}, {2});
  EXPECT_TRUE(FindUnits(number.model.graph).empty()) << "a product with one number";
  GraphBuilder value = ScaleAndShift();
  value.Input("c", {"4"}).model.graph.initializers.erase("c");
  EXPECT_TRUE(FindUnits(value.model.graph).empty()) << "a product of two values";
  GraphBuilder read = ScaleAndShift();
  read.Output("m").Output("d");
  EXPECT_TRUE(FindUnits(read.model.graph).empty()) << "others read what is between";
}

TEST(FindUnitsTest, Activations) {
  GraphBuilder b;
  b.Input("x", {"2", "8"}).Output("y").Output("z");
  b.Floats("root", {}, {1.4142135F}).Floats("one", {}, {1}).Floats("half", {}, {0.5F});
  b.Add("Softplus", {"x"}, {"s"});
  b.Add("Tanh", {"s"}, {"t"});
  b.Add("Mul", {"x", "t"}, {"y"});
  b.Add("Div", {"x", "root"}, {"u"});
  b.Add("Erf", {"u"}, {"e"});
  b.Add("Add", {"e", "one"}, {"g"});
  b.Add("Mul", {"x", "g"}, {"m"});
  b.Add("Mul", {"m", "half"}, {"z"});
  InferTypes(b.model, "m");
  const auto units = FindUnits(b.model.graph);
  EXPECT_EQ(CountOf(units, "Mish"), 3U);
  EXPECT_EQ(CountOf(units, "GELU"), 5U);
}

}  // namespace
}  // namespace qconvert
