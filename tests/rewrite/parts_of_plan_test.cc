#include "qconvert/rewrite/parts_of_plan.h"

#include <gtest/gtest.h>

#include "qconvert/numbers/quantize.h"
#include "support/quantize_model.h"

namespace qconvert {
namespace {

// A Conv and a MatMul with an Add, on integers.
QuantizedModel TwoLayers() {
  GraphBuilder b;
  b.Input("x", {"1", "4", "4", "4"}).Output("z").Random("w", {4, 4, 1, 1}).Random("b", {4});
  b.Random("m", {4, 4}).Random("a", {4});
  b.Add("Conv", {"x", "w", "b"}, {"y"});
  b.Add("MatMul", {"y", "m"}, {"k"});
  b.Add("Add", {"k", "a"}, {"z"});
  return QuantizeModel(b.model, {{RandomTensor("x", {1, 4, 4, 4}, 1)}});
}

TEST(PartsOfPlanTest, RoundedWeightsAreWhatTheCodesStandFor) {
  QuantizedModel q = TwoLayers();
  Graph rounded = q.float_model.graph;
  RoundIntegerWeights(rounded, q.plan);
  ASSERT_EQ(rounded.nodes.size(), q.float_model.graph.nodes.size()) << "values stay float";
  size_t weights = 0;
  for (const auto& [n, integer] : q.plan.integer_nodes) {
    if (!integer.weight) continue;
    ++weights;
    const Tensor* before = q.float_model.graph.FindInitializer(integer.weight->name);
    const Tensor* after = rounded.FindInitializer(rounded.nodes[n].inputs[1]);
    ASSERT_NE(after, nullptr);
    EXPECT_NE(after->name, before->name) << "others may read the float one";
    EXPECT_EQ(ToFloats(*after), DequantizeTensor(integer.weight->codes, integer.weight->params));
    float step = 0;
    for (const float scale : integer.weight->params.scales) step = std::max(step, scale);
    const float moved = MaxDifference(*before, *after);
    EXPECT_GT(moved, 0.0F);
    EXPECT_LE(moved, step / 2 * (integer.weight->pair_limit > 0 ? 2 : 1.001F))
        << "pairs whose sums are limited go further than to the nearest";
  }
  EXPECT_EQ(weights, 2U);
}

TEST(PartsOfPlanTest, SharedWeightsAreRoundedOnceAndUnreadOnesDropped) {
  GraphBuilder b;
  b.Input("x", {"8", "8"}).Output("z").Random("m", {8, 8}).Random("k", {8, 8});
  b.Add("MatMul", {"x", "m"}, {"a"});
  b.Add("MatMul", {"a", "m"}, {"b"});
  b.Add("MatMul", {"b", "k"}, {"c"});
  b.Add("Mul", {"c", "k"}, {"z"});
  const QuantizedModel q = QuantizeModel(b.model, {{RandomTensor("x", {8, 8}, 1)}});
  Graph rounded = q.float_model.graph;
  RoundIntegerWeights(rounded, q.plan);
  EXPECT_EQ(rounded.nodes[0].inputs[1], rounded.nodes[1].inputs[1]);
  EXPECT_NE(rounded.nodes[0].inputs[1], rounded.nodes[2].inputs[1]);
  EXPECT_EQ(rounded.FindInitializer("m"), nullptr) << "nobody reads it any more";
  EXPECT_NE(rounded.FindInitializer("k"), nullptr) << "the product reads it";
}

// What an output of the model gives as it is has a reader outside of the graph.
TEST(PartsOfPlanTest, WeightsThatAnOutputGivesAreNotUnread) {
  GraphBuilder b;
  b.Input("x", {"8", "8"}).Output("z").Random("m", {8, 8}).Random("k", {8, 8});
  b.Add("MatMul", {"x", "m"}, {"a"});
  b.Add("MatMul", {"a", "k"}, {"z"});
  const QuantizedModel q = QuantizeModel(b.model, {{RandomTensor("x", {8, 8}, 1)}});
  Graph graph = q.float_model.graph;
  DropUnreadWeights(graph, q.plan);
  EXPECT_EQ(graph.initializers.size(), q.float_model.graph.initializers.size()) << "both are read";
  graph.outputs.push_back({"k", FloatType({"8", "8"}), {}, {}});
  for (Node& node : graph.nodes) node.inputs[1].clear();
  DropUnreadWeights(graph, q.plan);
  EXPECT_EQ(graph.FindInitializer("m"), nullptr);
  EXPECT_NE(graph.FindInitializer("k"), nullptr);
}

TEST(PartsOfPlanTest, FloatWeightsLeaveTheValuesQuantized) {
  QuantizedModel q = TwoLayers();
  const std::vector<Tensor> x = {RandomTensor("x", {1, 4, 4, 4}, 2)};
  Model values = q.float_model;
  InsertQdq(values, WithFloatWeights(q.plan));
  for (const char* name : {"w", "b", "m", "a"}) {
    const Tensor* weight = values.graph.FindInitializer(name);
    ASSERT_NE(weight, nullptr) << name;
    EXPECT_EQ(weight->type, DataType::kFloat) << name;
  }
  Model weights = q.float_model;
  RoundIntegerWeights(weights.graph, q.plan);
  const Tensor exact = RunModel(q.float_model, x)[0];
  const float of_values = MaxDifference(RunModel(values, x)[0], exact);
  const float of_weights = MaxDifference(RunModel(weights, x)[0], exact);
  const float of_both = MaxDifference(RunModel(q.model, x)[0], exact);
  EXPECT_GT(of_values, 0.0F);
  EXPECT_GT(of_weights, 0.0F);
  EXPECT_LT(of_both, 3 * (of_values + of_weights));
}

TEST(PartsOfPlanTest, ValuesIn16BitsLeaveNextToNothing) {
  QuantizedModel q = TwoLayers();
  const std::vector<Tensor> x = {RandomTensor("x", {1, 4, 4, 4}, 1)};  // what was calibrated on
  Model values = q.float_model;
  InsertQdq(values, WithFloatWeights(q.plan));
  Model wide = q.float_model;
  RoundValuesTo16Bits(wide.graph, q.plan);
  EXPECT_GT(wide.graph.nodes.size(), q.float_model.graph.nodes.size());
  EXPECT_NE(wide.graph.FindInitializer("w"), nullptr) << "weights stay as they are";
  const Tensor exact = RunModel(q.float_model, x)[0];
  const float in_8_bits = MaxDifference(RunModel(values, x)[0], exact);
  const float in_16_bits = MaxDifference(RunModel(wide, x)[0], exact);
  EXPECT_GT(in_16_bits, 0.0F);
  EXPECT_LT(in_16_bits, in_8_bits / 4) << "what clips is left";
}

TEST(PartsOfPlanTest, CodesOfEveryTypeStandForTheirFloats) {
  for (const DataType type :
       {DataType::kInt8, DataType::kUint8, DataType::kInt16, DataType::kUint16}) {
    const std::vector<int32_t> codes = {1, 2, 100, 127, 0, 3};
    Tensor tensor;
    tensor.type = type;
    tensor.dims = {3, 2};
    tensor.bytes = std::make_shared<const std::string>(PackCodes(codes, type));
    EXPECT_EQ(CodesOf(tensor), codes);
    EXPECT_EQ(DequantizeTensor(tensor, {type, 0, {1, 2, 4}, {0, 100, 0}}),
              (std::vector<float>{1, 2, 0, 54, 0, 12}));
    EXPECT_EQ(DequantizeTensor(tensor, {type, -1, {0.5F}, {2}}),
              (std::vector<float>{-0.5F, 0, 49, 62.5F, -1, 0.5F}));
  }
}

// Rows: dimensions, axis, scales; codes are 0, 1, 2, ...
TEST(PartsOfPlanTest, EachSliceAlongTheAxisHasItsScale) {
  struct Row {
    std::vector<int64_t> dims;
    int64_t axis;
    std::vector<float> scales;
    std::vector<float> expected;
  };
  const std::vector<Row> rows = {{{}, -1, {3}, {0}},
                                 {{0, 4}, -1, {3}, {}},
                                 {{2, 0}, 0, {3, 5}, {}},
                                 {{3}, 0, {1, 10, 100}, {0, 10, 200}},
                                 {{1, 3}, 0, {2}, {0, 2, 4}},
                                 {{2, 3}, 0, {1, 10}, {0, 1, 2, 30, 40, 50}},
                                 {{2, 3}, 1, {1, 10, 100}, {0, 10, 200, 3, 40, 500}},
                                 {{2, 2, 2}, 1, {1, 10}, {0, 1, 20, 30, 4, 5, 60, 70}},
                                 {{2, 2, 2}, 2, {1, 10}, {0, 10, 2, 30, 4, 50, 6, 70}}};
  for (const Row& row : rows) {
    std::vector<int32_t> codes(row.expected.size());
    for (size_t k = 0; k < codes.size(); ++k) codes[k] = static_cast<int32_t>(k);
    Tensor tensor;
    tensor.type = DataType::kInt8;
    tensor.dims = row.dims;
    tensor.bytes = std::make_shared<const std::string>(PackCodes(codes, tensor.type));
    const QuantParams params{tensor.type, row.axis, row.scales,
                             std::vector<int32_t>(row.scales.size(), 0)};
    EXPECT_EQ(DequantizeTensor(tensor, params), row.expected)
        << testing::PrintToString(row.dims) << " along " << row.axis;
    std::vector<float> buffer(codes.size(), -1);
    DequantizeTensor(tensor, params, buffer);
    EXPECT_EQ(buffer, row.expected) << "into a buffer";
  }
}

}  // namespace
}  // namespace qconvert
