#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/base/error.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/plan/choose_scheme.h"
#include "qconvert/plan/plan.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

// op type -> "integer", "fused" or the reason why float.
std::multimap<std::string, std::string> Place(GraphBuilder& b, const PlaceOptions& options = {}) {
  InferTypes(b.model, "m");
  const Placement placement = PlaceNodes(b.model.graph, options);
  std::multimap<std::string, std::string> out;
  for (size_t n = 0; n < placement.nodes.size(); ++n) {
    const NodePlacement& node = placement.nodes[n];
    if (node.domain == NodeDomain::kOther) continue;
    out.emplace(b.model.graph.nodes[n].op_type, node.domain == NodeDomain::kInteger ? "integer"
                                                : node.domain == NodeDomain::kFused ? "fused"
                                                                                    : node.reason);
  }
  return out;
}

using testing::Contains;
using testing::ElementsAre;
using testing::Pair;

constexpr const char* kDoesNotPay = "integers would not save time here";

GraphBuilder Start() {
  GraphBuilder b;
  b.Input("x", {"1", "4", "6", "6"}).Output("y").Random("w", {4, 4, 3, 3});
  return b;
}

TEST(PlaceNodesTest, AFloatIslandOfSmallNodesStaysFloat) {
  GraphBuilder b = Start();
  b.Add("Sigmoid", {"x"}, {"s"});
  b.Add("Mul", {"x", "s"}, {"m"});
  b.Add("Add", {"m", "m"}, {"y"});
  EXPECT_THAT(Place(b), ElementsAre(Pair("Add", kDoesNotPay), Pair("Mul", kDoesNotPay),
                                    Pair("Sigmoid", kDoesNotPay)));
}

// Behind it stands what calibration observes of the unit, in front of it nothing that it does.
TEST(PlaceNodesTest, ABiasStaysWithItsFloatMatMul) {
  GraphBuilder b;
  b.Input("x", {"8", "16"}).Output("y").Random("v", {16, 16}).Random("c", {16});
  b.Add("MatMul", {"x", "v"}, {"m"});
  b.Add("Add", {"m", "c"}, {"a"});
  b.Add("Relu", {"a"}, {"r"});
  b.Add("Add", {"r", "x"}, {"y"});
  PlaceOptions options{.keep_float = {{0, "as asked"}}, .place_by = PlaceBy::kKernels};
  EXPECT_THAT(Place(b, options),
              ElementsAre(Pair("Add", "the MatMul before it is float"), Pair("Add", "integer"),
                          Pair("MatMul", "as asked"), Pair("Relu", "moves floats")));
  options.keep_float[1] = "asked too";
  EXPECT_THAT(Place(b, options), Contains(Pair("Add", "asked too"))) << "its own reason";
}

TEST(PlaceNodesTest, ASoftmaxAtTheEndStaysFloat) {
  GraphBuilder b = Start();
  b.Add("Conv", {"x", "w"}, {"c"});
  b.Add("Softmax", {"c"}, {"y"});
  EXPECT_THAT(Place(b), ElementsAre(Pair("Conv", "integer"), Pair("Softmax", kDoesNotPay)));
}

TEST(PlaceNodesTest, NodesWithoutAKernelSayWhy) {
  GraphBuilder b = Start();
  b.Random("wt", {4, 4, 3, 3});
  b.Add("Tanh", {"x"}, {"t"});
  b.Add("Conv", {"t", "t"}, {"c"});
  b.Add("ConvTranspose", {"c", "wt"}, {"y"});
  EXPECT_THAT(Place(b), ElementsAre(Pair("Conv", "its weight is computed at run time"),
                                    Pair("ConvTranspose", "no integer kernel for ConvTranspose"),
                                    Pair("Tanh", "no integer kernel for Tanh")));
}

// Codes -> DequantizeLinear -> Transpose -> If would kill the engine.
TEST(PlaceNodesTest, WhatABodyReadsIsNotMovedBehindADequantize) {
  GraphBuilder b = Start();
  b.Input("c", {}, DataType::kBool);
  b.Add("Conv", {"x", "w"}, {"p"});
  b.Add("Transpose", {"p"}, {"t"}).Set("perm", std::vector<int64_t>{0, 2, 3, 1});
  b.Add("Reshape", {"t", "dims"}, {"r"});
  b.Ints("dims", {2}, {4, 16});
  GraphBuilder body;
  body.Output("z").Add("Sigmoid", {"r"}, {"z"});
  Node& choice = b.Add("If", {"c"}, {"y"});
  choice.Set("then_branch", Subgraph(body.model.graph));
  choice.Set("else_branch", Subgraph(body.model.graph));
  const auto choice_of_body = Pair("If", "no integer kernel for If");
  EXPECT_THAT(Place(b), ElementsAre(Pair("Conv", "integer"), choice_of_body,
                                    Pair("Reshape", "integer"), Pair("Transpose", "integer")));
  // Where one of them has to move floats, they come from no codes.
  EXPECT_THAT(Place(b, {.keep_float = {{2, "is asked for"}}}),
              ElementsAre(Pair("Conv", "a body reads what is moved behind it"), choice_of_body,
                          Pair("Reshape", "is asked for"),
                          Pair("Transpose", "a body reads what is moved behind it")));
}

// x -> Q -> DQ -> d, and codes of the weights w behind a DQ: wd.
GraphBuilder StartQuantized() {
  GraphBuilder b = Start();
  b.Floats("s", {}, {0.1F});
  b.Add("QuantizeLinear", {"x", "s"}, {"q"});
  b.Add("DequantizeLinear", {"q", "s"}, {"d"});
  b.model.graph.initializers["wq"] =
      MakeTensor<uint8_t>("wq", DataType::kUint8, {4, 4, 3, 3}, std::vector<uint8_t>(144, 3));
  b.Add("DequantizeLinear", {"wq", "s"}, {"wd"});
  return b;
}

TEST(PlaceNodesTest, ExistingQuantizationIsKept) {
  GraphBuilder b = StartQuantized();
  b.Add("Conv", {"d", "wd"}, {"c"});
  b.Add("Relu", {"c"}, {"y"});
  const auto places = Place(b);
  EXPECT_THAT(places, testing::Contains(Pair("Conv", "is quantized already")));
  EXPECT_THAT(places, testing::Contains(Pair("Relu", "is quantized already")));
}

// Codes come and go for free: what integers would not save alone they save there.
TEST(PlaceNodesTest, GapsBetweenPairsAreInteger) {
  GraphBuilder b = StartQuantized();
  b.Add("Conv", {"d", "w"}, {"c"});
  b.Add("Relu", {"c"}, {"r"});
  b.Add("MaxPool", {"d"}, {"m"}).Set("kernel_shape", std::vector<int64_t>{3, 3});
  b.Add("Add", {"r", "m"}, {"a"});
  b.Add("QuantizeLinear", {"a", "s"}, {"aq"});
  b.Add("DequantizeLinear", {"aq", "s"}, {"y"});
  const auto places = Place(b, {.place_by = PlaceBy::kKernels});
  for (const char* gap : {"Conv", "MaxPool", "Add"})
    EXPECT_THAT(places, testing::Contains(Pair(gap, "integer")));
  EXPECT_THAT(places, testing::Contains(Pair("Relu", "fused")));
  EXPECT_THAT(Place(b), testing::Contains(Pair("Conv", "integer")));
}

// Nothing moves codes to floats again for its own sake.
TEST(PlaceNodesTest, MovementOutOfAPairMovesFloatsWhereNobodyReadsCodes) {
  GraphBuilder b = StartQuantized();
  b.Add("Transpose", {"d"}, {"t"});
  b.Add("Erf", {"t"}, {"y"});
  EXPECT_THAT(Place(b), testing::Contains(Pair("Transpose", "moves floats")));
}

// That is the reason also where nothing is placed at all.
TEST(PlaceNodesTest, ExistingQuantizationIsToldBeforeOtherReasons) {
  GraphBuilder b = StartQuantized();
  b.Add("Conv", {"d", "wd"}, {"c"});
  b.Add("Conv", {"c", "w"}, {"y"});
  PlaceOptions options;
  for (size_t n = 0; n < b.model.graph.nodes.size(); ++n)
    options.keep_float.emplace(n, "integers would not save time here");
  EXPECT_THAT(Place(b, options), ElementsAre(Pair("Conv", "is quantized already"),
                                             Pair("Conv", "integers would not save time here"),
                                             Pair("DequantizeLinear", "is quantized already"),
                                             Pair("DequantizeLinear", "is quantized already")));
}

TEST(PlaceNodesTest, OperatorsOfQuantizedModelsAreQuantizedAlready) {
  GraphBuilder b = Start();
  b.Random("v", {6, 6}).Floats("s", {}, {0.1F});
  b.Add("Relu", {"x"}, {"r"});
  b.Add("DynamicQuantizeLinear", {"r"}, {"q", "q_scale", "q_zero"});
  b.Add("DequantizeLinear", {"q", "q_scale", "q_zero"}, {"d"});
  b.Add("QuantizeLinear", {"v", "s"}, {"codes"});
  b.model.opsets["com.microsoft"] = 1;
  b.Add("DynamicQuantizeMatMul", {"d", "codes", "s"}, {"m"}).domain = "com.microsoft";
  b.Add("Relu", {"m"}, {"y"});
  PlaceOptions options;
  KeepAllFloat(b.model.graph, options, "the scheme is weight-only");
  constexpr const char* kAlready = "is quantized already";
  EXPECT_THAT(Place(b, options), ElementsAre(Pair("DequantizeLinear", kAlready),
                                             Pair("DynamicQuantizeLinear", kAlready),
                                             Pair("DynamicQuantizeMatMul", kAlready),
                                             Pair("Relu", "the scheme is weight-only"),
                                             Pair("Relu", "the scheme is weight-only")));
}

TEST(PlaceNodesTest, IntegerComputationsAreNoneOfOurs) {
  GraphBuilder b = Start();
  b.Add("Shape", {"x"}, {"shape"});
  b.Add("Reshape", {"x", "shape"}, {"r"});
  b.Add("Conv", {"r", "w"}, {"y"});
  EXPECT_THAT(Place(b), ElementsAre(Pair("Conv", "integer"), Pair("Reshape", "moves floats")));
}

TEST(PlaceNodesTest, BlockedValuesKeepTheirNodesFloat) {
  GraphBuilder b = Start();
  b.Add("Conv", {"x", "w"}, {"c"});
  b.Add("Relu", {"c"}, {"r"});
  b.Add("Conv", {"r", "w"}, {"y"});
  const auto places = Place(b, {.blocked = {{"r", "holds infinities"}}});
  EXPECT_THAT(places, ElementsAre(Pair("Conv", "its output holds infinities"),
                                  Pair("Conv", "its input holds infinities"),
                                  Pair("Relu", "no integer kernel for Relu")));
}

TEST(PlaceNodesTest, MovementSharesItsInputsParameters) {
  GraphBuilder b = Start();
  b.Ints("s", {2}, {1, -1});
  b.Add("Conv", {"x", "w"}, {"c"});
  b.Add("MaxPool", {"c"}, {"m"}).Set("kernel_shape", std::vector<int64_t>{2, 2});
  b.Add("Reshape", {"m", "s"}, {"y"});
  InferTypes(b.model, "m");
  const Placement placement = PlaceNodes(b.model.graph, {});
  EXPECT_EQ(placement.roots.at("y"), "c");
  EXPECT_EQ(placement.roots.at("m"), "c");
  EXPECT_THAT(placement.Observed(), ElementsAre("c", "x"));
}

TEST(MakePlanTest, SymmetricUnsignedMeetsNegativeValues) {
  GraphBuilder b = Start();
  b.Add("Conv", {"x", "w"}, {"y"});
  InferTypes(b.model, "m");
  CalibrationTable table;
  Histogram::BinScratch scratch;
  for (const char* value : {"x", "y"})
    table.values[value].Observe(std::vector<float>{-1, 1}, TensorStatistics::Detail::kHistogram,
                                scratch);
  QuantConfig config;
  config.tensors.input.symmetry = true;
  EXPECT_THROW(MakePlan(b.model.graph, PlaceNodes(b.model.graph, {}), table, config), Error);
}

}  // namespace
}  // namespace qconvert
