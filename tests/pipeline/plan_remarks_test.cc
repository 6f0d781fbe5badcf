#include "../../src/pipeline/plan_remarks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"
#include "support/read_config.h"

namespace qconvert {
namespace {

using testing::HasSubstr;

TEST(PlanRemarksTest, AQuantizedModelIsSaidToBeOne) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  b.Add("QuantizeLinear", {"x", "s", "z"}, {"q"});
  b.Add("DequantizeLinear", {"q", "s", "z"}, {"d"});
  b.Add("DequantizeLinear", {"w", "s", "z"}, {"e"});
  b.Add("Add", {"d", "e"}, {"y"});
  EXPECT_EQ(WhyNothingIsQuantized(b.model.graph, false),
            "nothing was quantized: the model is quantized already (2 x DequantizeLinear, 1 x "
            "QuantizeLinear); use it as it is, or convert the float model that it was made from");
  EXPECT_TRUE(IsQuantizedAlready(b.model.graph));
  GraphBuilder other;
  other.Add("MatMulInteger", {"x", "w"}, {"y"});
  EXPECT_THAT(WhyNothingIsQuantized(other.model.graph, false), HasSubstr("1 x MatMulInteger"));
}

TEST(PlanRemarksTest, AFloatModelIsNot) {
  GraphBuilder b;
  b.Add("Relu", {"x"}, {"y"});
  EXPECT_THAT(WhyNothingIsQuantized(b.model.graph, false), HasSubstr("no node has weights"));
  EXPECT_THAT(WhyNothingIsQuantized(b.model.graph, true), HasSubstr("every node stays float"));
  EXPECT_THAT(WhyNothingIsQuantized(b.model.graph, false, true),
              HasSubstr("weights would lose too much even in 16 bit, and no node has an integer"));
  EXPECT_FALSE(IsQuantizedAlready(b.model.graph));
}

TEST(PlanRemarksTest, EvenChannelsAreAdvisedWhereNobodyTriesThem) {
  GraphBuilder b;
  b.Input("x", {"1", "2"}).Output("y");
  b.Floats("v", {2, 2}, {1, 1000, 1, 1000}).Floats("w", {2, 2}, {1, 1, 1, 1});
  b.Add("MatMul", {"x", "v"}, {"h"});
  b.Add("Relu", {"h"}, {"r"});
  b.Add("MatMul", {"r", "w"}, {"y"});
  const auto option = [&](const char* asked) {
    const std::string text =
        "target_device: CPU\noverall_quantize_config: {method: maxmin, round_mode: half_even, "
        "scale_type: float, calib_statistic_method: max}\ninclude_bias_corr: false\ninclude_cle: ";
    QuantConfig off;  // as it is once a conversion without has failed
    off.equalization = Correction::kOff;
    return EqualizeOptionOf(off, LoadText(text + asked + "\n").effective, b.model.graph);
  };
  EXPECT_EQ(option("false"), "--set include_cle=true");
  EXPECT_EQ(option("auto"), "");
}

TEST(PlanRemarksTest, ManyStoredWeightsCostMemoryWhileLoading) {
  QuantizationPlan plan;
  const auto store = [&](const std::string& name, int64_t rows) {
    StoredWeight weight;
    weight.name = name;
    weight.codes.type = DataType::kInt8;
    weight.codes.dims = {rows, 1024, 1024};
    plan.stored[name] = weight;
  };
  store("a", 100);
  EXPECT_FALSE(RemarkOnLoading(plan)) << "400 MB";
  store("b", 25);
  ASSERT_TRUE(RemarkOnLoading(plan));
  EXPECT_THAT(*RemarkOnLoading(plan), HasSubstr("expands 500 MB of stored weights"));
  plan.stored_as = StoredAs::kBlocksPacked;
  EXPECT_TRUE(RemarkOnLoading(plan)) << "none is in blocks";
  plan.stored["b"].block_size = 32;
  EXPECT_FALSE(RemarkOnLoading(plan)) << "what is packed stays so";
  plan.stored_as = StoredAs::kDequantizeLinear;
  plan.stored["b"].block_size = 0;
  EXPECT_FALSE(RemarkOnLoading(plan)) << "nor is this expanded while loading";
}

TEST(PlanRemarksTest, BlocksThatNoWeightHasAreToldOf) {
  QuantConfig config;
  QuantizationPlan plan;
  plan.stored["w"].name = "w";
  EXPECT_FALSE(RemarkOnBlocks(config, plan)) << "nobody asked for them";
  config.layers.emplace_back().tensors.weights.block_size = 64;
  ASSERT_TRUE(RemarkOnBlocks(config, plan));
  EXPECT_THAT(*RemarkOnBlocks(config, plan), HasSubstr("block_size 64: no weights are in blocks"));
  config.target_device = TargetDevice::kGpu;
  EXPECT_THAT(*RemarkOnBlocks(config, plan), HasSubstr("with scheme weight-only"));
  plan.stored["w"].block_size = 64;
  EXPECT_FALSE(RemarkOnBlocks(config, plan));
}

TEST(PlanRemarksTest, OutputsWithoutTheCodesThatAreAskedFor) {
  GraphBuilder b;
  b.Output("y").Output("z");
  QuantizationPlan plan;
  EXPECT_FALSE(RemarkOnOutputs(b.model.graph, plan, ""));
  EXPECT_FALSE(RemarkOnOutputs(b.model.graph, plan, "float32"));
  plan.values["y"];
  EXPECT_EQ(RemarkOnOutputs(b.model.graph, plan, "int8"),
            "set_model_output_int8: z stays float, no integers are placed there");
  plan.values["z"];
  EXPECT_FALSE(RemarkOnOutputs(b.model.graph, plan, "int8"));
}

TEST(PlanRemarksTest, WhatFailedIsTheWorstOutputIfThereIsOne) {
  Verdict verdict;
  EXPECT_EQ(WhatFailed(verdict), "no output was compared: the engine ran no plan");
  verdict.outputs = {{"y", OutputVerdict::Result::kFailed, 0.5, "fails: 3.0 dB"},
                     {"z", OutputVerdict::Result::kPassed, 0.9, "passes: 20.0 dB"}};
  EXPECT_EQ(WhatFailed(verdict), "output \"y\" fails: 3.0 dB");
}

TEST(PlanRemarksTest, AnEntryOfAValueWithoutCodesIsToldWithThePlace) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  b.Add("Relu", {"x"}, {"r"}), b.Add("Tanh", {"r"}, {"y"});
  QuantizationPlan plan;
  plan.placement.nodes.resize(2);
  plan.placement.nodes[0].domain = NodeDomain::kInteger;
  plan.placement.nodes[1].domain = NodeDomain::kFloat;
  plan.values["x"] = {};
  QuantConfig config;
  const auto entry = [&](const std::string& value, const std::string& place) {
    ValueSettings one;
    one.value = value;
    one.place = place;
    config.values.push_back(one);
  };
  entry("x", "c.json:1:1");
  entry("r", "c.json:2:1");
  entry("y", "c.json:3:1");
  entry("folded", "c.json:4:1");
  entry("nowhere", "c.json:5:1");
  EXPECT_THAT(RemarksOnValues(b.model.graph, config, plan, {"c.json:5:1: no value of the model"}),
              testing::ElementsAre(
                  HasSubstr("c.json:2:1: 'r' has no codes, an integer kernel hands it on"),
                  HasSubstr("c.json:3:1: 'y' has no codes, the nodes around it compute in float"),
                  HasSubstr("c.json:4:1: 'folded' has no codes, it is computed in one step")));
  for (ValueSettings& one : config.values) one.settings.datatype = Datatype::kFloat32;
  EXPECT_TRUE(RemarksOnValues(b.model.graph, config, plan, {}).empty()) << "asks for none";
}

}  // namespace
}  // namespace qconvert
