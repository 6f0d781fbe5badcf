#include "../../src/pipeline/correct_blocks.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/quantize_model.h"

namespace qconvert {
namespace {

// Conv, then a residual of two, then Conv, average, Gemm; `between` the two of the residual.
Model ResidualNet(const char* between) {
  GraphBuilder b;
  b.Input("x", {"1", "3", "8", "8"}).Output("y");
  b.Random("w0", {8, 3, 1, 1}).Random("w1", {8, 1, 3, 3}).Random("w2", {8, 8, 1, 1}, 0.3F);
  b.Random("w3", {4, 8}).Random("b3", {4});
  b.Add("Conv", {"x", "w0"}, {"c0"});
  b.Add("Relu", {"c0"}, {"r0"});
  Node& depthwise = b.Add("Conv", {"r0", "w1"}, {"c1"});
  depthwise.Set("group", int64_t{8});
  depthwise.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add(between, {"c1"}, {"r1"});
  b.Add("Conv", {"r1", "w2"}, {"c2"});
  b.Add("Add", {"c2", "r0"}, {"a"});
  b.Add("GlobalAveragePool", {"a"}, {"g"});
  b.Add("Flatten", {"g"}, {"f"});
  b.Add("Gemm", {"f", "w3", "b3"}, {"y"}).Set("transB", int64_t{1});
  return b.model;
}

struct Net {
  QuantConfig config;
  std::vector<std::vector<Tensor>> inputs;
  QuantizedModel quantized;

  explicit Net(const char* between = "Relu") {
    config.tensors.weights.bit_width = 4;
    for (uint32_t k = 1; k <= 20; ++k) inputs.push_back({RandomTensor("x", {1, 3, 8, 8}, k)});
    quantized = QuantizeModel(ResidualNet(between), inputs, config);
  }

  LayerCorrections Correct(int workers = 1) const {
    std::vector<Sample> samples;
    for (const auto& of_sample : inputs) samples.push_back({"s", of_sample});
    BlockOptions options{{.iterations = 200}, {}, workers};
    return CorrectBlocks(quantized.float_model, quantized.plan, {}, samples, options, "test");
  }

  // Squared error of the output over samples that nothing was learned from.
  double Error(const Model& model) const {
    double error = 0;
    for (uint32_t k = 101; k <= 110; ++k) {
      const std::vector<Tensor> x{RandomTensor("x", {1, 3, 8, 8}, k)};
      const Tensor expected = RunModel(quantized.float_model, x).at(0);
      const Tensor actual = RunModel(model, x).at(0);
      for (size_t i = 0; i < expected.values<float>().size(); ++i)
        error += std::pow(expected.values<float>()[i] - actual.values<float>()[i], 2);
    }
    return error;
  }

  Model With(const LayerCorrections& corrections) const {
    return WithCorrections(quantized, config, corrections);
  }
};

TEST(CorrectBlocksTest, TheOutputComesCloser) {
  const Net net;
  const LayerCorrections found = net.Correct();
  EXPECT_EQ(found.weights.size(), 3U) << "the residual, and the Gemm behind it by itself";
  EXPECT_EQ(found.bias.size(), 3U);
  EXPECT_LT(net.Error(net.With(found)), 0.8 * net.Error(net.With({})));
}

TEST(CorrectBlocksTest, ThreadsChangeNothing) {
  const Net net;
  const LayerCorrections one = net.Correct(1);
  const LayerCorrections three = net.Correct(3);
  EXPECT_EQ(one.bias, three.bias);
  for (const auto& [n, weights] : one.weights)
    EXPECT_EQ(*weights.weight.bytes, *three.weights.at(n).weight.bytes);
}

TEST(CorrectBlocksTest, ABlockWithAnOperatorThatIsNotDoneStaysAsItWas) {
  EXPECT_TRUE(Net("Softplus").Correct().empty());
}

}  // namespace
}  // namespace qconvert
