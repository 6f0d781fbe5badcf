// Constant codes against what the engine makes of them.
#include "dequantize_constant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

template <typename T>
void Put(GraphBuilder& b, const std::string& name, DataType type, std::vector<int64_t> dims,
         const std::vector<T>& values) {
  b.model.graph.initializers[name] = MakeTensor<T>(name, type, std::move(dims), values);
}

// Both ends of the type, 0 and numbers between: 6 of them.
template <typename T>
std::vector<T> Codes() {
  return {std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), 0, 1, 100, 77};
}

std::optional<Tensor> Dequantized(const GraphBuilder& b) {
  return DequantizedConstant(b.model.graph, b.model.graph.nodes[0]);
}

// q [2,3] by these inputs; the engine does the same with the same constants.
void ExpectTheEngines(GraphBuilder& b) {
  b.Output("y");
  const std::optional<Tensor> mine = Dequantized(b);
  ASSERT_TRUE(mine);
  EXPECT_EQ(mine->name, "y");
  EXPECT_TRUE(HaveSameElements(*mine, RunModel(b.model, {})[0]));
}

template <typename T>
void ExpectEveryForm(DataType type, bool has_zero) {
  SCOPED_TRACE(DataTypeName(type));
  for (const int64_t axis : {int64_t{0}, int64_t{1}, int64_t{-1}, int64_t{-2}}) {
    const bool by_row = axis == 0 || axis == -2;
    GraphBuilder b;
    Put(b, "q", type, {2, 3}, Codes<T>());
    b.Floats("s", {by_row ? 2 : 3},
             by_row ? std::vector<float>{0.25F, 3e-7F} : std::vector<float>{0.1F, 7, 1e20F});
    std::vector<std::string> inputs = {"q", "s"};
    if (has_zero) {
      Put(b, "z", type, {by_row ? 2 : 3},
          by_row ? std::vector<T>{3, 120} : std::vector<T>{1, 0, 127});
      inputs.emplace_back("z");
    }
    b.Add("DequantizeLinear", inputs, {"y"}).Set("axis", axis);
    ExpectTheEngines(b);
  }
  GraphBuilder b;
  Put(b, "q", type, {2, 3}, Codes<T>());
  b.Floats("s", {}, {0.1F}).Add("DequantizeLinear", {"q", "s"}, {"y"});
  ExpectTheEngines(b);
}

TEST(DequantizedConstantTest, IsWhatTheEngineMakesOfEveryTypeAndAxis) {
  ExpectEveryForm<int8_t>(DataType::kInt8, true);
  ExpectEveryForm<uint8_t>(DataType::kUint8, true);
  ExpectEveryForm<int32_t>(DataType::kInt32, false);  // has no zero point
}

TEST(DequantizedConstantTest, SixteenBits) {
  GraphBuilder b;
  Put(b, "q", DataType::kUint16, {2}, std::vector<uint16_t>{0, 65535});
  Put(b, "z", DataType::kUint16, {}, std::vector<uint16_t>{32768});
  b.Floats("s", {}, {0.5F}).Add("DequantizeLinear", {"q", "s", "z"}, {"y"});
  EXPECT_THAT(ToFloats(*Dequantized(b)), ElementsAre(-16384, 16383.5F));
  Put(b, "q", DataType::kInt16, {2}, std::vector<int16_t>{-32768, 32767});
  Put(b, "z", DataType::kInt16, {}, std::vector<int16_t>{-1});
  EXPECT_THAT(ToFloats(*Dequantized(b)), ElementsAre(-16383.5F, 16384));
}

TEST(DequantizedConstantTest, ScalarsAndNoElements) {
  GraphBuilder b;
  Put(b, "q", DataType::kInt8, {}, std::vector<int8_t>{-5});
  b.Floats("s", {1}, {2}).Add("DequantizeLinear", {"q", "s"}, {"y"});
  EXPECT_THAT(Dequantized(b)->dims, IsEmpty());
  EXPECT_THAT(ToFloats(*Dequantized(b)), ElementsAre(-10));
  Put(b, "q", DataType::kInt8, {4, 0, 2}, std::vector<int8_t>{});
  EXPECT_THAT(Dequantized(b)->dims, ElementsAre(4, 0, 2));
}

// One zero point for channels of their own scales, and the inner axis of three.
TEST(DequantizedConstantTest, AChannelIsARunOfItsAxis) {
  GraphBuilder b;
  Put(b, "q", DataType::kUint8, {2, 2, 2}, std::vector<uint8_t>{1, 2, 3, 4, 5, 6, 7, 8});
  Put(b, "z", DataType::kUint8, {}, std::vector<uint8_t>{1});
  b.Floats("s", {2}, {1, 10}).Add("DequantizeLinear", {"q", "s", "z"}, {"y"});
  EXPECT_THAT(ToFloats(*Dequantized(b)), ElementsAre(0, 1, 20, 30, 4, 5, 60, 70));
}

TEST(DequantizedConstantTest, WhatIsComputedOrInBlocksIsNone) {
  struct Case {
    const char* name;
    std::function<void(GraphBuilder&, Node&)> change;
  };
  const std::vector<Case> cases = {
      {"computed codes", [](auto&, Node& node) { node.inputs[0] = "x"; }},
      {"a computed scale", [](auto&, Node& node) { node.inputs[1] = "x"; }},
      {"a computed zero point", [](auto&, Node& node) { node.inputs[2] = "x"; }},
      {"codes that are floats", [](auto&, Node& node) { node.inputs[0] = "f"; }},
      {"a zero point that is a float", [](auto&, Node& node) { node.inputs[2] = "f"; }},
      {"a scale that is no float", [](auto&, Node& node) { node.inputs[1] = "q"; }},
      {"no scale", [](auto& b, Node&) { b.Floats("s", {0}, {}); }},
      {"scales of another axis",
       [](auto& b, Node&) {
         b.Floats("s", {3}, {1, 2, 3});
       }},
      {"an axis too many", [](auto&, Node& node) { node.Set("axis", int64_t{2}); }},
      {"an axis too few", [](auto&, Node& node) { node.Set("axis", int64_t{-3}); }},
      {"scales in blocks",
       [](auto& b, Node& node) {
         b.Floats("s", {2, 1}, {1, 2});
         node.Set("block_size", int64_t{2});
       }},
      {"a block along one axis", [](auto&, Node& node) { node.Set("block_size", int64_t{2}); }},
      {"more zero points than scales",
       [](auto& b, Node&) {
         Put(b, "z", DataType::kInt8, {3}, std::vector<int8_t>{1, 2, 3});
       }},
  };
  for (const Case& test : cases) {
    GraphBuilder b;
    Put(b, "q", DataType::kInt8, {2, 2}, std::vector<int8_t>{1, 2, 3, 4});
    Put(b, "z", DataType::kInt8, {2}, std::vector<int8_t>{1, 2});
    b.Floats("s", {2}, {1, 2}).Floats("f", {2}, {1, 2});
    Node& node = b.Add("DequantizeLinear", {"q", "s", "z"}, {"y"});
    ASSERT_TRUE(Dequantized(b));
    test.change(b, node);
    EXPECT_FALSE(Dequantized(b)) << test.name;
  }
}

TEST(IntegersOfTest, EndsOfEveryType) {
  const auto integers = [](auto low, auto high, DataType type) {
    const std::vector<decltype(low)> values = {low, high};
    return *IntegersOf(MakeTensor<decltype(low)>("q", type, {2}, values));
  };
  EXPECT_THAT(integers(int8_t{-128}, int8_t{127}, DataType::kInt8), ElementsAre(-128, 127));
  EXPECT_THAT(integers(uint8_t{0}, uint8_t{255}, DataType::kUint8), ElementsAre(0, 255));
  EXPECT_THAT(integers(int16_t{-32768}, int16_t{32767}, DataType::kInt16),
              ElementsAre(-32768, 32767));
  EXPECT_THAT(integers(uint16_t{0}, uint16_t{65535}, DataType::kUint16), ElementsAre(0, 65535));
  EXPECT_THAT(integers(INT32_MIN, INT32_MAX, DataType::kInt32), ElementsAre(INT32_MIN, INT32_MAX));
  EXPECT_FALSE(IntegersOf(MakeInt64Tensor("q", {1}, std::vector<int64_t>{1})));
  EXPECT_FALSE(IntegersOf(MakeFloatTensor("q", {1}, std::vector<float>{1})));
}

}  // namespace
}  // namespace qconvert
