#include "set_batch.h"

#include <gtest/gtest.h>

#include "qconvert/base/error.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

GraphBuilder Network(const std::vector<int64_t>& flat) {
  GraphBuilder b;
  b.Input("x", {"1", "3", "4", "4"}).Output("y");
  b.Random("w", {2, 3, 1, 1}).Ints("flat", {2}, flat);
  b.Add("Conv", {"x", "w"}, {"c"});
  b.Add("Reshape", {"c", "flat"}, {"f"});
  b.Add("Softmax", {"f"}, {"y"});
  return b;
}

void ExpectSamplesApart(GraphBuilder b) {
  const Tensor x = RandomTensor("x", {3, 3, 4, 4}, 7);
  std::vector<float> expected;
  for (size_t i = 0; i < 3; ++i) {
    const Tensor one = MakeFloatTensor("x", {1, 3, 4, 4}, x.values<float>().subspan(48 * i, 48));
    const Tensor out = RunModel(b.model, {one}).at(0);
    expected.insert(expected.end(), out.values<float>().begin(), out.values<float>().end());
  }
  SetBatch(3, "m.onnx", b.model);
  EXPECT_EQ((*b.model.graph.outputs[0].type.shape)[0].value, 3);
  const Tensor out = RunModel(b.model, {x}).at(0);
  EXPECT_EQ(out.dims, (std::vector<int64_t>{3, 32}));
  EXPECT_LT(MaxDifference(out, MakeFloatTensor("y", {3, 32}, expected)), 1e-6F);
}

std::string WhyRefused(GraphBuilder b) {
  try {
    SetBatch(3, "m.onnx", b.model);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kModel);
    return e.what();
  }
  return "";
}

TEST(SetBatchTest, EverySampleComputesAsItDidAlone) { ExpectSamplesApart(Network({0, -1})); }

TEST(SetBatchTest, AShapeThatBeginsWithTheOneOfASampleFollowsTheBatch) {
  ExpectSamplesApart(Network({1, -1}));
  ExpectSamplesApart(Network({1, 32}));
}

TEST(SetBatchTest, OthersReadTheirShapeAsItWas) {
  GraphBuilder b;
  b.Input("x", {"1", "3", "4", "4"}).Output("y");
  b.Random("w", {2, 3, 1, 1}).Ints("flat", {2}, {1, 32}).Random("t", {32});
  b.Add("Conv", {"x", "w"}, {"c"});
  b.Add("Reshape", {"c", "flat"}, {"f"});
  b.Add("Reshape", {"t", "flat"}, {"row"});  // one row, for all samples
  b.Add("Add", {"f", "row"}, {"y"});
  const GraphBuilder alone = b;
  SetBatch(3, "m.onnx", b.model);
  EXPECT_EQ(ToInt64s(b.model.graph.initializers.at("flat")), (std::vector<int64_t>{1, 32}));
  EXPECT_NE(b.model.graph.nodes[1].inputs[1], "flat");
  EXPECT_EQ(b.model.graph.nodes[2].inputs[1], "flat");
  ExpectSamplesApart(alone);
}

TEST(SetBatchTest, AModelThatMixesSamplesIsRefusedWithTheValue) {
  GraphBuilder b = Network({-1, 16});  // two rows of a sample, which those of others follow
  EXPECT_EQ(WhyRefused(b),
            "m.onnx: cannot have input_batch 3: value \"f\" does not keep samples apart on its "
            "first dimension");
}

TEST(SetBatchTest, WhatTheEngineMindsIsTold) {
  GraphBuilder b = Network({2, -1});  // of three samples 2 x 48, which no matrix of 16 rows takes
  b.model.graph.nodes.pop_back();
  b.Random("m", {16, 4}).Add("MatMul", {"f", "m"}, {"y"});
  const std::string why = WhyRefused(b);
  EXPECT_TRUE(why.starts_with("m.onnx: ONNX Runtime refuses the model: ")) << why;
  EXPECT_TRUE(why.ends_with(" (with input_batch 3)")) << why;
}

TEST(SetBatchTest, ABatchOfOneChangesNothing) {
  GraphBuilder b = Network({1, -1});
  SetBatch(1, "m.onnx", b.model);
  EXPECT_EQ((*b.model.graph.inputs[0].type.shape)[0].value, 1);
}

}  // namespace
}  // namespace qconvert
