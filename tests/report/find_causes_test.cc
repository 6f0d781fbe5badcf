// Where the causes that a report names begin, on plans made by hand.
#include "find_causes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/graph_builder.h"
#include "support/observe.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A range without a histogram, which says nothing of single values.
TensorStatistics Between(float min, float max) {
  TensorStatistics seen;
  seen.min = min;
  seen.max = max;
  seen.count = 2;
  return seen;
}

// One integer node that reads `inputs` and writes s.
struct Single {
  Single(const std::string& op_type, std::vector<std::string> inputs) {
    builder.Add(op_type, std::move(inputs), {"s"}).name = "node";
    plan.placement.nodes.resize(1);
    plan.placement.nodes[0].domain = NodeDomain::kInteger;
    plan.placement.nodes[0].unit.output = "s";
  }
  // The value on codes [0, 255] of this range.
  void Quantize(const std::string& value, Range range) {
    ValuePlan& decided = plan.values[value];
    decided.format = IntegerFormat(8, false, false);
    decided.range = range;
    decided.params = ParamsFromRange(range, decided.format);
    decided.root = value;
  }
  std::vector<Finding> Find() const {
    std::vector<LayerRow> rows(1);
    AddFindings(builder.model.graph, plan, table, rows);
    return rows[0].findings;
  }
  std::vector<std::string> Causes() const {
    std::vector<std::string> causes;
    for (const Finding& finding : Find()) causes.emplace_back(CauseName(finding.cause));
    return causes;
  }
  GraphBuilder builder;
  QuantizationPlan plan;
  CalibrationTable table;
};

// Rows: the operator, the ranges of its inputs, whether they clash.
TEST(RangeClashTest, ThirtyTwoTimesAsWideWithZeroInBoth) {
  struct Row {
    const char* op_type;
    Range a;
    Range b;
    bool clashes;
  };
  const std::vector<Row> rows = {{"Add", {0, 32}, {0, 1}, true},
                                 {"Add", {0, 31.9F}, {0, 1}, false},
                                 {"Sub", {0, 1}, {-16, 16}, true},
                                 {"Concat", {0, 1}, {-16, 16}, true},
                                 {"Mul", {0, 1}, {-16, 16}, false},
                                 {"Add", {31, 32}, {0.5F, 1}, true},  // 0 is on every grid
                                 {"Add", {-32, -31}, {0.5F, 1}, true},
                                 {"Add", {0, 32}, {0, 0}, false}};  // of width 0
  for (const Row& row : rows) {
    Single node(row.op_type, {"a", "b"});
    node.table.values["a"] = Between(row.a.min, row.a.max);
    node.table.values["b"] = Between(row.b.min, row.b.max);
    if (row.clashes) {
      EXPECT_THAT(node.Causes(), ElementsAre("range clash")) << row.op_type;
    } else {
      EXPECT_THAT(node.Causes(), IsEmpty()) << row.op_type << " " << row.a.max;
    }
  }
}

TEST(RangeClashTest, NamesBothAndWhatMayHelp) {
  Single node("Add", {"a", "b"});
  node.table.values["a"] = Between(0, 1);
  EXPECT_THAT(node.Causes(), IsEmpty()) << "a constant was not seen";
  node.table.values["b"] = Between(-50, 50);
  const std::vector<Finding> found = node.Find();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].text, "\"b\" is 100 times as wide as \"a\"");
  EXPECT_EQ(found[0].advice, "--keep-float 'node'");
  node.builder.model.graph.nodes[0].name.clear();
  EXPECT_EQ(node.Find()[0].advice, "") << "no option can name it";
  node.plan.placement.nodes[0].domain = NodeDomain::kFloat;
  EXPECT_THAT(node.Causes(), IsEmpty());
}

// 1000 numbers: so many are 10, the others within [-1, 1].
TensorStatistics WithLarge(int large) {
  std::vector<float> values;
  for (int k = 0; k < 1000; ++k)
    values.push_back(k < large ? 10 : static_cast<float>(k % 201 - 100) / 100);
  return Observe(values);
}

TEST(SaturationTest, AFewInAThousandAreTold) {
  for (const auto& [large, told] :
       std::vector<std::pair<int, bool>>{{0, false}, {2, true}, {50, true}}) {
    Single node("Relu", {"x"});
    node.table.values["s"] = WithLarge(large);
    node.Quantize("s", {-1.1F, 1.1F});
    EXPECT_EQ(!node.Causes().empty(), told) << large;
    if (told) {
      EXPECT_EQ(node.Find()[0].advice, "--set activation.method=maxmin");
      EXPECT_THAT(node.Find()[0].text, HasSubstr("of \"s\" are clipped to [-1.1, 1.1]"));
    }
  }
}

TEST(SaturationTest, WhatAnIntegerNodeWroteIsToldThere) {
  Single node("Relu", {"x"});
  node.table.values["x"] = WithLarge(50);
  node.Quantize("x", {-1.1F, 1.1F});
  EXPECT_THAT(node.Causes(), ElementsAre("saturation"));
  node.plan.placement.integer_values = {"x"};
  EXPECT_THAT(node.Causes(), IsEmpty());
}

// Rows: the range on 255 steps of values of which 99.9 % lie within [-1, 1].
TEST(OutliersTest, TwelveStepsForAlmostAllAreFew) {
  for (const auto& [reach, told] :
       std::vector<std::pair<float, bool>>{{8, false}, {12, true}, {100, true}}) {
    Single node("Relu", {"x"});
    node.table.values["s"] = WithLarge(0);
    node.Quantize("s", {-reach, reach});
    EXPECT_EQ(node.Causes(),
              told ? std::vector<std::string>{"outliers"} : std::vector<std::string>{})
        << reach;
  }
  Single wide("Relu", {"x"});
  wide.table.values["s"] = WithLarge(0);
  wide.Quantize("s", {-100, 100});
  wide.plan.values["s"].format = IntegerFormat(16, false, false);
  wide.plan.values["s"].params.scales = {200.0F / 65535};
  EXPECT_THAT(wide.Causes(), ElementsAre("outliers")) << "the same share of more steps";
  wide.plan.values["s"].range = {};
  wide.table.values["s"] = Observe({0, 0, 0});
  EXPECT_THAT(wide.Causes(), IsEmpty()) << "nothing but zero has none";
}

// x -> Conv{channels of these widths} -> s
Single Weighted(const std::vector<float>& widths, std::vector<float> scales) {
  Single node("Conv", {"x", "w"});
  const auto count = static_cast<int64_t>(widths.size());
  node.builder.Floats("w", {count, 1, 1, 1}, widths);
  ConstantCodes weight;
  weight.name = "w";
  weight.params = {DataType::kInt8, scales.size() > 1 ? 0 : -1, scales,
                   std::vector<int32_t>(scales.size(), 0)};
  node.plan.integer_nodes[0].weight = weight;
  return node;
}

TEST(WeightCausesTest, AChannelFarAboveTheMedianWhereAllHaveOneScale) {
  EXPECT_THAT(Weighted({1, 1, 31}, {0.5F}).Causes(), IsEmpty());
  const Single wide = Weighted({1, 1, -32}, {0.5F});
  EXPECT_THAT(wide.Causes(), ElementsAre("outlier channel"));
  EXPECT_THAT(wide.Find()[0].text,
              HasSubstr("channel 2 of the weights is 32 times as wide as the median one"));
  EXPECT_EQ(wide.Find()[0].advice, "--set weights.per_channel=true");
  EXPECT_THAT(Weighted({0, 0, 32}, {0.5F}).Causes(), IsEmpty()) << "half of them are zero";
  EXPECT_THAT(Weighted({32}, {0.5F}).Causes(), IsEmpty()) << "there is one";
  EXPECT_THAT(Weighted({1, 1, 32}, {0.1F, 0.1F, 1}).Causes(), IsEmpty()) << "a scale each";
}

TEST(WeightCausesTest, ChannelsBelowHalfAStepAreDead) {
  EXPECT_THAT(Weighted({0.5F, 1}, {1}).Causes(), IsEmpty()) << "half a step is a code";
  EXPECT_THAT(Weighted({0, 1}, {1}).Causes(), IsEmpty()) << "zeros lose nothing";
  const Single one = Weighted({0.49F, 1, 2}, {1});
  ASSERT_THAT(one.Causes(), ElementsAre("dead channels"));
  EXPECT_EQ(one.Find()[0].text, "1 channel of the weights is 0 as codes (0)");
  EXPECT_EQ(one.Find()[0].advice, "--set weights.per_channel=true");
  const Single many = Weighted({0.1F, 0.2F, 0.3F, 0.4F, 0.45F, 4}, {1});
  EXPECT_EQ(many.Find()[0].text, "5 channels of the weights are 0 as codes (0, 1, 2, 3, ...)");
  const Single own = Weighted({0.1F, 1}, {1, 1});
  ASSERT_THAT(own.Causes(), ElementsAre("dead channels"));
  EXPECT_EQ(own.Find()[0].advice, "") << "each has a scale already";
}

// One number of a channel of 1024: 32 times its root mean square.
TEST(WeightCausesTest, ANumberFarAboveItsChannelWhereEachHasAScale) {
  for (const int64_t size : {1000, 1024}) {
    Single node("Conv", {"x", "w"});
    std::vector<float> values(static_cast<size_t>(2 * size), 1);
    for (int64_t k = 0; k < size; ++k) values[static_cast<size_t>(size + k)] = k == 7 ? 1.0F : 0.0F;
    node.builder.Floats("w", {2, size, 1, 1}, values);
    ConstantCodes weight;
    weight.name = "w";
    weight.params = {DataType::kInt8, 0, {0.01F, 0.01F}, {0, 0}};
    node.plan.integer_nodes[0].weight = weight;
    if (size < 1024) {
      EXPECT_THAT(node.Causes(), IsEmpty());
      continue;
    }
    ASSERT_THAT(node.Causes(), ElementsAre("outlier channel"));
    EXPECT_THAT(node.Find()[0].text, HasSubstr("channel 1 of the weights has a number 32 times"));
    EXPECT_EQ(node.Find()[0].advice, "--set weights.method=mse");
  }
}

}  // namespace
}  // namespace qconvert
