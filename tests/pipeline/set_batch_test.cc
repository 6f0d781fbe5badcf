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

TEST(SetBatchTest, EverySampleComputesAsItDidAlone) {
  GraphBuilder b = Network({0, -1});
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

TEST(SetBatchTest, AModelThatMixesSamplesIsRefusedWithTheValue) {
  GraphBuilder b = Network({1, -1});  // all samples in one row
  try {
    SetBatch(3, "m.onnx", b.model);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kModel);
    EXPECT_STREQ(e.what(),
                 "m.onnx: cannot have input_batch 3: value \"f\" does not keep samples "
                 "apart on its first dimension");
  }
}

TEST(SetBatchTest, ABatchOfOneChangesNothing) {
  GraphBuilder b = Network({1, -1});
  SetBatch(1, "m.onnx", b.model);
  EXPECT_EQ((*b.model.graph.inputs[0].type.shape)[0].value, 1);
}

}  // namespace
}  // namespace qconvert
