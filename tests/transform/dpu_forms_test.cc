#include "qconvert/transform/dpu_forms.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

TEST(DpuFormsTest, FactorsOfAverages) {
  EXPECT_EQ(DpuAverageFactor(3, 3), 63.0 / 64);
  EXPECT_EQ(DpuAverageFactor(5, 5), 250.0 / 256);
  EXPECT_EQ(DpuAverageFactor(3, 6), 252.0 / 256);
  EXPECT_EQ(DpuAverageFactor(7, 7), 1029.0 / 1024);
  EXPECT_EQ(DpuAverageFactor(14, 14), 4116.0 / 4096);
  for (const int64_t side : {1, 2, 4, 8, 16}) EXPECT_EQ(DpuAverageFactor(side, side), 1) << side;
  EXPECT_EQ(DpuAverageFactor(0, 0), 1);
}

// Against trying every shift, for all small kernels: an integer over a power of two, and no other
// of the same width is nearer to 1.
TEST(DpuFormsTest, OtherFactorsAreTheNearestThatShiftsGive) {
  for (int64_t height = 1; height <= 12; ++height) {
    for (int64_t width = 1; width <= 12; ++width) {
      const auto area = static_cast<double>(height * width);
      const double factor = DpuAverageFactor(height, width);
      EXPECT_NEAR(factor, 1, 0.03) << height << " " << width;
      const bool is_known =
          (height == width && (height == 3 || height == 5 || height == 6 || height == 7)) ||
          (height * width == 18 && (height == 3 || width == 3));
      if (is_known) continue;
      const int most = static_cast<int>(std::ceil(std::log2(128 * area)));
      for (int shift = 0; shift <= most; ++shift) {
        const double other = area * std::round(std::exp2(shift) / area) / std::exp2(shift);
        EXPECT_LE(std::abs(factor - 1), std::abs(other - 1) + 1e-12) << height << " " << width;
      }
    }
  }
}

std::vector<float> RunOnce(GraphBuilder& b, std::vector<int64_t> dims,
                           const std::vector<float>& x) {
  return ToFloats(RunModel(b.model, {MakeFloatTensor("x", std::move(dims), x)})[0]);
}

TEST(DpuFormsTest, SlopesAreOf256ths) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  b.Add("LeakyRelu", {"x"}, {"y"}).Set("alpha", 0.1F);
  EXPECT_EQ(UseDpuForms(b.model.graph, {.hard_sigmoid = true, .average_pool = true}), 0U);
  EXPECT_EQ(UseDpuForms(b.model.graph, {.leaky_relu = true}), 1U);
  EXPECT_EQ(RunOnce(b, {2}, {-1, 1}), (std::vector<float>{-26.0F / 256, 1}));
}

TEST(DpuFormsTest, SigmoidsAreSixthsOfIntegers) {
  const std::vector<float> x = {-4, -3, -1, 0, 1.5F, 3, 4};
  for (const bool hard : {true, false}) {
    GraphBuilder b;
    b.Input("x", {"7"}).Output("y");
    Node& node = b.Add(hard ? "HardSigmoid" : "Sigmoid", {"x"}, {"y"});
    if (hard) node.Set("alpha", 1.0F / 6);
    EXPECT_EQ(UseDpuForms(b.model.graph, {.hard_sigmoid = !hard, .sigmoid = hard}), 0U);
    EXPECT_EQ(UseDpuForms(b.model.graph, {.hard_sigmoid = hard, .sigmoid = !hard}), 1U);
    const std::vector<float> y = RunOnce(b, {7}, x);
    for (size_t i = 0; i < x.size(); ++i) {
      const float relu6 = std::clamp(x[i] + 3, 0.0F, 6.0F);
      EXPECT_NEAR(y[i], std::min(relu6 * 2731 / 16384, 1.0F), 1e-6F);
    }
  }
  GraphBuilder other;
  other.Input("x", {"7"}).Output("y");
  other.Add("HardSigmoid", {"x"}, {"y"});  // alpha 0.2
  EXPECT_EQ(UseDpuForms(other.model.graph, {.hard_sigmoid = true}), 0U);
}

TEST(DpuFormsTest, AveragesAreMultipliedBehindThePool) {
  GraphBuilder b;
  b.Input("x", {"1", "1", "7", "7"}).Output("y").Output("p");
  b.Add("AveragePool", {"x"}, {"p"}).Set("kernel_shape", std::vector<int64_t>{3, 3});
  b.Add("GlobalAveragePool", {"x"}, {"y"}).name = "global";
  InferTypes(b.model, "m");
  const std::vector<float> x(49, 1.0F);
  EXPECT_EQ(UseDpuForms(b.model.graph, {.average_pool = true}), 2U);
  const std::vector<Tensor> out = RunModel(b.model, {MakeFloatTensor("x", {1, 1, 7, 7}, x)});
  EXPECT_NEAR(ToFloats(out[0])[0], 1029.0F / 1024, 1e-6F);
  EXPECT_NEAR(ToFloats(out[1])[0], 63.0F / 64, 1e-6F);
  EXPECT_EQ(b.model.graph.nodes.back().origin, "global");
}

TEST(DpuFormsTest, PoolsWithoutAFactorOrAKnownSizeStay) {
  GraphBuilder b;
  b.Input("x", {"1", "1", "H", "8"}).Output("y").Output("p");
  b.Add("AveragePool", {"x"}, {"p"}).Set("kernel_shape", std::vector<int64_t>{2, 2});
  b.Add("GlobalAveragePool", {"x"}, {"y"});
  InferTypes(b.model, "m");
  EXPECT_EQ(UseDpuForms(b.model.graph, {.average_pool = true}), 0U);
  EXPECT_EQ(b.model.graph.nodes.size(), 2U);
}

}  // namespace
}  // namespace qconvert
