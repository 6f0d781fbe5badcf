// What files for each target look like, and that they compute what their integers say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "qconvert/numbers/quantize.h"
#include "support/quantize_model.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

QuantConfig ConfigOf(TargetDevice device) {
  QuantConfig config;
  config.target_device = device;
  const bool power = device == TargetDevice::kDpu;
  for (const TensorType type : kTensorTypes) {
    TensorSettings& of = config.tensors[type];
    of = {.method = CalibrationMethod::kMaxMin,
          .scale_type = power ? ScaleType::kPowerOfTwo : ScaleType::kFloat,
          .symmetry = true,
          .is_signed = true,
          .statistic = BatchStatistic::kAll};
  }
  config.tensors.weights.per_channel = !power;
  if (!power) config.tensors.bias.bit_width = 32;
  return config;
}

const Node* Producer(const Graph& graph, const std::string& value) {
  for (const Node& node : graph.nodes)
    for (const std::string& output : node.outputs)
      if (output == value) return &node;
  return nullptr;
}

std::string OperatorBefore(const Graph& graph, const std::string& value) {
  const Node* producer = Producer(graph, value);
  return producer == nullptr ? "" : producer->op_type;
}

std::vector<const Node*> NodesOf(const Graph& graph, const std::string& type) {
  std::vector<const Node*> out;
  for (const Node& node : graph.nodes)
    if (node.op_type == type) out.push_back(&node);
  return out;
}

//   x ─ Conv ─ Relu ─┬─ Conv ─ Relu ─ Conv ─ Add ─ Relu ─ MaxPool ─ GlobalAveragePool ─ Flatten ─
//   Gemm
//                    └──────────────────────┘
GraphBuilder ResidualNet() {
  GraphBuilder b;
  b.Input("x", {"1", "16", "8", "8"}).Output("y");
  b.Random("w", {16, 16, 3, 3}, 0.2F).Random("b", {16}).Random("g", {16, 32}).Random("h", {32});
  const auto conv = [&](const std::string& from, const std::string& to) {
    b.Add("Conv", {from, "w", "b"}, {to}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  };
  conv("x", "c1");
  b.Add("Relu", {"c1"}, {"r1"});
  conv("r1", "c2");
  b.Add("Relu", {"c2"}, {"r2"});
  conv("r2", "c3");
  b.Add("Add", {"c3", "r1"}, {"s"});
  b.Add("Relu", {"s"}, {"r3"});
  b.Add("MaxPool", {"r3"}, {"p"}).Set("kernel_shape", std::vector<int64_t>{2, 2});
  b.Add("GlobalAveragePool", {"p"}, {"a"});
  b.Add("Flatten", {"a"}, {"f"});
  b.Add("Gemm", {"f", "g", "h"}, {"y"});
  return b;
}

std::vector<std::vector<Tensor>> SamplesOf(const std::vector<int64_t>& dims) {
  return {{RandomTensor("x", dims, 1)}, {RandomTensor("x", dims, 2)}};
}

TEST(GpuTest, PairsStandOnInputsOfWeightedNodesAndOnTheResidualAlone) {
  const QuantizedModel q =
      QuantizeModel(ResidualNet().model, SamplesOf({1, 16, 8, 8}), ConfigOf(TargetDevice::kGpu));
  const Graph& graph = q.model.graph;
  for (const char* type : {"Conv", "Gemm"}) {
    for (const Node* node : NodesOf(graph, type)) {
      EXPECT_EQ(OperatorBefore(graph, node->inputs[0]), "DequantizeLinear");
      EXPECT_EQ(OperatorBefore(graph, node->inputs[1]), "DequantizeLinear");
      const Tensor* bias = graph.FindInitializer(node->inputs[2]);
      ASSERT_NE(bias, nullptr);
      EXPECT_EQ(bias->type, DataType::kFloat);
    }
  }
  const std::vector<const Node*> adds = NodesOf(graph, "Add");
  ASSERT_EQ(adds.size(), 1U);
  EXPECT_EQ(OperatorBefore(graph, adds[0]->inputs[0]), "Conv");
  EXPECT_EQ(OperatorBefore(graph, adds[0]->inputs[1]), "DequantizeLinear");
  for (const char* type : {"Relu", "MaxPool", "GlobalAveragePool", "Flatten"}) {
    for (const Node* node : NodesOf(graph, type))
      EXPECT_NE(OperatorBefore(graph, node->inputs[0]), "DequantizeLinear") << type;
  }
  EXPECT_EQ(OperatorBefore(graph, "y"), "Gemm") << "nothing behind the last node";
  EXPECT_EQ(NodesOf(graph, "QuantizeLinear").size(), 4U) << "x, r1, r2, f";
}

TEST(GpuTest, EverythingIsInt8WithZeroPointZero) {
  const QuantizedModel q =
      QuantizeModel(ResidualNet().model, SamplesOf({1, 16, 8, 8}), ConfigOf(TargetDevice::kGpu));
  for (const auto& [name, tensor] : q.model.graph.initializers)
    EXPECT_THAT(tensor.type, testing::AnyOf(DataType::kFloat, DataType::kInt8, DataType::kInt64))
        << name;
  for (const auto& [value, decided] : q.plan.values)
    EXPECT_THAT(decided.params.zero_points, ElementsAre(0)) << value;
  const std::vector<Tensor> x = {RandomTensor("x", {1, 16, 8, 8}, 1)};
  const Tensor expected = RunModel(q.float_model, x)[0];
  const Tensor got = RunModel(q.model, x)[0];
  float largest = 0;
  for (const float v : ToFloats(expected)) largest = std::max(largest, std::fabs(v));
  EXPECT_LT(MaxDifference(expected, got), largest / 10);
  EXPECT_GT(MaxDifference(expected, got), 0);
}

TEST(GpuTest, ThinProductsStayFloatAndSayWhy) {
  for (const auto& [k, n] :
       std::vector<std::pair<int64_t, int64_t>>{{15, 32}, {32, 15}, {16, 16}}) {
    GraphBuilder b;
    b.Input("x", {"4", std::to_string(k)}).Output("y").Random("w", {k, n});
    b.Add("MatMul", {"x", "w"}, {"y"});
    const QuantizedModel q =
        QuantizeModel(b.model, SamplesOf({4, k}), ConfigOf(TargetDevice::kGpu));
    const bool wide = k >= 16 && n >= 16;
    EXPECT_EQ(NodesOf(q.model.graph, "QuantizeLinear").size(), wide ? 1U : 0U) << k << "x" << n;
    if (wide) continue;
    EXPECT_EQ(q.plan.placement.nodes[0].reason, "its weights are " + std::to_string(k) + " x " +
                                                    std::to_string(n) +
                                                    ", tensor cores take 16 and more");
  }
}

TEST(GpuTest, ABiasOfEightBitsIsRoundedAndStaysFloat) {
  GraphBuilder b;
  b.Input("x", {"4", "16"}).Output("y").Random("w", {16, 16}).Random("b", {16});
  b.Add("Gemm", {"x", "w", "b"}, {"y"});
  QuantConfig config = ConfigOf(TargetDevice::kGpu);
  config.tensors.bias.bit_width = 8;
  const QuantizedModel q = QuantizeModel(b.model, SamplesOf({4, 16}), config);
  const Node* gemm = NodesOf(q.model.graph, "Gemm")[0];
  const Tensor* bias = q.model.graph.FindInitializer(gemm->inputs[2]);
  ASSERT_NE(bias, nullptr);
  const std::vector<float> before = ToFloats(*q.float_model.graph.FindInitializer("b"));
  float largest = 0;
  for (const float v : before) largest = std::max(largest, std::fabs(v));
  const double scale = static_cast<double>(largest) / 127;
  for (size_t i = 0; i < before.size(); ++i) {
    const double codes = static_cast<double>(bias->values<float>()[i]) / scale;
    EXPECT_NEAR(codes, std::round(codes), 1e-4);
    EXPECT_NEAR(bias->values<float>()[i], before[i], scale / 2 * 1.001);
  }
}

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

}  // namespace
}  // namespace qconvert
