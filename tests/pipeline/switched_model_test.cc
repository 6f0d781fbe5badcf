#include "switched_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "measure_layers.h"
#include "support/graph_builder.h"
#include "support/quantize_model.h"

namespace qconvert {
namespace {

using testing::ElementsAre;

// x -> Conv -> Relu -> MaxPool -> Conv -> GlobalAveragePool -> Flatten -> Gemm -> y, all integer:
// codes go through MaxPool and Flatten.
GraphBuilder Classifier() {
  GraphBuilder b;
  b.Input("x", {"1", "3", "8", "8"}).Output("y");
  b.Random("w1", {8, 3, 3, 3}, 0.3F).Random("w2", {8, 8, 3, 3}, 0.2F).Random("w3", {8, 5}, 0.5F);
  b.Add("Conv", {"x", "w1"}, {"c1"});
  b.Add("Relu", {"c1"}, {"r1"});
  b.Add("MaxPool", {"r1"}, {"p1"}).Set("kernel_shape", std::vector<int64_t>{2, 2});
  b.Add("Conv", {"p1", "w2"}, {"c2"});
  b.Add("GlobalAveragePool", {"c2"}, {"g"});
  b.Add("Flatten", {"g"}, {"f"});
  b.Add("Gemm", {"f", "w3"}, {"y"});
  return b;
}

std::vector<Tensor> Sample(uint32_t seed) { return {RandomTensor("x", {1, 3, 8, 8}, seed)}; }

QuantizedModel Quantized(GraphBuilder builder) {
  return QuantizeModel(std::move(builder.model), {Sample(1), Sample(2), Sample(3)});
}

// What the switched model gives for `value` with these switches on.
Tensor RunSwitched(const SwitchedModel& switched, const std::set<size_t>& on,
                   const std::vector<Tensor>& inputs, const std::string& value) {
  Model shown = switched.model;
  shown.graph.outputs = {{value, {}, {}, {}}};
  const std::shared_ptr<const Session> session = OpenSwitched(shown, "switched");
  return SwitchedSession(session, switched, on).Run(inputs, nullptr).at(0);
}

std::vector<std::string> NodesOf(const QuantizedModel& model, const SwitchedModel& switched) {
  std::vector<std::string> names;
  for (const SwitchedNode& one : NodesOfSwitches(switched, model.plan))
    names.push_back(model.float_model.graph.nodes[one.node].op_type);
  return names;
}

TEST(NodesOfSwitchesTest, ANodeIsAskedOnceWithAllThatItWrites) {
  SwitchedModel switched;
  switched.switches = {{0, {"a"}}, {1, {"other"}}, {2, {"moved"}}};
  QuantizationPlan plan;
  plan.placement.nodes.resize(3);
  for (const size_t n : {0U, 1U}) plan.placement.nodes[n].domain = NodeDomain::kInteger;
  plan.placement.nodes[0].unit.output = "a";
  plan.placement.nodes[1].unit.output = "other";
  plan.placement.roots = {{"a", "a"}, {"other", "other"}, {"moved", "a"}};
  const std::vector<SwitchedNode> nodes = NodesOfSwitches(switched, plan);
  ASSERT_EQ(nodes.size(), 2U);
  EXPECT_EQ(nodes[0].node, 0U);
  EXPECT_THAT(nodes[0].numbers, ElementsAre(0U, 2U));
  EXPECT_EQ(nodes[1].node, 1U);
  EXPECT_THAT(nodes[1].numbers, ElementsAre(1U));
}

TEST(SwitchedModelTest, AllOffIsTheFloatModelAndAllOnTheQuantizedOne) {
  const QuantizedModel model = Quantized(Classifier());
  const SwitchedModel switched = MakeSwitched(model.float_model, model.model);
  for (const uint32_t seed : {1U, 7U}) {
    const Tensor exact = RunModel(model.float_model, Sample(seed))[0];
    const Tensor rounded = RunModel(model.model, Sample(seed))[0];
    EXPECT_LT(MaxDifference(RunSwitched(switched, {}, Sample(seed), "y"), exact), 1e-5);
    // Sums in another order may round to the next code now and then.
    const float apart = MaxDifference(exact, rounded);
    EXPECT_GT(apart, 1e-3);
    EXPECT_LT(
        MaxDifference(RunSwitched(switched, AllSwitches(switched), Sample(seed), "y"), rounded),
        apart / 8);
  }
}

TEST(SwitchedModelTest, EveryUnitHasOneSwitchAndMovementHasNone) {
  const QuantizedModel model = Quantized(Classifier());
  const SwitchedModel switched = MakeSwitched(model.float_model, model.model);
  EXPECT_THAT(NodesOf(model, switched), ElementsAre("Conv", "Conv", "GlobalAveragePool", "Gemm"));
}

TEST(SwitchedModelTest, ASwitchRoundsWhatItsNodeWritesAndNothingBefore) {
  const QuantizedModel model = Quantized(Classifier());
  const SwitchedModel switched = MakeSwitched(model.float_model, model.model);
  const auto value = [&](const std::set<size_t>& on, const std::string& name) {
    return RunSwitched(switched, on, Sample(5), name);
  };
  EXPECT_THAT(switched.switches[0].values, ElementsAre("p1")) << "its codes went through MaxPool";
  EXPECT_EQ(MaxDifference(value({1}, "p1"), value({}, "p1")), 0);
  EXPECT_GT(MaxDifference(value({0}, "p1"), value({}, "p1")), 0);
  EXPECT_GT(MaxDifference(value({1}, "c2"), value({}, "c2")), 0);
  // On, a value is on its grid.
  const float scale = model.plan.values.at("p1").params.scales[0];
  const Tensor rounded = value({0}, "p1");
  for (const float v : rounded.values<float>()) EXPECT_NEAR(v / scale, std::round(v / scale), 1e-3);
}

TEST(SwitchedModelTest, AFloatNodesInputsAreRoundedByWhoReadsThem) {
  // Sin has no integer kernel: its value is rounded for the second Conv alone.
  GraphBuilder b;
  b.Input("x", {"1", "3", "8", "8"}).Output("y").Output("s");
  b.Random("w1", {4, 3, 3, 3}).Random("w2", {4, 4, 3, 3});
  b.Add("Conv", {"x", "w1"}, {"c1"});
  b.Add("Sin", {"c1"}, {"s"});
  b.Add("Conv", {"s", "w2"}, {"y"});
  const QuantizedModel model = Quantized(std::move(b));
  const SwitchedModel switched = MakeSwitched(model.float_model, model.model);
  EXPECT_THAT(NodesOf(model, switched), ElementsAre("Conv", "Conv"));
  const Tensor exact = RunSwitched(switched, {}, Sample(4), "s");
  EXPECT_EQ(MaxDifference(RunSwitched(switched, {1}, Sample(4), "s"), exact), 0);
  EXPECT_GT(MaxDifference(RunSwitched(switched, {0}, Sample(4), "s"), exact), 0);
}

TEST(SwitchedModelTest, NothingQuantizedLeavesNoSwitch) {
  const Model model = Classifier().model;
  EXPECT_TRUE(MakeSwitched(model, model).switches.empty());
}

TEST(SwitchedModelTest, NamesThatLookLikeItsOwnAreNoTrouble) {
  GraphBuilder b;
  b.Input("~q/x", {"1", "3", "8", "8"}).Output("~f/y");
  b.Random("~w", {4, 3, 3, 3});
  b.Add("Conv", {"~q/x", "~w"}, {"~~on0"});
  b.Add("Relu", {"~~on0"}, {"~f/y"});
  const std::vector<Tensor> sample = {RandomTensor("~q/x", {1, 3, 8, 8}, 3)};
  const QuantizedModel model = QuantizeModel(std::move(b.model), {sample});
  const SwitchedModel switched = MakeSwitched(model.float_model, model.model);
  EXPECT_EQ(switched.switches.size(), 1U);
  EXPECT_LT(MaxDifference(RunSwitched(switched, {}, sample, "~f/y"),
                          RunModel(model.float_model, sample)[0]),
            1e-5);
}

}  // namespace
}  // namespace qconvert
