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

TEST(PlaceNodesTest, ExistingQuantizationIsKept) {
  GraphBuilder b = Start();
  b.Floats("s", {}, {0.1F});
  b.Add("QuantizeLinear", {"x", "s"}, {"q"});
  b.Add("DequantizeLinear", {"q", "s"}, {"d"});
  b.Add("Conv", {"d", "w"}, {"y"});
  const auto places = Place(b);
  EXPECT_THAT(places, testing::Contains(Pair("Conv", "is quantized already")));
}

// That is the reason also where nothing is placed at all.
TEST(PlaceNodesTest, ExistingQuantizationIsToldBeforeOtherReasons) {
  GraphBuilder b = Start();
  b.Floats("s", {}, {0.1F});
  b.Add("QuantizeLinear", {"x", "s"}, {"q"});
  b.Add("DequantizeLinear", {"q", "s"}, {"d"});
  b.Add("Conv", {"d", "w"}, {"c"});
  b.Add("Relu", {"c"}, {"y"});
  PlaceOptions options;
  for (size_t n = 0; n < b.model.graph.nodes.size(); ++n)
    options.keep_float.emplace(n, "integers would not save time here");
  EXPECT_THAT(Place(b, options), ElementsAre(Pair("Conv", "is quantized already"),
                                             Pair("DequantizeLinear", "is quantized already"),
                                             Pair("Relu", "integers would not save time here")));
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
