#include "qconvert/report/bench_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>
#include <sstream>

#include "qconvert/base/error.h"

namespace qconvert {
namespace {

using testing::HasSubstr;

std::vector<double> CountTo(size_t n) {
  std::vector<double> values(n);
  std::iota(values.begin(), values.end(), 1.0);
  return values;
}

// P(B < l), B of n tries of 1/2, term by term.
double ChanceBelow(size_t n, size_t l) {
  double sum = 0;
  for (size_t k = 0; k < l; ++k)
    sum += std::exp(
        std::lgamma(static_cast<double>(n) + 1) - std::lgamma(static_cast<double>(k) + 1) -
        std::lgamma(static_cast<double>(n - k) + 1) - static_cast<double>(n) * std::log(2.0));
  return sum;
}

TEST(EstimateMedianTest, RanksAreThoseOfTheBinomialDistribution) {
  for (const size_t n : {6U, 7U, 10U, 11U, 25U, 100U, 999U}) {
    const MedianEstimate seen = EstimateMedian(CountTo(n));
    const auto rank = static_cast<size_t>(seen.low);
    EXPECT_LE(ChanceBelow(n, rank), 0.025) << n;
    EXPECT_GT(ChanceBelow(n, rank + 1), 0.025) << n << ": a narrower interval would do";
    EXPECT_EQ(seen.high, static_cast<double>(n + 1 - rank)) << n;
    EXPECT_EQ(seen.median, static_cast<double>(n + 1) / 2) << n;
  }
}

TEST(EstimateMedianTest, FewValuesGiveTheirRange) {
  const MedianEstimate one = EstimateMedian({3});
  EXPECT_EQ(one.low, 3);
  EXPECT_EQ(one.high, 3);
  const MedianEstimate five = EstimateMedian({5, 1, 4, 2, 3});
  EXPECT_EQ(five.low, 1);
  EXPECT_EQ(five.median, 3);
  EXPECT_EQ(five.high, 5);
}

TEST(EstimateMedianTest, CoversTheMedianNineteenTimesInTwenty) {
  std::mt19937 engine(7);
  std::exponential_distribution<double> draw(1);
  int covered = 0;
  constexpr int kTries = 2000;
  for (int t = 0; t < kTries; ++t) {
    std::vector<double> values(31);
    for (double& value : values) value = draw(engine);
    const MedianEstimate seen = EstimateMedian(values);
    covered += seen.low <= std::log(2) && std::log(2) <= seen.high ? 1 : 0;
  }
  EXPECT_GE(covered, kTries * 95 / 100);
  EXPECT_LE(covered, kTries * 985 / 1000);
}

TEST(OperatorTimesTest, SumsByOperatorMostTimeFirst) {
  const std::string trace = R"([
    {"cat": "Session", "dur": 900, "name": "model_loading"},
    {"cat": "Node", "dur": 10, "name": "a_kernel_time", "args": {"op_name": "Relu", "node_index": "1"}},
    {"cat": "Node", "dur": 30, "name": "b_kernel_time", "args": {"op_name": "Conv", "node_index": "2"}},
    {"cat": "Node", "dur": 20, "name": "c_kernel_time", "args": {"op_name": "Conv", "node_index": "3"}},
    {"cat": "Node", "dur": 50, "name": "b_kernel_time", "args": {"op_name": "Conv", "node_index": "2"}},
    {"cat": "Node", "name": "no time", "args": {"op_name": "Conv"}},
    {"cat": "Node", "dur": 1}, 7])";
  const std::vector<OperatorTime> times = OperatorTimes(trace);
  ASSERT_EQ(times.size(), 2U);
  EXPECT_EQ(times[0].op_type, "Conv");
  EXPECT_EQ(times[0].nodes, 2U);
  EXPECT_DOUBLE_EQ(times[0].seconds, 60e-6) << "40 of b and 20 of c";
  EXPECT_DOUBLE_EQ(times[1].seconds, 10e-6);
  EXPECT_THROW(OperatorTimes("["), Error);
  EXPECT_THROW(OperatorTimes("{}"), Error);
}

BenchReport Sample() {
  BenchReport report;
  report.processor = "P, x86_64 avx2";
  report.engine = "onnxruntime 1";
  report.models = {{.model = "float.onnx",
                    .seconds = {0.002, 0.004, 0.006, 0.002, 0.004, 0.006},
                    .profile = {{"Conv", 3, 0.003}, {"Relu", 2, 0.001}}},
                   {.model = "int8.onnx",
                    .seconds = {0.001, 0.002, 0.003, 0.001, 0.002, 0.003},
                    .profile = {{"QLinearConv", 3, 0.001}}}};
  return report;
}

TEST(BenchReportTest, RatiosAreOfRounds) {
  const MedianEstimate ratio = Sample().RatioOf(1);
  EXPECT_DOUBLE_EQ(ratio.median, 0.5);
  EXPECT_DOUBLE_EQ(ratio.low, 0.5) << "each round had the same ratio, however they varied";
  EXPECT_DOUBLE_EQ(ratio.high, 0.5);
}

TEST(BenchReportTest, TheTableNamesTheProcessorAndTheOperators) {
  const std::string text = FormatBench(Sample(), 1);
  EXPECT_THAT(text, HasSubstr("P, x86_64 avx2\n1 thread, onnxruntime 1\n"));
  EXPECT_THAT(text, HasSubstr("int8.onnx takes 0.500 of the first's time, 0.500 .. 0.500 (95 %)"));
  EXPECT_THAT(text, HasSubstr("Conv                            3       3.000   75.0 %"));
  EXPECT_THAT(text, testing::Not(HasSubstr("Relu")));
}

TEST(BenchReportTest, RowsFitEightyColumns) {
  BenchReport report = Sample();
  report.models[1].model = std::string(120, 'm');
  report.models[1].profile[0].op_type = std::string(90, 'o');
  report.models[0].seconds = std::vector<double>(6, 1234.5);
  report.models[1].seconds = std::vector<double>(6, 98765.4);
  std::istringstream lines(FormatBench(report, 9));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
}

TEST(BenchReportTest, JsonHoldsAllOperators) {
  const std::string json = BenchJson(Sample(), "success");
  EXPECT_THAT(json, HasSubstr("\"op_type\": \"Relu\""));
  EXPECT_THAT(json, HasSubstr("\"rounds\": 6"));
  EXPECT_THAT(json, HasSubstr("\"median\": 0.5"));
}

TEST(BenchReportTest, FewerThanSixRoundsHaveNoInterval) {
  EXPECT_FALSE(EstimateMedian({1, 2, 3, 4, 5}).has_interval);
  EXPECT_TRUE(EstimateMedian({1, 2, 3, 4, 5, 6}).has_interval);
  BenchReport report;
  report.models = {{.model = "a", .seconds = {1e-3, 2e-3}},
                   {.model = "b", .seconds = {1e-3, 1e-3}}};
  const std::string text = FormatBench(report, 0);
  EXPECT_NE(text.find("too few rounds"), std::string::npos) << text;
  EXPECT_EQ(text.find("95 %)"), std::string::npos) << text;
  EXPECT_NE(BenchJson(report, "done").find("\"low\": null"), std::string::npos);
}

}  // namespace
}  // namespace qconvert
