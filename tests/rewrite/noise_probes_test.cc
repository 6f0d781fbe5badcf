#include "qconvert/rewrite/noise_probes.h"

#include <gtest/gtest.h>

#include <cmath>

#include "qconvert/numbers/quantize.h"
#include "qconvert/rewrite/parts_of_plan.h"
#include "support/quantize_model.h"

namespace qconvert {
namespace {

double PowerOf(const Tensor& a) {
  double sum = 0;
  for (const float one : a.values<float>()) sum += static_cast<double>(one) * one;
  return sum;
}

double PowerOfDifference(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (size_t i = 0; i < a.values<float>().size(); ++i)
    sum += std::pow(a.values<float>()[i] - b.values<float>()[i], 2);
  return sum;
}

// x -> Conv, Relu -> Conv -> y, all on integers.
class NoiseProbesTest : public testing::Test {
 protected:
  NoiseProbesTest() {
    GraphBuilder b;
    b.Input("x", {"1", "4", "4", "4"}).Output("y").Random("w", {4, 4, 1, 1}).Random("b", {4});
    b.Random("v", {4, 4, 1, 1});
    b.Add("Conv", {"x", "w", "b"}, {"c"});
    b.Add("Relu", {"c"}, {"r"});
    b.Add("Conv", {"r", "v"}, {"y"});
    quantized_ = QuantizeModel(b.model, {sample_});
    Model rounded = quantized_.float_model;
    RoundIntegerWeights(rounded.graph, quantized_.plan);
    probes_ = MakeNoiseProbes(quantized_.float_model, rounded, quantized_.plan);
  }

  // The number that an output gives.
  double Value(const std::string& output) const {
    const std::vector<Tensor> values = RunModel(probes_.model, sample_);
    for (size_t o = 0; o < values.size(); ++o)
      if (probes_.model.graph.outputs[o].name == output)
        return static_cast<double>(values[o].values<float>()[0]);
    ADD_FAILURE() << output;
    return 0;
  }

  // The float model with other tensors for some names, as an input or an initializer.
  Tensor Output(const std::string& value, const std::map<std::string, Tensor>& others) const {
    Model model = quantized_.float_model;
    model.graph.outputs = {{value, {}, {}, {}}};
    std::vector<Tensor> inputs = sample_;
    for (const auto& [name, tensor] : others) {
      if (name == "x") inputs[0] = tensor;
      if (model.graph.initializers.contains(name)) model.graph.initializers[name] = tensor;
    }
    return RunModel(model, inputs).at(0);
  }

  std::vector<Tensor> sample_ = {RandomTensor("x", {1, 4, 4, 4}, 1)};
  QuantizedModel quantized_;
  NoiseProbes probes_;
};

TEST_F(NoiseProbesTest, NumbersAreThoseOfOneNodeAtATime) {
  ASSERT_EQ(probes_.probes.size(), 2U) << "the Relu goes with its convolution";
  const NoiseProbe& first = probes_.probes[0];
  const Tensor exact = Output("r", {});
  EXPECT_NEAR(Value(first.signal), PowerOf(exact), 1e-4 * PowerOf(exact));

  const ConstantCodes& weight = *quantized_.plan.integer_nodes.at(first.node).weight;
  const Tensor rounded =
      MakeFloatTensor("w", weight.codes.dims, DequantizeTensor(weight.codes, weight.params));
  const double of_weights = PowerOfDifference(exact, Output("r", {{"w", rounded}}));
  EXPECT_GT(of_weights, 0);
  EXPECT_NEAR(Value(first.weights), of_weights, 1e-3 * of_weights);

  const ValuePlan& x = quantized_.plan.values.at("x");
  Tensor codes = sample_[0];
  codes.type = x.params.type;
  codes.bytes = std::make_shared<const std::string>(
      QuantizeToBytes(sample_[0].values<float>(), sample_[0].dims, x.params, x.format));
  const Tensor on_grid = MakeFloatTensor("x", sample_[0].dims, DequantizeTensor(codes, x.params));
  const double of_inputs = PowerOfDifference(exact, Output("r", {{"x", on_grid}}));
  EXPECT_GT(of_inputs, 0);
  EXPECT_NEAR(Value(first.inputs), of_inputs, 1e-3 * of_inputs);
}

TEST_F(NoiseProbesTest, ASecondNodeKnowsNothingOfTheFirst) {
  const NoiseProbe& second = probes_.probes[1];
  const ConstantCodes& weight = *quantized_.plan.integer_nodes.at(second.node).weight;
  const Tensor rounded =
      MakeFloatTensor("v", weight.codes.dims, DequantizeTensor(weight.codes, weight.params));
  const double of_weights = PowerOfDifference(Output("y", {}), Output("y", {{"v", rounded}}));
  EXPECT_NEAR(Value(second.weights), of_weights, 1e-3 * of_weights);
}

// From the back: the engine begins with the last node, and lets go of values that are summed up.
TEST_F(NoiseProbesTest, SumsStandAtTheEndTheFirstNodesLast) {
  const Graph& graph = probes_.model.graph;
  ASSERT_EQ(graph.outputs.size(), 6U);
  for (size_t o = 0; o < graph.outputs.size(); ++o)
    EXPECT_EQ(graph.nodes[graph.nodes.size() - 1 - o].outputs[0], graph.outputs[o].name);
}

TEST(ProbedGridsTest, ReadersOnGridsOfOneScaleShareNoCodes) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "4", "4"}).Output("y").Output("z");
  b.Random("w", {4, 4, 1, 1}).Random("v", {4, 4, 1, 1}, 1);
  b.Add("Conv", {"x", "w"}, {"y"});
  b.Add("Conv", {"x", "v"}, {"z"});
  const std::vector<Tensor> sample = {RandomTensor("x", {1, 4, 4, 4}, 1)};
  QuantizedModel quantized = QuantizeModel(b.model, {sample});
  const Model& exact = quantized.float_model;
  const size_t shared = MakeNoiseProbes(exact, exact, quantized.plan).model.graph.nodes.size();
  const ValuePlan& x = quantized.plan.values.at("x");
  auto& converted = quantized.plan.integer_nodes.at(1).converted[0];
  converted.params = x.params;
  converted.format = x.format;
  EXPECT_EQ(MakeNoiseProbes(exact, exact, quantized.plan).model.graph.nodes.size(), shared);
  ++converted.params.zero_points[0];
  EXPECT_GT(MakeNoiseProbes(exact, exact, quantized.plan).model.graph.nodes.size(), shared);
}

}  // namespace
}  // namespace qconvert
