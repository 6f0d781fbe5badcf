// What files for QNN look like, and that they compute what their integers say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "qconvert/numbers/quantize.h"
#include "support/target_job.h"

namespace qconvert {
namespace {

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
