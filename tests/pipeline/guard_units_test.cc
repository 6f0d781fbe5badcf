// What the guard may put back to float, and what goes along.
#include "guard_units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/pipeline/prepare_model.h"
#include "support/target_job.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class GuardUnitsTest : public testing::Test {
 protected:
  GuardUnitsTest() : model_(ResidualNet().model) { PrepareModel(model_, "m"); }

  GuardUnits Units(std::map<size_t, std::string> dynamic = {}) const {
    return {model_.graph, {.place_by = PlaceBy::kKernels}, std::move(dynamic)};
  }
  size_t Writer(const std::string& value) const {
    return Topology(model_.graph).ProducerIndex(value);
  }
  std::set<std::string> Written(const GuardUnits& units) const {
    std::set<std::string> out;
    for (const size_t n : units.all) out.insert(model_.graph.nodes[n].outputs[0]);
    return out;
  }

  Model model_;
};

TEST_F(GuardUnitsTest, AreIntegerNodesThatMakeAnError) {
  const GuardUnits units = Units();
  EXPECT_THAT(Written(units), ElementsAre("a", "c1", "c2", "c3", "s", "y"))
      << "a Relu goes with its Conv, MaxPool and Flatten move codes";
  EXPECT_THAT(units.bodies, IsEmpty());
  EXPECT_EQ(units.NameOf(Writer("c1")), model_.graph.nodes[Writer("c1")].name);
  EXPECT_TRUE(units.IsInteger(units.full, Writer("c1")));
}

// A name that --keep-float knows, for all that was made of the node.
TEST_F(GuardUnitsTest, AreToldByTheNodesThatCame) {
  model_.graph.nodes[Writer("c1")].name = "/Div/unit0";
  model_.graph.nodes[Writer("c1")].origin = "/Div";
  model_.graph.nodes[Writer("c2")].name = "/Div";
  model_.graph.nodes[Writer("c3")].name = "/Conv";
  EXPECT_THAT(Units().OriginsOf({Writer("c1"), Writer("c2"), Writer("c3")}),
              testing::UnorderedElementsAre("/Div", "/Conv"));
}

TEST_F(GuardUnitsTest, NodesQuantizedAtRunTimeAreUnitsToo) {
  EXPECT_TRUE(Units({{Writer("p"), "why"}}).all.contains(Writer("p")));
}

TEST_F(GuardUnitsTest, WhatIsNotQuantizedAtRunTimeAfterAllSaysWhy) {
  const GuardUnits units = Units({{Writer("p"), "p"}});
  EXPECT_EQ(units.KeepFloat({Writer("p")}, "reason").keep_float.at(Writer("p")), "reason");
}

TEST_F(GuardUnitsTest, AUnitIsKeptFloatWithItsTailAndNothingElse) {
  const GuardUnits units = Units();
  const PlaceOptions kept = units.KeepFloat({Writer("c2")}, "reason");
  EXPECT_EQ(kept.keep_float.at(Writer("c2")), "reason");
  EXPECT_EQ(kept.keep_float.at(Writer("r2")), "reason") << "its Relu";
  EXPECT_FALSE(kept.keep_float.contains(Writer("c1")));
  const Placement placed = PlaceNodes(model_.graph, kept);
  for (size_t n = 0; n < model_.graph.nodes.size(); ++n) {
    const bool is_kept = n == Writer("c2") || n == Writer("r2");
    if (units.full.nodes[n].domain == NodeDomain::kInteger && !is_kept) {
      EXPECT_EQ(placed.nodes[n].domain, NodeDomain::kInteger) << model_.graph.nodes[n].outputs[0];
    }
    if (is_kept) {
      EXPECT_NE(placed.nodes[n].domain, NodeDomain::kInteger);
    }
  }
  EXPECT_FALSE(units.IsInteger(placed, Writer("c2")));
}

// What the whole plan has in float stays so, with the reason that it had.
TEST_F(GuardUnitsTest, FloatNodesOfTheWholePlanStayFloat) {
  PlaceOptions base{.place_by = PlaceBy::kKernels};
  base.keep_float[Writer("c1")] = "asked for";
  const GuardUnits units(model_.graph, base, {});
  EXPECT_FALSE(units.all.contains(Writer("c1")));
  EXPECT_EQ(units.KeepFloat({Writer("c3")}).keep_float.at(Writer("c1")), "asked for");
  EXPECT_EQ(units.KeepFloat({Writer("c3")}).keep_float.at(Writer("c3")), kKeptForTheError);
}

TEST_F(GuardUnitsTest, WeightsAreThoseThatTheUnitsRead) {
  const GuardUnits units = Units();
  std::set<std::string> weights;
  units.AddWeightsOf({Writer("s"), Writer("a")}, weights);
  EXPECT_THAT(weights, IsEmpty());
  units.AddWeightsOf({Writer("c1"), Writer("c2"), Writer("y")}, weights);
  EXPECT_EQ(weights.size(), 2U) << "two read the same: " << testing::PrintToString(weights);
}

}  // namespace
}  // namespace qconvert
