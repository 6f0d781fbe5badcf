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

TEST(GpuTest, WeightsOfFloatNodesStayFloat) {
  GraphBuilder b;
  b.Input("x", {"4", "15"}).Output("y").Random("w", {15, 320});
  b.Add("MatMul", {"x", "w"}, {"y"});  // too thin for a tensor core
  const QuantizedModel q = QuantizeModel(b.model, SamplesOf({4, 15}), ConfigOf(TargetDevice::kGpu));
  EXPECT_THAT(q.plan.stored, IsEmpty());
  EXPECT_EQ(q.plan.placement.nodes[0].domain, NodeDomain::kFloat);
  QuantConfig weights = ConfigOf(TargetDevice::kGpu);
  weights.scheme = Scheme::kWeightOnly;  // asked for
  EXPECT_EQ(QuantizeModel(b.model, SamplesOf({4, 15}), weights).plan.stored.size(), 1U);
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

QuantConfig QnnConfig(int bits) {
  QuantConfig config;
  config.target_device = TargetDevice::kQnn;
  config.tensors.input.bit_width = config.tensors.activation.bit_width = bits;
  return config;
}

TEST(QnnTest, EveryNodeStandsBetweenPairsOfOneType) {
  for (const int bits : {8, 16}) {
    const QuantizedModel q =
        QuantizeModel(ResidualNet().model, SamplesOf({1, 16, 8, 8}), QnnConfig(bits));
    const Graph& graph = q.model.graph;
    for (const Node& node : graph.nodes) {
      if (node.op_type == "QuantizeLinear" || node.op_type == "DequantizeLinear") continue;
      const std::string before = OperatorBefore(graph, node.inputs[0]);
      // A Relu stands behind its convolution or sum.
      EXPECT_TRUE(before == "DequantizeLinear" || (node.Is("Relu") && !before.empty()))
          << node.op_type << " behind " << before;
    }
    for (const auto& [value, decided] : q.plan.values)
      EXPECT_EQ(decided.params.type, bits == 8 ? DataType::kUint8 : DataType::kUint16) << value;
    EXPECT_EQ(q.plan.values.at("p").params, q.plan.values.at("r3").params) << "MaxPool";
    const Node* gemm = NodesOf(graph, "Gemm")[0];
    EXPECT_TRUE(gemm->attributes.contains("beta"));
    EXPECT_EQ(gemm->GetFloat("beta", 0), 1);
    for (const auto& [n, integer] : q.plan.integer_nodes) {
      if (!integer.weight) continue;
      const bool conv = q.float_model.graph.nodes[n].Is("Conv");
      EXPECT_EQ(integer.weight->params.per_tensor(), !conv);
    }
    const std::vector<Tensor> x = {RandomTensor("x", {1, 16, 8, 8}, 1)};
    const Tensor expected = RunModel(q.float_model, x)[0];
    float largest = 0;
    for (const float v : ToFloats(expected)) largest = std::max(largest, std::fabs(v));
    EXPECT_LT(MaxDifference(expected, RunModel(q.model, x)[0]), largest / 10);
  }
}

TEST(QnnTest, SquashedValuesHaveTheParametersOfTheirWholeRange) {
  GraphBuilder b;
  b.Input("x", {"2", "8"}).Output("y").Output("z");
  b.Add("Sigmoid", {"x"}, {"y"});
  b.Add("Softmax", {"x"}, {"z"}).Set("axis", int64_t{1});
  for (const int bits : {8, 16}) {
    const QuantizedModel q = QuantizeModel(b.model, SamplesOf({2, 8}), QnnConfig(bits));
    const QuantParams& sigmoid = q.plan.values.at("y").params;
    EXPECT_EQ(sigmoid.scales[0], std::ldexp(1.0F, -bits));
    EXPECT_EQ(sigmoid.zero_points[0], 0);
    const QuantParams& softmax = q.plan.values.at("z").params;
    EXPECT_FLOAT_EQ(softmax.scales[0], 1 / (std::ldexp(1.0F, bits) - 1));
  }
}

TEST(QnnTest, ValuesAreConvertedInFrontOfNodesOfAnotherType) {
  GraphBuilder b;
  b.Input("x", {"1", "16", "8", "8"}).Output("y");
  b.Random("w", {16, 16, 1, 1}, 0.2F).Random("v", {16, 16, 1, 1}, 0.2F);
  b.Add("Conv", {"x", "w"}, {"c"}).name = "narrow";
  b.Add("Conv", {"c", "v"}, {"d"}).name = "wide";
  b.Add("Add", {"c", "d"}, {"y"}).name = "sum";
  QuantConfig config = QnnConfig(8);
  LayerSettings wide;
  wide.match.pattern = "wide";
  wide.tensors = config.tensors;
  wide.tensors.activation.bit_width = 16;
  config.layers.push_back(wide);
  Model model = b.model;
  PrepareModel(model, "test model");
  ModelSettings settings(config);
  settings.layer_of["wide"] = 0;
  CalibrationTable table;
  Histogram::BinScratch scratch;
  for (const char* value : {"x", "c", "d", "y"}) {
    table.values[value].Observe(RandomTensor(value, {64}, 3).values<float>(),
                                TensorStatistics::Detail::kHistogram, scratch);
  }
  Placement placement =
      PlaceNodes(model.graph, {.place_by = PlaceBy::kKernels, .target = &kQnnTarget});
  QuantizationPlan plan = MakePlan(model.graph, std::move(placement), table, settings);
  CodeCache codes;
  FillCodes(model.graph, settings, {}, codes, plan);
  EXPECT_EQ(plan.values.at("c").params.type, DataType::kUint8);
  EXPECT_EQ(plan.values.at("d").params.type, DataType::kUint16);
  const IntegerNodePlan& wide_node = plan.integer_nodes.at(1);
  ASSERT_EQ(wide_node.converted.size(), 1U);
  EXPECT_EQ(wide_node.converted.at(0).params.type, DataType::kUint16);
  EXPECT_TRUE(plan.integer_nodes.at(0).converted.empty());
  ASSERT_EQ(plan.integer_nodes.at(2).converted.size(), 1U);
  EXPECT_EQ(plan.integer_nodes.at(2).converted.at(1).params.type, DataType::kUint8);
  InsertQdq(model, plan);
  // DQ and Q side by side, the DQ with no other reader.
  for (const Node* node : NodesOf(model.graph, "Conv")) {
    if (node->name != "wide") continue;
    const Node* view = Producer(model.graph, node->inputs[0]);
    const Node* quantize = Producer(model.graph, view->inputs[0]);
    ASSERT_EQ(quantize->op_type, "QuantizeLinear");
    const Node* real = Producer(model.graph, quantize->inputs[0]);
    ASSERT_EQ(real->op_type, "DequantizeLinear");
    EXPECT_EQ(Topology(model.graph).Uses(real->outputs[0]).size(), 1U);
  }
  EXPECT_EQ(RunModel(model, {RandomTensor("x", {1, 16, 8, 8}, 1)}).size(), 1U);
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

TEST(QnnTest, FourBitWeightsAreNativeFromOpset21On) {
  for (const int64_t opset : {13, 21, 25}) {
    GraphBuilder b(opset);
    b.model.ir_version = opset < 21 ? 8 : 13;
    b.Input("x", {"1", "16", "8", "8"}).Output("y").Random("w", {16, 16, 1, 1}, 0.2F);
    b.Random("g", {64, 16}).Random("h", {16});
    b.Ints("rows", {2}, {16, 64});
    b.Add("Conv", {"x", "w"}, {"c"});
    b.Add("Reshape", {"c", "rows"}, {"r"});
    b.Add("Gemm", {"r", "g", "h"}, {"y"});
    QuantConfig config = QnnConfig(8);
    config.tensors.weights.bit_width = opset == 25 ? 2 : 4;  // no int2: it has no kernel
    const QuantizedModel q = QuantizeModel(b.model, SamplesOf({1, 16, 8, 8}), config);
    for (const auto& [n, integer] : q.plan.integer_nodes) {
      if (!integer.weight) continue;
      EXPECT_EQ(integer.weight->codes.type, DataType::kInt8) << "the plan knows no opset";
    }
    for (const char* type : {"Conv", "Gemm"}) {
      const Node* node = NodesOf(q.model.graph, type)[0];
      const Node* dequantize = Producer(q.model.graph, node->inputs[1]);
      EXPECT_EQ(q.model.graph.FindInitializer(dequantize->inputs[0])->type,
                opset >= 21 ? DataType::kInt4 : DataType::kInt8);
    }
    EXPECT_EQ(RunModel(q.model, {RandomTensor("x", {1, 16, 8, 8}, 1)}).size(), 1U);
  }
}

}  // namespace
}  // namespace qconvert
