#include "qconvert/transform/fold_constants.h"

#include <gtest/gtest.h>

#include "qconvert/base/error.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

size_t Fold(Model& model) {
  return FoldConstants(model.graph, {.evaluate = [&](const Graph& constants) {
                         Model m;
                         m.ir_version = model.ir_version;
                         m.opsets = model.opsets;
                         m.graph = constants;
                         return RunModel(m, {});
                       }});
}

TEST(FoldConstantsTest, LeavesWhatDependsOnInputsAlone) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y").Floats("w", {2}, {1, 2});
  b.Add("Add", {"x", "w"}, {"y"});
  EXPECT_EQ(Fold(b.model), 0U);
}

TEST(FoldConstantsTest, FoldsChains) {
  GraphBuilder b;
  b.Input("x", {"4"}).Output("y").Floats("a", {4}, {1, 2, 3, 4}).Ints("s", {1}, {4});
  b.Add("Mul", {"a", "a"}, {"sq"});
  b.Add("Reshape", {"sq", "s"}, {"r"});
  b.Add("Add", {"x", "r"}, {"y"});
  EXPECT_EQ(Fold(b.model), 2U);
  EXPECT_EQ(ToFloats(b.model.graph.initializers.at("r")), (std::vector<float>{1, 4, 9, 16}));
}

TEST(FoldConstantsTest, LeavesRandomQuantizedAndHugeNodesAlone) {
  GraphBuilder b;
  b.Output("r")
      .Output("q")
      .Output("h")
      .Floats("a", {4}, {1, 2, 3, 4})
      .Floats("scale", {}, {0.1F})
      .Ints("huge", {1}, {INT64_C(1) << 40});
  b.Add("RandomNormalLike", {"a"}, {"n"});
  b.Add("Relu", {"n"}, {"r"});
  b.Add("QuantizeLinear", {"a", "scale"}, {"i"});
  b.Add("DequantizeLinear", {"i", "scale"}, {"q"});
  b.Add("ConstantOfShape", {"huge"}, {"c"});
  b.Add("Relu", {"c"}, {"h"});
  EXPECT_EQ(Fold(b.model), 0U);
}

TEST(FoldConstantsTest, BoundsWhatBroadcastingCanMake) {
  GraphBuilder b;
  b.Output("y").Random("tall", {20000, 1}).Random("wide", {1, 20000});
  b.Add("Add", {"tall", "wide"}, {"s"});
  b.Add("ReduceMax", {"s"}, {"y"});
  EXPECT_EQ(Fold(b.model), 0U) << "1.6 GB out of 160 kB";
}

TEST(FoldConstantsTest, AnEngineFailureLeavesTheGraphAlone) {
  GraphBuilder b;
  b.Output("y").Floats("a", {2}, {1, 2}).Floats("b", {3}, {1, 2, 3});
  b.Add("Add", {"a", "b"}, {"s"});
  b.Add("Relu", {"s"}, {"y"});
  EXPECT_EQ(Fold(b.model), 0U);
  EXPECT_EQ(b.model.graph.nodes.size(), 2U);
}

}  // namespace
}  // namespace qconvert
