// Adapters above the opset of quantized files: the model and the raised one give the same bits.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "qconvert/base/error.h"
#include "support/graph_builder.h"
#include "support/raise_opset.h"

namespace qconvert {
namespace {

// To the newest opset, with the version of the format that ONNX released it with.
Graph RaiseToNewest(GraphBuilder& b) {
  Graph raised = RaiseAndCompare(b, kNewestConvertedOpset);
  EXPECT_EQ(b.model.ir_version, 13);
  return raised;
}

GraphBuilder Opset17() {
  GraphBuilder b = OldModel(17);
  b.model.ir_version = 8;
  return b;
}

TEST(ConvertNewestOpsetTest, AxesOfEveryReductionBecomeAnInput) {
  for (const char* type : {"ReduceMax", "ReduceMin", "ReduceMean", "ReduceProd", "ReduceL1",
                           "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"}) {
    SCOPED_TRACE(type);
    const bool logarithm = std::string(type) == "ReduceLogSum";
    GraphBuilder b = Opset17();
    b.Add("Abs", {"x"}, {"a"});
    Node& node = b.Add(type, {logarithm ? "a" : "x"}, {"y"});
    node.Set("axes", std::vector<int64_t>{2, 3});
    node.Set("keepdims", int64_t{0});
    const Graph raised = RaiseToNewest(b);
    EXPECT_EQ(raised.nodes[1].inputs.size(), 2U);
    EXPECT_EQ(raised.nodes[1].FindInts("axes"), nullptr);
    GraphBuilder whole = Opset17();
    whole.Add("Abs", {"x"}, {"a"});
    whole.Add(type, {"a"}, {"y"});  // over all axes
    EXPECT_EQ(RaiseToNewest(whole).nodes[1].inputs.size(), 1U);
  }
}

TEST(ConvertNewestOpsetTest, OperatorsOfOpset18AndNewer) {
  GraphBuilder split = Opset17();
  split.Output("z");
  split.Add("Split", {"x"}, {"y", "z"}).Set("axis", int64_t{1});
  EXPECT_EQ(RaiseToNewest(split).nodes[0].GetInt("num_outputs", 0), 2);

  GraphBuilder sized = Opset17();
  sized.Output("z").Ints("sizes", {2}, {1, 3});
  sized.Add("Split", {"x", "sizes"}, {"y", "z"}).Set("axis", int64_t{1});
  EXPECT_EQ(RaiseToNewest(sized).nodes[0].GetInt("num_outputs", 0), 0);

  for (const char* mode : {"bilinear", "nearest", "bicubic"}) {
    GraphBuilder sample = Opset17();
    sample.Random("grid", {1, 5, 5, 2}, 0.4F);
    sample.Add("GridSample", {"x", "grid"}, {"y"}).Set("mode", std::string(mode));
    const std::string raised = RaiseToNewest(sample).nodes[0].GetString("mode", "");
    EXPECT_EQ(raised, mode == std::string("nearest") ? mode : std::string(mode).substr(2));
  }

  GraphBuilder dft = Opset17();
  dft.Ints("shape", {4}, {4, 6, 6, 1});
  dft.Add("Reshape", {"x", "shape"}, {"r"});
  dft.Add("DFT", {"r"}, {"y"}).Set("axis", int64_t{2});
  EXPECT_EQ(RaiseToNewest(dft).nodes[1].inputs.size(), 3U);

  GraphBuilder group = Opset17();
  group.Random("s", {2}).Random("t", {2});
  group.Add("GroupNormalization", {"x", "s", "t"}, {"y"}).Set("num_groups", int64_t{2});
  group.model.opsets[""] = 18;
  EXPECT_THROW(ConvertOpset(group.model, 21, "m"), Error);
}

}  // namespace
}  // namespace qconvert
