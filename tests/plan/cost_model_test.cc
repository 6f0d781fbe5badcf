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

}  // namespace
}  // namespace qconvert
