// What channels never go below goes into the biases behind: exact numbers, the same outputs, and
// what is left alone.
#include "qconvert/transform/absorb_biases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "qconvert/base/error.h"
#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

constexpr float kTolerance = 1e-5F;  // of the largest output

std::vector<float> Values(const GraphBuilder& b, const std::string& name) {
  return ToFloats(b.model.graph.initializers.at(name));
}

AbsorbedBiases Lowered(const std::string& value, std::vector<float> c) {
  return {{value, std::move(c)}};
}

// A bias far above what the weights make of inputs in -1 .. 1: 4 channels that never go below 1.
GraphBuilder TwoConvs(const std::string& between = "Relu") {
  GraphBuilder b;
  b.Input("x", {"1", "3", "6", "6"}).Output("y");
  b.Random("w1", {4, 3, 3, 3}, 0.1F).Random("w2", {5, 4, 3, 3}).Random("b2", {5});
  b.Floats("b1", {4}, {4, 5, 6, 7});
  b.Add("Conv", {"x", "w1", "b1"}, {"v"});
  b.Add(between, {"v"}, {"u"});
  b.Add("Conv", {"u", "w2", "b2"}, {"y"});
  return b;
}

void ExpectAbsorbable(GraphBuilder b, bool is) {
  InferTypes(b.model, "m");
  EXPECT_EQ(FindAbsorbableValues(b.model.graph).contains("v"), is);
}

// Lowers `v`, expects the same outputs.
void ExpectTheSameOutputs(GraphBuilder& b, const std::vector<float>& c,
                          const std::vector<int64_t>& dims) {
  InferTypes(b.model, "m");
  const Model before = b.model;
  EXPECT_EQ(AbsorbBiases(b.model.graph, Lowered("v", c), "m"), 1U);
  const Tensor x = RandomTensor("x", dims, 7);
  const auto expected = RunModel(before, {x});
  const auto actual = RunModel(b.model, {x});
  for (size_t o = 0; o < expected.size(); ++o) {
    float largest = 0;
    for (const float y : expected[o].values<float>()) largest = std::max(largest, std::abs(y));
    EXPECT_GT(largest, 0);
    EXPECT_LE(MaxDifference(expected[o], actual[o]), kTolerance * largest);
  }
}

TEST(AbsorbBiasesTest, KnownNumbers) {
  GraphBuilder b;
  b.Input("x", {"1", "2"}).Output("y");
  b.Floats("w1", {2, 2}, {1, 0, 0, 1}).Floats("b1", {2}, {5, 3});
  b.Floats("w2", {2, 3}, {1, 2, 3, 10, 20, 30}).Floats("b2", {3}, {0.5F, 0, -1});
  b.Add("Gemm", {"x", "w1", "b1"}, {"v"});
  b.Add("Relu", {"v"}, {"u"});
  b.Add("Gemm", {"u", "w2", "b2"}, {"y"});
  ExpectTheSameOutputs(b, {4, 2}, {1, 2});
  EXPECT_THAT(Values(b, "b1"), ElementsAre(1, 1));
  EXPECT_THAT(Values(b, "b2"), ElementsAre(0.5F + 4 + 20, 8 + 40, -1 + 12 + 60));
  EXPECT_THAT(Values(b, "w1"), ElementsAre(1, 0, 0, 1));
}

TEST(AbsorbBiasesTest, AKernelAddsUpAllOfItsWeights) {
  GraphBuilder b;
  b.Input("x", {"1", "1", "3", "3"}).Output("y");
  b.Floats("w1", {2, 1, 1, 1}, {0.5F, 0.25F}).Floats("b1", {2}, {4, 2});
  b.Floats("w2", {1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}).Floats("b2", {1}, {-1});
  b.Add("Conv", {"x", "w1", "b1"}, {"v"});
  b.Add("Relu", {"v"}, {"u"});
  b.Add("Conv", {"u", "w2", "b2"}, {"y"});
  ExpectTheSameOutputs(b, {3, 1}, {1, 1, 3, 3});
  EXPECT_THAT(Values(b, "b1"), ElementsAre(1, 1));
  EXPECT_THAT(Values(b, "b2"), ElementsAre(-1 + 3 * 10 + 26));
}

TEST(AbsorbBiasesTest, GroupsBranchesAndLayersWithoutABias) {
  GraphBuilder grouped = TwoConvs();
  grouped.Random("w2", {4, 2, 3, 3}).Random("b2", {4});
  grouped.model.graph.nodes[2].Set("group", int64_t{2});
  ExpectTheSameOutputs(grouped, {1, 2, 3, 4}, {1, 3, 6, 6});
  GraphBuilder bare = TwoConvs();
  bare.model.graph.nodes[2].inputs.pop_back();
  ExpectTheSameOutputs(bare, {1, 2, 3, 4}, {1, 3, 6, 6});
  EXPECT_EQ(bare.model.graph.nodes[2].inputs.size(), 3U);
  GraphBuilder branch = TwoConvs();
  branch.Output("z").Random("w3", {2, 4, 1, 1});
  branch.Add("Conv", {"u", "w3"}, {"z"});
  ExpectTheSameOutputs(branch, {1, 0, 3, 4}, {1, 3, 6, 6});
  GraphBuilder transposed = TwoConvs();
  transposed.Random("w1", {3, 4, 3, 3}, 0.1F);
  transposed.model.graph.nodes[0].op_type = "ConvTranspose";
  ExpectTheSameOutputs(transposed, {1, 2, 3, 4}, {1, 3, 6, 6});
}

TEST(AbsorbBiasesTest, ThroughPoolsAndFlattenedMapsToRows) {
  GraphBuilder b;
  b.Input("x", {"2", "3", "6", "6"}).Output("y").Random("w1", {4, 3, 3, 3}, 0.1F);
  b.Floats("b1", {4}, {4, 5, 6, 7}).Random("w2", {16, 5}).Random("b2", {5}).Random("w3", {5, 3});
  b.Add("Conv", {"x", "w1", "b1"}, {"v"});
  b.Add("Relu", {"v"}, {"u"});
  b.Add("MaxPool", {"u"}, {"p"}).Set("kernel_shape", std::vector<int64_t>{2, 2});
  b.model.graph.nodes.back().Set("strides", std::vector<int64_t>{2, 2});
  b.Add("Flatten", {"p"}, {"f"});
  b.Add("MatMul", {"f", "w2"}, {"m"});
  b.Add("Add", {"m", "b2"}, {"y"});
  ExpectTheSameOutputs(b, {1, 2, 3, 4}, {2, 3, 6, 6});
  GraphBuilder mean = TwoConvs();
  mean.model.graph.nodes.pop_back();
  mean.Random("w2", {5, 4, 1, 1});
  mean.Add("AveragePool", {"u"}, {"p"}).Set("kernel_shape", std::vector<int64_t>{2, 2});
  mean.Add("GlobalAveragePool", {"p"}, {"g"});
  mean.Add("Conv", {"g", "w2", "b2"}, {"y"});
  ExpectTheSameOutputs(mean, {1, 2, 3, 4}, {1, 3, 6, 6});
}

TEST(AbsorbBiasesTest, RowsOfAProductWithAnAdd) {
  GraphBuilder b;
  b.Input("x", {"2", "3"}).Output("y").Random("w1", {3, 4}, 0.1F).Random("w2", {4, 5});
  b.Floats("b1", {4}, {4, 5, 6, 7}).Random("b2", {5});
  b.Add("MatMul", {"x", "w1"}, {"m"});
  b.Add("Add", {"m", "b1"}, {"v"});
  b.Add("Relu", {"v"}, {"u"});
  b.Add("MatMul", {"u", "w2"}, {"n"});
  b.Add("Add", {"n", "b2"}, {"y"});
  ExpectTheSameOutputs(b, {1, 2, 3, 4}, {2, 3});
  EXPECT_EQ(b.model.graph.nodes[0].outputs[0], "m") << "the same as before";
  EXPECT_EQ(b.model.graph.nodes[1].outputs[0], "v_absorbed0");
  EXPECT_EQ(b.model.graph.nodes[2].outputs[0], "u_absorbed0");
  EXPECT_EQ(b.model.graph.nodes[3].inputs[0], "u_absorbed0");
}

TEST(AbsorbBiasesTest, LayersOneBehindTheOther) {
  GraphBuilder b = TwoConvs();
  b.model.graph.outputs[0].name = "z";
  b.model.graph.nodes[2].outputs[0] = "w";
  b.Floats("b2", {5}, {90, 90, 90, 90, 90}).Random("w3", {2, 5, 1, 1});
  b.Add("Relu", {"w"}, {"r"});
  b.Add("Conv", {"r", "w3"}, {"z"});
  InferTypes(b.model, "m");
  const Model before = b.model;
  AbsorbedBiases both = Lowered("v", {1, 2, 3, 4});
  both["w"] = {1, 2, 3, 4, 5};
  EXPECT_EQ(AbsorbBiases(b.model.graph, both, "m"), 2U);
  const Tensor x = RandomTensor("x", {1, 3, 6, 6}, 7);
  const Tensor expected = RunModel(before, {x})[0];
  EXPECT_LE(MaxDifference(expected, RunModel(b.model, {x})[0]), 1e-3F);  // of some hundreds
}

TEST(AbsorbBiasesTest, AnElementBelowIsOffByNoMoreThanIsAbsorbed) {
  GraphBuilder b;
  b.Input("x", {"1", "1"}).Output("y");
  b.Floats("w1", {1, 1}, {1})
      .Floats("b1", {1}, {0})
      .Floats("w2", {1, 1}, {1})
      .Floats("b2", {1}, {0});
  b.Add("Gemm", {"x", "w1", "b1"}, {"v"});
  b.Add("Relu", {"v"}, {"u"});
  b.Add("Gemm", {"u", "w2", "b2"}, {"y"});
  AbsorbBiases(b.model.graph, Lowered("v", {2}), "m");
  for (const auto& [x, y] : {std::pair(3.0F, 3.0F), {2.0F, 2.0F}, {1.0F, 2.0F}, {-9.0F, 2.0F}}) {
    const Tensor input = MakeFloatTensor("x", {1, 1}, std::vector<float>{x});
    EXPECT_EQ(RunModel(b.model, {input})[0].values<float>()[0], y);
  }
}

TEST(AbsorbBiasesTest, WhereItCan) {
  const GraphBuilder b = [] {
    GraphBuilder convs = TwoConvs();
    InferTypes(convs.model, "m");
    return convs;
  }();
  EXPECT_THAT(FindAbsorbableValues(b.model.graph),
              ElementsAre(Pair("v", AbsorbableValue{4, false, "u"})));
}

TEST(AbsorbBiasesTest, LeavesItAlone) {
  ExpectAbsorbable(TwoConvs(), true);
  for (const char* between : {"LeakyRelu", "Sigmoid", "MaxPool"}) {
    GraphBuilder other = TwoConvs(between);
    if (std::string(between) == "MaxPool")
      other.model.graph.nodes[1].Set("kernel_shape", std::vector<int64_t>{2, 2});
    ExpectAbsorbable(other, false);
  }
  GraphBuilder padded = TwoConvs();
  padded.model.graph.nodes[2].Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  ExpectAbsorbable(padded, false);
  GraphBuilder same = TwoConvs();
  same.model.graph.nodes[2].Set("auto_pad", std::string("SAME_UPPER"));
  ExpectAbsorbable(same, false);
  GraphBuilder bounded = TwoConvs("Clip");
  bounded.Floats("zero", {}, {0}).Floats("six", {}, {6});
  bounded.model.graph.nodes[1].inputs = {"v", "zero", "six"};
  ExpectAbsorbable(bounded, false);
  GraphBuilder read_twice = TwoConvs();
  read_twice.Output("z");
  read_twice.Add("Neg", {"v"}, {"z"});
  ExpectAbsorbable(read_twice, false);
  GraphBuilder other_reader = TwoConvs();
  other_reader.Output("z");
  other_reader.Add("Neg", {"u"}, {"z"});
  ExpectAbsorbable(other_reader, false);
  for (const char* output : {"v", "u"}) {
    GraphBuilder told = TwoConvs();
    told.Output(output);
    ExpectAbsorbable(told, false);
  }
  GraphBuilder shared = TwoConvs();
  shared.Output("z");
  shared.Add("Conv", {"x", "w2", "b1"}, {"z"});
  shared.Random("w2", {4, 3, 3, 3});
  shared.model.graph.nodes[2].inputs = {"u", "w1"};
  ExpectAbsorbable(shared, false);
  GraphBuilder transposed = TwoConvs();
  transposed.Random("w2", {4, 5, 3, 3});
  transposed.model.graph.nodes[2].op_type = "ConvTranspose";
  ExpectAbsorbable(transposed, false);
}

TEST(AbsorbBiasesTest, BordersAndFactorsThatWouldNotBeExact) {
  GraphBuilder pad = TwoConvs();
  pad.model.graph.nodes.pop_back();
  pad.Ints("p", {8}, {0, 0, 1, 1, 0, 0, 1, 1});
  pad.Add("Pad", {"u", "p"}, {"a"});
  pad.Add("Conv", {"a", "w2", "b2"}, {"y"});
  ExpectAbsorbable(pad, false);
  GraphBuilder mean = TwoConvs();
  mean.model.graph.nodes.pop_back();
  Node& pool = mean.Add("AveragePool", {"u"}, {"a"});
  pool.Set("kernel_shape", std::vector<int64_t>{3, 3});
  pool.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  mean.Add("Conv", {"a", "w2", "b2"}, {"y"});
  ExpectAbsorbable(mean, true);  // what is no element counts nowhere
  mean.model.graph.nodes[2].Set("count_include_pad", int64_t{1});
  ExpectAbsorbable(mean, false);
  GraphBuilder factor;
  factor.Input("x", {"1", "2"}).Output("y").Random("w1", {2, 2}).Random("b1", {2});
  factor.Random("w2", {2, 2}).Random("b2", {2});
  factor.Add("Gemm", {"x", "w1", "b1"}, {"v"});
  factor.Add("Relu", {"v"}, {"u"});
  factor.Add("Gemm", {"u", "w2", "b2"}, {"y"});
  ExpectAbsorbable(factor, true);
  factor.model.graph.nodes[2].Set("alpha", 2.0F);
  ExpectAbsorbable(factor, false);
}

TEST(AbsorbBiasesTest, RefusesWhatDoesNotFit) {
  GraphBuilder b = TwoConvs();
  InferTypes(b.model, "m");
  const auto why = [&](const AbsorbedBiases& absorbed) -> std::string {
    try {
      AbsorbBiases(b.model.graph, absorbed, "p.json");
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(why(Lowered("u", {1, 2, 3, 4})),
              HasSubstr("p.json: absorbed value \"u\" is in front"));
  EXPECT_THAT(why(Lowered("v", {1, 2})), HasSubstr("has 2 numbers, expected 4, one per channel"));
  EXPECT_THAT(why(Lowered("v", {1, 2, 3, -1})), HasSubstr("is lowered by -1, expected a finite"));
  EXPECT_THAT(why(Lowered("v", {1, 2, 3, INFINITY})), HasSubstr("is lowered by inf"));
  EXPECT_THAT(why({}), IsEmpty());
  EXPECT_EQ(b.model.graph.nodes[0].outputs[0], "v") << "nothing was changed";
}

}  // namespace
}  // namespace qconvert
