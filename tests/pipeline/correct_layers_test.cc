#include "../../src/pipeline/correct_layers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "../../src/pipeline/layerwise_run.h"
#include "../../src/pipeline/learning_time.h"
#include "qconvert/numbers/quantize.h"
#include "support/quantize_model.h"

namespace qconvert {
namespace {

using Inputs = std::vector<std::vector<Tensor>>;

std::vector<Sample> SamplesOf(const Inputs& inputs) {
  std::vector<Sample> samples;
  for (const auto& of_sample : inputs) samples.push_back({"s", of_sample});
  return samples;
}

Inputs RandomInputs(const std::vector<int64_t>& dims, size_t count) {
  Inputs inputs;
  for (size_t k = 0; k < count; ++k)
    inputs.push_back({RandomTensor("x", dims, static_cast<uint32_t>(k + 1))});
  return inputs;
}

// Conv, depthwise Conv, Conv with padding, Gemm; with and without biases, two ways to one Add.
// `between`: what stands behind the first two.
GraphBuilder SmallNet(const char* between = "Relu") {
  GraphBuilder b;
  b.Input("x", {"1", "3", "8", "8"}).Output("y");
  b.Random("w0", {8, 3, 1, 1}).Random("w1", {8, 1, 3, 3}).Random("w2", {8, 8, 3, 3}, 0.3F);
  b.Random("b1", {8}).Random("w3", {4, 8}).Random("b3", {4});
  b.Add("Conv", {"x", "w0"}, {"c0"}).name = "l0";
  b.Add(between, {"c0"}, {"r0"});
  Node& depthwise = b.Add("Conv", {"r0", "w1", "b1"}, {"c1"});
  depthwise.name = "l1";
  depthwise.Set("group", int64_t{8});
  depthwise.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add(between, {"c1"}, {"r1"});
  Node& padded = b.Add("Conv", {"r1", "w2"}, {"c2"});
  padded.name = "l2";
  padded.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add("Add", {"c2", "r0"}, {"a"});
  b.Add("GlobalAveragePool", {"a"}, {"g"});
  b.Add("Flatten", {"g"}, {"f"});
  Node& gemm = b.Add("Gemm", {"f", "w3", "b3"}, {"y"});
  gemm.name = "l3";
  gemm.Set("transB", int64_t{1});
  return b;
}

LayerCorrections Correct(const Model& model, const QuantizationPlan& plan, const Inputs& inputs,
                         const CorrectionOptions& options = {}) {
  return CorrectLayers(model, plan, QuantConfig(), SamplesOf(inputs), options, "test");
}

std::map<size_t, CodedLayer> LayersOf(const QuantizedModel& q) {
  return FindCodedLayers(q.float_model.graph, q.plan);
}

QuantConfig FewBits() {
  QuantConfig config;
  config.tensors.weights.bit_width = 4;
  return config;
}

// Mean outputs of the named nodes, measured in the whole model.
std::map<std::string, std::vector<double>> MeansOf(Model model, const std::vector<Tensor>& inputs) {
  std::vector<std::string> names;
  model.graph.outputs.clear();
  for (const Node& node : model.graph.nodes) {
    if (node.name.size() != 2 || node.name[0] != 'l') continue;
    names.push_back(node.name);
    model.graph.outputs.push_back({node.outputs[0], {}, {}, {}});
  }
  const std::vector<Tensor> values = RunModel(model, inputs);
  std::map<std::string, std::vector<double>> means;
  for (size_t k = 0; k < names.size(); ++k) {
    const bool rows = values[k].dims.size() == 2;
    means[names[k]] = ChannelMeans(values[k], rows ? ChannelAxis::kLast : ChannelAxis::kSecond);
  }
  return means;
}

double LargestGap(const std::map<std::string, std::vector<double>>& a,
                  const std::map<std::string, std::vector<double>>& b) {
  double largest = 0;
  for (const auto& [name, means] : a) {
    for (size_t c = 0; c < means.size(); ++c)
      largest = std::max(largest, std::abs(means[c] - b.at(name)[c]));
  }
  return largest;
}

TEST(CorrectLayersTest, ShiftsAreThoseComputedByHand) {
  GraphBuilder b;
  b.Input("x", {"1", "2"}).Output("y");
  b.Floats("w", {2, 2}, {1, -64.0F / 127, -1, 32.0F / 127}).Floats("b", {2}, {0, 0});
  b.Add("Gemm", {"x", "w", "b"}, {"y"}).Set("transB", int64_t{1});
  // Steps of 3 / 255: every input is exact.
  const Inputs inputs = {{MakeFloatTensor("x", {1, 2}, std::vector<float>{1, 0})},
                         {MakeFloatTensor("x", {1, 2}, std::vector<float>{3, 2})}};
  QuantizedModel q = QuantizeModel(b.model, inputs);
  ConstantCodes& weight = *q.plan.integer_nodes.at(0).weight;
  ASSERT_EQ(*weight.codes.bytes, std::string("\x7f\xc0\x81\x20", 4));
  // W[0][0] four steps of 1 / 127 too small: y[0] is off by 4/127 and 12/127, the mean by m =
  // 8/127 with variance v = (4/127)^2, and the shift is m (1 - v / m^2) = 6/127.
  weight.codes.bytes = std::make_shared<const std::string>("\x7b\xc0\x81\x20", 4);
  const LayerCorrections found = Correct(q.float_model, q.plan, inputs, {.workers = 1});
  ASSERT_TRUE(found.bias.contains(0));
  EXPECT_NEAR(found.bias.at(0)[0], 6.0 / 127, 1e-6);
  EXPECT_NEAR(found.bias.at(0)[1], 0, 1e-6);
}

TEST(CorrectLayersTest, MeansOfEveryLayerAreThoseOfTheFloatModel) {
  // One sample: no mean is left to chance.
  const Inputs inputs = RandomInputs({1, 3, 8, 8}, 1);
  const QuantizedModel q = QuantizeModel(SmallNet("Identity").model, inputs, FewBits());
  const LayerCorrections found = Correct(q.float_model, q.plan, inputs, {.workers = 1});
  EXPECT_EQ(found.bias.size(), 4);
  const auto expected = MeansOf(q.float_model, inputs[0]);
  ASSERT_EQ(expected.size(), 4);
  const double before = LargestGap(expected, MeansOf(q.model, inputs[0]));
  const double after =
      LargestGap(expected, MeansOf(WithCorrections(q, FewBits(), found), inputs[0]));
  EXPECT_GT(before, 0.05) << "4 bits move means";
  EXPECT_LT(after, before / 4) << "codes that flip move outputs behind them";
  const auto corrected = MeansOf(WithCorrections(q, FewBits(), found), inputs[0]);
  for (const char* conv : {"l0", "l1", "l2"}) {
    for (size_t c = 0; c < 8; ++c) EXPECT_NEAR(corrected.at(conv)[c], expected.at(conv)[c], 0.04);
  }
}

TEST(CorrectLayersTest, FirstShiftIsTheDifferenceMeasuredInTheWholeModels) {
  const Inputs inputs = RandomInputs({1, 3, 8, 8}, 1);
  const QuantizedModel q = QuantizeModel(SmallNet("Identity").model, inputs, FewBits());
  const LayerCorrections found = Correct(q.float_model, q.plan, inputs, {.workers = 1});
  const auto expected = MeansOf(q.float_model, inputs[0]);
  const auto actual = MeansOf(q.model, inputs[0]);
  for (size_t c = 0; c < 8; ++c)
    EXPECT_NEAR(found.bias.at(0)[c], expected.at("l0")[c] - actual.at("l0")[c], 1e-5);
}

// Rows of -3 and 1 through a weight that came out half as large: the mean is 0.5 too high, and with
// it corrected nothing would be left above 0.
QuantizedModel HalvedLayer(const char* activation, const Inputs& inputs) {
  GraphBuilder b;
  b.Input("x", {"2", "1"}).Output("y").Floats("w", {1, 1}, {1}).Floats("b", {1}, {0});
  b.Add("Gemm", {"x", "w", "b"}, {"g"});
  b.Add(activation, {"g"}, {"y"});
  QuantizedModel q = QuantizeModel(b.model, inputs);
  ConstantCodes& weight = *q.plan.integer_nodes.at(0).weight;
  EXPECT_EQ(*weight.codes.bytes, "\x7f");
  weight.codes.bytes = std::make_shared<const std::string>("\x40", 1);
  return q;
}

TEST(CorrectLayersTest, ALayerThatVariesTooLittleIsNotShutBehindItsRectifier) {
  const Inputs inputs = {{MakeFloatTensor("x", {2, 1}, std::vector<float>{-3, 1})}};
  const QuantizedModel rectified = HalvedLayer("Relu", inputs);
  const LayerCorrections found = Correct(rectified.float_model, rectified.plan, inputs);
  ASSERT_TRUE(found.bias.contains(0));
  EXPECT_EQ(found.bias.at(0)[0], 0) << "0.5 passes where 1 should: less would be worse";
  const QuantizedModel open = HalvedLayer("Neg", inputs);
  EXPECT_NEAR(Correct(open.float_model, open.plan, inputs).bias.at(0)[0], -0.5, 0.01)
      << "nothing is cut off";
}

// Two neighbours of 127 sum to more than kernels without dot products may add up.
TEST(CorrectLayersTest, RoundingKeepsTheLimitOfPairsThatThePlanHas) {
  GraphBuilder b;
  b.Input("x", {"8", "4"}).Output("y").Floats("b", {1}, {0});
  b.Floats("w", {1, 4}, {1, 0.97F, 0.9213F, 0.9771F});
  b.Add("Gemm", {"x", "w", "b"}, {"y"}).Set("transB", int64_t{1});
  const Inputs inputs = RandomInputs({8, 4}, 8);
  QuantizedModel q = QuantizeModel(b.model, inputs);
  const auto largest_pair = [&](int32_t pair_limit) {
    CodeCache codes;
    FillCodes(q.float_model.graph, QuantConfig(), {.pair_limit = pair_limit}, codes, q.plan);
    EXPECT_EQ(q.plan.integer_nodes.at(0).weight->pair_limit, pair_limit);
    const LayerCorrections found =
        Correct(q.float_model, q.plan, inputs, {.round_weights = true, .move_biases = false});
    const std::vector<int32_t> rounded = CodesOf(found.weights.at(0).weight);
    return std::max(rounded[0] + rounded[1], rounded[2] + rounded[3]);
  };
  EXPECT_LE(largest_pair(128), 128);
  EXPECT_GT(largest_pair(0), 240);
}

TEST(CorrectLayersTest, ThreadsChangeNothing) {
  const Inputs inputs = RandomInputs({1, 3, 8, 8}, 9);
  const QuantizedModel q = QuantizeModel(SmallNet().model, inputs, FewBits());
  const LayerCorrections one = Correct(q.float_model, q.plan, inputs, {.workers = 1});
  const LayerCorrections four = Correct(q.float_model, q.plan, inputs, {.workers = 4});
  EXPECT_EQ(one.bias, four.bias);
  EXPECT_FALSE(one.empty());
}

TEST(CorrectLayersTest, FloatNodesHaveNoCorrection) {
  const Inputs inputs = RandomInputs({1, 3, 8, 8}, 2);
  QuantizedModel q = QuantizeModel(SmallNet().model, inputs);
  Placement placement =
      PlaceNodes(q.float_model.graph, {.keep_float = {{0, "test"}}, .place_by = PlaceBy::kKernels});
  CalibrationTable table;
  for (const auto& [value, decided] : q.plan.values) {
    Histogram::BinScratch scratch;
    table.values[value].Observe(std::vector<float>{-3, 3}, TensorStatistics::Detail::kRangeOnly,
                                scratch);
  }
  QuantizationPlan plan = MakePlan(q.float_model.graph, std::move(placement), table, QuantConfig());
  CodeCache codes;
  FillCodes(q.float_model.graph, QuantConfig(), {}, codes, plan);
  const LayerCorrections found = Correct(q.float_model, plan, inputs, {.workers = 1});
  EXPECT_FALSE(found.bias.contains(0));
  EXPECT_FALSE(found.empty());
}

TEST(CorrectLayersTest, WithoutSamplesNormalizationsTellOfBiases) {
  const QuantizedModel q =
      QuantizeModel(SmallNet().model, RandomInputs({1, 3, 8, 8}, 2), FewBits());
  const std::map<std::string, ChannelMoments> moments = {
      {"x", {{1, 2, 3}, {1, 1, 1}}}, {"r1", {{1, 2}, {1, 1}}}};  // the second has 8 channels
  const LayerCorrections found = CorrectBiasesByMoments(q.float_model.graph, q.plan, moments);
  EXPECT_EQ(found.bias.size(), 1U);
  EXPECT_EQ(found.bias.at(0).size(), 8U);
  EXPECT_TRUE(CorrectBiasesByMoments(q.float_model.graph, q.plan, {}).empty());
}

TEST(CorrectLayersTest, TheVendorsLoopMovesBiasesThatAreThere) {
  const Inputs inputs = RandomInputs({1, 3, 8, 8}, 24);
  const QuantizedModel q = QuantizeModel(SmallNet().model, inputs, FewBits());
  const LayerCorrections found =
      Correct(q.float_model, q.plan, inputs, {.online = true, .workers = 1});
  EXPECT_FALSE(found.bias.contains(0)) << "l0 and l2 have no bias";
  EXPECT_EQ(found.bias.size(), 2U);
  const LayerCorrections threads =
      Correct(q.float_model, q.plan, inputs, {.online = true, .workers = 3});
  EXPECT_EQ(found.bias, threads.bias);
}

double SquaredError(const Model& model, const Model& expected, const Inputs& inputs) {
  double sum = 0;
  for (const std::vector<Tensor>& sample : inputs) {
    const Tensor a = RunModel(model, sample)[0];
    const Tensor b = RunModel(expected, sample)[0];
    for (size_t i = 0; i < a.values<float>().size(); ++i)
      sum += std::pow(static_cast<double>(a.values<float>()[i]) - b.values<float>()[i], 2);
  }
  return sum;
}

TEST(CorrectLayersTest, LearnedWeightsBringTheOutputsOfUnseenSamplesNearer) {
  const Inputs inputs = RandomInputs({1, 3, 8, 8}, 40);
  const Inputs seen(inputs.begin(), inputs.begin() + 30);
  const Inputs unseen(inputs.begin() + 30, inputs.end());
  const QuantizedModel q = QuantizeModel(SmallNet().model, seen, FewBits());
  for (const double quantized_part : {1.0, 0.5}) {
    const LearningSettings learning{.iterations = 300, .quantized_part = quantized_part};
    std::vector<size_t> told;
    const LayerCorrections found =
        Correct(q.float_model, q.plan, seen,
                {.learning = &learning,
                 .progress = [&](size_t p) { told.push_back(p); },
                 .costs = LearningCosts(q.float_model.graph, LayersOf(q), learning, {30, {}})});
    EXPECT_EQ(found.weights.size(), 4U);
    EXPECT_EQ(found.bias.size(), 4U);
    EXPECT_EQ(told.size(), 4U);
    EXPECT_EQ(told.back(), 100U);
    EXPECT_LT(SquaredError(WithCorrections(q, FewBits(), found), q.float_model, unseen),
              0.6 * SquaredError(q.model, q.float_model, unseen));
  }
}

TEST(CorrectLayersTest, OnlyLayersOfTheTypesAskedForAreLearned) {
  const Inputs inputs = RandomInputs({1, 3, 8, 8}, 6);
  const QuantizedModel q = QuantizeModel(SmallNet().model, inputs, FewBits());
  const LearningSettings learning{.iterations = 10, .op_types = {"Gemm"}};
  const LayerCorrections found =
      Correct(q.float_model, q.plan, inputs, {.move_biases = false, .learning = &learning});
  EXPECT_EQ(found.weights.size(), 1U);
  EXPECT_EQ(found.bias.size(), 1U);
  EXPECT_EQ(LearningCosts(q.float_model.graph, LayersOf(q), learning, {6, {}}).size(), 1U);
}

TEST(CorrectLayersTest, LearnedWeightsAreTheSameForAnyNumberOfThreads) {
  const Inputs inputs = RandomInputs({1, 3, 8, 8}, 9);
  const QuantizedModel q = QuantizeModel(SmallNet().model, inputs, FewBits());
  const LearningSettings learning{.iterations = 30};
  const auto learn = [&](int workers) {
    return Correct(q.float_model, q.plan, inputs,
                   {.round_weights = true, .learning = &learning, .workers = workers});
  };
  const LayerCorrections one = learn(1);
  const LayerCorrections four = learn(4);
  EXPECT_EQ(one.bias, four.bias);
  ASSERT_EQ(one.weights.size(), 4U);
  for (const auto& [node, weights] : one.weights)
    EXPECT_EQ(*weights.weight.bytes, *four.weights.at(node).weight.bytes);
}

TEST(LayerwiseRunTest, PiecesComputeWhatTheModelComputes) {
  const Inputs inputs = RandomInputs({1, 3, 8, 8}, 3);
  const Model model = QuantizeModel(SmallNet().model, inputs).float_model;
  LayerwiseRun run(model, SamplesOf(inputs), {"c0", "c2", "y"}, 2, "test");
  run.Reach("c0");
  run.Drop("c0");
  run.Reach("c2");
  const std::vector<Tensor> outputs = run.Reach("y");
  ASSERT_EQ(outputs.size(), 3);
  for (size_t s = 0; s < 3; ++s)
    EXPECT_LT(MaxDifference(outputs[s], RunModel(model, inputs[s])[0]), 1e-4);
}

// What all samples read and what they write together would be twice the memory.
TEST(LayerwiseRunTest, WhatASampleHasReadIsGoneBeforeTheNextOneRuns) {
  GraphBuilder b;
  b.Input("x", {"1", "N"}).Output("y").Random("w", {3, 2});
  b.Add("MatMul", {"x", "w"}, {"y"});
  bool is_gone = false;
  Tensor watched = MakeFloatTensor("x", {1, 3}, std::vector<float>{1, 2, 3});
  watched.bytes = std::shared_ptr<const std::string>(new std::string(*watched.bytes),
                                                     [&](const std::string* bytes) {
                                                       is_gone = true;
                                                       delete bytes;
                                                     });
  std::vector<Sample> samples = {{"a", {}}, {"b", {RandomTensor("x", {1, 4}, 1)}}};  // b fails
  samples[0].inputs.push_back(std::move(watched));
  LayerwiseRun run(b.model, std::move(samples), {"y"}, 1, "test");
  EXPECT_FALSE(is_gone);
  EXPECT_THROW(run.Reach("y"), Error);
  EXPECT_TRUE(is_gone);
}

TEST(LayerwiseRunTest, WhatIsReplacedIsWhatLaterNodesRead) {
  const Inputs inputs = RandomInputs({1, 3, 8, 8}, 1);
  GraphBuilder b;
  b.Input("x", {"1", "3"}).Output("y");
  b.Add("Neg", {"x"}, {"n"});
  b.Add("Abs", {"n"}, {"a"});
  b.Add("Add", {"a", "x"}, {"y"});
  LayerwiseRun run(b.model, {{"s", {MakeFloatTensor("x", {1, 3}, std::vector<float>{1, 2, 3})}}},
                   {"n", "y"}, 1, "test");
  EXPECT_THAT(ToFloats(run.Reach("n")[0]), testing::ElementsAre(-1, -2, -3));
  run.Replace("n", {MakeFloatTensor("n", {1, 3}, std::vector<float>{5, 5, 5})});
  EXPECT_THAT(ToFloats(run.Reach("y")[0]), testing::ElementsAre(6, 7, 8));
}

// If on a constant condition, whose branch gives `output`: Relu, or an If of its own around it.
Subgraph RelusBehindIfs(const std::string& input, const std::string& output, int depth) {
  GraphBuilder b;
  b.Output(output);
  if (depth == 0) {
    b.Add("Relu", {input}, {output});
  } else {
    b.model.graph.initializers["yes" + output] =
        MakeTensor<uint8_t>("yes" + output, DataType::kBool, {}, std::vector<uint8_t>{1});
    Node& node = b.Add("If", {"yes" + output}, {output});
    for (const char* branch : {"then_branch", "else_branch"})
      node.Set(branch, RelusBehindIfs(input, output + branch[0], depth - 1));
  }
  return Subgraph(b.model.graph);
}

TEST(LayerwiseRunTest, BranchesThatTheEngineWouldTakeOutMayEndAPiece) {
  GraphBuilder b;
  b.Input("x", {"1", "3"}).Output("y");
  b.model.graph.initializers["yes"] =
      MakeTensor<uint8_t>("yes", DataType::kBool, {}, std::vector<uint8_t>{1});
  b.Add("Neg", {"x"}, {"n"});
  Node& node = b.Add("If", {"yes"}, {"i"});
  node.Set("then_branch", RelusBehindIfs("n", "a", 1));
  node.Set("else_branch", RelusBehindIfs("n", "b", 1));
  b.Add("Abs", {"i"}, {"y"});
  LayerwiseRun run(b.model, {{"s", {MakeFloatTensor("x", {1, 3}, std::vector<float>{1, -2, 3})}}},
                   {"n", "i", "y"}, 1, "test");
  run.Reach("n");
  EXPECT_THAT(ToFloats(run.Reach("i")[0]), testing::ElementsAre(0, 2, 0));
  EXPECT_THAT(ToFloats(run.Reach("y")[0]), testing::ElementsAre(0, 2, 0));
}

TEST(LayerwiseRunTest, PeakIsWhatOneNodeNeedsAtMost) {
  GraphBuilder b;
  b.Input("x", {"4"}).Output("y");
  b.Add("Neg", {"x"}, {"n"});
  b.Add("Abs", {"n"}, {"a"});
  b.Add("Add", {"a", "x"}, {"s"});
  b.Add("Neg", {"s"}, {"y"});
  // x, n and a while Abs runs.
  EXPECT_EQ(PeakLiveBytes(b.model.graph, {{"x", 4}, {"n", 4}, {"a", 4}, {"s", 4}}), 4 * 12);
  EXPECT_EQ(PeakLiveBytes(b.model.graph, {}), 0);
}

}  // namespace
}  // namespace qconvert
