// Every adapter: the old model and the raised one give the same bits in ONNX Runtime.
#include "qconvert/transform/convert_opset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "../../src/transform/opset_adapters.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/ir/topology.h"
#include "support/graph_builder.h"
#include "support/project_folder.h"
#include "support/raise_opset.h"

namespace qconvert {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// To the opset of quantized files.
Graph RaiseAndCompare(GraphBuilder& b) { return RaiseAndCompare(b, kQuantizedOpset); }

TEST(ConvertOpsetTest, NewerModelsStayAsTheyAre) {
  GraphBuilder b = OldModel(17);
  b.Add("Relu", {"x"}, {"y"});
  ConvertOpset(b.model, kQuantizedOpset, "m");
  EXPECT_EQ(b.model.opset(), 17);
}

TEST(ConvertOpsetTest, OldestIsSeven) {
  GraphBuilder b = OldModel(6);
  b.Add("Relu", {"x"}, {"y"});
  EXPECT_THROW(ConvertOpset(b.model, kQuantizedOpset, "m"), Error);
}

TEST(ConvertOpsetTest, Clip) {
  GraphBuilder b = OldModel(7);
  Node& node = b.Add("Clip", {"x"}, {"y"});
  node.Set("min", -0.5F);
  node.Set("max", 1.5F);
  EXPECT_EQ(RaiseAndCompare(b).nodes[0].inputs.size(), 3U);
  GraphBuilder upper = OldModel(7);
  upper.Add("Clip", {"x"}, {"y"}).Set("max", 0.25F);
  RaiseAndCompare(upper);
  GraphBuilder none = OldModel(7);
  none.Add("Clip", {"x"}, {"y"});
  RaiseAndCompare(none);
}

TEST(ConvertOpsetTest, Pad) {
  GraphBuilder b = OldModel(7);
  Node& node = b.Add("Pad", {"x"}, {"y"});
  node.Set("pads", std::vector<int64_t>{0, 0, 1, 2, 0, 0, 3, 0});
  node.Set("value", 1.5F);
  RaiseAndCompare(b);
  GraphBuilder reflect = OldModel(7);
  Node& other = reflect.Add("Pad", {"x"}, {"y"});
  other.Set("pads", std::vector<int64_t>{0, 0, 1, 2, 0, 0, 3, 0});
  other.Set("mode", std::string("reflect"));
  RaiseAndCompare(reflect);
}

TEST(ConvertOpsetTest, Slice) {
  GraphBuilder b = OldModel(7);
  Node& node = b.Add("Slice", {"x"}, {"y"});
  node.Set("starts", std::vector<int64_t>{1, -4});
  node.Set("ends", std::vector<int64_t>{3, 1000});
  node.Set("axes", std::vector<int64_t>{1, 3});
  RaiseAndCompare(b);
  GraphBuilder no_axes = OldModel(7);
  Node& other = no_axes.Add("Slice", {"x"}, {"y"});
  other.Set("starts", std::vector<int64_t>{0, 1});
  other.Set("ends", std::vector<int64_t>{1, 3});
  RaiseAndCompare(no_axes);
}

TEST(ConvertOpsetTest, TopK) {
  GraphBuilder b = OldModel(7);
  b.Output("i", DataType::kInt64);
  Node& node = b.Add("TopK", {"x"}, {"y", "i"});
  node.Set("k", int64_t{3});
  node.Set("axis", int64_t{3});
  RaiseAndCompare(b);
}

TEST(ConvertOpsetTest, UpsampleBecomesResize) {
  for (const char* mode : {"nearest", "linear"}) {
    GraphBuilder b = OldModel(7);
    Node& node = b.Add("Upsample", {"x"}, {"y"});
    node.Set("mode", std::string(mode));
    node.Set("scales", std::vector<float>{1, 1, 2, 3});
    EXPECT_EQ(RaiseAndCompare(b).nodes[0].op_type, "Resize");
  }
  GraphBuilder nine = OldModel(9);
  nine.Floats("s", {4}, {1, 1, 2, 2});
  nine.Add("Upsample", {"x", "s"}, {"y"});
  RaiseAndCompare(nine);
}

TEST(ConvertOpsetTest, Resize10) {
  for (const float scale : {0.4F, 0.5F, 1.7F, 2.0F}) {
    for (const char* mode : {"nearest", "linear"}) {
      GraphBuilder b = OldModel(10);
      b.Floats("s", {4}, {1, 1, scale, scale});
      b.Add("Resize", {"x", "s"}, {"y"}).Set("mode", std::string(mode));
      RaiseAndCompare(b);
    }
  }
}

TEST(ConvertOpsetTest, Resize10ThatShrinksAndEnlargesIsRefused) {
  GraphBuilder b = OldModel(10);
  b.Floats("s", {4}, {1, 1, 0.5F, 2});
  b.Add("Resize", {"x", "s"}, {"y"}).name = "resize";
  try {
    ConvertOpset(b.model, kQuantizedOpset, "m.onnx");
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(),
                testing::HasSubstr("m.onnx: node \"resize\" cannot be raised to opset 11"));
  }
}

TEST(ConvertOpsetTest, RoiAlignKeepsItsCoordinates) {
  GraphBuilder b(13);
  b.Input("x", {"1", "2", "8", "8"}).Output("y");
  b.Floats("rois", {1, 4}, {1, 1, 6.5F, 5}).Ints("batch", {1}, {0});
  b.Add("RoiAlign", {"x", "rois", "batch"}, {"y"}).Set("output_height", int64_t{3});
  const std::vector<Tensor> x = {RandomTensor("x", {1, 2, 8, 8}, 3)};
  const Tensor expected = RunModel(b.model, x)[0];
  ConvertOpset(b.model, 17, "m");  // the engine has no kernel for the one of opset 22
  EXPECT_EQ(b.model.opset(), 17);
  EXPECT_EQ(MaxDifference(expected, RunModel(b.model, x)[0]), 0);
}

TEST(ConvertOpsetTest, SoftmaxFamily) {
  for (const char* op : {"Softmax", "LogSoftmax", "Hardmax"}) {
    for (const int64_t axis : {0, 1, 2, 3}) {
      GraphBuilder b = OldModel(11);
      b.Add(op, {"x"}, {"y"}).Set("axis", axis);
      RaiseAndCompare(b);
      GraphBuilder unknown = OldModel(11);
      unknown.Add("Relu", {"x"}, {"r"});
      unknown.Add(op, {"r"}, {"y"}).Set("axis", axis);
      RaiseAndCompare(unknown);
    }
    GraphBuilder defaulted = OldModel(7);
    defaulted.Add(op, {"x"}, {"y"});
    RaiseAndCompare(defaulted);
  }
}

TEST(ConvertOpsetTest, SoftmaxOverOneWideAxisStaysOneNode) {
  GraphBuilder b(7);
  b.model.ir_version = 4;
  b.Input("x", {"1", "10", "1", "1"}).Output("y");
  b.Add("Softmax", {"x"}, {"y"});
  const Model old = b.model;
  ConvertOpset(b.model, kQuantizedOpset, "m");
  EXPECT_EQ(b.model.graph.nodes.size(), 1U);
  const Tensor x = RandomTensor("x", {1, 10, 1, 1}, 5);
  EXPECT_EQ(*RunModel(old, {x})[0].bytes, *RunModel(b.model, {x})[0].bytes);
}

TEST(ConvertOpsetTest, SoftmaxOverTheLastAxisOfAnOutputOfKnownRankStaysOneNode) {
  GraphBuilder b = OldModel(11);
  b.model.graph.outputs[0].type = FloatType({"N", "T", "6"});
  b.model.graph.inputs[0].type.shape.reset();
  b.Add("Softmax", {"x"}, {"y"}).Set("axis", int64_t{2});
  const Model old = b.model;
  ConvertOpset(b.model, kQuantizedOpset, "m");
  ASSERT_EQ(b.model.graph.nodes.size(), 1U);
  const Tensor x = RandomTensor("x", {2, 3, 6}, 5);
  EXPECT_EQ(*RunModel(old, {x})[0].bytes, *RunModel(b.model, {x})[0].bytes);
}

TEST(ConvertOpsetTest, SqueezeUnsqueezeReduceSumSplit) {
  GraphBuilder b = OldModel(11);
  b.Output("z");
  b.Add("Squeeze", {"x"}, {"a"}).Set("axes", std::vector<int64_t>{0});
  b.Add("Unsqueeze", {"a"}, {"b"}).Set("axes", std::vector<int64_t>{0, 2});
  b.Add("ReduceSum", {"b"}, {"c"}).Set("axes", std::vector<int64_t>{3});
  Node& split = b.Add("Split", {"c"}, {"y", "z"});
  split.Set("axis", int64_t{1});
  split.Set("split", std::vector<int64_t>{1, 3});
  RaiseAndCompare(b);
  GraphBuilder plain = OldModel(11);
  plain.Output("z");
  plain.Add("Squeeze", {"x"}, {"a"});
  plain.Add("ReduceSum", {"a"}, {"s"}).Set("keepdims", int64_t{1});
  plain.Add("Split", {"x"}, {"y", "z"}).Set("axis", int64_t{2});
  RaiseAndCompare(plain);
}

TEST(ConvertOpsetTest, DropoutAndBatchNormalization) {
  GraphBuilder b = OldModel(7);
  b.Floats("one", {4}, {1, 2, 3, 4}).Floats("zero", {4}, {0, 1, 0, -1});
  b.Add("Dropout", {"x"}, {"d"}).Set("ratio", 0.3F);
  b.Add("BatchNormalization", {"d", "one", "zero", "zero", "one"}, {"y"})
      .Set("spatial", int64_t{1});
  RaiseAndCompare(b);
  GraphBuilder odd = OldModel(7);
  odd.Add("BatchNormalization", {"x", "x", "x", "x", "x"}, {"y"}).Set("spatial", int64_t{0});
  EXPECT_THROW(ConvertOpset(odd.model, kQuantizedOpset, "m"), Error);
}

TEST(ConvertOpsetTest, ScatterBecomesScatterElements) {
  GraphBuilder b = OldModel(9);
  b.Ints("i", {1, 1, 1, 2}, {0, 3}).Floats("u", {1, 1, 1, 2}, {7, 8});
  b.Add("Scatter", {"x", "i", "u"}, {"y"}).Set("axis", int64_t{3});
  RaiseAndCompare(b);
}

TEST(ConvertOpsetTest, OperatorsThatLeftTheStandard) {
  GraphBuilder affine = OldModel(7);
  Node& a = affine.Add("Affine", {"x"}, {"y"});
  a.Set("alpha", 1.5F);
  a.Set("beta", -0.25F);
  RaiseAndCompare(affine);
  GraphBuilder scaler = OldModel(7);
  Node& s = scaler.Add("ImageScaler", {"x"}, {"y"});
  s.Set("scale", 0.5F);
  s.Set("bias", std::vector<float>{1, 2, 3, 4});
  RaiseAndCompare(scaler);
  GraphBuilder crop = OldModel(7);
  crop.Add("Crop", {"x"}, {"y"}).Set("border", std::vector<int64_t>{1, 2, 0, 1});
  RaiseAndCompare(crop);
  GraphBuilder tanh = OldModel(7);
  Node& t = tanh.Add("ScaledTanh", {"x"}, {"y"});
  t.Set("alpha", 2.0F);
  t.Set("beta", 0.5F);
  const Model retired = tanh.model;  // its kernel approximates tanh in its own way
  ConvertOpset(tanh.model, kQuantizedOpset, "m");
  const Tensor x = RandomTensor("x", {1, 4, 6, 6}, 11);
  EXPECT_LE(MaxDifference(RunModel(retired, {x})[0], RunModel(tanh.model, {x})[0]), 1e-6F);
  GraphBuilder soft = OldModel(7);
  Node& p = soft.Add("ParametricSoftplus", {"x"}, {"y"});
  p.Set("alpha", 2.0F);
  p.Set("beta", 0.5F);
  ConvertOpset(soft.model, kQuantizedOpset, "m");
  EXPECT_EQ(soft.model.graph.nodes.size(), 3U);
  GraphBuilder gone = OldModel(7);
  gone.Add("GRUUnit", {"x"}, {"y"});
  EXPECT_THROW(ConvertOpset(gone.model, kQuantizedOpset, "m"), Error);
}

TEST(ConvertOpsetTest, WhatADamagedNodeLacksIsNamed) {
  const auto refusal = [](const Node& node) -> std::string {
    GraphBuilder b = OldModel(7);
    b.model.graph.nodes = {node};
    try {
      ConvertOpset(b.model, kQuantizedOpset, "m");
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  for (const auto& [op_type, key] : {std::pair{"Crop", "border"},
                                     {"Slice", "starts"},
                                     {"TopK", "k"},
                                     {"Pad", "pads"},
                                     {"ImageScaler", "bias"},
                                     {"Upsample", "scales"}}) {
    Node node = MakeNode(op_type, {"x"}, {"y"});
    EXPECT_THAT(refusal(node), AllOf(HasSubstr(op_type), HasSubstr(key)));
  }
  Node slice = MakeNode("Slice", {"x"}, {"y"});
  slice.Set("starts", std::vector<int64_t>{0});
  EXPECT_THAT(refusal(slice), HasSubstr("Slice without the attribute ends"));
  Node clip = MakeNode("Clip", {"x"}, {"y"});
  clip.Set("min", int64_t{1});
  EXPECT_THAT(refusal(clip), HasSubstr("Clip without the attribute min"));
  EXPECT_THAT(refusal(MakeNode("Affine", {}, {"y"})), HasSubstr("no inputs"));
  EXPECT_THAT(refusal(MakeNode("Softmax", {"x"}, {})), HasSubstr("no outputs"));
}

TEST(ConvertOpsetTest, ReachesIntoSubgraphs) {
  GraphBuilder b = OldModel(11);
  Graph branch;
  branch.name = "branch";
  branch.nodes.push_back(MakeNode("Unsqueeze", {"x"}, {"u"}));
  branch.nodes[0].Set("axes", std::vector<int64_t>{0});
  branch.outputs.push_back({"u", FloatType({"1", "1", "4", "6", "6"}), {}, {}});
  Tensor yes;
  yes.type = DataType::kBool;
  yes.bytes = std::make_shared<const std::string>("\x01");
  b.model.graph.initializers["c"] = yes;
  Node& node = b.Add("If", {"c"}, {"y"});
  node.Set("then_branch", Subgraph(branch));
  node.Set("else_branch", Subgraph(branch));
  const Graph raised = RaiseAndCompare(b);
  EXPECT_EQ(SubgraphsOf(raised.nodes[0])[0]->nodes[0].inputs.size(), 2U);
}

TEST(ConvertOpsetTest, ReachesIntoFunctions) {
  GraphBuilder b(11);
  b.model.ir_version = 8;
  b.Input("x", {"1", "4", "6", "6"}).Output("y");
  Function function;
  function.name = "Lift";
  function.domain = "f";
  function.inputs = {"a"};
  function.outputs = {"b"};
  function.opsets = {{"", 11}};
  function.nodes.push_back(MakeNode("Unsqueeze", {"a"}, {"b"}));
  function.nodes[0].Set("axes", std::vector<int64_t>{0});
  b.model.functions.push_back(function);
  b.model.opsets["f"] = 1;
  b.Add("Lift", {"x"}, {"y"}).domain = "f";
  RaiseAndCompare(b);
}

TEST(ConvertOpsetTest, EveryAdapterHasATest) {
  const std::string folder = ProjectFolder() / "tests/transform/";
  const std::string source = ReadFile(folder + "convert_opset_test.cc") +
                             ReadFile(folder + "convert_newest_opset_test.cc");
  for (const OpsetAdapterRow& row : OpsetAdapters()) {
    static const std::vector<std::string> kRetired = {"Scale", "GivenTensorFill", "DynamicSlice",
                                                      "ATen", "Scan"};
    if (std::find(kRetired.begin(), kRetired.end(), row.op_type) != kRetired.end()) continue;
    EXPECT_NE(source.find("\"" + std::string(row.op_type) + "\""), std::string::npos)
        << row.op_type;
  }
}

TEST(ConvertOpsetTest, NodesThatAnAdapterMakesStandForTheOneBefore) {
  GraphBuilder b(9);
  b.Input("x", {"2", "3", "4"}).Output("y");
  b.Add("Softmax", {"x"}, {"y"}).name = "soft";
  b.model.graph.nodes[0].Set("axis", int64_t{1});
  ConvertOpset(b.model, 13, "m");
  ASSERT_EQ(b.model.graph.nodes.size(), 4U);
  for (const Node& node : b.model.graph.nodes)
    EXPECT_EQ(node.origin_name(), "soft") << node.op_type;
  std::set<std::string> names;
  for (const Node& node : b.model.graph.nodes) names.insert(node.name);
  EXPECT_EQ(names.size(), b.model.graph.nodes.size()) << "engines refuse a name given twice";
  EXPECT_EQ(b.model.graph.nodes.back().name, "soft") << "it writes what the Softmax wrote";
}

}  // namespace
}  // namespace qconvert
