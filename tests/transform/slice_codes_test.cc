// Constants cut out of codes: which form they get, and that no bit changes.
#include "qconvert/transform/slice_codes.h"

#include <gtest/gtest.h>

#include "support/quantize_model.h"

namespace qconvert {
namespace {

// y = x + the part [1:3] of axis `cut` of codes [4, 4] with scales along `axis` (-1: one scale)
Model Cut(int64_t cut, int64_t axis, DataType type = DataType::kInt8) {
  GraphBuilder b;
  b.Input("x", {"1"}).Output("y");
  std::vector<int8_t> codes(16);
  for (size_t k = 0; k < codes.size(); ++k) codes[k] = static_cast<int8_t>(7 * k) - 50;
  b.model.graph.initializers["w"] = MakeTensor<int8_t>("w", type, {4, 4}, codes);
  if (axis < 0) {
    b.Floats("s", {}, {0.3F});
    b.model.graph.initializers["z"] = MakeTensor<int8_t>("z", type, {}, std::vector<int8_t>{3});
  } else {
    b.Floats("s", {4}, {0.1F, 0.2F, 0.3F, 0.4F});
    b.model.graph.initializers["z"] =
        MakeTensor<int8_t>("z", type, {4}, std::vector<int8_t>{1, 2, 3, 4});
  }
  b.Ints("from", {1}, {1}).Ints("to", {1}, {3}).Ints("at", {1}, {cut});
  Node& node = b.Add("DequantizeLinear", {"w", "s", "z"}, {"d"});
  if (axis >= 0) node.Set("axis", axis);
  b.Add("Slice", {"d", "from", "to", "at"}, {"part"}).name = "slice";
  b.Add("Add", {"x", "part"}, {"y"});
  return b.model;
}

TEST(SliceCodesTest, TheSliceGoesInFrontOfTheDequantizeLinear) {
  const std::vector<Tensor> x = {RandomTensor("x", {1}, 1)};
  for (const int64_t axis : {-1, 0}) {
    for (const int64_t cut : {0, 1, -1}) {
      SCOPED_TRACE(testing::Message() << "axis " << axis << ", cut " << cut);
      Model model = Cut(cut, axis);
      const Tensor expected = RunModel(model, x)[0];
      EXPECT_EQ(SliceCodes(model.graph), 1U);
      EXPECT_EQ(*RunModel(model, x)[0].bytes, *expected.bytes);
      const Node& last = model.graph.nodes[model.graph.nodes.size() - 2];
      EXPECT_EQ(last.op_type, "DequantizeLinear");
      EXPECT_EQ(last.outputs[0], "part");
      EXPECT_EQ(last.name, "slice");
      EXPECT_EQ(SliceCodes(model.graph), 0U);
    }
  }
}

TEST(SliceCodesTest, ScalesAlongAnotherAxisStayBehindTheirCodes) {
  for (const int64_t cut : {0, 1}) {
    Model model = Cut(cut, 1);
    EXPECT_EQ(SliceCodes(model.graph), 0U) << "a Conv would take them for those of its outputs";
  }
}

TEST(SliceCodesTest, OthersKeepTheirCodes) {
  Model model = Cut(0, -1);
  model.graph.nodes.push_back(MakeNode("Neg", {"d"}, {"n"}));
  model.graph.outputs.push_back({"n", {}, {}, {}});
  EXPECT_EQ(SliceCodes(model.graph), 1U);
  EXPECT_EQ(model.graph.nodes.size(), 5U) << "two DequantizeLinear, Slice, Add, Neg";
  RunModel(model, {RandomTensor("x", {1}, 1)});
}

TEST(SliceCodesTest, WhatIsNoConstantOrInBlocksStays) {
  Model blocks = Cut(1, 1);
  blocks.graph.nodes[0].Set("block_size", int64_t{2});
  EXPECT_EQ(SliceCodes(blocks.graph), 0U);
  Model computed = Cut(0, -1);
  computed.graph.nodes[0].inputs[0] = "x";
  EXPECT_EQ(SliceCodes(computed.graph), 0U);
  Model both = Cut(0, 0);
  both.graph.initializers["at"] = MakeInt64Tensor("at", {2}, std::vector<int64_t>{0, 1});
  EXPECT_EQ(SliceCodes(both.graph), 0U) << "starts of several axes are not told apart";
}

}  // namespace
}  // namespace qconvert
