// Which ranges may move with a block, and the constants that they get of their own.
#include "learnable_ranges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "support/target_job.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The residual net on the CPU, and its block from r1 to the sum.
class LearnableRangesTest : public testing::Test {
 protected:
  LearnableRangesTest()
      : q_(QuantizeModel(ResidualNet().model, SamplesOf({1, 16, 8, 8}))),
        topology_(q_.float_model.graph) {}

  size_t Writer(const std::string& value) const { return topology_.ProducerIndex(value); }
  // Of the nodes that write these.
  std::set<std::string> Of(const std::vector<std::string>& written) const {
    Block block;
    for (const std::string& value : written) block.nodes.push_back(Writer(value));
    return LearnableRanges(q_.float_model.graph, topology_, q_.plan).Of(block);
  }

  const std::vector<std::string> residual_ = {"c2", "r2", "c3", "s", "r3"};
  QuantizedModel q_;
  Topology topology_;
};

TEST_F(LearnableRangesTest, OfABlockThoseThatItWritesAndWhatIsMovedFromThem) {
  ASSERT_EQ(q_.plan.values.at("p").root, "r3");
  EXPECT_THAT(Of(residual_), ElementsAre("c3", "r2", "r3")) << "p is moved from r3";
  EXPECT_THAT(Of({"p"}), IsEmpty()) << "whose range is that of a value in front of it";
  EXPECT_THAT(Of({}), IsEmpty());
  EXPECT_THAT(Of({"a"}), ElementsAre("a"));
}

TEST_F(LearnableRangesTest, RangesThatAreGivenOrDoNotSayTheirParametersStay) {
  const std::vector<std::pair<const char*, std::function<void(ValuePlan&)>>> changes = {
      {"fixed", [](ValuePlan& value) { value.method = "fixed"; }},
      {"given", [](ValuePlan& value) { value.method = "given"; }},
      {"kept", [](ValuePlan& value) { value.method = "kept"; }},
      {"powers of two", [](ValuePlan& value) { value.format.power_of_two = true; }},
      {"no zero in it",
       [](ValuePlan& value) {
         value.range = {1, 2};
       }},
      {"nothing in it",
       [](ValuePlan& value) {
         value.range = {0, 0};
       }},
      {"another scale", [](ValuePlan& value) { value.params.scales[0] *= 2; }},
      {"floats", [](ValuePlan& value) { value.format.type = DataType::kBfloat16; }},
  };
  const ValuePlan before = q_.plan.values.at("r2");
  for (const auto& [name, change] : changes) {
    change(q_.plan.values.at("r2"));
    EXPECT_THAT(Of(residual_), ElementsAre("c3", "r3")) << name;
    q_.plan.values.at("r2") = before;
  }
}

TEST_F(LearnableRangesTest, WhatIsConvertedForAReaderStays) {
  const size_t add = Writer("s");
  const auto& inputs = q_.float_model.graph.nodes[add].inputs;
  const auto slot =
      static_cast<size_t>(std::find(inputs.begin(), inputs.end(), "c3") - inputs.begin());
  ASSERT_LT(slot, inputs.size());
  q_.plan.integer_nodes.at(add).converted[slot] = {};
  EXPECT_THAT(Of(residual_), ElementsAre("r2", "r3"));
}

TEST_F(LearnableRangesTest, WhatSharesParametersWithAValueElsewhereStays) {
  q_.plan.values.at("c3").root = "r1";
  q_.plan.values.at("c3").params = q_.plan.values.at("r1").params;
  q_.plan.values.at("c3").range = q_.plan.values.at("r1").range;
  EXPECT_THAT(Of(residual_), ElementsAre("r2", "r3"));
}

class RangeConstantsTest : public LearnableRangesTest {
 protected:
  // Q and DQ of the model whose scale is this constant.
  std::set<std::string> ReadersOf(const std::string& scale) const {
    std::set<std::string> types;
    for (const Node& node : model_.graph.nodes)
      if (node.inputs.size() > 1 && node.inputs[1] == scale) types.insert(node.op_type);
    return types;
  }
  // Scales that are new in the model.
  std::vector<std::string> NewScales() const {
    std::vector<std::string> out;
    for (const auto& [name, tensor] : model_.graph.initializers)
      if (!q_.model.graph.initializers.contains(name) && !ReadersOf(name).empty())
        out.push_back(name);
    return out;
  }
  float Difference() const {
    const std::vector<Tensor> x = {RandomTensor("x", {1, 16, 8, 8}, 9)};
    return MaxDifference(RunModel(q_.model, x)[0], RunModel(model_, x)[0]);
  }

  Model model_ = q_.model;
};

TEST_F(RangeConstantsTest, OneRootGetsConstantsThatNobodyElseReads) {
  std::set<std::string> roots = {"r2"};
  const RangeConstants constants(q_.plan, roots, model_);
  EXPECT_THAT(roots, ElementsAre("r2"));
  const std::vector<std::string> scales = NewScales();
  ASSERT_EQ(scales.size(), 1U);
  EXPECT_THAT(ReadersOf(scales[0]), ElementsAre("DequantizeLinear", "QuantizeLinear"));
  EXPECT_EQ(ToFloats(model_.graph.initializers.at(scales[0])),
            q_.plan.values.at("r2").params.scales);
  EXPECT_EQ(Difference(), 0);
  model_.graph.initializers[scales[0]] = MakeFloatTensor(scales[0], {}, std::vector<float>{100});
  EXPECT_GT(Difference(), 0) << "the value that moves is in the model";
}

TEST_F(RangeConstantsTest, WhatIsMovedOnTheWayTakesTheSame) {
  std::set<std::string> roots = {"r3", "c3"};
  const RangeConstants constants(q_.plan, roots, model_);
  EXPECT_THAT(roots, ElementsAre("c3", "r3"));
  EXPECT_EQ(NewScales().size(), 2U);
  EXPECT_EQ(Difference(), 0);
}

// The kernel takes the scale of a bias from that of the input.
TEST_F(RangeConstantsTest, AGemmBehindGetsAFloatBias) {
  std::set<std::string> roots = {"a"};
  const RangeConstants constants(q_.plan, roots, model_);
  ASSERT_THAT(roots, ElementsAre("a"));
  const Node& gemm = *NodesOf(model_.graph, "Gemm").at(0);
  const Tensor* bias = model_.graph.FindInitializer(gemm.inputs[2]);
  ASSERT_NE(bias, nullptr);
  EXPECT_EQ(bias->type, DataType::kFloat);
  const Tensor* before = q_.float_model.graph.FindInitializer("h");
  ASSERT_NE(before, nullptr);
  EXPECT_LT(MaxDifference(*bias, *before), 1e-3F);
}

TEST_F(RangeConstantsTest, RootsWithoutCodesOfTheirOwnAreTakenOut) {
  std::set<std::string> roots = {"r2", "not there"};
  q_.plan.values["not there"] = q_.plan.values.at("r2");
  q_.plan.values["not there"].root = "not there";
  const RangeConstants constants(q_.plan, roots, model_);
  EXPECT_THAT(roots, ElementsAre("r2"));
  std::set<std::string> none;
  Model same = q_.model;
  const RangeConstants nothing(q_.plan, none, same);
  EXPECT_EQ(same.graph.initializers.size(), q_.model.graph.initializers.size());
}

}  // namespace
}  // namespace qconvert
