#include "qconvert/transform/channel_moments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

constexpr double kUnbounded = std::numeric_limits<double>::infinity();

// By adding up the density in small steps.
Moments Slow(double mean, double deviation, double low, double high) {
  constexpr int kSteps = 200'000;
  constexpr double kWidth = 10;  // deviations on either side
  double all = 0;
  double first = 0;
  double second = 0;
  for (int k = 0; k < kSteps; ++k) {
    const double z = kWidth * (2 * (k + 0.5) / kSteps - 1);
    const double density = std::exp(-z * z / 2);
    const double y = std::min(std::max(mean + deviation * z, low), high);
    all += density;
    first += density * y;
    second += density * y * y;
  }
  return {first / all, second / all - (first / all) * (first / all)};
}

TEST(ChannelMomentsTest, ClippedNormalsAreWhatSumsSay) {
  for (const double mean : {-3.0, -0.5, 0.0, 0.7, 8.0}) {
    for (const double deviation : {0.1, 1.0, 4.0}) {
      for (const auto& [low, high] :
           {std::pair{0.0, kUnbounded}, {0.0, 6.0}, {-1.0, 1.0}, {-kUnbounded, 2.0}}) {
        const Moments slow = Slow(mean, deviation, low, high);
        const Moments fast = ClippedNormal({mean, deviation * deviation}, low, high);
        EXPECT_NEAR(fast.mean, slow.mean, 1e-6) << mean << " " << deviation << " " << low;
        EXPECT_NEAR(fast.variance, slow.variance, 1e-6) << mean << " " << deviation << " " << low;
      }
    }
  }
  EXPECT_EQ(ClippedNormal({-2, 0}, 0, 6).mean, 0) << "a channel without variance";
  EXPECT_EQ(ClippedNormal({3, 0}, 0, 6).mean, 3);
}

// x -> BatchNormalization -> n -> Relu -> r -> GlobalAveragePool -> Flatten -> f
GraphBuilder Normalized() {
  GraphBuilder b;
  b.Input("x", {"1", "2", "4", "4"}).Output("f");
  b.Floats("scale", {2}, {2, -1}).Floats("bias", {2}, {0.5F, 0}).Floats("m", {2}, {1, 1});
  b.Floats("v", {2}, {1, 1});
  b.Add("BatchNormalization", {"x", "scale", "bias", "m", "v"}, {"n"});
  b.Add("Relu", {"n"}, {"r"});
  b.Add("GlobalAveragePool", {"r"}, {"g"});
  b.Add("Flatten", {"g"}, {"f"});
  return b;
}

TEST(ChannelMomentsTest, NormalizationsTellOfWhatIsBehindThem) {
  GraphBuilder b = Normalized();
  InferTypes(b.model, "m");
  const auto moments = FindChannelMoments(b.model.graph);
  EXPECT_THAT(moments.at("n").mean, ElementsAre(0.5, 0));
  EXPECT_THAT(moments.at("n").variance, ElementsAre(4, 1));
  const Moments first = Slow(0.5, 2, 0, kUnbounded);
  const Moments second = Slow(0, 1, 0, kUnbounded);
  for (const char* value : {"r", "g", "f"}) {
    EXPECT_THAT(moments.at(value).mean,
                ElementsAre(DoubleNear(first.mean, 1e-6), DoubleNear(second.mean, 1e-6)))
        << value;
  }
  EXPECT_FALSE(moments.contains("x"));
}

TEST(ChannelMomentsTest, SumsAndConcatsOfSuchValues) {
  GraphBuilder b = Normalized();
  b.Output("c").Output("d");
  b.Add("Add", {"n", "r"}, {"s"});
  b.Add("Concat", {"n", "s"}, {"c"}).Set("axis", int64_t{1});
  b.Add("Add", {"n", "x"}, {"d"});
  InferTypes(b.model, "m");
  const auto moments = FindChannelMoments(b.model.graph);
  const double relu = moments.at("r").mean[0];
  EXPECT_DOUBLE_EQ(moments.at("s").mean[0], 0.5 + relu);
  EXPECT_DOUBLE_EQ(moments.at("s").variance[1], 1 + moments.at("r").variance[1]);
  EXPECT_THAT(moments.at("c").mean, testing::SizeIs(4));
  EXPECT_FALSE(moments.contains("d")) << "x is not known";
}

TEST(ChannelMomentsTest, RowsOfPixelsAreNoChannels) {
  GraphBuilder b = Normalized();
  b.Output("p");
  b.Add("Flatten", {"r"}, {"p"});
  InferTypes(b.model, "m");
  EXPECT_FALSE(FindChannelMoments(b.model.graph).contains("p"));
}

}  // namespace
}  // namespace qconvert
