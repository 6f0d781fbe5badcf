#include "qconvert/report/run_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Tensor Floats(std::vector<int64_t> dims, const std::vector<float>& values) {
  return MakeFloatTensor("y", std::move(dims), values);
}

TEST(RunReportTest, SummarizesAllSamples) {
  OutputSummary summary{.name = "y"};
  summary.Add(Floats({1, 2}, {1, -3}));
  summary.Add(Floats({1, 2}, {5, 1}));
  EXPECT_EQ(summary.min, -3);
  EXPECT_EQ(summary.max, 5);
  EXPECT_EQ(summary.mean(), 1);
  EXPECT_FALSE(summary.varies);
  summary.Add(Floats({1, 1}, {0}));
  EXPECT_TRUE(summary.varies);
  EXPECT_THAT(summary.dims, ElementsAre(1, 2));
}

TEST(RunReportTest, CountsWhatIsNotFinite) {
  OutputSummary summary{.name = "y"};
  summary.Add(Floats({3}, {NAN, std::numeric_limits<float>::infinity(), 2}));
  EXPECT_EQ(summary.non_finite, 2);
  EXPECT_EQ(summary.min, 2);
  EXPECT_THAT(FormatRun({.model = "m", .samples = 1, .outputs = {summary}, .folder = {}}),
              HasSubstr("2 not finite"));
}

TEST(RunReportTest, IntegersOfEveryWidth) {
  const std::vector<int8_t> bytes = {-128, 127};
  const std::vector<uint16_t> shorts = {65535, 0};
  const std::vector<int64_t> longs = {int64_t{1} << 40, -1};
  const std::vector<uint8_t> booleans = {1, 0};
  OutputSummary summary{.name = "a"};
  summary.Add(MakeTensor<int8_t>("a", DataType::kInt8, {2}, bytes));
  EXPECT_EQ(summary.min, -128);
  OutputSummary of_shorts{.name = "b"};
  of_shorts.Add(MakeTensor<uint16_t>("b", DataType::kUint16, {2}, shorts));
  EXPECT_EQ(of_shorts.max, 65535);
  OutputSummary of_longs{.name = "c"};
  of_longs.Add(MakeTensor<int64_t>("c", DataType::kInt64, {2}, longs));
  EXPECT_EQ(of_longs.max, std::ldexp(1.0, 40));
  OutputSummary of_booleans{.name = "d"};
  of_booleans.Add(MakeTensor<uint8_t>("d", DataType::kBool, {2}, booleans));
  EXPECT_EQ(of_booleans.mean(), 0.5);
}

TEST(RunReportTest, WhatIsNoTensorIsSaid) {
  OutputSummary summary{.name = "sequence"};
  summary.Add(Tensor{});
  EXPECT_THAT(FormatRun({.model = "m", .samples = 1, .outputs = {summary}, .folder = {}}),
              HasSubstr("no tensor"));
}

TEST(RunReportTest, FitsEightyColumnsAndCountsInSingular) {
  OutputSummary summary{.name = std::string(90, 'n')};
  summary.Add(Floats({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, {-1.23456e-30F}));
  const RunReport report{
      .model = "m.onnx", .samples = 1, .outputs = {summary}, .folder = "out", .files = 1};
  const std::string text = FormatRun(report);
  EXPECT_THAT(text, HasSubstr("1 sample\n"));
  EXPECT_THAT(text, HasSubstr("1 file written"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
}

TEST(RunReportTest, JsonHasNoNumbersWhereThereAreNone) {
  OutputSummary text{.name = "t", .type = DataType::kString, .dims = {1}};
  const std::string json =
      RunJson({.model = "m", .samples = 2, .outputs = {text}, .folder = {}}, "success");
  EXPECT_THAT(json, HasSubstr("\"type\": \"string\""));
  EXPECT_THAT(json, testing::Not(HasSubstr("\"min\"")));
  EXPECT_THAT(json, HasSubstr("\"samples\": 2"));
}

}  // namespace
}  // namespace qconvert
