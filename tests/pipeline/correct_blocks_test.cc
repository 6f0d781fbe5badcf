#include "../../src/pipeline/correct_blocks.h"

#include <gtest/gtest.h>

#include <cmath>

#include "../../src/pipeline/learnable_ranges.h"
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

  explicit Net(const char* between = "Relu", int value_bits = 8) {
    config.tensors.weights.bit_width = value_bits == 8 ? 4 : 8;
    config.tensors.activation.bit_width = value_bits;
    for (uint32_t k = 1; k <= 20; ++k) inputs.push_back({RandomTensor("x", {1, 3, 8, 8}, k)});
    quantized = QuantizeModel(ResidualNet(between), inputs, config);
  }

  CorrectedBlocks CorrectAll(int workers, BlockVariables variables) const {
    std::vector<Sample> samples;
    for (const auto& of_sample : inputs) samples.push_back({"s", of_sample});
    BlockOptions options{{.iterations = 200}, {}, workers, nullptr, variables};
    return CorrectBlocks(quantized.float_model, quantized.plan, {}, samples, options, "test");
  }

  LayerCorrections Correct(int workers = 1,
                           BlockVariables variables = BlockVariables::kCodes) const {
    return CorrectAll(workers, variables).corrections;
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

  std::set<std::string> Roots(const QuantizationPlan& plan) const {
    const Graph& graph = quantized.float_model.graph;
    const Topology topology(graph);
    const std::vector<Block> blocks = LearnableBlocks(graph, FindCodedLayers(graph, plan), {});
    return LearnableRanges(graph, topology, plan).Of(blocks.at(0));
  }
};

TEST(CorrectBlocksTest, TheOutputComesCloser) {
  const Net net;
  const LayerCorrections found = net.Correct();
  EXPECT_EQ(found.weights.size(), 3U) << "the residual, and the Gemm behind it by itself";
  EXPECT_EQ(found.bias.size(), 3U);
  EXPECT_LT(net.Error(net.With(found)), 0.8 * net.Error(net.With({})));
}

TEST(CorrectBlocksTest, RangesAloneBringTheOutputCloser) {
  const Net net("Relu", 4);
  const LayerCorrections found = net.Correct(1, BlockVariables::kRanges);
  EXPECT_TRUE(found.weights.empty());
  EXPECT_FALSE(found.ranges.empty());
  EXPECT_LT(net.Error(net.With(found)), net.Error(net.With({})));
}

TEST(CorrectBlocksTest, RangesOfValuesThatTheBlockDoesNotWriteStay) {
  const Net net;
  EXPECT_EQ(net.Roots(net.quantized.plan), (std::set<std::string>{"a", "c2", "g", "r1"}));
  QuantizationPlan plan = net.quantized.plan;
  plan.values.at("r1").root = "r0";  // as behind a MaxPool in front of the block
  plan.values.at("c2").method = "fixed";
  EXPECT_EQ(net.Roots(plan), (std::set<std::string>{"a", "g"}));
  plan.values.at("a").format.power_of_two = true;
  plan.values.at("g").range.max *= 2;  // as aligned with another value
  EXPECT_TRUE(net.Roots(plan).empty());
}

TEST(CorrectBlocksTest, ThreadsChangeNothing) {
  const Net net;
  const LayerCorrections one = net.Correct(1);
  const LayerCorrections three = net.Correct(3);
  EXPECT_EQ(one.ranges, three.ranges);
  EXPECT_EQ(one.bias, three.bias);
  for (const auto& [n, weights] : one.weights)
    EXPECT_EQ(*weights.weight.bytes, *three.weights.at(n).weight.bytes);
}

TEST(CorrectBlocksTest, ABlockWithAnOperatorThatIsNotDoneStaysAsItWasAndSaysWhy) {
  const CorrectedBlocks found = Net("Softplus").CorrectAll(1, BlockVariables::kCodes);
  EXPECT_TRUE(found.corrections.empty());
  EXPECT_EQ(found.What(), "0 of 1 block learned together, 1 cannot: operator Softplus");
}

TEST(CorrectBlocksTest, WhatChangedIsCounted) {
  Net net("Relu", 4);
  const CorrectedBlocks found = net.CorrectAll(1, BlockVariables::kRanges);
  EXPECT_EQ(found.What(), "1 of 1 block learned together");
  EXPECT_EQ(found.ranges, found.corrections.ranges.size());
  EXPECT_EQ(found.layers, 2U);
  EXPECT_EQ(found.Report(BlockVariables::kRanges).name, "clipping in blocks");
  EXPECT_EQ(found.Report(BlockVariables::kRanges).layers, found.ranges);
  for (auto& [name, value] : net.quantized.plan.values) value.method = "fixed";
  const CorrectedBlocks biases = net.CorrectAll(1, BlockVariables::kRanges);
  EXPECT_EQ(biases.ranges, 0U);
  EXPECT_EQ(biases.layers, 2U);
  EXPECT_TRUE(biases.corrections.ranges.empty());
  EXPECT_FALSE(biases.corrections.bias.empty());
  EXPECT_EQ(biases.Report(BlockVariables::kRanges).name, "biases in blocks");
  EXPECT_EQ(biases.Report(BlockVariables::kRanges).layers, 2U);
}

TEST(CorrectBlocksTest, TheReasonThatMostBlocksHaveIsNamed) {
  const CorrectedBlocks found{.corrections = {},
                              .blocks = 9,
                              .learned = 5,
                              .obstacles = {{"operator Erf", 1}, {"operator Softplus", 2}}};
  EXPECT_EQ(found.What(),
            "5 of 9 blocks learned together, 3 cannot: operator Softplus (2 of them)");
}

}  // namespace
}  // namespace qconvert
