#include "qconvert/transform/normalize.h"

#include <gtest/gtest.h>

#include "qconvert/ir/graph_printer.h"
#include "qconvert/transform/lower_hard_swish.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

TEST(NormalizeTest, ConstantsBecomeInitializersAndLeaveTheInputs) {
  GraphBuilder b;
  b.Input("x", {"2"}).Input("w", {"2"}).Output("y").Floats("w", {2}, {1, 2});
  b.Add("Add", {"x", "c"}, {"a"});
  b.Add("Constant", {}, {"c"}).Set("value_floats", std::vector<float>{3, 4});
  b.Add("Add", {"a", "w"}, {"y"});
  Normalize(b.model);
  EXPECT_EQ(PrintGraph(b.model.graph),
            "input x float[2]\ninit c float[2] = [3,4]\ninit w float[2] = [1,2]\n"
            "a = Add(x, c)\ny = Add(a, w)\noutput y float\n");
}

TEST(EliminateIdentityTest, LeavesOtherNodesAlone) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  b.Add("Relu", {"x"}, {"y"});
  EXPECT_EQ(EliminateIdentity(b.model.graph), 0U);
}

TEST(EliminateIdentityTest, ChainsGoButGraphOutputsKeepTheirName) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y").Output("z");
  b.Add("Identity", {"x"}, {"a"});
  b.Add("Dropout", {"a"}, {"d", "mask"});
  b.Add("Relu", {"d"}, {"y"});
  b.Add("Identity", {"a"}, {"z"});
  EXPECT_EQ(EliminateIdentity(b.model.graph), 2U);
  EXPECT_EQ(PrintGraph(b.model.graph),
            "input x float[2]\ny = Relu(x)\nz = Identity(x)\noutput y float\noutput z float\n");
}

TEST(EliminateIdentityTest, ADropoutWhoseMaskIsReadStays) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y").Output("m", DataType::kBool);
  b.Add("Dropout", {"x"}, {"d", "m"});
  b.Add("Relu", {"d"}, {"y"});
  EXPECT_EQ(EliminateIdentity(b.model.graph), 0U);
}

TEST(WidenFloat16Test, ComputesTheSameInFloat32BehindCasts) {
  GraphBuilder b;
  b.Input("x", {"2"}, DataType::kFloat16).Output("y", DataType::kFloat16);
  const std::vector<uint16_t> halves = {0x3C00, 0xC000};  // 1, -2
  b.model.graph.initializers["w"] = MakeTensor<uint16_t>("w", DataType::kFloat16, {2}, halves);
  b.Add("Mul", {"x", "w"}, {"y"});
  const Model narrow = b.model;
  ASSERT_TRUE(WidenFloat16(b.model));
  const Tensor x = MakeTensor<uint16_t>("x", DataType::kFloat16, {2}, halves);
  EXPECT_EQ(*RunModel(narrow, {x})[0].bytes, *RunModel(b.model, {x})[0].bytes);
  EXPECT_EQ(b.model.graph.initializers.at("w").type, DataType::kFloat);
  EXPECT_EQ(b.model.graph.inputs[0].type.element, DataType::kFloat16);
}

TEST(WidenFloat16Test, LeavesFloat32ModelsAlone) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  b.Add("Relu", {"x"}, {"y"});
  EXPECT_FALSE(WidenFloat16(b.model));
}

TEST(LowerHardSwishTest, KeepsTheFunction) {
  GraphBuilder b(14);
  b.Input("x", {"1", "64"}).Output("y");
  b.Add("HardSwish", {"x"}, {"y"});
  const Model before = b.model;
  EXPECT_EQ(LowerHardSwish(b.model.graph), 1U);
  const Tensor x = RandomTensor("x", {1, 64}, 4, 3.0F);
  EXPECT_LE(MaxDifference(RunModel(before, {x})[0], RunModel(b.model, {x})[0]), 1e-6F);
  EXPECT_EQ(LowerHardSwish(b.model.graph), 0U);
}

TEST(LowerHardSwishTest, LeavesOthersAlone) {
  GraphBuilder b(14);
  b.Input("x", {"1", "64"}).Output("y");
  b.Add("HardSigmoid", {"x"}, {"g"});
  b.Add("Mul", {"x", "g"}, {"y"});
  EXPECT_EQ(LowerHardSwish(b.model.graph), 0U);
  EXPECT_EQ(b.model.graph.nodes.size(), 2U);
}

}  // namespace
}  // namespace qconvert
