// layerwise_search with topk and qtype: which nodes get more bits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/base/log.h"
#include "qconvert/config/plan_file.h"
#include "support/conversion_job.h"
#include "support/read_config.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// Three convolutions side by side, whose outputs are added. What the second one reads has a few
// values that are a hundred times larger, so that all others fall into few codes of 8 bits.
GraphBuilder Branches() {
  GraphBuilder b;
  b.Input("x", {"1", "4", "8", "8"}).Output("y");
  std::vector<float> stretch(64, 1);
  stretch[5] = 100;
  b.Floats("stretch", {1, 1, 8, 8}, stretch);
  b.Add("Mul", {"x", "stretch"}, {"wild"});
  for (const char* name : {"first", "second", "third"}) {
    const std::string n = name;
    b.Random("w_" + n, {4, 4, 3, 3});
    b.Add("Conv", {n == "second" ? "wild" : "x", "w_" + n}, {n + "_out"}).name = n;
  }
  b.Add("Add", {"first_out", "second_out"}, {"sum"});
  b.Add("Add", {"sum", "third_out"}, {"y"});
  return b;
}

// Names of the values with 16 bits.
std::vector<std::string> WideValues(const TempDir& folder, const std::string& search) {
  ConvertOptions options = PrepareConversion(folder, Branches(), {1, 4, 8, 8});
  options.guard = GuardMode::kReport;
  options.config = LoadText(
                       "model_parameters: {march: nash-m}\ninput_parameters: {input_type_rt: "
                       "featuremap, input_type_train: featuremap}\ncalibration_parameters:\n"
                       "  calibration_type: max\n  quant_config: {model_config: {" +
                       search + "}}\n")
                       .config;
  Convert(options);
  const PlanFile plan = ReadPlanFile(QuantInfoPath(options.output));
  std::vector<std::string> wide;
  for (const FileValue& value : plan.values) {
    if (BitsOf(value.grid.format.type) == 16) wide.push_back(value.name);
  }
  return wide;
}

// What the product with few large values, or the convolution that reads them, reads and writes:
// they lose about the same.
testing::Matcher<std::vector<std::string>> ValuesOfOneOfBoth() {
  return testing::AnyOf(ElementsAre("second_out", "wild"), ElementsAre("wild", "x"));
}

TEST(SearchNodesTest, TheNodeThatLosesMostGetsTheType) {
  const TempDir folder;
  EXPECT_THAT(WideValues(folder, "all_node_type: int8"), IsEmpty());
  EXPECT_THAT(WideValues(folder, "layerwise_search: {topk: 1, qtype: int16, metric: sqnr}"),
              ValuesOfOneOfBoth());
  EXPECT_THAT(WideValues(folder, "search: {layer: {topk: 1}}"), ValuesOfOneOfBoth());
}

// Lines of a verbose log with this in them.
size_t CountLines(const std::string& log, const std::string& what) {
  size_t count = 0;
  for (size_t at = log.find(what); at != std::string::npos; at = log.find(what, at + 1)) ++count;
  return count;
}

std::string LogOf(const std::string& search) {
  const TempDir folder;
  const LogLevel before = GetLogLevel();
  SetLogLevel(LogLevel::kVerbose);
  testing::internal::CaptureStderr();
  WideValues(folder, search);
  SetLogLevel(before);
  return testing::internal::GetCapturedStderr();
}

TEST(SearchNodesTest, TheLogTellsEveryCandidateWithItsNumber) {
  const std::string nodes = LogOf("layerwise_search: {qtype: int16, similarity: 1}");
  EXPECT_GE(CountLines(nodes, "layerwise_search: second alone on integers: cosine-similarity 0."),
            1U);
  EXPECT_GE(CountLines(nodes, "layerwise_search: 0 nodes with more bits: cosine-similarity 0."),
            1U);
  const std::string model = LogOf("activation: {calibration_type: max, asymmetric: [true, false]}");
  EXPECT_GE(CountLines(model, "modelwise_search: maxmin, asymmetric: cosine-similarity 0."), 1U);
  EXPECT_GE(CountLines(model, "modelwise_search: maxmin, symmetric: cosine-similarity 0."), 1U);
  EXPECT_GE(CountLines(model, "of 2 candidates: cosine-similarity 0."), 1U);
}

TEST(SearchNodesTest, WithoutACountAsManyAsItTakes) {
  const TempDir folder;
  EXPECT_THAT(WideValues(folder, "layerwise_search: {qtype: int16, similarity: 0.5}"), IsEmpty())
      << "near enough as it is";
  EXPECT_THAT(WideValues(folder, "layerwise_search: {qtype: int16, similarity: 1}"), SizeIs(7))
      << "the values of all nodes: none is enough";
}

}  // namespace
}  // namespace qconvert
