#include "qconvert/plan/cost_model.h"

#include <gtest/gtest.h>

#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

// Time on integers / time in float of a convolution on [1, input, size, size].
double ConvRatio(int64_t input, int64_t output, int64_t kernel, int64_t size, int64_t group = 1) {
  GraphBuilder b;
  const std::string side = std::to_string(size);
  b.Input("x", {"1", std::to_string(input), side, side}).Output("y");
  b.Random("w", {output, input / group, kernel, kernel});
  b.Add("Conv", {"x", "w"}, {"y"}).Set("group", group);
  InferTypes(b.model, "m");
  const CostModel costs(b.model.graph, {});
  const Node& node = b.model.graph.nodes[0];
  return costs.IntegerCost(node) / costs.FloatCost(node);
}

TEST(CostModelTest, WideConvolutionsGain) {
  EXPECT_LT(ConvRatio(64, 64, 3, 28), 0.9);
  EXPECT_LT(ConvRatio(128, 256, 1, 28), 0.9);
}

TEST(CostModelTest, DepthwiseConvolutionsWithLargeWindowsLose) {
  EXPECT_GT(ConvRatio(64, 64, 7, 28, 64), 1);
  EXPECT_GT(ConvRatio(64, 64, 7, 28, 64), ConvRatio(64, 64, 3, 28, 64));
}

TEST(CostModelTest, ThinnerConvolutionsGainLess) {
  EXPECT_LT(ConvRatio(64, 64, 3, 28), ConvRatio(16, 16, 3, 28));
  EXPECT_LT(ConvRatio(16, 16, 3, 28), ConvRatio(4, 17, 3, 28)) << "17 channels cost as 32";
}

TEST(CostModelTest, SizesOfOneRunWinOverDeclaredOnes) {
  GraphBuilder b;
  b.Input("x", {"N", "16"}).Output("y");
  b.Add("Sigmoid", {"x"}, {"y"});
  InferTypes(b.model, "m");
  EXPECT_EQ(CostModel(b.model.graph, {}).SizeOf("x"), 16) << "a free dimension counts as 1";
  EXPECT_EQ(CostModel(b.model.graph, {{"x", 4096}}).SizeOf("x"), 4096);
  EXPECT_EQ(CostModel(b.model.graph, {}).SizeOf("unknown"), 1024);
}

TEST(CostModelTest, ImagesPayForTheirLayout) {
  GraphBuilder b;
  b.Input("image", {"1", "8", "16", "16"}).Input("rows", {"8", "256"}).Output("y");
  b.Add("Relu", {"image"}, {"y"});
  const CostModel costs(b.model.graph, {});
  EXPECT_GT(costs.QuantizeCost("image", nullptr), costs.QuantizeCost("rows", nullptr));
  EXPECT_GT(costs.DequantizeCost("image"), costs.DequantizeCost("rows"));
}

TEST(CostModelTest, ConversionsBehindAPoolAreDear) {
  GraphBuilder b;
  b.Input("x", {"1", "8", "16", "16"}).Output("y");
  b.Add("MaxPool", {"x"}, {"p"}).Set("kernel_shape", std::vector<int64_t>{3, 3});
  b.Add("Relu", {"p"}, {"y"});
  InferTypes(b.model, "m");
  const CostModel costs(b.model.graph, {});
  const Node& pool = b.model.graph.nodes[0];
  EXPECT_GT(costs.QuantizeCost("p", &pool), 5 * costs.QuantizeCost("p", nullptr));
}

TEST(CostModelTest, RenamingTakesNoTime) {
  GraphBuilder b;
  b.Input("x", {"4", "256"}).Output("y").Ints("s", {1}, {1024});
  b.Add("Reshape", {"x", "s"}, {"y"});
  InferTypes(b.model, "m");
  const CostModel costs(b.model.graph, {});
  EXPECT_EQ(costs.FloatCost(b.model.graph.nodes[0]), 0);
  EXPECT_EQ(costs.IntegerCost(b.model.graph.nodes[0]), 0);
}

// Terms of a Conv [1, input, 8, 8] -> output channels, padded to keep its size.
std::map<CostTerm, double> ConvTerms(int64_t input, int64_t output, int64_t kernel, int64_t group,
                                     bool on_integers) {
  GraphBuilder b;
  b.Random("w", {output, input / group, kernel, kernel});
  b.Add("Conv", {"x", "w"}, {"y"}).Set("group", group);
  const CostModel costs(b.model.graph, {{"x", input * 64}, {"y", output * 64}});
  const Node& node = b.model.graph.nodes[0];
  std::map<CostTerm, double> terms;
  for (const CostShare& share : on_integers ? costs.IntegerShares(node) : costs.FloatShares(node))
    terms[share.term] += share.count;
  return terms;
}

TEST(CostModelTest, FloatConvolutionsByTheirChannels) {
  using enum CostTerm;
  struct Row {
    int64_t input, output, group;
    CostTerm product;
    double per_output;  // products
  };
  for (const Row& row : {Row{32, 64, 1, kFloatProduct, 32 * 9},
                         {32, 25, 1, kFloatProduct, 32 * 9},
                         {32, 24, 1, kFloatMediumProduct, 32 * 9},
                         {3, 64, 1, kFloatThinProduct, 3 * 9},
                         {3, 8, 1, kFloatNarrowProduct, 3 * 9},
                         {64, 64, 8, kFloatProduct, 8 * 9},
                         {64, 64, 64, kFloatDepthwiseProduct, 9},
                         {63, 63, 63, kFloatPlainDepthwiseProduct, 9}}) {
    const auto terms = ConvTerms(row.input, row.output, 3, row.group, false);
    ASSERT_TRUE(terms.contains(row.product)) << row.input << " " << row.output;
    EXPECT_EQ(terms.at(row.product), static_cast<double>(row.output) * 64 * row.per_output);
    EXPECT_EQ(terms.at(kFloatInput), static_cast<double>(row.input) * 64);
    EXPECT_EQ(terms.at(kKernel), 1);
  }
}

// 17 channels are computed as 32; a 3 x 3 window is gathered in runs of the input channels, a 1 x 1
// is where it is.
TEST(CostModelTest, IntegerConvolutionsByBlocksOfSixteen) {
  using enum CostTerm;
  const auto padded = ConvTerms(8, 17, 3, 1, true);
  EXPECT_EQ(padded.at(kIntegerProduct), 32.0 * 64 * 8 * 9);
  EXPECT_EQ(padded.at(kGatheredByte), 64.0 * 8 * 9);
  EXPECT_EQ(padded.at(kGatheredRun), 64.0 * 9);
  EXPECT_EQ(padded.at(kIntegerWeight), 17.0 * 8 * 9);
  EXPECT_FALSE(ConvTerms(8, 16, 1, 1, true).contains(kGatheredByte));
  EXPECT_EQ(ConvTerms(8, 16, 1, 1, true).at(kIntegerProduct), 16.0 * 64 * 8);
  EXPECT_TRUE(ConvTerms(32, 32, 3, 32, true).contains(kIntegerDepthwiseProduct));
  EXPECT_TRUE(ConvTerms(24, 24, 3, 24, true).contains(kIntegerPlainDepthwiseProduct));
  EXPECT_TRUE(ConvTerms(32, 32, 5, 32, true).contains(kIntegerLargeDepthwiseProduct));
}

// What is quantized at run time has its range looked for first.
TEST(CostModelTest, ProductsAtRunTimeGoOverTheirInputOnceMore) {
  GraphBuilder b;
  b.Random("w", {16, 4}).Add("MatMul", {"x", "w"}, {"y"});
  const CostModel costs(b.model.graph, {{"x", 160}, {"y", 40}});
  std::map<CostTerm, double> terms;
  for (const CostShare& share : costs.DynamicShares(b.model.graph.nodes[0]))
    terms[share.term] = share.count;
  EXPECT_EQ(terms.at(CostTerm::kDynamicKernel), 1);
  EXPECT_EQ(terms.at(CostTerm::kDynamicInput), 160);
  EXPECT_EQ(terms.at(CostTerm::kDynamicProduct), 40 * 16);
  EXPECT_EQ(terms.at(CostTerm::kDynamicOutput), 40);
  EXPECT_EQ(terms.at(CostTerm::kIntegerWeight), 64);
}

TEST(CostModelTest, RecurrentWeightsComeFromMemoryInEveryStep) {
  const auto lstm = [](int64_t steps) {
    GraphBuilder b;
    b.Input("x", {std::to_string(steps), "1", "64"}).Output("y");
    b.Random("w", {1, 512, 64}).Random("r", {1, 512, 128});
    b.Add("LSTM", {"x", "w", "r"}, {"y"}).Set("hidden_size", int64_t{128});
    InferTypes(b.model, "m");
    const CostModel costs(b.model.graph, {});
    const Node& node = b.model.graph.nodes[0];
    EXPECT_LT(costs.DynamicCost(node), costs.FloatCost(node));
    return costs.FloatCost(node);
  };
  EXPECT_NEAR(lstm(20) / lstm(10), 2, 0.05) << "but for the call of the kernel";
}

TEST(CostModelTest, AnLstmAtRunTimePaysForEveryStepOfEverySequence) {
  // Measured with VNNI, time at run time / float, of 50 steps: 1.32, 1.18, 0.58; four sequences of
  // 12 steps: 1.08.
  const auto ratio = [](int64_t steps, int64_t batch, int64_t inputs, int64_t hidden) {
    GraphBuilder b;
    b.Input("x", {std::to_string(steps), std::to_string(batch), std::to_string(inputs)});
    b.Output("y").Random("w", {1, 4 * hidden, inputs}).Random("r", {1, 4 * hidden, hidden});
    b.Add("LSTM", {"x", "w", "r"}, {"y"}).Set("hidden_size", hidden);
    InferTypes(b.model, "m");
    const CostModel costs(b.model.graph, {}, kVnniCosts);
    const Node& node = b.model.graph.nodes[0];
    return costs.DynamicCost(node) / costs.FloatCost(node);
  };
  EXPECT_GT(ratio(50, 1, 24, 16), 1);
  EXPECT_GT(ratio(50, 1, 64, 32), 1);
  EXPECT_GT(ratio(12, 4, 64, 32), 1);
  EXPECT_NEAR(ratio(50, 1, 128, 128), 0.5, 0.1);
}

TEST(CostModelTest, AGruAtRunTimePaysForEveryStepAndSavesByProducts) {
  // Measured with AVX2, time at run time / float: 4.0, 0.66, 0.43; eight rows a step: 0.60.
  const auto ratio = [](int64_t size, const char* batch) {
    GraphBuilder b;
    b.Input("x", {"50", batch, std::to_string(size)}).Output("y");
    b.Random("w", {1, 3 * size, size}).Random("r", {1, 3 * size, size});
    Node& gru = b.Add("GRU", {"x", "w", "r"}, {"y"});
    gru.Set("linear_before_reset", int64_t{1});
    gru.Set("hidden_size", size);
    InferTypes(b.model, "m");
    const CostModel costs(b.model.graph, {});
    const Node& node = b.model.graph.nodes[0];
    return costs.DynamicCost(node) / costs.FloatCost(node);
  };
  EXPECT_GT(ratio(64, "1"), 3);
  EXPECT_NEAR(ratio(256, "1"), 0.66, 0.1);
  EXPECT_NEAR(ratio(512, "1"), 0.43, 0.1);
  EXPECT_NEAR(ratio(256, "8"), 0.6, 0.2);
}

}  // namespace
}  // namespace qconvert
