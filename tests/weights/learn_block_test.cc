// Layers that learn together.
#include "qconvert/weights/learn_block.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "qconvert/numbers/quantize.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/weights/learn_weights.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

// x -> Conv -> Relu -> depthwise Conv -> Relu -> Conv -> Add(x) -> y with weights of 3 bits.
struct Residual {
  GraphBuilder b;
  Block block{.entry = "x", .exit = "y", .nodes = {0, 1, 2, 3, 4, 5}, .layers = {0, 2, 4}};
  std::vector<BlockStart> starts;
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;

  explicit Residual(size_t samples = 20) {
    b.Input("x", {"1", "4", "6", "6"}).Output("y");
    b.Random("w1", {8, 4, 1, 1})
        .Random("b1", {8})
        .Random("w2", {8, 1, 3, 3})
        .Random("w3", {4, 8, 1, 1});
    b.Add("Conv", {"x", "w1", "b1"}, {"c1"});
    b.Add("Relu", {"c1"}, {"r1"});
    Node& depthwise = b.Add("Conv", {"r1", "w2"}, {"c2"});
    depthwise.Set("group", int64_t{8});
    depthwise.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
    b.Add("Relu", {"c2"}, {"r2"});
    b.Add("Conv", {"r2", "w3"}, {"c3"});
    b.Add("Add", {"c3", "x"}, {"y"});
    for (const size_t n : block.layers) {
      const Node& node = b.model.graph.nodes[n];
      const Tensor& weight = *b.model.graph.FindInitializer(node.inputs[1]);
      const WeightOrder order = KernelOrder(node, weight);
      QuantParams params{DataType::kInt8, 0, {}, {}};
      params.scales.assign(static_cast<size_t>(order.channels), 0.7F);
      params.zero_points.assign(static_cast<size_t>(order.channels), 0);
      const NumericFormat format = IntegerFormat(3, true, true, true);
      starts.push_back({RoundWeights(weight, order, params, format, {}), {}});
      starts.back().weights.format = format;
    }
    for (size_t s = 0; s < samples; ++s) {
      inputs.push_back(RandomTensor("x", {1, 4, 6, 6}, static_cast<uint32_t>(s + 1)));
      outputs.push_back(RunModel(b.model, {inputs.back()}).at(0));
    }
  }

  LearnedBlock Learn(const LearningSettings& settings, int workers = 1,
                     const std::map<std::string, ValuePlan>& values = {},
                     const WhatLearns& learns = {}) const {
    return LearnBlock(b.model.graph, block, starts, values,
                      {.inputs = inputs, .float_inputs = inputs, .outputs = outputs}, settings,
                      workers, learns);
  }
};

std::map<std::string, ValuePlan> EightBits() {
  std::map<std::string, ValuePlan> values;
  for (const char* name : {"r1", "r2"}) {
    ValuePlan& value = values[name];
    value.format = FullFormat(DataType::kUint8);
    value.params = ParamsFromRange({0, 12}, value.format);
  }
  return values;
}

TEST(LearnBlockTest, TheHeldOutErrorFalls) {
  const Residual net(40);
  for (const LearningMethod method : {LearningMethod::kAdaRound, LearningMethod::kAdaQuant}) {
    LearningSettings settings{.method = method, .iterations = 200};
    if (method == LearningMethod::kAdaQuant) settings.learning_rate = 0.01;
    const LearnedBlock learned = net.Learn(settings, 1, EightBits());
    EXPECT_EQ(learned.obstacle, "");
    EXPECT_LT(learned.error_after, 0.6 * learned.error_before);
    EXPECT_FALSE(learned.layers[1].shift.empty());
  }
}

TEST(LearnBlockTest, CodesStayInTheGridAndNextToTheWeights) {
  const Residual net;
  const LearnedBlock learned = net.Learn({.iterations = 100});
  bool any = false;
  for (size_t k = 0; k < learned.layers.size(); ++k) {
    const std::vector<int32_t> nearest = CodesOf(net.starts[k].weights.weight);
    const std::vector<int32_t> codes = CodesOf(learned.layers[k].weights.weight);
    ASSERT_EQ(codes.size(), nearest.size());
    for (size_t i = 0; i < codes.size(); ++i) {
      EXPECT_LE(std::abs(codes[i]), 3);
      EXPECT_LE(std::abs(codes[i] - nearest[i]), 1);
      any |= codes[i] != nearest[i];
    }
  }
  EXPECT_TRUE(any);
}

TEST(LearnBlockTest, ABlockOfOneLayerLearnsWhatTheLayerDoes) {
  Residual net(60);
  const Node& node = net.b.model.graph.nodes[0];
  net.block = {.entry = "x", .exit = "r1", .nodes = {0, 1}, .layers = {0}};
  net.starts.resize(1);
  net.b.Output("r1").Output("c1");
  const Tensor& weight = *net.b.model.graph.FindInitializer("w1");
  const std::vector<float> bias = ToFloats(*net.b.model.graph.FindInitializer("b1"));
  std::vector<Tensor> before_relu;
  for (size_t s = 0; s < net.inputs.size(); ++s) {
    std::vector<Tensor> values = RunModel(net.b.model, {net.inputs[s]});
    net.outputs[s] = values.at(1);
    before_relu.push_back(values.at(2));
  }
  const LearningSettings settings{.iterations = 500};
  const LearnedBlock together = net.Learn(settings);
  const LearnedLayer alone = LearnWeights(node, weight, bias, net.starts[0].weights,
                                          {net.inputs, {}, before_relu}, {.low = 0}, settings, 1);
  // A layer takes each channel's best look, with the bias that whole codes want.
  EXPECT_LT(8 * together.error_after, 1.3 * alone.error_after);
  EXPECT_GT(8 * together.error_after, 0.9 * alone.error_after);
  EXPECT_LT(together.error_after, 0.85 * together.error_before);
}

TEST(LearnBlockTest, AdaQuantBeginsWithTheCodesThatLayersLearned) {
  const Residual net;
  LearningSettings settings{.method = LearningMethod::kAdaQuant, .iterations = 1};
  settings.learning_rate = 1e-6;
  Residual moved;
  std::vector<int32_t> codes = CodesOf(moved.starts[0].weights.weight);
  codes[0] += codes[0] < 3 ? 1 : -1;
  moved.starts[0].weights.weight.bytes =
      std::make_shared<const std::string>(PackCodes(codes, DataType::kInt8));
  const LearnedBlock learned = moved.Learn(settings);
  EXPECT_EQ(CodesOf(learned.layers[0].weights.weight), codes);
  EXPECT_NE(learned.error_before, net.Learn(settings).error_before);
}

TEST(LearnBlockTest, ThreadsChangeNothing) {
  const Residual net;
  const LearningSettings settings{.iterations = 100, .quantized_part = 0.5};
  const LearnedBlock one = net.Learn(settings, 1, EightBits());
  const LearnedBlock three = net.Learn(settings, 3, EightBits());
  EXPECT_EQ(one.error_after, three.error_after);
  for (size_t k = 0; k < one.layers.size(); ++k) {
    EXPECT_EQ(*one.layers[k].weights.weight.bytes, *three.layers[k].weights.weight.bytes);
    EXPECT_EQ(one.layers[k].shift, three.layers[k].shift);
  }
}

// Values on 16 codes, with ranges far wider than what comes.
std::map<std::string, ValuePlan> WideRanges() {
  std::map<std::string, ValuePlan> values;
  for (const char* name : {"r1", "r2", "y"}) {
    ValuePlan& value = values[name];
    value.root = name;
    value.format = IntegerFormat(4, false, false);
    value.range = {std::string(name) == "y" ? -20.0F : 0.0F, 20};
    value.params = ParamsFromRange(value.range, value.format);
  }
  return values;
}

TEST(LearnBlockTest, RangesLearnToo) {
  const Residual net(40);
  const LearningSettings settings{.iterations = 300};
  const LearnedBlock codes = net.Learn(settings, 1, WideRanges(), {.roots = {}});
  for (const BlockVariables variables : {BlockVariables::kCodes, BlockVariables::kRanges}) {
    const LearnedBlock learned =
        net.Learn(settings, 1, WideRanges(), {variables, {"r1", "r2", "y"}});
    ASSERT_EQ(learned.obstacle, "");
    EXPECT_LT(learned.error_after, 0.6 * learned.error_before);
    ASSERT_EQ(learned.ranges.size(), 3U);
    for (const auto& [root, range] : learned.ranges) {
      EXPECT_NE(range.max, 20) << root;
      EXPECT_EQ(range.min < 0, root == "y") << "zero stays where a bound is zero";
    }
    const bool are_codes = variables == BlockVariables::kCodes;
    EXPECT_EQ(CodesOf(learned.layers[0].weights.weight) != CodesOf(net.starts[0].weights.weight),
              are_codes);
  }
  EXPECT_TRUE(codes.ranges.empty());
}

TEST(LearnBlockTest, ValuesOfOneRootKeepOneRange) {
  const Residual net(40);
  std::map<std::string, ValuePlan> values = WideRanges();
  values["r2"].root = "r1";
  const LearnedBlock learned = net.Learn({.iterations = 200}, 1, values, {.roots = {"r1"}});
  ASSERT_EQ(learned.ranges.size(), 1U);
  EXPECT_LT(learned.ranges.at("r1").max, 20);
}

TEST(LearnBlockTest, ASymmetricRangeStaysSo) {
  const Residual net(40);
  std::map<std::string, ValuePlan> values = WideRanges();
  values["y"].format = IntegerFormat(4, true, true);
  values["y"].range = {-10, 20};
  values["y"].params = ParamsFromRange(values["y"].range, values["y"].format);
  const LearnedBlock learned =
      net.Learn({.iterations = 200}, 1, values, {BlockVariables::kRanges, {"y"}});
  ASSERT_EQ(learned.ranges.size(), 1U);
  const Range range = learned.ranges.at("y");
  EXPECT_NE(range.max, 20);
  EXPECT_FLOAT_EQ(range.min, -0.5F * range.max);
}

TEST(LearnBlockTest, ThreadsChangeNoRange) {
  const Residual net;
  const LearningSettings settings{.iterations = 100, .quantized_part = 0.5};
  const WhatLearns learns{.roots = {"r1", "y"}};
  const LearnedBlock one = net.Learn(settings, 1, WideRanges(), learns);
  const LearnedBlock two = net.Learn(settings, 2, WideRanges(), learns);
  EXPECT_FALSE(one.ranges.empty());
  EXPECT_EQ(one.ranges, two.ranges);
  EXPECT_EQ(one.error_after, two.error_after);
}

TEST(LearnBlockTest, CostGrowsWithStepsAndEpochs) {
  const LearningSettings steps{.iterations = 400, .batch = 256};
  const double one = BlockLearningCost(1000, 50, steps);
  EXPECT_DOUBLE_EQ(BlockLearningCost(2000, 50, steps), 2 * one);
  EXPECT_NEAR(BlockLearningCost(1000, 50, {.iterations = 800, .batch = 256}) / one, 2, 0.1);
  // Ten batches of four of the 40 images that are not held out.
  EXPECT_DOUBLE_EQ(BlockLearningCost(1000, 50, {.epochs = 40, .batch = 256}), one);
  EXPECT_NEAR(BlockLearningCost(1000, 100, {.epochs = 40, .batch = 256}) / one, 2, 0.1);
}

TEST(LearnBlockTest, WhatCannotLearnStaysAndSaysWhy) {
  const LearnedBlock few = Residual(4).Learn({.iterations = 100});
  EXPECT_EQ(few.obstacle, "too few samples of one shape");
  Residual odd;
  odd.inputs[3] = RandomTensor("x", {1, 4, 5, 5}, 1);
  EXPECT_EQ(odd.Learn({.iterations = 100}).obstacle, "too few samples of one shape");
  Residual fixed;
  fixed.block.layers = {0, 2};
  fixed.starts.pop_back();
  EXPECT_EQ(fixed.Learn({.iterations = 100}).obstacle, "a layer that does not learn");
}

}  // namespace
}  // namespace qconvert
