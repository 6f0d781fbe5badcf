// What holds in a body of If, Loop or Scan: settings, sizes, what can be quantized and what was
// never seen.
#include "qconvert/plan/body_plans.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <stdexcept>

#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"
#include "support/observe.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Pair;

// from -> Conv c -> MaxPool p -> Conv d -> to, eight channels.
Graph Layers(const std::string& from, const std::string& to) {
  GraphBuilder b;
  b.Output(to).Random("w", {8, 8, 3, 3}).Random("v", {8, 8, 1, 1});
  b.Add("Conv", {from, "w"}, {"c"}).name = "conv";
  Node& pool = b.Add("MaxPool", {"c"}, {"p"});
  pool.name = "pool";
  pool.Set("kernel_shape", std::vector<int64_t>{2, 2});
  b.Add("Conv", {"p", "v"}, {to}).name = "last";
  b.model.graph.name = to;
  return b.model.graph;
}

// x -> If{is_so}: layers or nothing -> y
Model Branching() {
  GraphBuilder b;
  b.Input("x", {"1", "8", "9", "9"}).Input("is_so", {}, DataType::kBool).Output("y");
  GraphBuilder other;
  other.Output("same").Add("Neg", {"x"}, {"same"});
  other.model.graph.name = "else";
  Node& node = b.Add("If", {"is_so"}, {"y"});
  node.name = "if";
  node.Set("then_branch", Subgraph(Layers("x", "t")));
  node.Set("else_branch", Subgraph(other.model.graph));
  InferTypes(b.model, "m");
  InferBodyTypes(b.model, "m");
  return b.model;
}

const BodyGraph& Then(const std::vector<BodyGraph>& bodies) {
  for (const BodyGraph& body : bodies)
    if (body.way == "if/then_branch/") return body;
  throw std::logic_error("no such body");
}

TEST(SettingsOfBodyTest, EntriesThatNameTheBodyHoldInItWithoutTheirWay) {
  const Model model = Branching();
  const std::vector<BodyGraph> bodies = FindBodyGraphs(model.graph);
  QuantConfig config;
  config.keep_first_last_layer_accuracy = true;
  config.tensors.activation.bit_width = 5;
  for (const char* value :
       {"if/then_branch/p", "p", "if/else_branch/p", "if/then_branch/deep/body/q"})
    config.values.push_back({value, {}, Range{-1, 1}, "c.yaml:1:1"});
  const ModelSettings own = SettingsOfBody(config, Then(bodies));
  ASSERT_EQ(own.config.values.size(), 2U);
  EXPECT_EQ(own.config.values[0].value, "p");
  EXPECT_EQ(own.config.values[0].range, (Range{-1, 1}));
  EXPECT_EQ(own.config.values[1].value, "deep/body/q");
  EXPECT_EQ(own.config.tensors.input.bit_width, 5) << "what comes in from outside is an activation";
  EXPECT_FALSE(own.config.keep_first_last_layer_accuracy) << "its ends are not those of the model";
}

TEST(SettingsOfBodyTest, LayersByTypeByPatternAndByName) {
  const Model model = Branching();
  const std::vector<BodyGraph> bodies = FindBodyGraphs(model.graph);
  QuantConfig config;
  const auto add = [&](LayerMatch::Kind kind, const std::string& pattern,
                       std::vector<OpMatch> types) {
    LayerMatch match;
    match.kind = kind;
    match.pattern = pattern;
    match.types = std::move(types);
    config.layers.emplace_back().match = match;
  };
  add(LayerMatch::Kind::kNode, "if/then_branch/last", {});
  add(LayerMatch::Kind::kName, "if/then_branch/*", {OpMatch{"Conv"}});
  add(LayerMatch::Kind::kType, "", {OpMatch{"MaxPool"}});
  add(LayerMatch::Kind::kNode, "conv", {});  // one of the model itself
  EXPECT_THAT(SettingsOfBody(config, Then(bodies)).layer_of,
              ElementsAre(Pair("conv", 1), Pair("last", 0), Pair("pool", 2)))
      << "names win over patterns, and these over types";
}

TEST(SizesOfBodyTest, AreThoseOfItsValuesByTheirWay) {
  const Model model = Branching();
  const std::vector<BodyGraph> bodies = FindBodyGraphs(model.graph);
  const ValueSizes whole = {
      {"x", 648}, {"y", 1}, {"if/then_branch/c", 392}, {"c", 5}, {"if/else_branch/same", 7}};
  EXPECT_THAT(SizesOfBody(whole, Then(bodies)), ElementsAre(Pair("c", 392), Pair("x", 648)))
      << "a captured value has its own name, and c is the body's";
}

TEST(FindQuantizableTest, ValuesOfBodiesGoByTheirWay) {
  const Model model = Branching();
  EXPECT_THAT(FindQuantizable(model.graph), IsEmpty());
  EXPECT_THAT(FindQuantizableInBodies(model.graph),
              IsSupersetOf({"if/then_branch/c", "if/then_branch/t", "x"}));
}

TEST(WithSourcesTest, QuantizedValuesBringThoseInFrontOfMovement) {
  const Model model = Branching();
  Placement placement;
  placement.bodies["if/then_branch/"].roots = {{"p", "c"}};
  placement.bodies["loop/body/"].roots = {{"q", "q"}};  // of another model
  EXPECT_THAT(FindQuantizedInBodies(model.graph, placement),
              ElementsAre("if/then_branch/p", "if/then_branch/c"));
}

TEST(WhyBodyIsFloatTest, TheTargetSpeaksBeforeTheTypes) {
  BodyGraph body;
  body.why_float = "has no types";
  Target target = kCpuTarget;
  EXPECT_EQ(WhyBodyIsFloat(body, target), "has no types");
  target.quantizes_bodies = false;
  EXPECT_NE(WhyBodyIsFloat(body, target), "has no types");
  EXPECT_NE(WhyBodyIsFloat(body, target), "");
  body.why_float.clear();
  EXPECT_EQ(WhyBodyIsFloat(body, kCpuTarget), "");
}

TEST(MayComputeFloatTest, WhereTypesAreUnknownToo) {
  GraphBuilder b;
  b.Input("x", {"2"}).Input("i", {"2"}, DataType::kInt64);
  b.Add("Neg", {"x"}, {"f"});
  b.Add("Neg", {"i"}, {"n"});
  b.Add("Mystery", {"i"}, {"u"});
  b.Add("Mystery", {"i"}, {""});
  Graph& graph = b.model.graph;
  graph.value_info["f"] = {"f", FloatType({"2"}), {}, {}};
  graph.value_info["n"] = {"n", TypeOf(DataType::kInt64, {"2"}), {}, {}};
  EXPECT_TRUE(MayComputeFloat(graph, graph.nodes[0]));
  EXPECT_FALSE(MayComputeFloat(graph, graph.nodes[1]));
  EXPECT_TRUE(MayComputeFloat(graph, graph.nodes[2])) << "nobody knows";
  EXPECT_FALSE(MayComputeFloat(graph, graph.nodes[3])) << "writes nothing";
}

// What is blocked in the branch after calibration saw these values.
std::map<std::string, std::string> Blocked(const CalibrationTable& table) {
  const Model model = Branching();
  const std::vector<BodyGraph> bodies = FindBodyGraphs(model.graph);
  BodyPlacing placing;
  placing.graph = Then(bodies).graph;
  placing.options.place_by = PlaceBy::kKernels;
  PlaceOptions place;
  const auto shared = std::make_shared<const BodyPlacing>(placing);
  place.bodies["if/then_branch/"] = shared;
  KeepUnseenFloat(model.graph, table, place);
  EXPECT_THAT(shared->options.blocked, IsEmpty()) << "others may share it";
  return place.bodies.at("if/then_branch/")->options.blocked;
}

TEST(KeepUnseenFloatTest, ValuesThatWereNeverComputedOrAreInfinite) {
  CalibrationTable table;
  table.values["x"] = Observe({1, 2});
  table.values["if/then_branch/c"] = Observe({1, INFINITY});
  table.values["if/then_branch/t"] = {};
  const auto blocked = Blocked(table);
  EXPECT_EQ(blocked.at("c"), "holds infinities");
  EXPECT_EQ(blocked.at("p"), "holds infinities") << "it is moved from c";
  EXPECT_EQ(blocked.at("t"), "was never computed in calibration");
  EXPECT_FALSE(blocked.contains("x"));
}

TEST(KeepUnseenFloatTest, NothingButNaNWasComputedAllTheSame) {
  CalibrationTable table;
  for (const char* value : {"x", "if/then_branch/c", "if/then_branch/t"})
    table.values[value] = Observe({NAN});
  EXPECT_THAT(Blocked(table), IsEmpty());
}

}  // namespace
}  // namespace qconvert
