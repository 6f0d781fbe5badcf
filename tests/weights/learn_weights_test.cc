#include "qconvert/weights/learn_weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "qconvert/config/quant_config.h"
#include "qconvert/plan/value_range.h"
#include "qconvert/targets/target.h"
#include "support/weighted_layer.h"

namespace qconvert {
namespace {

// Neighbours have much in common, as those of a network's values have, and so have channels.
Tensor Correlated(const std::vector<int64_t>& dims, uint32_t seed) {
  std::vector<float> values = ToFloats(RandomTensor("x", dims, seed));
  for (size_t i = 1; i < values.size(); ++i) values[i] = 0.9F * values[i - 1] + 0.3F * values[i];
  size_t plane = 1;
  for (size_t d = 2; d < dims.size(); ++d) plane *= static_cast<size_t>(dims[d]);
  for (size_t i = plane; i < values.size(); ++i) values[i] = 0.7F * values[i - plane] + values[i];
  return MakeFloatTensor("x", dims, values);
}

// A layer with samples that it learns from and one that it has never seen.
struct Layer {
  Node node;
  Tensor weight;
  WeightOrder order;
  FittedWeights nearest;
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
  Tensor unseen;

  Layer(Node n, const std::vector<int64_t>& dims, const std::vector<int64_t>& input, int bits,
        uint32_t samples = 10)
      : node(std::move(n)),
        weight(RandomTensor("w", dims, 7)),
        order(KernelOrder(node, weight)),
        nearest(
            FitWeights(weight, order, WeightSettings(bits), {.pair_limit = kCpuTarget.pair_limit})),
        unseen(Correlated(input, 99)) {
    for (uint32_t s = 0; s < samples; ++s) {
      inputs.push_back(Correlated(input, 11 + s));
      outputs.push_back(RunNode(node, weight, inputs.back()));
    }
  }

  LearnedLayer Learn(const LearningSettings& settings, const LayerActivation& activation = {},
                     int workers = 1) const {
    return LearnWeights(node, weight, {}, nearest, {inputs, {}, outputs}, activation, settings,
                        workers);
  }

  // Squared error behind max(low, .) on the sample that was not learned from.
  double Error(const FittedWeights& weights, const std::vector<float>& shift, float low) const {
    const Tensor expected = RunNode(node, weight, unseen);
    const Tensor actual = RunNode(node, Dequantized(weights, order), unseen);
    const auto e = expected.values<float>();
    const auto a = actual.values<float>();
    const bool is_conv = node.Is("Conv");
    const size_t plane =
        is_conv ? e.size() / static_cast<size_t>(expected.dims[0] * expected.dims[1]) : 1;
    double sum = 0;
    for (size_t i = 0; i < e.size(); ++i) {
      const float b = shift.empty() ? 0 : shift[i / plane % shift.size()];
      sum += std::pow(std::max(low, a[i] + b) - std::max(low, e[i]), 2);
    }
    return sum;
  }
};

struct Case {
  const char* name;
  Node node;
  std::vector<int64_t> weight;
  std::vector<int64_t> input;
};

std::vector<Case> Cases() {
  return {{"pointwise", ConvNode(1, 0), {8, 16, 1, 1}, {1, 16, 16, 16}},
          {"strided", ConvNode(1, 1, 2), {8, 4, 3, 3}, {1, 4, 33, 31}},
          {"grouped", ConvNode(2, 1), {8, 2, 3, 3}, {1, 4, 16, 16}},
          {"depthwise", ConvNode(6, 1), {6, 1, 3, 3}, {1, 6, 16, 16}},
          {"Gemm", GemmNode(), {8, 24}, {256, 24}}};
}

TEST(LearnWeightsTest, UnseenOutputsAreNearerInEveryKindOfLayer) {
  for (const Case& one : Cases()) {
    const Layer layer(one.node, one.weight, one.input, 4);
    ASSERT_TRUE(CanLearn(one.node, layer.weight));
    const double before = layer.Error(layer.nearest, {}, -INFINITY);
    const LearnedLayer rounded = layer.Learn({.iterations = 400});
    EXPECT_GE(rounded.learned_channels, 3U) << one.name;
    EXPECT_LT(rounded.error_after, 0.8 * rounded.error_before) << one.name;
    EXPECT_LT(layer.Error(rounded.weights, rounded.bias_shift, -INFINITY), 0.85 * before)
        << one.name;
    EXPECT_EQ(rounded.weights.params.scales, layer.nearest.params.scales);
    const LearnedLayer moved = layer.Learn({.method = LearningMethod::kAdaQuant,
                                            .iterations = 400,
                                            .learning_rate = 0.002,
                                            .rate_of_deviation = true});
    EXPECT_GE(moved.learned_channels, 1U) << one.name;
    EXPECT_LT(moved.error_after, moved.error_before) << one.name;
    EXPECT_LT(layer.Error(moved.weights, moved.bias_shift, -INFINITY), 1.05 * before) << one.name;
  }
}

TEST(LearnWeightsTest, AdaRoundMovesToANeighbouringCodeOnly) {
  const Layer layer(ConvNode(1, 1), {8, 4, 3, 3}, {1, 4, 9, 9}, 4);
  const LearnedLayer learned = layer.Learn({.iterations = 300});
  const auto before = layer.weight.values<float>();
  const auto after = learned.weights.weight.values<int8_t>();
  for (size_t i = 0; i < after.size(); ++i) {
    const float real = before[i] / layer.nearest.params.scales[i / 36];
    EXPECT_LE(std::fabs(after[i] - real), 1.001F);
    EXPECT_LE(std::abs(after[i]), 7);
  }
}

TEST(LearnWeightsTest, WhatTheActivationCutsOffDoesNotCount) {
  const Layer layer(ConvNode(1, 0), {16, 16, 1, 1}, {1, 16, 16, 16}, 3);
  const LearningSettings options{.iterations = 500};
  const LearnedLayer plain = layer.Learn(options);
  const LearnedLayer relu = layer.Learn(options, {.low = 0});
  EXPECT_LT(layer.Error(relu.weights, relu.bias_shift, 0),
            layer.Error(plain.weights, plain.bias_shift, 0));
}

TEST(LearnWeightsTest, SameCodesForAnyNumberOfThreads) {
  for (const Case& one : Cases()) {
    const Layer layer(one.node, one.weight, one.input, 4);
    const LearnedLayer first = layer.Learn({.iterations = 60});
    const LearnedLayer second = layer.Learn({.iterations = 60}, {}, 3);
    EXPECT_EQ(*first.weights.weight.bytes, *second.weights.weight.bytes) << one.name;
    EXPECT_EQ(first.bias_shift, second.bias_shift) << one.name;
  }
}

TEST(LearnWeightsTest, PairsStayWithinWhatTheKernelAdds) {
  const Layer layer(GemmNode(), {16, 32}, {64, 32}, 8);
  const LearnedLayer learned = layer.Learn({.iterations = 300});
  const auto codes = learned.weights.weight.values<int8_t>();
  EXPECT_NE(*learned.weights.weight.bytes, *layer.nearest.weight.bytes);
  ASSERT_GT(layer.nearest.pair_limit, 0);
  for (size_t k = 0; k < codes.size(); k += 2) {
    if ((codes[k] > 0) == (codes[k + 1] > 0)) {
      EXPECT_LE(std::abs(codes[k] + codes[k + 1]), layer.nearest.pair_limit);
    }
  }
}

TEST(LearnWeightsTest, ABiasMakesUpForWhatTheInputsLost) {
  Layer layer(GemmNode(), {4, 8}, {64, 8}, 8);
  for (Tensor& output : layer.outputs) {
    std::vector<float> values = ToFloats(output);
    for (size_t i = 0; i < values.size(); ++i) values[i] += i % 4 == 2 ? 3.0F : 0.0F;
    output = MakeFloatTensor("y", output.dims, values);
  }
  const LearnedLayer learned = layer.Learn({.iterations = 50});
  EXPECT_NEAR(learned.bias_shift[2], 3, 0.05);
  EXPECT_NEAR(learned.bias_shift[0], 0, 0.05);
  const LearnedLayer fixed = layer.Learn({.iterations = 50, .learns_bias = false});
  EXPECT_EQ(fixed.bias_shift, std::vector<float>(4, 0.0F));
}

TEST(LearnWeightsTest, WhatIsNoNumberLeavesALayerAsItIs) {
  Layer layer(GemmNode(), {4, 8}, {64, 8}, 4);
  for (Tensor& output : layer.outputs) {
    std::vector<float> values = ToFloats(output);
    for (size_t i = 1; i < values.size(); i += 4) values[i] = NAN;
    for (size_t i = 2; i < values.size(); i += 4) values[i] = INFINITY;
    output = MakeFloatTensor("y", output.dims, values);
  }
  const LearnedLayer learned = layer.Learn({.iterations = 100});
  EXPECT_EQ(learned.bias_shift[1], 0);
  EXPECT_EQ(learned.bias_shift[2], 0);
  for (const size_t channel : {1U, 2U}) {
    EXPECT_EQ(learned.weights.weight.bytes->substr(8 * channel, 8),
              layer.nearest.weight.bytes->substr(8 * channel, 8));
  }
}

TEST(LearnWeightsTest, NothingIsLearnedFromOutputsOfOtherShapes) {
  Layer layer(GemmNode(), {4, 8}, {64, 8}, 4);
  layer.outputs[3] = RandomTensor("y", {63, 4}, 1);
  const LearnedLayer learned = layer.Learn({.iterations = 20});
  EXPECT_EQ(*learned.weights.weight.bytes, *layer.nearest.weight.bytes);
  EXPECT_TRUE(learned.bias_shift.empty());
}

TEST(LearnWeightsTest, CodesThatAFileCannotTellAreNotTaken) {
  const Layer layer(GemmNode(), {4, 8}, {64, 8}, 8);
  // Ten steps of 100 codes each.
  const LearnedLayer learned = layer.Learn(
      {.method = LearningMethod::kAdaQuant, .iterations = 10, .learning_rate = 100 * 3.0 / 127});
  const auto before = layer.nearest.weight.values<int8_t>();
  const auto after = learned.weights.weight.values<int8_t>();
  for (size_t i = 0; i < after.size(); ++i) EXPECT_LE(std::abs(after[i] - before[i]), 26);
}

TEST(LearnWeightsTest, ABatchOfMoreThanThereIsTakesAll) {
  const Layer layer(GemmNode(), {4, 8}, {64, 8}, 4);
  const LearnedLayer learned = layer.Learn({.iterations = 100, .batch = int64_t{1} << 40});
  EXPECT_LE(learned.error_after, learned.error_before);
}

TEST(LearnWeightsTest, ExactWeightsKeepTheirCodes) {
  Layer layer(GemmNode(), {4, 8}, {64, 8}, 4);
  layer.weight = Dequantized(layer.nearest, layer.order);
  for (size_t s = 0; s < layer.inputs.size(); ++s)
    layer.outputs[s] = RunNode(layer.node, layer.weight, layer.inputs[s]);
  const LearnedLayer learned = layer.Learn({.iterations = 50});
  EXPECT_EQ(*learned.weights.weight.bytes, *layer.nearest.weight.bytes);
  EXPECT_EQ(learned.learned_channels, 0U);
}

// Targets that have nothing to do with the inputs: whatever is learned is worse elsewhere.
TEST(LearnWeightsTest, WhatHelpsOnlyTheSamplesSeenIsNotKept) {
  Layer layer(GemmNode(), {16, 64}, {4, 64}, 8);
  for (size_t s = 0; s < layer.outputs.size(); ++s)
    layer.outputs[s] = RandomTensor("y", layer.outputs[s].dims, static_cast<uint32_t>(s), 100);
  const LearnedLayer learned = layer.Learn({.iterations = 300, .learns_bias = false});
  EXPECT_LE(learned.error_after, learned.error_before);
  EXPECT_LT(learned.learned_channels, 16U);
}

TEST(LearnWeightsTest, DroppedQuantizationMixesBothInputs) {
  Layer layer(ConvNode(1, 0), {8, 16, 1, 1}, {1, 16, 8, 8}, 4);
  const std::vector<Tensor> floats = layer.inputs;
  for (Tensor& input : layer.inputs) {
    std::vector<float> values = ToFloats(input);
    for (float& value : values) value = std::round(value * 2) / 2;
    input = MakeFloatTensor("x", input.dims, values);
  }
  const auto learn = [&](double part, uint64_t seed) {
    const LearningSettings options{.iterations = 100, .quantized_part = part, .seed = seed};
    return *LearnWeights(layer.node, layer.weight, {}, layer.nearest,
                         {layer.inputs, floats, layer.outputs}, {}, options, 1)
                .weights.weight.bytes;
  };
  EXPECT_EQ(learn(0.5, 1), learn(0.5, 1));
  EXPECT_NE(learn(0.5, 1), learn(0.5, 2)) << "other values are dropped";
  EXPECT_NE(learn(0.5, 1), learn(1, 1));
}

TEST(LearnWeightsTest, FewSamplesAndFewPositionsAreEnough) {
  for (const uint32_t samples : {1U, 4U, 5U}) {
    const Layer layer(GemmNode(), {4, 8}, {3, 8}, 4, samples);
    const LearnedLayer learned = layer.Learn({.iterations = 20});
    EXPECT_LE(learned.error_after, learned.error_before);
  }
  const Layer none(GemmNode(), {4, 8}, {1, 8}, 4, 1);
  const LearnedLayer learned = none.Learn({.iterations = 20});
  EXPECT_EQ(*learned.weights.weight.bytes, *none.nearest.weight.bytes);
  EXPECT_TRUE(learned.bias_shift.empty()) << "none is left to look at what was learned";
}

TEST(LearnWeightsTest, PositionsInStridesAreHeldOutToo) {
  // 16384 and a fourth of them are taken: of 25600 every fifth is left out, of 40960 every other.
  for (const int64_t rows : {25600, 40960}) {
    const Layer layer(GemmNode(), {8, 24}, {rows, 24}, 4, 1);
    const LearnedLayer learned = layer.Learn({.iterations = 200});
    EXPECT_GT(learned.error_before, 0) << rows;
    EXPECT_GE(learned.learned_channels, 1U) << rows;
  }
}

TEST(LearnWeightsTest, EpochsAreStepsOverWhatIsLearnedFrom) {
  const Layer layer(GemmNode(), {8, 24}, {64, 24}, 4);  // 512 positions: two batches
  const LearnedLayer steps = layer.Learn({.iterations = 60});
  const LearnedLayer epochs = layer.Learn({.iterations = 1, .epochs = 30});
  EXPECT_EQ(*steps.weights.weight.bytes, *epochs.weights.weight.bytes);
}

TEST(LearnWeightsTest, ActivationsAreThoseThatAloneReadTheLayer) {
  const auto find = [](const std::string& op_type, std::vector<std::string> inputs, bool twice) {
    GraphBuilder b(14);
    b.Input("x", {"1", "2", "4", "4"}).Output("z").Random("w", {3, 2, 1, 1});
    b.Floats("low", {}, {-1}).Floats("high", {}, {2});
    b.Add("Conv", {"x", "w"}, {"y"});
    b.Add(op_type, std::move(inputs), {"z"});
    if (twice) b.Output("y");
    const Topology topology(b.model.graph);
    return FindActivation(b.model.graph, topology, FindFusedUnit(b.model.graph, topology, 0));
  };
  EXPECT_EQ(find("Relu", {"y"}, false).low, 0);
  EXPECT_EQ(find("Relu", {"y"}, true).low, -INFINITY) << "others read what Relu cuts off";
  const LayerActivation clip = find("Clip", {"y", "low", "high"}, false);
  EXPECT_EQ(clip.low, -1);
  EXPECT_EQ(clip.high, 2);
  EXPECT_EQ(find("Clip", {"y", "", "high"}, false).low, -INFINITY);
  EXPECT_EQ(find("HardSwish", {"y"}, false).kind, LayerActivation::Kind::kHardSwish);
  EXPECT_EQ(find("HardSwish", {"y"}, true).kind, LayerActivation::Kind::kClip);
  EXPECT_EQ(find("Neg", {"y"}, false).high, INFINITY);
}

TEST(LearnWeightsTest, CostGrowsWithWeightsStepsAndPositions) {
  const auto cost = [](const std::vector<int64_t>& dims, const LearningSettings& settings,
                       double positions) {
    return LearningCost(GemmNode(), RandomTensor("w", dims, 1), settings, positions);
  };
  const LearningSettings steps{.iterations = 400, .batch = 100};
  const double few = cost({32, 24}, steps, 1000);
  EXPECT_DOUBLE_EQ(cost({64, 24}, steps, 1000), 2 * few);
  EXPECT_NEAR(cost({32, 24}, {.iterations = 800, .batch = 100}, 1000) / few, 2, 0.2);
  // As many weights one by one, each with inputs of its own, take more.
  Node depthwise = MakeNode("Conv", {"x", "w"}, {"y"});
  depthwise.Set("group", int64_t{96});
  EXPECT_GT(LearningCost(depthwise, RandomTensor("w", {96, 1, 8}, 1), steps, 1000), 10 * few);
  EXPECT_GT(cost({32, 24}, steps, 10'000), 1.3 * few) << "looks go through all positions";
  EXPECT_LT(cost({32, 24}, steps, 10), 0.5 * few) << "a batch has no more than there are";
  // Eight batches of 100 of the 800 positions that are not held out.
  const LearningSettings epochs{.epochs = 50, .batch = 100};
  EXPECT_DOUBLE_EQ(cost({32, 24}, epochs, 1000), few);
  EXPECT_NEAR(cost({32, 24}, epochs, 2000) / few, 2, 0.2);
}

}  // namespace
}  // namespace qconvert
