// Ranges that learn: grids, their gradients, and steps that keep zero and signs.
#include "block_ranges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

ValuePlan PlanOf(Range range, const NumericFormat& format, const std::string& root) {
  ValuePlan value;
  value.format = format;
  value.range = range;
  value.params = ParamsFromRange(range, format);
  value.root = root;
  return value;
}

const NumericFormat kUnsigned = IntegerFormat(8, false, false);
const NumericFormat kSymmetric = IntegerFormat(8, true, true);

TEST(RoundingGridTest, NumbersGoToTheNearestCodeAndSaturate) {
  // Codes 0 to 255 from zero point 55 on in steps of a half.
  const RoundingGrid grid = RoundingGridOf({DataType::kUint8, -1, {0.5F}, {55}}, kUnsigned);
  EXPECT_EQ(grid, (RoundingGrid{0.5F, -27.5F, 100}));
  const std::vector<std::pair<float, float>> rows = {
      {0, 0},       {0.2F, 0},    {0.25F, 0},  {0.3F, 0.5F},    {0.75F, 1},     {1.25F, 1},
      {-0.75F, -1}, {99.9F, 100}, {1e9F, 100}, {-1e9F, -27.5F}, {INFINITY, 100}};
  for (const auto& [x, rounded] : rows) EXPECT_EQ(grid.Rounded(x), rounded) << x;
}

TEST(RoundingGridTest, OfValuesWithOneIntegerScaleAlone) {
  std::map<std::string, ValuePlan> values = {{"a", PlanOf({-1, 1}, kUnsigned, "a")},
                                             {"b", PlanOf({0, 2}, kUnsigned, "b")},
                                             {"channels", PlanOf({0, 2}, kUnsigned, "b")},
                                             {"half", PlanOf({0, 2}, kUnsigned, "b")}};
  values["channels"].params = {DataType::kUint8, 1, {1, 2}, {0, 0}};
  values["half"].format.type = DataType::kFloat16;
  const RoundingGrids grids = GridsOf(values);
  ASSERT_EQ(grids.size(), 2U);
  EXPECT_FLOAT_EQ(grids.at("a").scale, 2.0F / 255);
  EXPECT_FLOAT_EQ(grids.at("b").high, 2);
  EXPECT_EQ(grids.at("b").low, 0);
}

TEST(GridGradientTest, InsideByWhatRoundingAddedBeyondByTheBound) {
  const RoundingGrid grid{0.5F, -1, 1};
  const std::vector<float> by_rounded = {1, 10, 100, 1000, 7};
  const std::vector<float> added = {0.25F, -0.125F, 3, -2, 0};
  const std::vector<char> passes = {1, 1, 0, 0, 1};
  const GridGradient out = GradientOfGrid(grid, by_rounded, added, passes);
  EXPECT_DOUBLE_EQ(out.inside, (0.25 - 1.25) / 0.5);
  EXPECT_DOUBLE_EQ(out.below, 100) << "rounding moved it up, so it lay below";
  EXPECT_DOUBLE_EQ(out.above, 1000);
  GridGradient sum = out;
  sum += out;
  EXPECT_DOUBLE_EQ(sum.inside, 2 * out.inside);
  EXPECT_DOUBLE_EQ(sum.below, 200);
  EXPECT_DOUBLE_EQ(sum.above, 2000);
  const GridGradient none = GradientOfGrid(grid, {}, {}, {});
  EXPECT_EQ(none.inside, 0);
}

const std::vector<std::string> kA = {"a"};

Range RangeOfGrid(const RoundingGrids& grids, const std::string& value) {
  return {grids.at(value).low, grids.at(value).high};
}

// Adam's first step is the rate, 0.002 of the width, against the sign of the gradient.
TEST(RangeVariablesTest, AStepGoesAgainstTheGradientByAPartOfTheWidth) {
  struct Row {
    GridGradient gradient;
    Range moved;  // by how many rates
  };
  const std::vector<Row> rows = {{{.above = 1}, {0, -1}},
                                 {{.above = -1}, {0, 1}},
                                 {{.below = 1}, {-1, 0}},
                                 {{.below = -1}, {1, 0}},
                                 {{.inside = 255}, {1, -1}},
                                 {{.inside = 255, .below = 2}, {-1, -1}},
                                 {{}, {0, 0}}};
  for (const Row& row : rows) {
    RangeVariables variables({{"a", PlanOf({-1, 3}, kUnsigned, "a")}}, {"a"});
    const std::vector<GridGradient> gradients = {row.gradient};
    variables.Step(kA, gradients);
    variables.KeepCurrent();
    const LearnedRanges changed = variables.Changed();
    if (row.moved == Range{}) {
      EXPECT_THAT(changed, IsEmpty());
      continue;
    }
    EXPECT_NEAR(changed.at("a").min, -1 + 0.008 * row.moved.min, 1e-5);
    EXPECT_NEAR(changed.at("a").max, 3 + 0.008 * row.moved.max, 1e-5);
  }
}

TEST(RangeVariablesTest, ABoundAtZeroStaysThereAndSignsStay) {
  RangeVariables variables({{"a", PlanOf({0, 1}, kUnsigned, "a")}}, {"a"});
  const std::vector<GridGradient> shrink = {{.inside = 1e4, .below = 5, .above = 1e3}};
  for (int k = 0; k < 2000; ++k) variables.Step(kA, shrink);
  variables.KeepCurrent();
  const Range range = variables.Changed().at("a");
  EXPECT_EQ(range.min, 0);
  EXPECT_FLOAT_EQ(range.max, 1.0F / 16) << "a sixteenth of what it began with is left";
}

TEST(RangeVariablesTest, BothBoundsOfASymmetricRangeMoveAsOne) {
  RangeVariables variables({{"a", PlanOf({-1.28F, 1.27F}, kSymmetric, "a")}}, {"a"});
  const std::vector<GridGradient> grow = {{.below = 1}};  // what lies below wants more room
  for (int k = 0; k < 10; ++k) variables.Step(kA, grow);
  variables.KeepCurrent();
  const Range range = variables.Changed().at("a");
  EXPECT_GT(range.max, 1.27F);
  EXPECT_NEAR(range.min / range.max, -1.28 / 1.27, 1e-5);
}

TEST(RangeVariablesTest, ValuesOfOneRootAddUpAndShareTheirGrid) {
  RangeVariables variables({{"a", PlanOf({-1, 1}, kUnsigned, "root")},
                            {"b", PlanOf({-1, 1}, kUnsigned, "root")},
                            {"c", PlanOf({-1, 1}, kUnsigned, "other")}},
                           {"root"});
  EXPECT_FALSE(variables.empty());
  const std::vector<std::string> values = {"b", "c", "a"};
  const std::vector<GridGradient> gradients = {{.above = 3}, {.above = -100}, {.above = -2}};
  variables.Step(values, gradients);
  RoundingGrids grids = {{"c", {1, -7, 7}}};
  variables.PutCurrent(grids);
  EXPECT_EQ(grids.at("a"), grids.at("b"));
  EXPECT_EQ(grids.at("c"), (RoundingGrid{1, -7, 7})) << "another root";
  EXPECT_LT(RangeOfGrid(grids, "a").max, 1) << "3 - 2 > 0";
  variables.PutBest(grids);
  EXPECT_NEAR(RangeOfGrid(grids, "a").max, 1, 0.01) << "nothing was kept yet";
  EXPECT_THAT(variables.Changed(), IsEmpty());
  variables.KeepCurrent();
  EXPECT_THAT(variables.Changed(), ElementsAre(Pair("root", testing::_)));
}

TEST(RangeVariablesTest, WithoutRootsThereIsNothingToLearn) {
  const RangeVariables variables({{"a", PlanOf({-1, 1}, kUnsigned, "a")}}, {});
  EXPECT_TRUE(variables.empty());
  RoundingGrids grids;
  variables.PutCurrent(grids);
  EXPECT_TRUE(grids.empty());
}

}  // namespace
}  // namespace qconvert
