#include "qconvert/transform/remove_border_nodes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/ir/graph_validator.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// x -> Transpose -> t -> Cast -> c -> Relu -> r -> Softmax -> s -> Reshape -> y
GraphBuilder Chain() {
  GraphBuilder b;
  b.Input("x", {"1", "3", "2"}).Output("y").Ints("shape", {1}, {6});
  b.Add("Transpose", {"x"}, {"t"}).Set("perm", std::vector<int64_t>{0, 2, 1});
  b.Add("Cast", {"t"}, {"c"}).Set("to", int64_t{1});
  b.Add("Relu", {"c"}, {"r"});
  b.Add("Softmax", {"r"}, {"s"});
  b.Add("Reshape", {"s", "shape"}, {"y"});
  for (Node& node : b.model.graph.nodes) node.name = node.op_type;
  for (const char* inner : {"t", "c", "r", "s"})
    b.model.graph.value_info[inner] = {inner, FloatType({"1", "2", "3"}), {}, {}};
  return b;
}

std::vector<std::string> Removed(const BorderRemoval& removal, Model& model) {
  std::vector<std::string> out;
  for (const RemovedNode& one : RemoveBorderNodes(removal, model.graph).removed)
    out.push_back(one.node.name + ">" + one.border);
  ValidateModel(model, "m.onnx");
  return out;
}

TEST(RemoveBorderNodesTest, ByTypeUntilNothingMatches) {
  GraphBuilder b = Chain();
  EXPECT_THAT(Removed({.types = {"Cast", "Transpose", "Reshape"}}, b.model),
              ElementsAre("Transpose>x", "Cast>x", "Reshape>y"));
  EXPECT_EQ(b.model.graph.inputs[0].name, "x");
  EXPECT_EQ(b.model.graph.outputs[0].name, "y");
  EXPECT_EQ(b.model.graph.initializers.size(), 0U) << "nobody reads the shape";
  const Tensor x = RandomTensor("x", {1, 2, 3}, 5);
  EXPECT_EQ(RunModel(b.model, {x}).at(0).dims, (std::vector<int64_t>{1, 2, 3}));
}

TEST(RemoveBorderNodesTest, WhatLiesDeeperStays) {
  GraphBuilder b = Chain();
  EXPECT_THAT(Removed({.types = {"Cast", "Softmax"}}, b.model), IsEmpty());
  EXPECT_THAT(Removed({.names = {"Softmax"}}, b.model), IsEmpty());
  EXPECT_EQ(b.model.graph.nodes.size(), 5U);
}

TEST(RemoveBorderNodesTest, WhatIsToBeKeptStaysAndWhatIsBehindIt) {
  GraphBuilder b = Chain();
  EXPECT_THAT(
      Removed({.types = {"Cast", "Transpose", "Reshape"}, .kept_names = {"Transpose"}}, b.model),
      ElementsAre("Reshape>y"));
}

TEST(RemoveBorderNodesTest, ByNameAndFromBothSides) {
  GraphBuilder b = Chain();
  EXPECT_THAT(Removed({.types = {"Reshape"}, .names = {"Softmax", "Transpose"}}, b.model),
              ElementsAre("Transpose>x", "Reshape>y", "Softmax>y"));
}

TEST(RemoveBorderNodesTest, KeptInputsOtherReadersAndUnknownTypesKeepANode) {
  GraphBuilder kept = Chain();
  EXPECT_THAT(Removed({.types = {"Transpose"}, .kept_inputs = {"x"}}, kept.model), IsEmpty());
  GraphBuilder shared = Chain();
  shared.Output("z").Add("Relu", {"x"}, {"z"});
  EXPECT_THAT(Removed({.types = {"Transpose"}}, shared.model), IsEmpty());
  GraphBuilder unknown = Chain();
  unknown.model.graph.value_info.erase("t");
  EXPECT_THAT(Removed({.types = {"Transpose"}}, unknown.model), IsEmpty());
}

TEST(RemoveBorderNodesTest, AGraphOfRemovableNodesKeepsOne) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  b.Add("Softmax", {"x"}, {"a"});
  b.Add("Softmax", {"a"}, {"y"});
  b.model.graph.value_info["a"] = {"a", FloatType({"2"}), {}, {}};
  EXPECT_EQ(Removed({.types = {"Softmax"}}, b.model).size(), 1U);
  EXPECT_EQ(b.model.graph.nodes.size(), 1U);
}

TEST(RemoveBorderNodesTest, IntegersBecomeInputsAndOutputs) {
  GraphBuilder b;
  b.Input("x", {"4"}).Output("y").Floats("s", {}, {0.5F});
  b.Add("QuantizeLinear", {"x", "s"}, {"q"});
  b.Add("DequantizeLinear", {"q", "s"}, {"d"});
  b.Add("Relu", {"d"}, {"y"});
  b.model.graph.value_info["q"] = {"q", TypeOf(DataType::kUint8, {"4"}), {}, {}};
  EXPECT_THAT(Removed({.types = {"QuantizeLinear"}}, b.model), ElementsAre("x_Quantize_0>x"));
  EXPECT_EQ(b.model.graph.inputs[0].name, "x");
  EXPECT_EQ(b.model.graph.inputs[0].type.element, DataType::kUint8);
  EXPECT_TRUE(b.model.graph.initializers.contains("s")) << "Dequantize reads it";
}

// x -> Relu -> c -> Q -> DQ -> Softmax -> s -> Q -> DQ -> y
GraphBuilder RoundedEnd() {
  GraphBuilder b;
  b.Input("x", {"1", "3", "2"}).Output("y");
  b.Floats("scale", {}, {0.5F});
  const auto round = [&](const std::string& from, const std::string& to) {
    b.Add("QuantizeLinear", {from, "scale"}, {from + "_q"});
    b.Add("DequantizeLinear", {from + "_q", "scale"}, {to});
    b.model.graph.value_info[from] = {from, FloatType({"1", "3", "2"}), {}, {}};
    ValueType codes = FloatType({"1", "3", "2"});
    codes.element = DataType::kUint8;
    b.model.graph.value_info[from + "_q"] = {from + "_q", codes, {}, {}};
  };
  b.Add("Relu", {"x"}, {"c"}).name = "first";
  round("c", "d");
  b.model.graph.value_info["d"] = {"d", FloatType({"1", "3", "2"}), {}, {}};
  b.Add("Softmax", {"d"}, {"s"}).name = "sm";
  round("s", "y");
  return b;
}

TEST(RemoveBorderNodesTest, WhatRoundsTheOutputOfANodeThatGoesGoesWithIt) {
  for (const BorderRemoval& removal :
       {BorderRemoval{.types = {"Softmax"}}, BorderRemoval{.names = {"sm"}},
        BorderRemoval{.types = {"Softmax"}, .names = {"y_Dequantize_0"}}}) {
    GraphBuilder b = RoundedEnd();
    EXPECT_THAT(Removed(removal, b.model),
                ElementsAre("y_Dequantize_0>y", "y_Quantize_0>y", "sm>y"));
    EXPECT_EQ(b.model.graph.outputs[0].type.element, DataType::kFloat);
  }
  GraphBuilder codes = RoundedEnd();
  EXPECT_THAT(Removed({.types = {"Softmax", "DequantizeLinear"}}, codes.model),
              ElementsAre("y_Dequantize_0>y", "y_Quantize_0>y", "sm>y", "y_Dequantize_1>y"));
  EXPECT_EQ(codes.model.graph.outputs[0].type.element, DataType::kUint8);
  GraphBuilder alone = RoundedEnd();
  EXPECT_THAT(Removed({.types = {"DequantizeLinear"}}, alone.model),
              ElementsAre("y_Dequantize_0>y"));
}

TEST(RemoveBorderNodesTest, WhatIsKeptByTheNameOfItsBorderStays) {
  GraphBuilder b = RoundedEnd();
  EXPECT_THAT(Removed({.types = {"Softmax", "DequantizeLinear"}, .kept_names = {"y_Dequantize_0"}},
                      b.model),
              IsEmpty());
  GraphBuilder deeper = RoundedEnd();
  EXPECT_THAT(Removed({.types = {"Softmax", "DequantizeLinear"}, .kept_names = {"y_Dequantize_1"}},
                      deeper.model),
              ElementsAre("y_Dequantize_0>y", "y_Quantize_0>y", "sm>y"));
}

}  // namespace
}  // namespace qconvert
