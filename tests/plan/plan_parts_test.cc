// Small functions that plans are made with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "qconvert/plan/choose_scheme.h"
#include "qconvert/plan/is_learned.h"
#include "qconvert/plan/node_settings.h"
#include "qconvert/plan/plan.h"
#include "qconvert/plan/value_range.h"
#include "support/graph_builder.h"
#include "support/observe.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

Placement Of(std::vector<NodeDomain> domains) {
  Placement placement;
  for (const NodeDomain domain : domains) placement.nodes.emplace_back().domain = domain;
  return placement;
}

TEST(AnyIntegerTest, OfThisLevelOrOfABodyHoweverDeep) {
  EXPECT_FALSE(AnyInteger({}));
  EXPECT_FALSE(AnyInteger(Of({NodeDomain::kFloat, NodeDomain::kFused, NodeDomain::kOther})));
  EXPECT_TRUE(AnyInteger(Of({NodeDomain::kFloat, NodeDomain::kInteger})));
  Placement outer = Of({NodeDomain::kFloat});
  outer.bodies["if/then_branch/"] = Of({NodeDomain::kFloat});
  EXPECT_FALSE(AnyInteger(outer));
  outer.bodies["if/then_branch/"].bodies["deep/"] = Of({NodeDomain::kInteger});
  EXPECT_TRUE(AnyInteger(outer));
}

TEST(IsLearnedTest, AnyStepOrRangeOfThisLevelOrOfABody) {
  const ConstantCodes nearest;
  ConstantCodes learned;
  learned.steps = "..a";
  QuantizationPlan plan;
  plan.integer_nodes[0].weight = nearest;
  plan.dynamic_nodes[1].weights = {nearest, nearest};
  plan.stored["w"] = {};
  plan.values["v"].method = "percentile";
  EXPECT_FALSE(IsLearned(plan));

  const auto with = [&plan](const auto& change) {
    QuantizationPlan changed = plan;
    change(changed);
    return changed;
  };
  const QuantizationPlan in_integer =
      with([&](QuantizationPlan& p) { p.integer_nodes[0].weight = learned; });
  EXPECT_TRUE(IsLearned(in_integer));
  EXPECT_TRUE(IsLearned(with([&](auto& p) { p.dynamic_nodes[1].weights[1] = learned; })));
  EXPECT_TRUE(IsLearned(with([](auto& p) { p.stored["w"].steps = "A"; })));
  EXPECT_TRUE(IsLearned(with([](auto& p) { p.values["v"].method = "learned"; })));
  EXPECT_TRUE(IsLearned(with([&](auto& p) { p.bodies["if/then_branch/"] = in_integer; })));
}

Graph TwoNodes() {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  b.Add("Neg", {"x"}, {"n"});
  b.Add("Abs", {"n"}, {"y"});
  return b.model.graph;
}

TEST(KeepFloatTest, ReasonsThatAreThereStayAndPlacingsThatAreSharedDoNotChange) {
  BodyPlacing placing;
  placing.graph = TwoNodes();
  placing.options.keep_float = {{1, "by name"}};
  const auto shared = std::make_shared<const BodyPlacing>(placing);
  PlaceOptions options;
  options.keep_float = {{0, "asked"}};
  options.bodies = {{"a/", shared}, {"b/", shared}};
  KeepBodyFloat("a/", options, "why");
  EXPECT_THAT(options.bodies.at("a/")->options.keep_float,
              ElementsAre(Pair(0, "why"), Pair(1, "by name")));
  EXPECT_THAT(options.bodies.at("b/")->options.keep_float, ElementsAre(Pair(1, "by name")));
  EXPECT_THAT(shared->options.keep_float, ElementsAre(Pair(1, "by name")));
  EXPECT_THAT(options.keep_float, ElementsAre(Pair(0, "asked")));
  KeepAllFloat(TwoNodes(), options, "all");
  EXPECT_THAT(options.keep_float, ElementsAre(Pair(0, "asked"), Pair(1, "all")));
  EXPECT_THAT(options.bodies.at("b/")->options.keep_float,
              ElementsAre(Pair(0, "all"), Pair(1, "by name")));
  EXPECT_THAT(options.bodies.at("a/")->options.keep_float,
              ElementsAre(Pair(0, "why"), Pair(1, "by name")));
}

TEST(FirstInputParamsTest, AConvertedInputIsReadOnItsOwnGrid) {
  const Node node = TwoNodes().nodes[0];
  QuantizationPlan plan;
  plan.values["x"].params = {DataType::kUint8, -1, {0.5F}, {3}};
  EXPECT_EQ(FirstInputParams(plan, 0, node).scales[0], 0.5F);
  plan.integer_nodes[0];
  EXPECT_EQ(FirstInputParams(plan, 0, node).scales[0], 0.5F) << "nothing is converted";
  plan.integer_nodes[0].converted[1].params = {DataType::kInt16, -1, {7}, {0}};
  EXPECT_EQ(FirstInputParams(plan, 0, node).scales[0], 0.5F) << "input 1 is none of it";
  plan.integer_nodes[0].converted[0].params = {DataType::kInt16, -1, {0.25F}, {0}};
  EXPECT_EQ(FirstInputParams(plan, 0, node).scales[0], 0.25F);
  EXPECT_EQ(FirstInputParams(plan, 1, node).scales[0], 0.5F) << "of another node";
}

TEST(SetFormsTest, EveryTargetWritesItsOwnForm) {
  struct Row {
    TargetDevice device;
    bool matmul_nbits;
    StoredAs stored_as;
    bool works_on_codes;
  };
  const std::vector<Row> rows = {
      {TargetDevice::kCpu, false, StoredAs::kProduct, kCpuTarget.works_on_codes},
      {TargetDevice::kCpu, true, StoredAs::kBlocksPacked, kCpuTarget.works_on_codes},
      {TargetDevice::kQnn, false, StoredAs::kDequantizeLinear, kQnnTarget.works_on_codes},
      {TargetDevice::kQnn, true, StoredAs::kDequantizeLinear, kQnnTarget.works_on_codes}};
  for (const Row& row : rows) {
    QuantConfig config;
    config.target_device = row.device;
    config.matmul_nbits = row.matmul_nbits;
    config.exact_rounding = row.matmul_nbits;
    QuantizationPlan plan;
    SetForms(config, plan);
    const std::string_view name = TargetOf(row.device).name;
    EXPECT_EQ(plan.stored_as, row.stored_as) << name;
    EXPECT_EQ(plan.works_on_codes, row.works_on_codes) << name;
    EXPECT_EQ(plan.exact_rounding, row.matmul_nbits) << name;
    EXPECT_EQ(plan.narrow_weights, TargetOf(row.device).narrow_weights) << name;
    EXPECT_EQ(plan.writes_beta, TargetOf(row.device).writes_beta) << name;
  }
}

TEST(NonFiniteValuesTest, InfinitiesCountAndNaNDoesNot) {
  CalibrationTable table;
  EXPECT_THAT(NonFiniteValues(table), IsEmpty());
  table.values["finite"] = Observe({1, -2});
  table.values["nan"] = Observe({NAN});
  table.values["up"] = Observe({1, INFINITY});
  table.values["down"] = Observe({-INFINITY});
  EXPECT_THAT(NonFiniteValues(table), ElementsAre("down", "up"));
}

TEST(RangeCacheTest, ARangeIsDecidedOnceForEachSettings) {
  RangeCache cache;
  int asked = 0;
  const auto get = [&](const std::string& value, const TensorSettings& settings) {
    return cache.Get(value, settings, [&] {
      const auto number = static_cast<float>(++asked);
      return Range{-number, number};
    });
  };
  TensorSettings narrow;
  TensorSettings wide = narrow;
  wide.bit_width = 16;
  EXPECT_EQ(get("x", narrow), (Range{-1, 1}));
  EXPECT_EQ(get("x", wide), (Range{-2, 2}));
  EXPECT_EQ(get("x", narrow), (Range{-1, 1}));
  EXPECT_EQ(get("y", narrow), (Range{-3, 3}));
  EXPECT_EQ(get("x", wide), (Range{-2, 2}));
  EXPECT_EQ(asked, 3);
}

TEST(CodedOutputsTest, AreAskedForByTheTypesWithCodesAlone) {
  for (const auto& [type, asks] : std::vector<std::pair<std::string, bool>>{
           {"", false}, {"int8", true}, {"int16", true}, {"float32", false}, {"INT8", false}}) {
    QuantConfig config;
    config.deployment.model_output_type = type;
    EXPECT_EQ(AsksForCodedOutputs(config), asks) << type;
  }
}

TEST(CodedOutputsTest, NothingElseOfTheTargetChanges) {
  ASSERT_TRUE(kCpuTarget.products_write_floats);
  const Target coded = WithCodedProducts(kCpuTarget);
  EXPECT_FALSE(coded.products_write_floats);
  EXPECT_EQ(coded.name, kCpuTarget.name);
  EXPECT_EQ(coded.pair_limit, kCpuTarget.pair_limit);
  EXPECT_EQ(coded.places_by_time, kCpuTarget.places_by_time);
}

TEST(PlacementTest, ObservedAreTheRootsOnceAndInOrder) {
  Placement placement;
  EXPECT_THAT(placement.Observed(), IsEmpty());
  placement.roots = {{"a", "z"}, {"b", "b"}, {"c", "z"}, {"d", "a"}};
  EXPECT_THAT(placement.Observed(), ElementsAre("a", "b", "z"));
  EXPECT_TRUE(placement.IsQuantized("c"));
  EXPECT_FALSE(placement.IsQuantized("z")) << "it is a root, and has no codes itself";
}

// The settings of a layer entry win over the root's, those with wider weights over both.
TEST(ModelSettingsTest, WidenedWinOverEntriesAndTheseOverTheRoot) {
  ModelSettings settings;
  settings.config.tensors.weights.bit_width = 4;
  settings.config.layers.emplace_back().tensors.weights.bit_width = 5;
  settings.layer_of["named"] = 0;
  Node node = TwoNodes().nodes[0];
  EXPECT_EQ(settings.Of(node).weights.bit_width, 4);
  node.name = "named";
  EXPECT_EQ(settings.Of(node).weights.bit_width, 5);
  settings.widened["named"].weights.bit_width = 16;
  EXPECT_EQ(settings.Of(node).weights.bit_width, 16);
}

// Rows: the settings of a value, and which candidates a search for a power of two has.
TEST(CandidatesTest, TheRangeAloneHasOne) {
  TensorSettings settings;
  for (const CalibrationMethod method :
       {CalibrationMethod::kMaxMin, CalibrationMethod::kDiffs, CalibrationMethod::kMse}) {
    settings.method = method;
    EXPECT_EQ(CandidatesOf(settings) == 1, method == CalibrationMethod::kMaxMin);
  }
}

// Rows: method, bits, what was seen -> the range of a power-of-two scale.
TEST(PowerOfTwoRangeTest, TheScaleIsAPowerOfTwoAndHoldsWhatWasSeen) {
  for (const int bits : {4, 8, 16}) {
    for (const float most : {0.9F, 1.0F, 1.1F, 100.0F}) {
      TensorSettings settings;
      settings.scale_type = ScaleType::kPowerOfTwo;
      settings.method = CalibrationMethod::kMaxMin;
      settings.symmetry = settings.is_signed = true;
      settings.bit_width = bits;
      const Range range = RangeOf(Observe({-most, most / 3}), settings);
      const double qmax = std::ldexp(1.0, bits - 1) - 1;
      int exponent = 0;
      EXPECT_EQ(std::frexp(range.max / qmax, &exponent), 0.5) << bits << " bits of " << most;
      EXPECT_EQ(range.min, -range.max);
      EXPECT_GE(range.max / qmax * (qmax + 1.5), most) << "half a step beyond the lowest code";
      EXPECT_LT(range.max, 2.01 * most) << "half of it would not do";
    }
  }
}

}  // namespace
}  // namespace qconvert
