// Raising opsets: types of constants, what has no equivalent, versions of the format, functions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "qconvert/ir/graph_printer.h"
#include "support/errors.h"
#include "support/raise_opset.h"

namespace qconvert {
namespace {

using Dims = std::vector<int64_t>;

// Constants have the type of what they are computed with.
TEST(RaiseOpsetTest, BoundsAndBordersOfDoubles) {
  for (const char* op_type : {"Clip", "Pad"}) {
    GraphBuilder b(7);
    b.model.ir_version = 4;
    b.Input("x", {"2", "3"}, DataType::kDouble).Output("y", DataType::kDouble);
    Node& node = b.Add(op_type, {"x"}, {"y"});
    if (node.Is("Pad")) {
      node.Set("pads", Dims{0, 1, 1, 0});
      node.Set("value", 2.5F);
    } else {
      node.Set("min", -0.25F);
      node.Set("max", 2.5F);
    }
    ConvertOpset(b.model, 13, "m");
    const Node& raised = b.model.graph.nodes[0];
    const Tensor* last = b.model.graph.FindInitializer(raised.inputs.back());
    ASSERT_NE(last, nullptr) << op_type;
    EXPECT_EQ(last->type, DataType::kDouble) << op_type;
    EXPECT_EQ(last->values<double>()[0], 2.5) << op_type;
    const std::vector<double> values = {-1, 0.5, 4, 3, -2, 1e-9};
    const Tensor x = MakeTensor<double>("x", DataType::kDouble, {2, 3}, values);
    const Tensor y = RunModel(b.model, {x})[0];
    if (raised.Is("Pad")) {
      EXPECT_EQ(y.dims, (Dims{3, 4}));
      EXPECT_EQ(y.values<double>()[0], 2.5);
      EXPECT_EQ(y.values<double>()[1], -1);
    } else {
      EXPECT_THAT(y.values<double>(), testing::ElementsAre(-0.25, 0.5, 2.5, 2.5, -0.25, 1e-9));
    }
  }
}

TEST(RaiseOpsetTest, BoundsAndBordersOfHalves) {
  for (const char* op_type : {"Clip", "Pad"}) {
    GraphBuilder b(7);
    b.model.ir_version = 4;
    b.Input("x", {"2", "3"}, DataType::kFloat16).Output("y", DataType::kFloat16);
    Node& node = b.Add(op_type, {"x"}, {"y"});
    const bool is_pad = node.Is("Pad");
    if (is_pad) node.Set("pads", Dims{0, 1, 1, 0});
    // Above the largest half: infinite, as the engine has it.
    node.Set(is_pad ? "value" : "max", 70000.0F);
    if (!is_pad) node.Set("min", 0.1F);
    ConvertOpset(b.model, 13, "m");
    const auto& inputs = b.model.graph.nodes[0].inputs;
    ASSERT_EQ(inputs.size(), 3U) << op_type;
    const Tensor& last = *b.model.graph.FindInitializer(inputs[2]);
    EXPECT_EQ(last.type, DataType::kFloat16) << op_type;
    EXPECT_TRUE(std::isinf(HalfToFloat(last.values<uint16_t>()[0]))) << op_type;
    if (is_pad) continue;
    const Tensor& least = *b.model.graph.FindInitializer(inputs[1]);
    EXPECT_EQ(least.values<uint16_t>()[0], FloatToHalf(0.1F));
    const std::vector<uint16_t> values = {FloatToHalf(-1), FloatToHalf(3), 0, 1, 2, 3};
    const Tensor x = MakeTensor<uint16_t>("x", DataType::kFloat16, {2, 3}, values);
    const Tensor y = RunModel(b.model, {x})[0];
    EXPECT_EQ(y.values<uint16_t>()[0], FloatToHalf(0.1F));
    EXPECT_EQ(y.values<uint16_t>()[1], FloatToHalf(3));
  }
}

struct RefusalRow {
  const char* op_type;
  int64_t opset;
  std::function<void(GraphBuilder&)> change;
  const char* message;
};

// One line: the node, the opset and why.
TEST(RaiseOpsetTest, WhatHasNoEquivalentIsNamed) {
  const auto nothing = [](GraphBuilder&) {};
  const std::vector<RefusalRow> rows = {
      {"Scale", 7, nothing,
       "opset 10: operator Scale left the ONNX standard and has no equivalent"},
      {"GivenTensorFill", 9, nothing,
       "opset 10: operator GivenTensorFill left the ONNX standard and has no equivalent"},
      {"DynamicSlice", 7, nothing,
       "opset 10: operator DynamicSlice left the ONNX standard and has no equivalent"},
      {"GRUUnit", 7, nothing,
       "opset 10: operator GRUUnit left the ONNX standard and has no equivalent"},
      {"ATen", 7, nothing, "opset 10: operator ATen left the ONNX standard and has no equivalent"},
      {"Scan", 8, nothing, "opset 9: Scan of opset 8 has a batch axis that newer versions lack"},
      {"BatchNormalization", 7,
       [](GraphBuilder& b) { b.model.graph.nodes[0].Set("spatial", int64_t{0}); },
       "opset 9: spatial=0 has no equivalent"},
      {"Resize", 10, [](GraphBuilder& b) { b.model.graph.nodes[0].inputs.push_back("x"); },
       "opset 11: nearest Resize with computed scales has no equivalent"},
      {"Resize", 10,
       [](GraphBuilder& b) {
         b.Floats("s", {4}, {1, 1, 0.5F, 2});
         b.model.graph.nodes[0].inputs.push_back("s");
       },
       "opset 11: nearest Resize that shrinks one axis and enlarges another"},
      {"Upsample", 8, nothing, "opset 9: Upsample without the attribute scales"},
      {"Crop", 9,
       [](GraphBuilder& b) {
         b.model.graph.nodes[0].Set("border", Dims{1, 2});
       },
       "opset 10: Crop without four numbers in border"},
      {"ImageScaler", 9, nothing, "opset 10: ImageScaler without the attribute bias"},
      {"TopK", 9, [](GraphBuilder& b) { b.model.graph.nodes[0].Set("k", 2.0F); },
       "opset 10: TopK without the attribute k"},
      {"Clip", 10,
       [](GraphBuilder& b) {
         b.model.graph.inputs[0].type.element = DataType::kInt32;
         b.model.graph.nodes[0].Set("max", 1.0F);
       },
       "opset 11: Clip on a type other than float, double and float16"},
      {"GroupNormalization", 18, nothing,
       "opset 21: GroupNormalization of opset 18 scales groups, newer ones channels"}};
  for (const RefusalRow& row : rows) {
    GraphBuilder b = OldModel(row.opset);
    b.Add(row.op_type, {"x"}, {"y"}).name = "n";
    row.change(b);
    EXPECT_THAT([&] { ConvertOpset(b.model, row.opset > 13 ? 21 : 13, "m.onnx"); },
                ThrowsError(ExitCode::kModel,
                            std::string("m.onnx: node \"n\" cannot be raised to ") + row.message));
  }
}

TEST(RaiseOpsetTest, ANodeWithoutANameIsNamedByItsOutput) {
  GraphBuilder b = OldModel(7);
  b.Add("Scale", {"x"}, {"y"});
  EXPECT_THAT([&] { ConvertOpset(b.model, 13, "m"); },
              ThrowsError(ExitCode::kModel, "m: node \"y\" cannot be raised to opset 10"));
}

// Operators of other domains may have the names of old ones.
TEST(RaiseOpsetTest, OtherDomainsAreLeftAlone) {
  GraphBuilder b = OldModel(7);
  b.model.opsets["acme"] = 1;
  for (const char* op_type : {"Scale", "Clip", "Upsample"}) b.Add(op_type, {"x"}, {"y"});
  for (Node& node : b.model.graph.nodes) node.domain = "acme";
  ConvertOpset(b.model, 13, "m");
  EXPECT_EQ(PrintGraph(b.model.graph),
            "input x float[1,4,6,6]\n"
            "y = acme:Scale(x)\n"
            "y = acme:Clip(x)\n"
            "y = acme:Upsample(x)\n"
            "output y float\n");
}

// ONNX released each opset with a version of its format; newer files stay newer.
TEST(RaiseOpsetTest, FormatVersionsAreThoseOfTheReleases) {
  for (const auto& [opset, version] : {std::pair{13, 4},
                                       {14, 4},
                                       {15, 8},
                                       {18, 8},
                                       {19, 9},
                                       {20, 9},
                                       {21, 10},
                                       {22, 10},
                                       {23, 11},
                                       {24, 12},
                                       {25, 13}}) {
    GraphBuilder b = OldModel(12);
    b.Add("Relu", {"x"}, {"y"});
    ConvertOpset(b.model, opset, "m");
    EXPECT_EQ(b.model.opset(), opset);
    EXPECT_EQ(b.model.ir_version, version) << opset;
  }
  GraphBuilder newer = OldModel(12);
  newer.model.ir_version = 10;
  ConvertOpset(newer.model, 13, "m");
  EXPECT_EQ(newer.model.ir_version, 10);
}

TEST(RaiseOpsetTest, TheOldestAndThoseWithoutTheStandard) {
  GraphBuilder old = OldModel(6);
  EXPECT_THAT([&] { RefuseOldOpset(old.model, "m"); },
              ThrowsError(ExitCode::kModel, "m: has opset 6, expected 7 or newer"));
  GraphBuilder none = OldModel(7);
  none.model.opsets = {{"acme", 1}};
  EXPECT_NO_THROW(RefuseOldOpset(none.model, "m"));
  ConvertOpset(none.model, 13, "m");
  EXPECT_EQ(none.model.opsets, (std::map<std::string, int64_t>{{"", 13}, {"acme", 1}}));
}

// A function has no initializers and its own opset.
TEST(RaiseOpsetTest, ConstantsOfFunctionsAreNodes) {
  GraphBuilder b = OldModel(11);
  Function function;
  function.name = "Lift";
  function.domain = "f";
  function.inputs = {"a"};
  function.outputs = {"b"};
  function.opsets = {{"", 10}};
  function.nodes = {MakeNode("Clip", {"a"}, {"c0"}), MakeNode("Unsqueeze", {"c0"}, {"b"})};
  function.nodes[0].Set("min", 0.5F);
  function.nodes[1].Set("axes", Dims{0});
  Function foreign = function;
  foreign.name = "Other";
  foreign.opsets = {{"acme", 3}};
  b.model.functions = {function, foreign};
  ConvertOpset(b.model, 13, "m");
  Graph raised;
  raised.nodes = b.model.functions[0].nodes;
  EXPECT_EQ(PrintGraph(raised),
            "c2 = Constant() {value=int64[1] = [0]}\n"
            "c1 = Constant() {value=float[] = [0.5]}\n"
            "c0 = Clip(a, c1)\n"
            "b = Unsqueeze(c0, c2)\n");
  EXPECT_EQ(b.model.functions[0].opsets.at(""), 13);
  EXPECT_EQ(b.model.functions[1].nodes.size(), 2U);
  EXPECT_EQ(b.model.functions[1].opsets, (std::map<std::string, int64_t>{{"acme", 3}}));
}

}  // namespace
}  // namespace qconvert
