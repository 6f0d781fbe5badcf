#include "qconvert/targets/residual.h"

#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

// The residual slot of the only Add of two computed values.
std::optional<size_t> SlotOf(const GraphBuilder& b) {
  const Graph& graph = b.model.graph;
  const Topology topology(graph);
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    if (graph.nodes[n].Is("Add"))
      return FindResidualSlot(graph, topology, FindDepths(graph, topology), n);
  }
  return std::nullopt;
}

GraphBuilder Start() {
  GraphBuilder b;
  b.Input("x", {"1", "4", "6", "6"}).Output("y").Random("w", {4, 4, 1, 1});
  return b;
}

TEST(ResidualTest, IsTheOperandThatNoConvolutionWrites) {
  for (const bool first : {true, false}) {
    GraphBuilder b = Start();
    b.Add("Relu", {"x"}, {"r"});
    b.Add("Conv", {"r", "w"}, {"c"});
    b.Add("Add", first ? std::vector<std::string>{"r", "c"} : std::vector<std::string>{"c", "r"},
          {"y"});
    EXPECT_EQ(SlotOf(b), first ? 0U : 1U);
  }
}

TEST(ResidualTest, OfTwoConvolutionsTheShorterWayIsTheResidual) {
  for (const bool first : {true, false}) {
    GraphBuilder b = Start();
    b.Add("Conv", {"x", "w"}, {"a"});
    b.Add("Relu", {"a"}, {"r"});
    b.Add("Conv", {"r", "w"}, {"long"});
    b.Add("Conv", {"x", "w"}, {"short"});  // exporters write it last
    b.Add("Add",
          first ? std::vector<std::string>{"short", "long"}
                : std::vector<std::string>{"long", "short"},
          {"y"});
    EXPECT_EQ(SlotOf(b), first ? 0U : 1U);
  }
}

TEST(ResidualTest, AConvolutionThatOthersReadTakesNoAddIn) {
  GraphBuilder b = Start();
  b.Output("s");
  b.Add("Conv", {"x", "w"}, {"c"});
  b.Add("Sigmoid", {"c"}, {"s"});
  b.Add("Add", {"c", "x"}, {"y"});
  EXPECT_EQ(SlotOf(b), std::nullopt);
}

TEST(ResidualTest, NoneOfConstantsEqualOperandsAndOtherNodes) {
  GraphBuilder constant = Start();
  constant.Random("k", {1, 4, 1, 1});
  constant.Add("Conv", {"x", "w"}, {"c"});
  constant.Add("Add", {"c", "k"}, {"y"});
  EXPECT_EQ(SlotOf(constant), std::nullopt);
  GraphBuilder twice = Start();
  twice.Add("Conv", {"x", "w"}, {"c"});
  twice.Add("Add", {"c", "c"}, {"y"});
  EXPECT_EQ(SlotOf(twice), std::nullopt);
  GraphBuilder floats = Start();
  floats.Add("Relu", {"x"}, {"r"});
  floats.Add("Add", {"x", "r"}, {"y"});
  EXPECT_EQ(SlotOf(floats), std::nullopt);
}

TEST(ResidualTest, AProductWithItsBiasIsOne) {
  GraphBuilder b;
  b.Input("x", {"2", "16"}).Output("y").Random("w", {16, 16}).Random("bias", {16});
  b.Add("MatMul", {"x", "w"}, {"m"});
  b.Add("Add", {"m", "bias"}, {"n"});
  b.Add("Add", {"x", "n"}, {"y"});
  EXPECT_EQ(SlotOf(b), 0U);
}

}  // namespace
}  // namespace qconvert
