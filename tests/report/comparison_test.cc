#include "qconvert/report/comparison.h"

#include <gtest/gtest.h>

#include <cmath>

#include "qconvert/report/conversion_report.h"

namespace qconvert {
namespace {

Tensor Floats(const std::vector<float>& values) {
  return MakeFloatTensor("y", {static_cast<int64_t>(values.size())}, values);
}

OutputComparison Compare(const std::vector<float>& a, const std::vector<float>& b) {
  OutputComparison comparison;
  AddToComparison(Floats(a), Floats(b), comparison);
  return comparison;
}

TEST(ComparisonTest, KnownNumbers) {
  const OutputComparison c = Compare({3, 4}, {3, 3});
  EXPECT_DOUBLE_EQ(c.cosine(), 21 / (5 * std::sqrt(18)));
  EXPECT_DOUBLE_EQ(c.sqnr_db(), 10 * std::log10(25.0));
  EXPECT_DOUBLE_EQ(c.max_error, 1);
}

TEST(ComparisonTest, DegenerateOutputs) {
  EXPECT_EQ(Compare({0, 0}, {0, 0}).cosine(), 1);
  EXPECT_EQ(Compare({1, 2}, {0, 0}).cosine(), 0);
  EXPECT_EQ(Compare({1, 2}, {1, 2}).sqnr_db(), 200);
  EXPECT_EQ(Compare({0, 0}, {1, 0}).sqnr_db(), -200);
  EXPECT_EQ(Compare({1, 2}, {1, NAN}).non_finite, 1);
  EXPECT_EQ(Compare({1, INFINITY}, {1, 5}).count, 1)
      << "where the float model is infinite there is nothing to compare";
  EXPECT_EQ(Compare({1, 2}, {1}).mismatched_shapes, 1);
}

TEST(ConversionReportTest, JsonSurvivesAnyName) {
  ConversionReport report;
  report.input = "m\xff\n.onnx";
  report.outputs.push_back(Compare({3, 4}, {3, 3}));
  report.seconds.emplace_back("load", 1.5);
  const std::string json = ReportJson(report, "success");
  EXPECT_NE(json.find("m\\\\xff\\\\x0a.onnx"), std::string::npos);
  EXPECT_EQ(json.find("seconds"), std::string::npos) << "a verdict holds no time";
  EXPECT_NE(FormatReport(report).find("0.989949"), std::string::npos);
}

}  // namespace
}  // namespace qconvert
