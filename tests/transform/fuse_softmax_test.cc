// Softmax spelled out and along inner axes: before and after, and the same numbers in the engine.
#include "qconvert/transform/fuse_softmax.h"

#include <gtest/gtest.h>

#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

struct Spelling {
  int64_t axis = -1;
  bool has_maximum = true;
  bool has_reciprocal = false;
  int64_t maximum_axis = -1;
  bool divides_one = false;  // for the reciprocal
  bool adds_negative = false;
};

// x [2, 3, 5] -> the Softmax spelled out -> y
GraphBuilder Spelled(const Spelling& spelling) {
  GraphBuilder b;
  b.Input("x", {"2", "3", "5"}).Output("y").Ints("axis", {1}, {spelling.axis});
  if (spelling.has_maximum) {
    b.Add("ReduceMax", {"x"}, {"m"}).Set("axes", std::vector<int64_t>{spelling.maximum_axis});
    if (spelling.adds_negative) {
      b.Add("Neg", {"m"}, {"-m"});
      b.Add("Add", {"-m", "x"}, {"d"});
    } else {
      b.Add("Sub", {"x", "m"}, {"d"});
    }
  }
  b.Add("Exp", {spelling.has_maximum ? "d" : "x"}, {"e"});
  b.Add("ReduceSum", {"e", "axis"}, {"s"});
  if (spelling.has_reciprocal) {
    if (spelling.divides_one)
      b.Floats("one", {}, {1}).Add("Div", {"one", "s"}, {"r"});
    else
      b.Add("Reciprocal", {"s"}, {"r"});
    b.Add("Mul", {"r", "e"}, {"y"});
  } else {
    b.Add("Div", {"e", "s"}, {"y"});
  }
  InferTypes(b.model, "m");
  return b;
}

float Difference(const Model& before, const Model& after, std::vector<int64_t> dims) {
  const std::vector<Tensor> inputs = {RandomTensor("x", std::move(dims), 7)};
  return MaxDifference(RunModel(before, inputs)[0], RunModel(after, inputs)[0]);
}

TEST(FuseSoftmaxTest, EverySpellingBecomesTheOperator) {
  for (const Spelling& spelling :
       {Spelling{}, Spelling{-1, true, true}, Spelling{2}, Spelling{1, true, false, -2},
        Spelling{-1, false}, Spelling{0, false, true}, Spelling{-1, true, true, -1, true},
        Spelling{.adds_negative = true}}) {
    GraphBuilder b = Spelled(spelling);
    const Model before = b.model;
    EXPECT_EQ(FuseSoftmax(b.model.graph), 1U) << spelling.axis;
    ASSERT_EQ(b.model.graph.nodes.size(), 1U);
    EXPECT_TRUE(b.model.graph.nodes[0].Is("Softmax"));
    EXPECT_LT(Difference(before, b.model, {2, 3, 5}), 1e-6F);
  }
}

TEST(FuseSoftmaxTest, LeavesOtherQuotientsAlone) {
  GraphBuilder read = Spelled({});
  read.Output("e");
  EXPECT_EQ(FuseSoftmax(read.model.graph), 0U) << "the exponentials are an output";
  GraphBuilder other = Spelled({});
  other.model.graph.nodes.back().inputs = {"s", "e"};
  EXPECT_EQ(FuseSoftmax(other.model.graph), 0U) << "the sum is divided";
  GraphBuilder dropped = Spelled({});
  dropped.model.graph.nodes[3].Set("keepdims", int64_t{0});
  EXPECT_EQ(FuseSoftmax(dropped.model.graph), 0U) << "the sum broadcasts along another axis";
  GraphBuilder two = Spelled({});
  two.Ints("axis", {2}, {1, 2});
  EXPECT_EQ(FuseSoftmax(two.model.graph), 0U) << "sums over two axes";
}

TEST(FuseSoftmaxTest, AnotherMaximumStays) {
  GraphBuilder b = Spelled({.axis = -1, .maximum_axis = 1});
  const Model before = b.model;
  EXPECT_EQ(FuseSoftmax(b.model.graph), 1U) << "any shift in front gives the same";
  EXPECT_EQ(b.model.graph.nodes.size(), 3U) << "but the shift is not that of the Softmax";
  EXPECT_LT(Difference(before, b.model, {2, 3, 5}), 1e-6F);
}

GraphBuilder WithSoftmax(const std::vector<std::string>& dims, int64_t axis,
                         const std::string& type = "Softmax") {
  GraphBuilder b;
  b.Input("x", dims).Output("y");
  b.Add(type, {"x"}, {"y"}).Set("axis", axis);
  b.model.graph.nodes[0].name = "scores";
  InferTypes(b.model, "m");
  return b;
}

size_t Flattened(GraphBuilder b) { return FlattenSoftmax(b.model.graph); }

TEST(FlattenSoftmaxTest, AxesBehindBecomeOne) {
  for (const std::string type : {"Softmax", "LogSoftmax"}) {
    for (const int64_t axis : {0, 1, -3}) {
      GraphBuilder b = WithSoftmax({"2", "4", "3", "5"}, axis, type);
      const Model before = b.model;
      EXPECT_EQ(FlattenSoftmax(b.model.graph), 1U);
      EXPECT_EQ(b.model.graph.nodes.size(), 3U);
      for (const Node& node : b.model.graph.nodes) EXPECT_EQ(node.origin_name(), "scores");
      EXPECT_EQ(Difference(before, b.model, {2, 4, 3, 5}), 0.0F);
      EXPECT_EQ(FlattenSoftmax(b.model.graph), 0U) << "once";
      const Graph& graph = b.model.graph;
      const ValueType declared = graph.value_info.at(graph.nodes[1].outputs[0]).type;
      InferTypes(b.model, "m");
      EXPECT_EQ(declared, graph.value_info.at(graph.nodes[1].outputs[0]).type);
    }
  }
}

TEST(FlattenSoftmaxTest, FreeDimensions) {
  GraphBuilder b = WithSoftmax({"N", "4", "H", "5"}, 1);
  const Model before = b.model;
  EXPECT_EQ(FlattenSoftmax(b.model.graph), 1U);
  for (const int64_t n : {1, 3}) EXPECT_EQ(Difference(before, b.model, {n, 4, 2 * n, 5}), 0.0F);
  GraphBuilder batch = WithSoftmax({"N", "4", "3", "5"}, 1);
  const Model free_batch = batch.model;
  EXPECT_EQ(FlattenSoftmax(batch.model.graph), 1U);
  for (const int64_t n : {0, 3})
    EXPECT_EQ(Difference(free_batch, batch.model, {n, 4, 3, 5}), 0.0F) << n;
  EXPECT_EQ(Flattened(WithSoftmax({"N", "4", "H", "W"}, 1)), 0U)
      << "no Reshape could give both back";
}

// x -> Unsqueeze -> Reshape -> Softmax would find work when it is converted again.
TEST(FlattenSoftmaxTest, AReshapeInFrontIsOneWithIt) {
  GraphBuilder b;
  b.Input("x", {"N", "M", "8"}).Output("y").Ints("last", {1}, {3});
  b.Add("Sigmoid", {"x"}, {"s"});
  b.Add("Unsqueeze", {"s", "last"}, {"u"});
  b.Add("Softmax", {"u"}, {"y"}).Set("axis", int64_t{1});
  const Model before = b.model;
  PrepareModel(b.model, "m");
  EXPECT_EQ(b.model.graph.nodes.size(), 3U) << "Sigmoid, Softmax, Reshape";
  EXPECT_EQ(Difference(before, b.model, {2, 5, 8}), 0.0F);
}

TEST(FlattenSoftmaxTest, LeavesFastOnesAlone) {
  EXPECT_EQ(Flattened(WithSoftmax({"2", "4", "3", "5"}, -1)), 0U);
  EXPECT_EQ(Flattened(WithSoftmax({"2", "4", "3", "5"}, 2)), 0U);
  EXPECT_EQ(Flattened(WithSoftmax({"2", "9", "1", "1"}, 1)), 0U) << "one column: nothing to swap";
}

}  // namespace
}  // namespace qconvert
