#include "qconvert/transform/split_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "qconvert/base/error.h"
#include "qconvert/ir/graph_validator.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;

// Two inputs, the second one of a batch.
GraphBuilder TwoInputs(const std::string& batch) {
  GraphBuilder b;
  b.Input("a", {"1", "2"}).Input("x", {batch, "2"}).Input("z", {"1", "2"}).Output("y");
  b.Add("Add", {"a", "x"}, {"s"});
  b.Add("Sub", {"s", "z"}, {"y"});
  return b;
}

TEST(SplitBatchTest, OneInputPerSampleInItsPlace) {
  GraphBuilder b = TwoInputs("3");
  const Tensor a = RandomTensor("a", {1, 2}, 1);
  const Tensor x = RandomTensor("x", {3, 2}, 2);
  const Tensor z = RandomTensor("z", {1, 2}, 3);
  const Tensor expected = RunModel(b.model, {a, x, z}).at(0);
  EXPECT_THAT(SplitBatch("x", "m.onnx", b.model.graph), ElementsAre("x_0", "x_1", "x_2"));
  ValidateModel(b.model, "m.onnx");
  std::vector<std::string> names;
  for (const Value& input : b.model.graph.inputs) names.push_back(input.name);
  EXPECT_THAT(names, ElementsAre("a", "x_0", "x_1", "x_2", "z"));
  std::vector<Tensor> feeds = {a};
  for (size_t i = 0; i < 3; ++i)
    feeds.push_back(MakeFloatTensor(names[i + 1], {1, 2}, x.values<float>().subspan(2 * i, 2)));
  feeds.push_back(z);
  EXPECT_EQ(MaxDifference(RunModel(b.model, feeds).at(0), expected), 0);
}

TEST(SplitBatchTest, ABatchOfOneIsLeftAlone) {
  GraphBuilder b = TwoInputs("1");
  EXPECT_THAT(SplitBatch("x", "m.onnx", b.model.graph), ElementsAre("x"));
  EXPECT_EQ(b.model.graph.nodes.size(), 2U);
}

std::string ErrorOf(const std::string& input, Model model) {
  try {
    SplitBatch(input, "m.onnx", model.graph);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kModel);
    return e.what();
  }
  return "no error";
}

TEST(SplitBatchTest, WhatCannotBeSplitIsTold) {
  EXPECT_EQ(ErrorOf("x", TwoInputs("N").model),
            "m.onnx: input \"x\" has a free batch, expected input_shape");
  EXPECT_EQ(ErrorOf("q", TwoInputs("2").model),
            "m.onnx: input \"q\" is not there, cannot be split");
  GraphBuilder taken = TwoInputs("2");
  taken.Add("Relu", {"s"}, {"x_1"});
  EXPECT_EQ(ErrorOf("x", taken.model),
            "m.onnx: input \"x\" needs \"x_1\", which the model has already");
}

}  // namespace
}  // namespace qconvert
