#include "long_models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/runtime/opened_models.h"
#include "support/conversion_job.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

// `length` times a node on what the one before it writes.
GraphBuilder Chain(size_t length, const std::string& op_type,
                   const std::vector<std::string>& constants = {}) {
  GraphBuilder b;
  b.Input("x", {"1", "2"}).Output("y").Floats("w", {2, 2}, {0.8F, 0.6F, -0.6F, 0.8F});
  b.Floats("b", {2}, {0.01F, -0.01F});
  std::string value = "x";
  for (size_t i = 0; i < length; ++i) {
    const std::string out = i + 1 < length ? "v" + std::to_string(i) : "y";
    std::vector<std::string> inputs = {value};
    inputs.insert(inputs.end(), constants.begin(), constants.end());
    b.Add(op_type, inputs, {out}).name = "n" + std::to_string(i);
    value = out;
  }
  return b;
}

TEST(LongModelsTest, ManyNodesThatComputeAreLong) {
  EXPECT_FALSE(IsLongToOptimize(Chain(kManyNodes, "Relu").model.graph));
  EXPECT_TRUE(IsLongToOptimize(Chain(kManyNodes + 1, "Relu").model.graph));
}

TEST(LongModelsTest, NodesThatReadConstantsAloneCountWithAllOthers) {
  for (const size_t count : {size_t{4'000}, size_t{6'000}}) {
    GraphBuilder b = Chain(4'000, "Relu");
    b.Floats("s", {}, {1});
    for (size_t i = 0; i < count; ++i)
      b.Add("DequantizeLinear", {"q", "s"}, {"d" + std::to_string(i)});
    EXPECT_EQ(IsLongToOptimize(b.model.graph), count == 6'000) << count;
  }
}

TEST(LongModelsTest, OneOfManyIsLongEarlierThanTheFile) {
  GraphBuilder b = Chain(2'000, "Relu");
  b.Floats("s", {}, {1});
  for (int i = 0; i < 2'000; ++i) b.Add("DequantizeLinear", {"q", "s"}, {"d" + std::to_string(i)});
  EXPECT_TRUE(IsLongToOptimize(b.model.graph, kStepsOfCandidate));
  EXPECT_FALSE(IsLongToOptimize(b.model.graph, kStepsOfFile));
}

TEST(LongModelsTest, FewerMeasurementsByTheNode) {
  EXPECT_EQ(AffordedMeasurements(20, 10), 20U);
  EXPECT_EQ(AffordedMeasurements(20, kManyNodes), 20U);
  EXPECT_EQ(AffordedMeasurements(20, 2 * kManyNodes), 10U);
  EXPECT_EQ(AffordedMeasurements(20, 1000 * kManyNodes), 1U);
}

TEST(LongModelsTest, ManyMeasurementsOfManyNodesAreNotMadeTwice) {
  EXPECT_TRUE(AffordsAnotherChoice(34, 1'000));
  EXPECT_TRUE(AffordsAnotherChoice(1, kManyNodes));
  EXPECT_FALSE(AffordsAnotherChoice(25, 2'500));
  EXPECT_FALSE(AffordsAnotherChoice(1, kMostNodesMeasured + 1));
  EXPECT_TRUE(AffordsAnotherChoice(1, 0));
}

TEST(LongModelsTest, OnlyNormalEffortIsLimited) {
  QuantConfig config;
  EXPECT_EQ(LimitEffort(kManyNodes, config), "");
  EXPECT_EQ(config.effort, Effort::kNormal);
  config.effort = Effort::kHigh;
  EXPECT_EQ(LimitEffort(kManyNodes + 1, config), "");
  config.effort = Effort::kNormal;
  EXPECT_THAT(LimitEffort(kManyNodes + 1, config), HasSubstr("10001 nodes"));
  EXPECT_EQ(config.effort, Effort::kFast);
}

// Each session costs by the node: types, observed values, the float model, four methods and the
// plan, types of what is written, the file.
TEST(LongModelsTest, IntegersOfALongChainOpenFewModels) {
  constexpr size_t kLength = 2'050;  // of two constants each
  const TempDir folder;
  ConvertOptions options =
      PrepareConversion(folder, Chain(kLength, "Gemm", {"w", "b"}), {1, 2}, 1, 2);
  options.config.scheme = Scheme::kStatic;
  options.config.effort = Effort::kFast;
  options.guard = GuardMode::kReport;
  const int64_t before = OpenedModels();
  const ConversionReport report = Convert(options);
  EXPECT_LE(OpenedModels() - before, 10);
  EXPECT_EQ(report.integer_nodes, kLength);
  EXPECT_THAT(report.warnings, Contains(HasSubstr("it was run as it is written")));
}

TEST(LongModelsTest, OthersAreRunByTheKernels) {
  const TempDir folder;
  ConvertOptions options = PrepareConversion(folder, Chain(20, "MatMul", {"w"}), {1, 2}, 1, 2);
  options.config.scheme = Scheme::kStatic;
  const ConversionReport report = Convert(options);
  EXPECT_THAT(report.warnings, Not(Contains(HasSubstr("as it is written"))));
}

}  // namespace
}  // namespace qconvert
