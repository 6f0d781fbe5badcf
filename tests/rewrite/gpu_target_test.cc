// What files for GPUs look like.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "qconvert/numbers/quantize.h"
#include "support/target_job.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

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

}  // namespace
}  // namespace qconvert
