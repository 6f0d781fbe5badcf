// Powers of two whose shifts have to fit a DPU's registers.
#include "../../src/plan/fix_positions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "qconvert/plan/value_range.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TensorSettings PowersOfTwo() {
  TensorSettings settings;
  settings.scale_type = ScaleType::kPowerOfTwo;
  settings.method = CalibrationMethod::kMaxMin;
  settings.symmetry = settings.is_signed = true;
  settings.per_channel = false;
  return settings;
}

ValuePlan AtPosition(int position, const std::string& root) {
  ValuePlan value;
  value.format = FormatOf(PowersOfTwo());
  const auto scale = static_cast<float>(std::ldexp(1.0, -position));
  value.params = {value.format.type, -1, {scale}, {0}};
  value.range = {-127 * scale, 127 * scale};
  value.root = root;
  return value;
}

int PositionOf(const ValuePlan& value) { return -std::ilogb(value.params.scales[0]); }

std::string Text(const std::vector<PositionChange>& changes) {
  std::string out;
  for (const PositionChange& change : changes)
    out += std::string(change.what) + " " + std::to_string(change.from) + " to " +
           std::to_string(change.to) + "; ";
  return out;
}

// x -> Conv{w, b} -> y, one weight and one bias.
struct Case {
  int input;     // fix position of x
  float weight;  // 1 has position 6, twice that 5
  std::optional<float> bias;
  int output;
  std::string changes;
};

TEST(LimitShiftsTest, OutputsFirstThenWeightsAndBiases) {
  const std::vector<Case> cases = {
      {4, 1, {}, 5, ""},
      {4, 1, 1.0F, 5, ""},
      {0, 1, {}, 6, ""},                   // nothing is cut
      {0, 1, {}, 10, "output 10 to 6; "},  // more bits than there are
      {0, 2, {}, 10, "output 10 to 5; "},
      {10, 1, {}, 0, ""},  // 16 are cut
      {12, 1, {}, 0, "weights 6 to 4; "},
      {12, 1, 64.0F, 10, "weights 6 to 4; "},  // the bias is shifted by 18
      {0, 64, 1e-6F, -5, "bias 12 to 11; "},   // 12 to the left, where 24 bits leave 11
      {0, 64, 1e-6F, -4, ""}};
  for (const Case& one : cases) {
    GraphBuilder b;
    b.Input("x", {"1", "1", "2", "2"}).Output("y").Floats("w", {1, 1, 1, 1}, {one.weight});
    std::vector<std::string> inputs = {"x", "w"};
    if (one.bias) {
      b.Floats("b", {1}, {*one.bias});
      inputs.emplace_back("b");
    }
    b.Add("Conv", inputs, {"y"}).name = "conv";
    ModelSettings settings;
    settings.config.tensors.weights = settings.config.tensors.bias = PowersOfTwo();
    QuantizationPlan plan;
    plan.values["x"] = AtPosition(one.input, "x");
    plan.values["y"] = AtPosition(one.output, "y");
    plan.placement.nodes.resize(1);
    plan.placement.nodes[0].domain = NodeDomain::kInteger;
    plan.placement.nodes[0].unit.output = "y";
    LimitShifts(b.model.graph, settings, plan);
    const std::string what = "x " + std::to_string(one.input) + ", w " +
                             std::to_string(one.weight) + ", y " + std::to_string(one.output);
    EXPECT_EQ(Text(plan.position_changes), one.changes) << what;
    for (const PositionChange& change : plan.position_changes) {
      const PositionLimits& limits = plan.integer_nodes[0].limits;
      const std::optional<int> now = change.what == "output" ? PositionOf(plan.values.at("y"))
                                     : change.what == "bias" ? limits.bias
                                                             : limits.weights;
      EXPECT_EQ(now, change.to) << what;
    }
    EXPECT_EQ(PositionOf(plan.values.at("x")), one.input) << what;
  }
}

TEST(LimitShiftsTest, OnlyIntegerNodesOfPowersOfTwo) {
  GraphBuilder b;
  b.Input("x", {"1", "1", "2", "2"}).Output("y").Floats("w", {1, 1, 1, 1}, {1});
  b.Add("Conv", {"x", "w"}, {"y"}).name = "conv";
  ModelSettings settings;
  settings.config.tensors.weights = settings.config.tensors.bias = PowersOfTwo();
  QuantizationPlan plan;
  plan.values["x"] = AtPosition(0, "x");
  plan.values["y"] = AtPosition(10, "y");
  plan.placement.nodes.resize(1);
  plan.placement.nodes[0].unit.output = "y";
  plan.placement.nodes[0].domain = NodeDomain::kFloat;
  LimitShifts(b.model.graph, settings, plan);
  EXPECT_THAT(plan.position_changes, IsEmpty()) << "a float node";
  plan.placement.nodes[0].domain = NodeDomain::kInteger;
  settings.config.tensors.weights.per_channel = true;
  LimitShifts(b.model.graph, settings, plan);
  EXPECT_THAT(plan.position_changes, IsEmpty()) << "scales by channel";
  settings.config.tensors.weights.per_channel = false;
  settings.config.tensors.weights.scale_type = ScaleType::kFloat;
  LimitShifts(b.model.graph, settings, plan);
  EXPECT_THAT(plan.position_changes, IsEmpty()) << "float scales";
  settings.config.tensors.weights.scale_type = ScaleType::kPowerOfTwo;
  LimitShifts(b.model.graph, settings, plan);
  EXPECT_EQ(Text(plan.position_changes), "output 10 to 6; ");
}

// What shares the output's parameters gets coarser with it.
TEST(LimitShiftsTest, ValuesOfOneRootStayTogether) {
  GraphBuilder b;
  b.Input("x", {"1", "1", "2", "2"}).Output("t").Floats("w", {1, 1, 1, 1}, {1});
  b.Add("Conv", {"x", "w"}, {"y"}).name = "conv";
  b.Add("Transpose", {"y"}, {"t"});
  ModelSettings settings;
  settings.config.tensors.weights = settings.config.tensors.bias = PowersOfTwo();
  QuantizationPlan plan;
  plan.values["x"] = AtPosition(0, "x");
  plan.values["y"] = AtPosition(10, "y");
  plan.values["t"] = AtPosition(10, "y");
  plan.placement.nodes.resize(2);
  plan.placement.nodes[0].domain = NodeDomain::kInteger;
  plan.placement.nodes[0].unit.output = "y";
  LimitShifts(b.model.graph, settings, plan);
  EXPECT_EQ(PositionOf(plan.values.at("y")), 6);
  EXPECT_EQ(PositionOf(plan.values.at("t")), 6);
  EXPECT_FLOAT_EQ(plan.values.at("t").range.max, 127 / 64.0F);
}

// a, b -> Concat -> c;  c, d -> Concat -> e
struct Joined {
  Joined() {
    builder.Input("a", {"4"}).Input("b", {"4"}).Input("d", {"4"}).Output("e");
    builder.Add("Concat", {"a", "b"}, {"c"}).Set("axis", int64_t{0});
    builder.Add("Concat", {"c", "d"}, {"e"}).Set("axis", int64_t{0});
    for (const auto& [name, position] :
         std::vector<std::pair<std::string, int>>{{"a", 5}, {"b", 3}, {"c", 2}, {"d", 7}, {"e", 1}})
      plan.values[name] = AtPosition(position, name);
    plan.values["a2"] = AtPosition(5, "a");
    plan.placement.nodes.resize(2);
    for (size_t n = 0; n < 2; ++n) {
      plan.placement.nodes[n].domain = NodeDomain::kInteger;
      plan.placement.nodes[n].unit.output = n == 0 ? "c" : "e";
    }
  }
  std::vector<int> Positions() const {
    std::vector<int> out;
    for (const auto& [name, value] : plan.values) out.push_back(PositionOf(value));
    return out;  // of a, a2, b, c, d, e
  }
  GraphBuilder builder;
  QuantizationPlan plan;
};

TEST(AlignScalesTest, FromTheLastJoinToTheFirst) {
  Joined joined;
  QuantConfig config;
  config.change_concat_input_fix = config.change_pool_input_fix = false;
  AlignScales(joined.builder.model.graph, config, joined.plan);
  EXPECT_THAT(joined.Positions(), ElementsAre(5, 5, 3, 2, 7, 1));
  config.change_pool_input_fix = true;
  AlignScales(joined.builder.model.graph, config, joined.plan);
  EXPECT_THAT(joined.Positions(), ElementsAre(5, 5, 3, 2, 7, 1)) << "there are no pools";
  config.change_concat_input_fix = true;
  AlignScales(joined.builder.model.graph, config, joined.plan);
  EXPECT_THAT(joined.Positions(), ElementsAre(1, 1, 1, 1, 1, 1));
}

TEST(AlignScalesTest, OtherFormatsAndFloatNodesKeepTheirs) {
  Joined joined;
  QuantConfig config;
  config.change_concat_input_fix = true;
  joined.plan.values["d"].format = IntegerFormat(16, true, true);
  joined.plan.placement.nodes[0].domain = NodeDomain::kFloat;
  AlignScales(joined.builder.model.graph, config, joined.plan);
  EXPECT_THAT(joined.Positions(), ElementsAre(5, 5, 3, 1, 7, 1));
}

}  // namespace
}  // namespace qconvert
