// What is rounded to 16-bit floats, by settings and by what calibration saw.
#include "qconvert/plan/round_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Key;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr DataType kHalf = DataType::kFloat16;

// x ─ Tanh ─ t ─ Transpose ─ p ─ MatMul{m} ─ k ─ Add{a} ─ y
GraphBuilder Chain() {
  GraphBuilder b;
  b.Input("x", {"4", "4"}).Output("y").Random("m", {4, 4}).Random("a", {4});
  b.Add("Tanh", {"x"}, {"t"});
  b.Add("Transpose", {"t"}, {"p"});
  b.Add("MatMul", {"p", "m"}, {"k"});
  b.Add("Add", {"k", "a"}, {"y"});
  for (Node& node : b.model.graph.nodes) node.name = node.op_type;
  InferTypes(b.model, "m");
  return b;
}

Placement AllFloat(const GraphBuilder& b) {
  Placement placement{.nodes = std::vector<NodePlacement>(b.model.graph.nodes.size())};
  for (NodePlacement& node : placement.nodes) node.domain = NodeDomain::kFloat;
  return placement;
}

ModelSettings Settings(Datatype datatype) {
  QuantConfig config;
  for (const TensorType type : kTensorTypes) config.tensors[type].datatype = datatype;
  return config;
}

CalibrationTable Seen(const std::vector<std::pair<std::string, float>>& largest) {
  CalibrationTable table;
  for (const auto& [value, max] : largest) {
    table.values[value].min = -1;
    table.values[value].max = max;
  }
  return table;
}

TEST(RoundedValuesTest, InputsAndWhatFloatNodesComputeButNotWhatTheyMove) {
  const GraphBuilder b = Chain();
  const CalibrationTable table = Seen({{"x", 1}, {"t", 1}, {"p", 1}, {"k", 2}, {"y", 3}});
  const RoundedFloats found =
      FindRoundedValues(b.model.graph, AllFloat(b), table, Settings(Datatype::kFloat16));
  EXPECT_THAT(found.types, UnorderedElementsAre(Pair("x", kHalf), Pair("t", kHalf),
                                                Pair("k", kHalf), Pair("y", kHalf)));
  EXPECT_THAT(found.too_large, IsEmpty());
}

TEST(RoundedValuesTest, WhatAnIntegerNodeWritesOrReadsHasCodesInstead) {
  const GraphBuilder b = Chain();
  Placement placement = AllFloat(b);
  placement.nodes[2].domain = NodeDomain::kInteger;
  placement.roots["x"] = "x";
  const CalibrationTable table = Seen({{"x", 1}, {"t", 1}, {"k", 2}, {"y", 3}});
  const RoundedFloats found =
      FindRoundedValues(b.model.graph, placement, table, Settings(Datatype::kFloat16));
  EXPECT_THAT(found.types, UnorderedElementsAre(Key("t"), Key("y")));
}

// 65504 is the largest float16; what lies half way to 65536 rounds up to infinity. bfloat16 holds
// what float32 does, but for its last half step. A range that nobody knows may be anything.
TEST(RoundedValuesTest, RangesHaveToFit) {
  const GraphBuilder b = Chain();
  for (const auto& [largest, fits_half, fits_brain] : {std::tuple{65519.0F, true, true},
                                                       {65520.0F, false, true},
                                                       {0x1.FEp127F, false, true},
                                                       {0x1.FFp127F, false, false}}) {
    for (const auto& [datatype, fits] :
         {std::pair{Datatype::kFloat16, fits_half}, {Datatype::kBfloat16, fits_brain}}) {
      for (const float sign : {1.0F, -1.0F}) {
        CalibrationTable table = Seen({{"x", 1}, {"t", 1}, {"k", 1}, {"y", 1}});
        (sign > 0 ? table.values["k"].max : table.values["k"].min) = sign * largest;
        const RoundedFloats found =
            FindRoundedValues(b.model.graph, AllFloat(b), table, Settings(datatype));
        EXPECT_EQ(found.types.contains("k"), fits) << largest;
        EXPECT_EQ(found.too_large.contains("k"), !fits) << largest;
      }
    }
  }
  const RoundedFloats unknown =
      FindRoundedValues(b.model.graph, AllFloat(b), {}, Settings(Datatype::kFloat16));
  EXPECT_THAT(unknown.too_large, UnorderedElementsAre("x", "t", "p", "k", "y"));
  EXPECT_THAT(
      FindRoundedValues(b.model.graph, AllFloat(b), {}, Settings(Datatype::kBfloat16)).too_large,
      IsEmpty());
}

// x ─ MatMul{m} ─ p ─ Mul(p, p) ─ e ─ Log ─ l ─ Tanh ─ y: quiet bands are 2^-14 and less beside
// loud ones.
TEST(RoundedValuesTest, FrontEndsOfLogarithmsStayFloat32) {
  GraphBuilder b;
  b.Input("x", {"4", "4"}).Output("y").Random("m", {4, 4});
  b.Add("MatMul", {"x", "m"}, {"p"});
  b.Add("Mul", {"p", "p"}, {"e"});
  b.Add("Log", {"e"}, {"l"});
  b.Add("Tanh", {"l"}, {"y"});
  for (Node& node : b.model.graph.nodes) node.name = node.op_type;
  InferTypes(b.model, "m");
  const CalibrationTable table = Seen({{"x", 1}, {"p", 1}, {"e", 1}, {"l", 1}, {"y", 1}});
  const RoundedFloats half =
      FindRoundedValues(b.model.graph, AllFloat(b), table, Settings(Datatype::kFloat16));
  EXPECT_THAT(half.types, UnorderedElementsAre(Key("x"), Key("l"), Key("y")));
  EXPECT_THAT(half.too_large, UnorderedElementsAre("p", "e"));
  const RoundedFloats brain =
      FindRoundedValues(b.model.graph, AllFloat(b), table, Settings(Datatype::kBfloat16));
  EXPECT_THAT(brain.too_large, IsEmpty());
}

// 2^-14 is the least normal float16: what is smaller throughout would lose bits, or be zero.
TEST(RoundedValuesTest, RangesMustNotUnderflow) {
  const GraphBuilder b = Chain();
  for (const auto& [largest, fits_half] :
       {std::pair{0x1p-14F, true}, {0x1.FEp-15F, false}, {0.0F, true}}) {
    for (const auto& [datatype, fits] :
         {std::pair{Datatype::kFloat16, fits_half}, {Datatype::kBfloat16, true}}) {
      CalibrationTable table = Seen({{"x", 1}, {"t", 1}, {"k", 1}, {"y", 1}});
      table.values["k"].max = largest;
      table.values["k"].min = -largest / 2;
      const RoundedFloats found =
          FindRoundedValues(b.model.graph, AllFloat(b), table, Settings(datatype));
      EXPECT_EQ(found.types.contains("k"), fits) << largest;
      EXPECT_EQ(found.too_large.contains("k"), !fits) << largest;
    }
  }
}

TEST(RoundedValuesTest, CalibrationIsAskedForFloat16Alone) {
  const GraphBuilder b = Chain();
  EXPECT_THAT(FindFloat16Values(b.model.graph, Settings(Datatype::kFloat16)),
              ElementsAre("k", "p", "t", "x", "y"));
  EXPECT_THAT(FindFloat16Values(b.model.graph, Settings(Datatype::kBfloat16)), IsEmpty());
  ModelSettings one;
  one.config.layers.push_back({{}, Settings(Datatype::kFloat16).config.tensors});
  one.layer_of["MatMul"] = 0;
  EXPECT_THAT(FindFloat16Values(b.model.graph, one), ElementsAre("k"));
}

// The addend of the sum is neither a weight nor a bias slot of an operator with weights.
TEST(RoundedWeightsTest, AreWeightsOfFloatNodesThatFit) {
  GraphBuilder b = Chain();
  const ModelSettings settings = Settings(Datatype::kFloat16);
  EXPECT_THAT(FindRoundedWeights(b.model.graph, AllFloat(b), settings).types,
              ElementsAre(Pair("m", kHalf)));
  Placement integer = AllFloat(b);
  integer.nodes[2].domain = NodeDomain::kInteger;
  EXPECT_THAT(FindRoundedWeights(b.model.graph, integer, settings).types, IsEmpty());
  std::vector<float> large(16, 1.0F);
  large[7] = -70000;
  b.Floats("m", {4, 4}, large);
  const RoundedFloats found = FindRoundedWeights(b.model.graph, AllFloat(b), settings);
  EXPECT_THAT(found.types, IsEmpty());
  EXPECT_THAT(found.too_large, ElementsAre("m"));
  b.Floats("m", {4, 4}, std::vector<float>(16, 0x1p-15F));
  EXPECT_THAT(FindRoundedWeights(b.model.graph, AllFloat(b), settings).too_large, ElementsAre("m"))
      << "no normal numbers";
  EXPECT_THAT(FindRoundedWeights(b.model.graph, AllFloat(b), Settings(Datatype::kBfloat16)).types,
              ElementsAre(Pair("m", DataType::kBfloat16)));
}

TEST(RoundedWeightsTest, AWeightOfOtherReadersOrThatTheModelGivesOutStaysFloat) {
  GraphBuilder b = Chain();
  b.Output("z").Add("MatMul", {"x", "m"}, {"z"}).name = "other";
  ModelSettings one;
  one.config.layers.push_back({{}, Settings(Datatype::kFloat16).config.tensors});
  one.layer_of["MatMul"] = 0;
  EXPECT_THAT(FindRoundedWeights(b.model.graph, AllFloat(b), one).types, IsEmpty());
  one.layer_of["other"] = 0;
  EXPECT_THAT(FindRoundedWeights(b.model.graph, AllFloat(b), one).types, ElementsAre(Key("m")));
  b.Output("m");
  EXPECT_THAT(FindRoundedWeights(b.model.graph, AllFloat(b), one).types, IsEmpty());
}

}  // namespace
}  // namespace qconvert
