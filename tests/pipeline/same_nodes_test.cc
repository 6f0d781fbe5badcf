// Models that an engine computes alike.
#include "../../src/pipeline/same_nodes.h"

#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

GraphBuilder Small() {
  GraphBuilder b;
  b.Input("x", {"1", "4"}).Output("y").Random("w", {4, 4}).Floats("k", {}, {1});
  b.Add("MatMul", {"x", "w"}, {"m"});
  b.Add("Add", {"m", "k"}, {"y"});
  return b;
}

TEST(SameNodesTest, CopiesComputeTheSame) {
  const Model model = Small().model;
  EXPECT_TRUE(ComputeTheSame(model, Small().model)) << "weights of other bytes, but equal";
  Model shown = model;
  shown.graph.outputs.push_back({"m", {}, {}, {}});
  EXPECT_TRUE(ComputeTheSame(model, shown)) << "shows more";
  EXPECT_FALSE(ComputeTheSame(shown, model)) << "shows less";
  shown = model;
  shown.graph.nodes[0].name = "first";
  EXPECT_TRUE(ComputeTheSame(model, shown)) << "is called otherwise";
  EXPECT_FALSE(AreSame(model.graph, model.graph.nodes[0], shown.graph, shown.graph.nodes[0]));
  shown = model;
  shown.graph.value_info.clear();
  EXPECT_TRUE(ComputeTheSame(model, shown)) << "types say nothing new";
}

TEST(SameNodesTest, WhateverChangesBitsIsSeen) {
  const Model model = Small().model;
  const auto differs = [&](const auto& change) {
    Model other = model;
    change(other);
    return !ComputeTheSame(model, other) && !ComputeTheSame(other, model);
  };
  EXPECT_TRUE(differs([](Model& m) {
    Tensor& k = m.graph.initializers.at("k");
    k = MakeFloatTensor("k", {}, std::vector<float>{2});
  }));
  EXPECT_TRUE(differs([](Model& m) { m.graph.nodes[1].op_type = "Sub"; }));
  EXPECT_TRUE(differs([](Model& m) { m.graph.nodes[1].inputs = {"k", "m"}; }));
  EXPECT_TRUE(differs([](Model& m) { m.graph.nodes[1].attributes["a"].data = int64_t{1}; }));
  EXPECT_TRUE(differs([](Model& m) { m.graph.nodes.pop_back(); }));
  EXPECT_TRUE(differs([](Model& m) { m.graph.inputs[0].name = "z"; }));
  EXPECT_TRUE(differs([](Model& m) { m.graph.outputs[0].name = "m"; }));
  EXPECT_TRUE(differs([](Model& m) { ++m.opsets[""]; }));
}

TEST(SameNodesTest, AnOutputMayBeAConstant) {
  const auto constant = [](float value) {
    GraphBuilder b;
    b.Input("x", {"1"}).Output("y").Floats("y", {1}, {value});
    return b.model;
  };
  EXPECT_TRUE(ComputeTheSame(constant(1), constant(1)));
  EXPECT_FALSE(ComputeTheSame(constant(1), constant(2)));
}

TEST(SameNodesTest, FunctionsAreNotLookedInto) {
  Model model = Small().model;
  model.functions.emplace_back();
  EXPECT_FALSE(ComputeTheSame(model, model));
}

}  // namespace
}  // namespace qconvert
