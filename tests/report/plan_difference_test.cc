#include "qconvert/report/plan_difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

FileGrid Grid(float scale, int32_t zero_point = 0) {
  FileGrid grid;
  grid.params = {DataType::kUint8, -1, {scale}, {zero_point}};
  grid.format = FullFormat(DataType::kUint8);
  return grid;
}

FileValue Value(const std::string& name, float scale, Range range) {
  FileValue value;
  value.name = name;
  value.grid = Grid(scale);
  value.range = range;
  return value;
}

// One value of 0 .. 255, one node.
PlanFile Plan() {
  PlanFile plan;
  plan.tool = "t";
  plan.values = {Value("h", 1, {0, 255})};
  FileNode node;
  node.name = "/conv";
  node.op_type = "Conv";
  node.way = NodeWay::kInteger;
  node.weights = {{"w", Grid(0.5F), 0}};
  plan.nodes = {node};
  return plan;
}

TEST(PlanDifferenceTest, ThePlanItselfIsEqual) {
  EXPECT_TRUE(DiffPlans(Plan(), Plan()).is_equal());
  EXPECT_THAT(FormatPlanDifference(DiffPlans(Plan(), Plan()), 5), HasSubstr("the same parameters"));
}

TEST(PlanDifferenceTest, ASmallerScaleMovedAndClips) {
  PlanFile now = Plan();
  now.values[0] = Value("h", 0.5F, {0, 127.5F});
  const PlanDifference seen = DiffPlans(Plan(), now);
  ASSERT_EQ(seen.moved.size(), 1U);
  EXPECT_EQ(seen.moved[0].before, "uint8, scale 1");
  EXPECT_EQ(seen.moved[0].after, "uint8, scale 0.5");
  EXPECT_EQ(seen.moved[0].change, 1) << "an octave";
  ASSERT_EQ(seen.clipped.size(), 1U);
  EXPECT_FLOAT_EQ(seen.clipped[0].codes.max, 127.5F);
  EXPECT_NEAR(seen.clipped[0].range, 0.5, 1e-6);
  EXPECT_FALSE(seen.clipped[0].values.has_value());
  EXPECT_THAT(DiffPlans(now, Plan()).clipped, IsEmpty()) << "a greater scale reaches it all";
}

TEST(PlanDifferenceTest, WhatRoundingReachesDoesNotClip) {
  PlanFile before = Plan();
  before.values[0].range = {0, 255.4F};
  EXPECT_THAT(DiffPlans(before, Plan()).clipped, IsEmpty());
  before.values[0].range = {-0.6F, 255};
  ASSERT_EQ(DiffPlans(before, Plan()).clipped.size(), 1U);
}

TEST(PlanDifferenceTest, ZeroPointsAndTypesMoveToo) {
  PlanFile now = Plan();
  now.values[0].grid = Grid(1, 7);
  EXPECT_THAT(DiffPlans(Plan(), now).moved.at(0).after, HasSubstr("zero point 7"));
  now.values[0].grid.params.type = DataType::kInt8;
  EXPECT_TRUE(std::isinf(DiffPlans(Plan(), now).moved.at(0).change));
}

TEST(PlanDifferenceTest, OnlyWhatMovedIsTold) {
  PlanFile now = Plan();
  now.values[0].grid = Grid(1.5F, 7);
  EXPECT_EQ(DiffPlans(Plan(), now).moved.at(0).what, "scale 1 -> 1.5, zero point 0 -> 7");
  now.values[0].grid = Grid(1, 7);
  EXPECT_EQ(DiffPlans(Plan(), now).moved.at(0).what, "zero point 0 -> 7");
  now.values[0].grid = Grid(1);
  now.values[0].grid.format.qmin = 1;
  EXPECT_EQ(DiffPlans(Plan(), now).moved.at(0).what, "codes 0 .. 255 -> 1 .. 255");
  now.values[0].grid.params.type = DataType::kInt8;
  EXPECT_EQ(DiffPlans(Plan(), now).moved.at(0).what, "uint8, scale 1 -> int8, scale 1");
  PlanFile before = Plan();
  before.values[0].grid.params.scales = {0.5F, 2};
  now = before;
  now.values[0].grid.params.scales = {0.5F, 3};
  EXPECT_EQ(DiffPlans(before, now).moved.at(0).what, "2 scales 0.5 .. 2 -> 0.5 .. 3");
}

TEST(PlanDifferenceTest, NothingThatMovedIsCutOff) {
  PlanFile before = Plan();
  before.values[0].name = std::string(90, 'n');
  before.values[0].grid = Grid(1.23456e-10F, 123);
  PlanFile now = before;
  now.values[0].grid = Grid(1.23457e-10F, 124);
  now.nodes[0].reason = "a reason of many words that does not fit into one line of eighty columns";
  const std::string text = FormatPlanDifference(DiffPlans(before, now), 5);
  EXPECT_THAT(text, HasSubstr("    0.00081 %  ...nnn"));
  for (const char* part : {"1.23456e-10", "1.23457e-10", "123 -> 124", "eighty", "columns"})
    EXPECT_THAT(text, HasSubstr(part));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
}

TEST(PlanDifferenceTest, RowsThatAreNotShownAreCounted) {
  PlanFile before = Plan();
  for (const char* name : {"i", "j"}) before.values.push_back(Value(name, 1, {0, 255}));
  PlanFile now = before;
  for (FileValue& value : now.values) value.grid = Grid(2);
  const PlanDifference seen = DiffPlans(before, now);
  EXPECT_THAT(FormatPlanDifference(seen, 1),
              HasSubstr("  parameters moved, share of the scale: 3\n"));
  EXPECT_THAT(FormatPlanDifference(seen, 1), HasSubstr("    ... 2 more, see the JSON\n"));
  EXPECT_THAT(FormatPlanDifference(seen, 3), testing::Not(HasSubstr("more")));
}

TEST(PlanDifferenceTest, NodesSayWhy) {
  PlanFile now = Plan();
  now.nodes[0].way = NodeWay::kFloat;
  now.nodes[0].reason = "its error";
  now.scheme = Scheme::kWeightOnly;
  const PlanDifference seen = DiffPlans(Plan(), now);
  ASSERT_EQ(seen.choices.size(), 2U);
  EXPECT_EQ(seen.choices[0].where, "scheme");
  EXPECT_EQ(seen.choices[1].Line(), "Conv /conv: float, its error, expected integer");
  EXPECT_THAT(FormatPlanDifference(seen, 5), HasSubstr("Conv /conv: integer -> float, its error"));
}

TEST(PlanDifferenceTest, WeightsAndStoredWeights) {
  PlanFile before = Plan();
  before.stored = {{"table", Grid(1)}};
  PlanFile now = before;
  now.nodes[0].weights[0].grid = Grid(0.25F);
  now.stored[0].grid = Grid(8);
  const PlanDifference seen = DiffPlans(before, now);
  ASSERT_EQ(seen.moved.size(), 2U);
  EXPECT_EQ(seen.moved[0].name, "table") << "three octaves come before one";
  EXPECT_EQ(seen.moved[1].name, "w");
}

TEST(PlanDifferenceTest, OriginsAndWhatIsInOneOnly) {
  PlanFile now = Plan();
  now.tool = "u";
  now.data_sha256 = "d";
  now.values[0].name = "g";
  const PlanDifference seen = DiffPlans(Plan(), now);
  EXPECT_EQ(seen.origin.size(), 2U);
  EXPECT_THAT(seen.only_a, ElementsAre("h"));
  EXPECT_THAT(seen.only_b, ElementsAre("g"));
}

CalibrationTable Seen(const std::vector<float>& values) {
  CalibrationTable table;
  Histogram::BinScratch scratch;
  table.values["h"].Observe(values, TensorStatistics::Detail::kHistogram, scratch);
  return table;
}

TEST(PlanDifferenceTest, SamplesClipWhatCodesDoNotReach) {
  const PlanDifference seen = DiffSamples(Plan(), Seen({1, 2, 300, 500}));
  ASSERT_EQ(seen.clipped.size(), 1U);
  EXPECT_DOUBLE_EQ(seen.clipped[0].values.value(), 0.5);
  EXPECT_TRUE(DiffSamples(Plan(), Seen({0, 255.4F})).is_equal());
  const PlanDifference negative = DiffSamples(Plan(), Seen({-100, 1, 2, 3}));
  EXPECT_DOUBLE_EQ(negative.clipped.at(0).values.value(), 0.25);
  EXPECT_TRUE(DiffSamples(Plan(), CalibrationTable{}).is_equal());
}

TEST(PlanDifferenceTest, BudgetsSayWhatMissedThem) {
  PlanDifference seen = DiffSamples(Plan(), Seen({1, 2, 300, 500}));
  EXPECT_EQ(seen.Missed(), "");
  seen.max_clipped = 0.5;
  EXPECT_EQ(seen.Missed(), "");
  seen.max_clipped = 0.1;
  EXPECT_THAT(seen.Missed(), HasSubstr("\"h\" clips 50 % of its values, at most 10 %"));
  PlanFile now = Plan();
  now.values[0] = Value("h", 1.5F, {0, 255});
  PlanDifference moved = DiffPlans(Plan(), now);
  moved.max_moved = 0.51;
  EXPECT_EQ(moved.Missed(), "");
  moved.max_moved = 0.49;
  EXPECT_THAT(moved.Missed(), HasSubstr("\"h\" moved from"));
}

TEST(PlanDifferenceTest, RowsFitEightyColumns) {
  PlanFile before = Plan();
  before.values[0].name = std::string(90, 'n');
  before.values[0].range = {-1234.5678F, 98765.4321F};
  PlanFile now = before;
  now.values[0].grid = Grid(1.2345e-10F, 123);
  now.nodes[0].reason = std::string(200, 'r');
  std::istringstream lines(FormatPlanDifference(DiffPlans(before, now), 5));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
}

TEST(PlanDifferenceTest, TheShareThatClipsIsNeverCutOff) {
  PlanDifference difference;
  difference.is_of_samples = true;
  difference.clipped = {{.name = std::string(90, 'n'),
                         .seen = {-1.23456e-12F, 9.87654e+12F},
                         .codes = {-1.13456e-12F, 8.87654e+12F},
                         .range = 0.1,
                         .values = 0.0044}};
  EXPECT_THAT(FormatPlanDifference(difference, 5), HasSubstr("\n       0.44 %  ..."));
}

TEST(PlanDifferenceTest, JsonHoldsNoInfinity) {
  PlanFile now = Plan();
  now.values[0].grid.params.type = DataType::kInt8;
  const std::string json = PlanDifferenceJson(DiffPlans(Plan(), now), "success");
  EXPECT_THAT(json, HasSubstr("\"octaves\": null"));
  EXPECT_THAT(json, HasSubstr("\"equal\": false"));
}

}  // namespace
}  // namespace qconvert
