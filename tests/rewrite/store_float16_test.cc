#include "qconvert/rewrite/store_float16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <utility>

#include "qconvert/transform/normalize.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

// Every initializer as a float16 model holds it, in float32.
void RoundConstants(Model& model) {
  for (auto& [name, tensor] : model.graph.initializers)
    if (tensor.type == DataType::kFloat)
      tensor = MakeFloatTensor(name, tensor.dims, ToFloats(Narrowed(tensor, DataType::kFloat16)));
}

// What the engine fuses: a Conv with its Relu, a MatMul with its Add, an Add with a GELU, a
// BatchNormalization with its Conv.
GraphBuilder FusableNet() {
  GraphBuilder b;
  b.Input("x", {"1", "8", "6", "6"}).Output("y").Output("z");
  b.Random("w", {8, 8, 3, 3}, 0.2F).Random("b", {8});
  b.Random("v", {8, 8, 1, 1}).Random("s", {8}).Random("t", {8}).Random("m", {8});
  b.Floats("d", {8}, std::vector<float>(8, 1.5F));
  b.Random("p", {36, 64}, 0.2F).Random("a", {64}).Random("q", {64, 64}, 0.2F);
  b.Floats("r", {}, {std::sqrt(2.0F)}).Floats("one", {}, {1}).Floats("h", {}, {0.5F});
  b.Ints("flat", {3}, {1, 8, 36});
  b.Add("Conv", {"x", "w", "b"}, {"c"});
  b.Add("Relu", {"c"}, {"cr"});
  b.Add("Conv", {"x", "v"}, {"n"});
  b.Add("BatchNormalization", {"n", "s", "t", "m", "d"}, {"z"});
  b.Add("Reshape", {"x", "flat"}, {"f"});
  b.Add("MatMul", {"f", "p"}, {"fp"});
  b.Add("Add", {"fp", "a"}, {"g"});
  b.Add("Div", {"g", "r"}, {"gr"});
  b.Add("Erf", {"gr"}, {"ge"});
  b.Add("Add", {"ge", "one"}, {"g1"});
  b.Add("Mul", {"g", "g1"}, {"gg"});
  b.Add("Mul", {"gg", "h"}, {"gelu"});
  b.Add("MatMul", {"gelu", "q"}, {"mq"});
  b.Add("ReduceSum", {"cr"}, {"sum"});
  b.Add("Add", {"mq", "sum"}, {"y"});
  RoundConstants(b.model);
  return b;
}

std::set<std::string> Constants(const Model& model) {
  std::set<std::string> names;
  for (const auto& [name, tensor] : model.graph.initializers) names.insert(name);
  return names;
}

TEST(StoreFloat16Test, TheEngineRunsTheSameGraph) {
  const Model before = FusableNet().model;
  Model after = before;
  EXPECT_EQ(StoreFloat16(Constants(before), after), 5U) << "w, v, p, a, q: the others are small";
  EXPECT_EQ(OptimizedOperators(after), OptimizedOperators(before));
  const Tensor x = RandomTensor("x", {1, 8, 6, 6}, 1);
  for (const bool optimize : {false, true}) {
    const auto expected = RunModel(before, {x}, optimize);
    const auto found = RunModel(after, {x}, optimize);
    for (size_t o = 0; o < expected.size(); ++o)
      EXPECT_EQ(*found[o].bytes, *expected[o].bytes) << o << optimize;
  }
}

TEST(StoreFloat16Test, WhatItDoesNotHoldAndWhatWouldGrowStays) {
  GraphBuilder b;
  b.Input("x", {"32"}).Output("y").Random("inexact", {32}).Random("unnamed", {32});
  b.Floats("few", {8}, std::vector<float>(8, 1)).Floats("exact", {32}, std::vector<float>(32, 1));
  b.Add("Add", {"x", "inexact"}, {"a"});
  b.Add("Add", {"a", "unnamed"}, {"c"});
  b.Add("Concat", {"few", "few", "few", "few"}, {"f"}).Set("axis", int64_t{0});
  b.Add("Add", {"c", "f"}, {"d"});
  b.Add("Add", {"d", "exact"}, {"y"});
  EXPECT_EQ(StoreFloat16({"few", "exact", "inexact", "gone"}, b.model), 1U);
  for (const char* name : {"inexact", "unnamed", "few"})
    EXPECT_EQ(b.model.graph.initializers.at(name).type, DataType::kFloat) << name;
  EXPECT_FALSE(b.model.graph.initializers.contains("exact"));
}

TEST(RoundToFloat16Test, WeightsThatItReaches) {
  GraphBuilder b;
  b.Input("x", {"1", "4"}).Output("y");
  b.Random("w", {4, 4}).Random("tiny", {4, 4}, 1e-6F).Random("huge", {4, 4}, 1e6F);
  b.Random("bias", {4});
  b.Add("MatMul", {"x", "w"}, {"a"});
  b.Add("MatMul", {"a", "tiny"}, {"c"});
  b.Add("MatMul", {"c", "huge"}, {"d"});
  b.Add("Add", {"d", "bias"}, {"y"});
  const Model before = b.model;
  EXPECT_EQ(RoundToFloat16(b.model.graph), 1U);
  const auto is_same = [&](const char* name) {
    return HaveSameElements(b.model.graph.initializers.at(name),
                            before.graph.initializers.at(name));
  };
  for (const char* name : {"tiny", "huge", "bias"}) EXPECT_TRUE(is_same(name)) << name;
  const Tensor& rounded = b.model.graph.initializers.at("w");
  EXPECT_TRUE(ExactHalf(rounded));
  EXPECT_LT(MaxDifference(rounded, before.graph.initializers.at("w")), 4 * 0x1p-11F);
  EXPECT_EQ(RoundToFloat16(b.model.graph), 0U) << "again";
}

TEST(ExactHalfTest, ByBits) {
  using Limits = std::numeric_limits<float>;
  const auto is_exact = [](float value) {
    return ExactHalf(MakeFloatTensor("w", {2}, std::vector<float>{1, value})).has_value();
  };
  for (const float value : {-0.0F, 65504.0F, 0x1p-24F, Limits::infinity(), Limits::quiet_NaN()})
    EXPECT_TRUE(is_exact(value)) << value;
  for (const float value : {0.1F, 65505.0F, 1e6F, 0x1p-25F, Limits::min()})
    EXPECT_FALSE(is_exact(value)) << value;
}

TEST(HoldsFloat16Test, InitializersAndConstantNodes) {
  GraphBuilder b;
  b.Input("x", {"2"}, DataType::kFloat16).Output("y", DataType::kFloat16).Floats("w", {2}, {1, 2});
  EXPECT_FALSE(HoldsFloat16(b.model.graph)) << "its values are, no constant";
  const Tensor half = Narrowed(b.model.graph.initializers.at("w"), DataType::kFloat16);
  b.Add("Constant", {}, {"k"}).Set("value", half);
  EXPECT_TRUE(HoldsFloat16(b.model.graph));
  b.model.graph.nodes.clear();
  b.model.graph.initializers["w"] = half;
  EXPECT_TRUE(HoldsFloat16(b.model.graph));
}

}  // namespace
}  // namespace qconvert
