// What files for DPUs look like, and that they compute what their integers say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "qconvert/numbers/quantize.h"
#include "support/target_job.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

TEST(DpuTest, OperatorsStandBetweenPairsAndABiasHasItsOwnEightBits) {
  const QuantizedModel q =
      QuantizeModel(ResidualNet().model, SamplesOf({1, 16, 8, 8}), ConfigOf(TargetDevice::kDpu));
  const Graph& graph = q.model.graph;
  for (const Node* conv : NodesOf(graph, "Conv")) {
    for (const std::string& input : conv->inputs) {
      const Node* before = Producer(graph, input);
      ASSERT_NE(before, nullptr);
      ASSERT_EQ(before->op_type, "DequantizeLinear");
      EXPECT_EQ(before->inputs.size() < 3 ? DataType::kInt8
                                          : graph.FindInitializer(before->inputs[2])->type,
                DataType::kInt8);
    }
    const Tensor* bias = graph.FindInitializer(Producer(graph, conv->inputs[2])->inputs[0]);
    ASSERT_NE(bias, nullptr);
    EXPECT_EQ(bias->type, DataType::kInt8);
  }
  for (const char* type : {"MaxPool", "Flatten"}) {
    for (const Node* node : NodesOf(graph, type))
      EXPECT_EQ(OperatorBefore(graph, node->inputs[0]), "DequantizeLinear") << type;
  }
  EXPECT_THAT(NodesOf(graph, "Clip"), IsEmpty()) << "a Relu stays one, in front of the Q";
  for (const Node* relu : NodesOf(graph, "Relu"))
    EXPECT_THAT(OperatorBefore(graph, relu->inputs[0]), testing::AnyOf("Conv", "Add"));
  for (const auto& [value, decided] : q.plan.values) {
    int exponent = 0;
    EXPECT_EQ(std::frexp(decided.params.scales[0], &exponent), 0.5F) << value;
    EXPECT_THAT(decided.params.zero_points, ElementsAre(0)) << value;
  }
}

// Powers of two leave every float exact: the file computes what integers alone do.
TEST(DpuTest, ALayerComputesWhatItsIntegersSay) {
  constexpr size_t kRows = 32;
  constexpr size_t kWidth = 24;
  GraphBuilder b;
  b.Input("x", {"32", "24"}).Output("y").Random("w", {24, 24}).Random("b", {24}, 3.0F);
  b.Add("Gemm", {"x", "w", "b"}, {"g"});
  b.Add("Relu", {"g"}, {"y"});
  const Tensor x = RandomTensor("x", {32, 24}, 5);
  for (const int bits : {4, 8}) {
    QuantConfig config = ConfigOf(TargetDevice::kDpu);
    config.tensors.weights.bit_width = bits;
    const QuantizedModel q = QuantizeModel(b.model, {{x}}, config);
    const auto gemm = q.plan.integer_nodes.begin()->second;
    const ValuePlan& in = q.plan.values.at("x");
    const ValuePlan& out = q.plan.values.at("y");
    const auto weights = gemm.weight->codes.values<int8_t>();
    EXPECT_LE(*std::max_element(weights.begin(), weights.end()), (1 << (bits - 1)) - 1);
    EXPECT_GE(*std::min_element(weights.begin(), weights.end()), -(1 << (bits - 1)));
    const auto biases = gemm.bias->values<int8_t>();
    const double product = static_cast<double>(in.params.scales[0]) * gemm.weight->params.scales[0];
    std::vector<float> expected;
    for (size_t r = 0; r < kRows; ++r) {
      for (size_t c = 0; c < kWidth; ++c) {
        int64_t sum = 0;
        for (size_t k = 0; k < kWidth; ++k) {
          const float value = x.values<float>()[r * kWidth + k];
          sum += int64_t{QuantizeValue(value, in.params.scales[0], 0, in.format)} *
                 weights[k * kWidth + c];
        }
        const double real = static_cast<double>(sum) * product +
                            static_cast<double>(biases[c]) * gemm.bias_scales[0];
        const auto clamped = static_cast<float>(std::max(real, 0.0));
        expected.push_back(DequantizeValue(
            QuantizeValue(clamped, out.params.scales[0], 0, out.format), out.params.scales[0], 0));
      }
    }
    for (const bool optimize : {false, true})
      EXPECT_THAT(ToFloats(RunModel(q.model, {x}, optimize)[0]), ElementsAreArray(expected))
          << bits;
  }
}

// A layer with a Relu behind: inputs [4, 2] of `x` alone, one column of weights.
QuantizedModel OneProduct(float x, const std::vector<float>& weights, float bias) {
  GraphBuilder b;
  b.Input("x", {"4", "2"}).Output("y").Floats("w", {2, 1}, weights).Floats("b", {1}, {bias});
  b.Add("Gemm", {"x", "w", "b"}, {"g"}).name = "layer";
  b.Add("Relu", {"g"}, {"y"});
  const Tensor sample = MakeFloatTensor("x", {4, 2}, std::vector<float>(8, x));
  return QuantizeModel(b.model, {{sample}}, ConfigOf(TargetDevice::kDpu));
}

std::vector<std::string> ChangesOf(const QuantizedModel& q) {
  std::vector<std::string> out;
  for (const PositionChange& change : q.plan.position_changes) {
    out.push_back(change.node + " " + std::string(change.what) + " " + std::to_string(change.from) +
                  " " + std::to_string(change.to));
  }
  return out;
}

TEST(ShiftTest, WhatFitsIsLeftAlone) {
  EXPECT_THAT(ChangesOf(OneProduct(1, {0.5F, 0.25F}, 0.5F)), IsEmpty());
}

TEST(ShiftTest, AnOutputFinerThanItsSumIsMadeCoarser) {
  const QuantizedModel q = OneProduct(100, {100, -100}, 0);  // w 0, x 0, sum 0: o 12
  EXPECT_THAT(ChangesOf(q), testing::Contains("layer output 12 0"));
  EXPECT_EQ(q.plan.values.at("y").params.scales[0], 1.0F);
}

TEST(ShiftTest, WeightsFinerThanTheShiftRegisterAreMadeCoarser) {
  const QuantizedModel q = OneProduct(0.01F, {0.01F, 0.01F}, 100);  // w 12, x 12, o and b 0
  EXPECT_THAT(ChangesOf(q), ElementsAre("layer weights 12 4"));
  EXPECT_EQ(q.plan.integer_nodes.begin()->second.weight->params.scales[0], 1 / 16.0F);
}

TEST(ShiftTest, ABiasFinerThanTheAccumulatorIsMadeCoarser) {
  const QuantizedModel q = OneProduct(100, {100, 100}, 0.01F);  // w 0, x 0, o -8, b 12
  EXPECT_THAT(ChangesOf(q), ElementsAre("layer bias 12 8"));
  EXPECT_THAT(q.plan.integer_nodes.begin()->second.bias_scales, ElementsAre(1 / 256.0F));
}

TEST(AlignTest, InputsOfAConcatAndOfAPoolingTakeTheScaleOfTheOutputWhereAsked) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "4", "4"}).Output("y").Floats("k", {1}, {10}).Random("w", {4, 4, 1, 1});
  b.Add("Conv", {"x", "w"}, {"c"});
  b.Add("Mul", {"c", "k"}, {"m"});
  b.Add("AveragePool", {"c"}, {"a"}).Set("kernel_shape", std::vector<int64_t>{1, 1});
  b.Add("Concat", {"a", "m"}, {"y"}).Set("axis", int64_t{1});
  for (const bool asked : {false, true}) {
    QuantConfig config = ConfigOf(TargetDevice::kDpu);
    config.change_concat_input_fix = config.change_pool_input_fix = asked;
    const QuantizedModel q = QuantizeModel(b.model, SamplesOf({1, 4, 4, 4}), config);
    const auto scale = [&](const char* value) { return q.plan.values.at(value).params.scales[0]; };
    EXPECT_EQ(scale("m"), scale("y"));
    EXPECT_EQ(scale("a") == scale("y"), asked);
    EXPECT_EQ(scale("c") == scale("y"), asked) << "through the pooling in front of it";
  }
}

TEST(DpuTest, ABareProductAtTheEndIsQuantizedToo) {
  GraphBuilder b;
  b.Input("x", {"4", "16"}).Output("y").Random("w", {16, 16});
  b.Add("MatMul", {"x", "w"}, {"y"});
  const auto outputs = [&](TargetDevice device) {
    const QuantizedModel q = QuantizeModel(b.model, SamplesOf({4, 16}), ConfigOf(device));
    return OperatorBefore(q.model.graph, "y");
  };
  EXPECT_EQ(outputs(TargetDevice::kDpu), "DequantizeLinear");
  EXPECT_EQ(outputs(TargetDevice::kQnn), "DequantizeLinear");
  EXPECT_EQ(outputs(TargetDevice::kCpu), "MatMul");
}

TEST(DpuTest, WhatOnlyMovesValuesNeedsNoRounding) {
  for (const int64_t opset : {13, 21}) {
    GraphBuilder b(opset);
    b.model.ir_version = opset < 21 ? 8 : 10;
    b.Input("x", {"1", "4", "4", "4"}).Output("y").Random("w", {4, 4, 1, 1}, 0.3F);
    b.Random("m", {32, 16}, 0.2F).Ints("rows", {2}, {2, 32});
    b.Add("Conv", {"x", "w"}, {"c"});
    b.Add("Reshape", {"c", "rows"}, {"f"});
    b.Add("MatMul", {"f", "m"}, {"y"});
    QuantConfig config = ConfigOf(TargetDevice::kDpu);
    config.exact_rounding = true;
    config.tensors.activation.round_mode = RoundMode::kHalfUp;
    const QuantizedModel q = QuantizeModel(b.model, SamplesOf({1, 4, 4, 4}), config);
    EXPECT_EQ(NodesOf(q.model.graph, "Round").size(), 2U) << "c and y";
    const std::vector<Tensor> x = {RandomTensor("x", {1, 4, 4, 4}, 1)};
    EXPECT_EQ(MaxDifference(RunModel(q.model, x)[0], RunModel(q.model, x, true)[0]), 0);
  }
}

}  // namespace
}  // namespace qconvert
