#include "qconvert/plan/safe_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/plan/cost_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

std::set<std::string> Outputs(const Graph& graph, const FloatNodes& nodes) {
  std::set<std::string> out;
  for (const auto& [n, reason] : nodes) out.insert(graph.nodes[n].outputs[0]);
  return out;
}

TEST(SafePlanTest, TheFrontEndOfALogarithmEndsAtTheLastActivation) {
  GraphBuilder b;
  b.Input("x", {"1", "8"}).Output("y").Random("w", {8, 8});
  b.Add("MatMul", {"x", "w"}, {"body"});
  b.Add("Relu", {"body"}, {"r"});
  b.Add("MatMul", {"r", "w"}, {"spectrum"});
  b.Add("Mul", {"spectrum", "spectrum"}, {"power"});
  b.Add("Log", {"power"}, {"l"});
  b.Add("MatMul", {"l", "w"}, {"y"});
  EXPECT_THAT(Outputs(b.model.graph, FindSensitiveNodes(b.model.graph)),
              testing::ElementsAre("power", "spectrum"));
  EXPECT_THAT(FindSensitiveWeights(b.model.graph), testing::ElementsAre("w"));
}

TEST(SafePlanTest, APowerSpectrumNeedsNoLogarithm) {
  GraphBuilder b;
  b.Input("x", {"1", "8"})
      .Output("y")
      .Random("re", {8, 8})
      .Random("im", {8, 8})
      .Floats("2", {}, {2});
  b.Add("MatMul", {"x", "re"}, {"a"});
  b.Add("MatMul", {"x", "im"}, {"c"});
  b.Add("Pow", {"a", "2"}, {"a2"});
  b.Add("Pow", {"c", "2"}, {"c2"});
  b.Add("Add", {"a2", "c2"}, {"y"});
  const auto nodes = Outputs(b.model.graph, FindSensitiveNodes(b.model.graph));
  EXPECT_TRUE(nodes.contains("a"));
  EXPECT_TRUE(nodes.contains("c"));
}

TEST(SafePlanTest, OnlyGatedWaysBetweenStatesAreRecurrences) {
  const auto build = [](const char* first, const char* second) {
    GraphBuilder b;
    b.Input("x", {"1", "8"}).Input("h", {"1", "8"}).Output("y").Output("n");
    b.model.graph.outputs[1].type = FloatType({"1", "8"});
    b.Add("Add", {"x", "h"}, {"s"});
    b.Add(first, {"s"}, {"a"});
    b.Add(second, {"a"}, {"n"});
    b.Add("Relu", {"n"}, {"y"});
    return Outputs(b.model.graph, FindSensitiveNodes(b.model.graph));
  };
  EXPECT_THAT(build("Sigmoid", "Tanh"), testing::IsSupersetOf({"s", "n"}));
  EXPECT_THAT(build("Relu", "Neg"), testing::IsEmpty());
}

// A search per output would not end in the time that a test has.
TEST(SafePlanTest, ThousandsOfStatesAreFoundTogether) {
  constexpr size_t kLength = 20'000;
  GraphBuilder b;
  b.Input("x", {"1", "8"}).Input("h", {"1", "8"});
  b.Add("Add", {"x", "h"}, {"s"});
  b.Add("Sigmoid", {"s"}, {"a"});
  b.Add("Tanh", {"a"}, {"v"});
  std::string value = "v";
  for (size_t i = 0; i < kLength; ++i) {
    const std::string next = "v" + std::to_string(i);
    b.Add("Neg", {value}, {next});
    b.Output(next);
    b.model.graph.outputs.back().type = FloatType({"1", "8"});
    value = next;
  }
  EXPECT_EQ(FindSensitiveNodes(b.model.graph).size(), kLength + 3);
}

TEST(SafePlanTest, ConcatInputsMustShareAGrid) {
  GraphBuilder b;
  b.Input("x", {"1", "8"}).Input("z", {"1", "8"}).Output("y");
  b.Add("Concat", {"x", "z"}, {"y"}).Set("axis", int64_t{1});
  const auto clashes = [&](float small) {
    CalibrationTable table;
    table.values["x"].max = 320;
    table.values["z"].max = small;
    table.values["y"].max = 320;
    return FindRangeClashes(b.model.graph, table).size();
  };
  EXPECT_EQ(clashes(1), 1U);
  EXPECT_EQ(clashes(19), 1U);
  EXPECT_EQ(clashes(21), 0U);
  EXPECT_EQ(clashes(0), 0U) << "nothing to lose";
}

// Orders of magnitude that the plan leans on.
TEST(CostModelTest, IntegersPayOnWideProductsAndNotOnThinOnes) {
  GraphBuilder b;
  b.Input("x", {"1", "64", "56", "56"}).Output("y");
  b.Random("dense", {64, 64, 3, 3}).Random("large", {64, 1, 5, 5});
  b.Add("Conv", {"x", "dense"}, {"a"}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  Node& node = b.Add("Conv", {"a", "large"}, {"y"});
  node.Set("pads", std::vector<int64_t>{2, 2, 2, 2});
  node.Set("group", int64_t{64});
  const CostModel costs(b.model.graph, {{"a", 64 * 56 * 56}, {"y", 64 * 56 * 56}});
  const Node& dense = b.model.graph.nodes[0];
  const Node& depthwise = b.model.graph.nodes[1];
  EXPECT_LT(costs.IntegerCost(dense), 0.75 * costs.FloatCost(dense));
  EXPECT_GT(costs.IntegerCost(depthwise), 1.5 * costs.FloatCost(depthwise));
  EXPECT_LT(costs.QuantizeCost("x", nullptr) + costs.DequantizeCost("a"),
            costs.FloatCost(dense) - costs.IntegerCost(dense))
      << "one wide convolution pays for its conversions";
}

}  // namespace
}  // namespace qconvert
