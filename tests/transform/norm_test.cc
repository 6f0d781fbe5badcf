// Normalizations by mean and variance, and Mish: before and after, and the same numbers in the
// engine.
#include <gtest/gtest.h>

#include <algorithm>

#include "qconvert/ir/topology.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/transform/expand_layer_norm.h"
#include "qconvert/transform/expand_mish.h"
#include "qconvert/transform/fuse_instance_norm.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

struct Spelling {
  bool has_power = true;  // else a product
  bool has_reciprocal = false;
  bool has_weight = true;
  bool has_bias = true;
};

void AddMean(GraphBuilder& b, const std::string& from, const std::string& to,
             std::vector<int64_t> axes) {
  b.Add("ReduceMean", {from}, {to}).Set("axes", std::move(axes));
}

// "x" -> the normalization spelled out -> "y"
void AddNorm(GraphBuilder& b, const std::vector<int64_t>& axes, const Spelling& spelling) {
  b.Floats("two", {}, {2}).Floats("epsilon", {1}, {1e-3F});
  AddMean(b, "x", "mean", axes);
  b.Add("Sub", {"x", "mean"}, {"d"});
  if (spelling.has_power)
    b.Add("Pow", {"d", "two"}, {"square"});
  else
    b.Add("Mul", {"d", "d"}, {"square"});
  AddMean(b, "square", "variance", axes);
  const bool swap = spelling.has_reciprocal;
  b.Add("Add", {swap ? "epsilon" : "variance", swap ? "variance" : "epsilon"}, {"sum"});
  b.Add("Sqrt", {"sum"}, {"root"});
  if (spelling.has_reciprocal) {
    b.Add("Reciprocal", {"root"}, {"r"});
    b.Add("Mul", {"r", "d"}, {"n"});
  } else {
    b.Add("Div", {"d", "root"}, {"n"});
  }
  if (spelling.has_weight) b.Add("Mul", {swap ? "w" : "n", swap ? "n" : "w"}, {"nw"});
  if (spelling.has_bias) b.Add("Add", {spelling.has_weight ? "nw" : "n", "b"}, {"nb"});
  b.model.graph.nodes.back().outputs[0] = "y";
}

GraphBuilder SpelledInstanceNorm(const Spelling& spelling,
                                 const std::vector<int64_t>& axes = {2, 3}) {
  GraphBuilder b;
  b.Input("x", {"N", "6", "5", "4"}).Output("y");
  b.Random("w", {6, 1, 1}).Random("b", {1, 6, 1, 1});
  AddNorm(b, axes, spelling);
  InferTypes(b.model, "m");
  return b;
}

float Difference(const Model& before, const Model& after, std::vector<int64_t> dims,
                 bool optimize = false) {
  const std::vector<Tensor> inputs = {RandomTensor("x", std::move(dims), 7)};
  return MaxDifference(RunModel(before, inputs)[0], RunModel(after, inputs, optimize)[0]);
}

size_t Fused(GraphBuilder b) { return FuseInstanceNorm(b.model.graph); }

TEST(FuseInstanceNormTest, EverySpellingBecomesTheOperator) {
  for (const Spelling& spelling :
       {Spelling{}, Spelling{false}, Spelling{false, true}, Spelling{true, false, false, false},
        Spelling{true, false, true, false}, Spelling{true, false, false, true}}) {
    GraphBuilder b = SpelledInstanceNorm(
        spelling, spelling.has_power ? std::vector<int64_t>{2, 3} : std::vector<int64_t>{-1, -2});
    const Model before = b.model;
    EXPECT_EQ(FuseInstanceNorm(b.model.graph), 1U);
    ASSERT_EQ(b.model.graph.nodes.size(), 1U);
    EXPECT_FLOAT_EQ(b.model.graph.nodes[0].GetFloat("epsilon", 0), 1e-3F);
    EXPECT_LT(Difference(before, b.model, {2, 6, 5, 4}), 5e-6F);
  }
}

TEST(FuseInstanceNormTest, LeavesOthersAlone) {
  for (const auto& axes : {std::vector<int64_t>{3}, {1, 2, 3}, {1}, {0, 2, 3}})
    EXPECT_EQ(Fused(SpelledInstanceNorm({}, axes)), 0U) << axes.size();
  GraphBuilder root = SpelledInstanceNorm({});
  root.Output("root");
  EXPECT_EQ(FuseInstanceNorm(root.model.graph), 0U) << "others read the deviation";
  GraphBuilder power = SpelledInstanceNorm({});
  power.Floats("two", {}, {3});
  EXPECT_EQ(FuseInstanceNorm(power.model.graph), 0U);
  GraphBuilder tokens;
  tokens.Input("x", {"1", "6", "20"}).Output("y").Random("w", {20}).Random("b", {20});
  AddNorm(tokens, {2}, {});
  InferTypes(tokens.model, "m");
  EXPECT_EQ(FuseInstanceNorm(tokens.model.graph), 0U) << "a LayerNormalization";
}

TEST(FuseInstanceNormTest, OfThreeAxesWhereChannelsHaveTheirOwn) {
  GraphBuilder b;
  b.Input("x", {"2", "6", "20"}).Output("y").Random("w", {6, 1}).Random("b", {1, 6, 1});
  AddNorm(b, {2}, {});
  InferTypes(b.model, "m");
  const Model before = b.model;
  EXPECT_EQ(FuseInstanceNorm(b.model.graph), 1U);
  EXPECT_EQ(b.model.graph.nodes.size(), 1U);
  EXPECT_LT(Difference(before, b.model, {2, 6, 20}), 5e-6F);
}

TEST(FuseInstanceNormTest, AnotherWeightStaysBehind) {
  GraphBuilder b = SpelledInstanceNorm({});
  b.Random("w", {5, 4});
  const Model before = b.model;
  EXPECT_EQ(FuseInstanceNorm(b.model.graph), 1U);
  EXPECT_EQ(b.model.graph.nodes.size(), 3U);
  EXPECT_LT(Difference(before, b.model, {2, 6, 5, 4}), 5e-6F);
}

GraphBuilder WithLayerNorm(int64_t opset, bool has_bias = true, int64_t axis = -1,
                           const std::string& rows = "64") {
  GraphBuilder b(opset);
  b.Input("x", {"1", rows, "32"}).Output("y").Random("w", {32}).Random("b", {32});
  Node& node = b.Add("LayerNormalization", {"x", "w"}, {"y"});
  if (has_bias) node.inputs.emplace_back("b");
  node.name = "norm";
  node.Set("axis", axis);
  node.Set("epsilon", 1e-3F);
  InferTypes(b.model, "m");
  return b;
}

size_t Expanded(GraphBuilder b) { return ExpandLayerNorm(b.model.graph, 17); }

TEST(ExpandLayerNormTest, TheOperatorBecomesSteps) {
  for (const int64_t opset : {17, 18}) {
    for (const bool has_bias : {true, false}) {
      GraphBuilder b = WithLayerNorm(opset, has_bias, has_bias ? -1 : 2);
      const Model before = b.model;
      EXPECT_EQ(ExpandLayerNorm(b.model.graph, opset), 1U);
      EXPECT_EQ(b.model.graph.nodes.size(), has_bias ? 10U : 9U);
      EXPECT_LT(Difference(before, b.model, {1, 64, 32}, true), 5e-6F);
      EXPECT_EQ(OptimizedOperators(b.model).count("LayerNormalization"), 0U);
      for (const Node& node : b.model.graph.nodes) EXPECT_EQ(node.origin_name(), "norm");
    }
  }
}

TEST(ExpandLayerNormTest, StepsAreSpelledOtherwise) {
  GraphBuilder b;
  b.Input("x", {"1", "64", "32"}).Output("y").Random("w", {32}).Random("b", {32});
  AddNorm(b, {2}, {});
  InferTypes(b.model, "m");
  EXPECT_EQ(OptimizedOperators(b.model).at("LayerNormalization"), 1) << "what the engine does";
  const Model before = b.model;
  EXPECT_EQ(ExpandLayerNorm(b.model.graph, 13), 1U);
  EXPECT_EQ(OptimizedOperators(b.model).count("LayerNormalization"), 0U);
  EXPECT_LT(Difference(before, b.model, {1, 64, 32}, true), 5e-6F);
  EXPECT_EQ(ExpandLayerNorm(b.model.graph, 13), 0U) << "once";
}

TEST(ExpandLayerNormTest, LeavesOthersAlone) {
  EXPECT_EQ(Expanded(WithLayerNorm(17, false, 1)), 0U) << "two axes";
  GraphBuilder mean = WithLayerNorm(17);
  mean.Output("mean");
  mean.model.graph.nodes[0].outputs.emplace_back("mean");
  EXPECT_EQ(ExpandLayerNorm(mean.model.graph, 17), 0U) << "the mean is an output";
}

// Ten nodes begin for more than they save.
TEST(ExpandLayerNormTest, LeavesFewElementsAlone) {
  EXPECT_EQ(Expanded(WithLayerNorm(17, true, -1, "63")), 0U);
  EXPECT_EQ(Expanded(WithLayerNorm(17, true, -1, "64")), 1U);
  GraphBuilder spelled;
  spelled.Input("x", {"1", "63", "32"}).Output("y").Random("w", {32}).Random("b", {32});
  AddNorm(spelled, {2}, {});
  InferTypes(spelled.model, "m");
  EXPECT_EQ(ExpandLayerNorm(spelled.model.graph, 13), 0U);
}

TEST(ExpandLayerNormTest, LeavesWhatATransposeFeedsAlone) {
  for (const bool is_dequantized : {false, true}) {
    GraphBuilder b = WithLayerNorm(17);
    b.Floats("step", {}, {0.1F});
    b.Add("Transpose", {is_dequantized ? "q" : "x"}, {"t"})
        .Set("perm", std::vector<int64_t>{0, 1, 2});
    if (is_dequantized) {
      b.Add("QuantizeLinear", {"x", "step"}, {"q"});
      b.Add("DequantizeLinear", {"t", "step"}, {"d"});
    }
    b.model.graph.nodes[0].inputs[0] = is_dequantized ? "d" : "t";
    SortNodes(b.model.graph);
    EXPECT_EQ(ExpandLayerNorm(b.model.graph, 17), 0U);
  }
}

// z + x -> LayerNormalization -> y
GraphBuilder Skip(const std::vector<std::string>& dims) {
  GraphBuilder b(17);
  b.Input("x", dims).Input("z", {"1", "70", "32"}).Output("y").Random("w", {32}).Random("b", {32});
  b.Add("Add", {"z", "x"}, {"s"});
  b.Add("LayerNormalization", {"s", "w", "b"}, {"y"});
  InferTypes(b.model, "m");
  return b;
}

TEST(ExpandLayerNormTest, LeavesWhatTheEngineComputesWithTheSumAlone) {
  GraphBuilder b = Skip({"1", "70", "32"});
  EXPECT_EQ(OptimizedOperators(b.model).at("SkipLayerNormalization"), 1);
  EXPECT_EQ(ExpandLayerNorm(b.model.graph, 17), 0U);
  b.Output("s");
  EXPECT_EQ(ExpandLayerNorm(b.model.graph, 17), 1U) << "the sum is read elsewhere";
  EXPECT_EQ(Expanded(Skip({"1", "1", "32"})), 1U) << "the sum broadcasts";
}

// Embeddings of positions are a constant where the length is fixed.
TEST(ExpandLayerNormTest, ASumWithAConstantOfItsShapeIsComputedWithItToo) {
  for (const std::vector<int64_t>& dims :
       std::vector<std::vector<int64_t>>{{1, 70, 32}, {70, 32}, {1, 1, 32}, {32}}) {
    GraphBuilder b(17);
    b.Input("x", {"1", "70", "32"}).Output("y").Random("w", {32}).Random("b", {32});
    b.Random("places", dims).Add("Relu", {"x"}, {"r"});
    b.Add("Add", {"r", "places"}, {"s"});
    b.Add("LayerNormalization", {"s", "w", "b"}, {"y"});
    InferTypes(b.model, "m");
    const size_t joined = OptimizedOperators(b.model).count("SkipLayerNormalization");
    EXPECT_EQ(joined, dims.size() == 3 && dims[1] == 70 ? 1U : 0U);
    EXPECT_EQ(ExpandLayerNorm(b.model.graph, 17), 1 - joined) << dims.size();
  }
}

// Rewriting the first one must not hide the types that the second one is judged by.
TEST(ExpandLayerNormTest, TheSumWithANormalizationThatWasExpandedStaysWithItsOwn) {
  GraphBuilder b(17);
  b.Input("x", {"1", "70", "32"}).Output("y").Random("w", {32}).Random("b", {32});
  b.Add("LayerNormalization", {"x", "w", "b"}, {"a_long_name_that_lives_on_the_heap"});
  b.Add("Tanh", {"a_long_name_that_lives_on_the_heap"}, {"t"});
  b.Add("Add", {"a_long_name_that_lives_on_the_heap", "t"}, {"s"});
  b.Add("LayerNormalization", {"s", "w", "b"}, {"y"});
  InferTypes(b.model, "m");
  EXPECT_EQ(ExpandLayerNorm(b.model.graph, 17), 1U);
  EXPECT_EQ(OptimizedOperators(b.model).at("SkipLayerNormalization"), 1);
}

// One token may come, for which ten nodes take longer than the operator.
TEST(ExpandLayerNormTest, LeavesAFreeLengthAlone) {
  for (const char* rows : {"S", "?"}) {
    EXPECT_EQ(Expanded(WithLayerNorm(17, true, -1, rows)), 0U);
    GraphBuilder spelled;
    spelled.Input("x", {"1", rows, "32"}).Output("y").Random("w", {32}).Random("b", {32});
    AddNorm(spelled, {2}, {});
    InferTypes(spelled.model, "m");
    EXPECT_EQ(ExpandLayerNorm(spelled.model.graph, 13), 0U);
  }
  GraphBuilder b = WithLayerNorm(17);
  b.model.graph.value_info.clear();
  b.model.graph.inputs[0].type.shape.reset();
  b.model.graph.outputs[0].type.shape.reset();
  EXPECT_EQ(ExpandLayerNorm(b.model.graph, 17), 0U) << "nothing is known";
}

// x -> Mish -> y
GraphBuilder SpelledMish(int spelling) {
  GraphBuilder b(spelling == 0 ? 18 : 13);
  b.Input("x", {"3", "64"}).Output("y").Floats("one", {}, {1});
  if (spelling == 0) {
    b.Add("Mish", {"x"}, {"y"});
  } else if (spelling == 1) {
    b.Add("Softplus", {"x"}, {"s"});
  } else {
    b.Add("Exp", {"x"}, {"e"});
    b.Add("Add", {"one", "e"}, {"a"});
    b.Add("Log", {"a"}, {"s"});
  }
  if (spelling > 0) {
    b.Add("Tanh", {"s"}, {"t"});
    b.Add("Mul", {spelling == 1 ? "x" : "t", spelling == 1 ? "t" : "x"}, {"y"});
  }
  InferTypes(b.model, "m");
  return b;
}

TEST(ExpandMishTest, EverySpelling) {
  for (const int spelling : {0, 1, 2}) {
    GraphBuilder b = SpelledMish(spelling);
    const Model before = b.model;
    EXPECT_EQ(ExpandMish(b.model.graph), 1U) << spelling;
    EXPECT_EQ(b.model.graph.nodes.size(), 7U);
    for (const float spread : {1.0F, 8.0F, 40.0F}) {
      const std::vector<Tensor> inputs = {RandomTensor("x", {3, 64}, 7, spread)};
      EXPECT_LT(MaxDifference(RunModel(before, inputs)[0], RunModel(b.model, inputs)[0]),
                1e-6F * spread)
          << spread;
    }
  }
}

TEST(ExpandMishTest, FarValues) {
  GraphBuilder b = SpelledMish(1);
  ExpandMish(b.model.graph);
  const std::vector<float> far = {3e38F, 1000, -1000, -3e38F};
  std::vector<float> all(192, 0);
  std::copy(far.begin(), far.end(), all.begin());
  const Tensor y = RunModel(b.model, {MakeFloatTensor("x", {3, 64}, all)})[0];
  EXPECT_EQ(y.values<float>()[0], 3e38F);
  EXPECT_EQ(y.values<float>()[1], 1000);
  EXPECT_EQ(y.values<float>()[2], 0);
  EXPECT_EQ(y.values<float>()[3], 0);
}

TEST(ExpandMishTest, LeavesOthersAlone) {
  GraphBuilder one = SpelledMish(2);
  one.Floats("one", {}, {2});
  EXPECT_EQ(ExpandMish(one.model.graph), 0U);
  GraphBuilder read = SpelledMish(1);
  read.Output("t");
  EXPECT_EQ(ExpandMish(read.model.graph), 0U);
  GraphBuilder other = SpelledMish(1);
  other.Input("z", {"3", "64"});
  other.model.graph.nodes.back().inputs[0] = "z";
  EXPECT_EQ(ExpandMish(other.model.graph), 0U);
}

}  // namespace
}  // namespace qconvert
