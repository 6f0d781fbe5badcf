#include "derive_type.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "qconvert/base/error.h"
#include "qconvert/ir/graph_printer.h"
#include "qconvert/ir/scope.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/runtime/opened_models.h"
#include "support/errors.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

// Printed types of the values of all bodies, by full name.
std::map<std::string, std::string> BodyTypes(const Model& model) {
  std::map<std::string, std::string> out;
  const Scope main(model.graph);
  for (const Node& node : model.graph.nodes) {
    ForEachBody(node, "", [&](const Graph& body, const std::string& way) {
      for (const auto& [name, value] : body.value_info) out[way + name] = PrintType(value.type);
    });
  }
  return out;
}

TEST(InferTypesTest, BranchesKnowWhatTheyCapture) {
  GraphBuilder b;
  b.Input("x", {"N", "3"}).Input("c", {}, DataType::kBool).Output("y").Random("w", {3, 5});
  Graph branch;
  branch.name = "branch";
  branch.nodes.push_back(MakeNode("MatMul", {"x", "w"}, {"p"}));
  branch.nodes.push_back(MakeNode("Relu", {"p"}, {"r"}));
  branch.outputs.push_back({"r", {}, {}, {}});
  Node& node = b.Add("If", {"c"}, {"y"});
  node.Set("then_branch", Subgraph(branch));
  node.Set("else_branch", Subgraph(branch));
  InferTypes(b.model, "m");
  InferBodyTypes(b.model, "m");
  EXPECT_EQ(BodyTypes(b.model).at("y/then_branch/p"), "float[N,5]");
  EXPECT_EQ(BodyTypes(b.model).at("y/else_branch/r"), "float[N,5]");
}

TEST(InferTypesTest, WhatALoopCarriesHasNoShapeUnlessDeclared) {
  Graph body;
  body.name = "body";
  body.inputs = {{"i", TypeOf(DataType::kInt64, {}), {}, {}},
                 {"go", TypeOf(DataType::kBool, {}), {}, {}},
                 {"s", {DataType::kFloat, std::nullopt, {}}, {}, {}}};
  body.nodes.push_back(MakeNode("Identity", {"go"}, {"still"}));
  body.nodes.push_back(MakeNode("Relu", {"s"}, {"r"}));
  body.nodes.push_back(MakeNode("Concat", {"r", "r"}, {"next"}));
  body.nodes.back().Set("axis", int64_t{0});
  body.outputs = {{"still", {}, {}, {}}, {"next", {}, {}, {}}};
  GraphBuilder b;
  b.Input("x", {"1"}).Output("y").Ints("times", {}, {5});
  Node& loop = b.Add("Loop", {"times", "", "x"}, {"y"});
  loop.name = "loop";
  loop.Set("body", Subgraph(body));
  InferTypes(b.model, "m");
  InferBodyTypes(b.model, "m");
  EXPECT_EQ(BodyTypes(b.model).at("loop/body/r"), "float") << "grows from 1 to 32 elements";
}

TEST(InferTypesTest, WhatOnlyTheFileKnowsIsKept) {
  // The engine cannot know how long the slice is; the file says so.
  GraphBuilder b;
  b.Input("x", {"1", "L", "4"}).Output("y").Random("table", {1, 64, 4}).Ints("one", {1}, {1});
  b.Ints("zero", {1}, {0}).Ints("second", {1}, {1});
  b.Add("Shape", {"x"}, {"shape"});
  b.Add("Gather", {"shape", "second"}, {"length"});
  b.Add("Slice", {"table", "zero", "length", "one"}, {"part"});
  b.Add("Neg", {"part"}, {"n"});
  b.Add("Add", {"x", "n"}, {"y"});
  b.model.graph.value_info["part"] = {"part", FloatType({"1", "L", "4"}), {}, {}};
  b.model.graph.value_info["n"] = {"n", FloatType({"1", "9", "9", "9"}), {}, {}};
  PrepareModel(b.model, "m");
  EXPECT_EQ(PrintType(b.model.graph.value_info.at("part").type), "float[1,L,4]");
  EXPECT_EQ(b.model.graph.value_info.at("n").type.shape->size(), 3U)
      << "another rank: not believed";
  DropInferredTypes(b.model.graph);
  EXPECT_EQ(b.model.graph.value_info.size(), 2U) << "the engine finds out all others";
  EXPECT_EQ(PrintType(b.model.graph.value_info.at("n").type), "float[1,?,4]");
}

// x [1, 3, 9, 8] through operators whose types follow, some that the engine is asked for between.
GraphBuilder ManyOperators() {
  GraphBuilder b;
  b.Input("x", {"1", "3", "9", "8"}).Output("y");
  b.Random("w", {4, 3, 3, 2}).Random("d", {4, 1, 2, 2}).Random("k", {4, 1, 1}).Random("v", {2, 5});
  b.Random("g", {5}).Random("o", {5}).Random("left", {1, 1, 7, 4}).Floats("half", {}, {0.5F});
  b.Input("rows", {"6", "5"});
  b.model.graph.initializers["zero"] =
      MakeTensor<uint8_t>("zero", DataType::kUint8, {}, std::array<uint8_t, 1>{0});
  Node& conv = b.Add("Conv", {"x", "w"}, {"c"});
  conv.Set("pads", std::vector<int64_t>{1, 0, 2, 1});
  conv.Set("strides", std::vector<int64_t>{2, 3});
  Node& grouped = b.Add("Conv", {"c", "d"}, {"e"});
  grouped.Set("group", int64_t{4});
  grouped.Set("dilations", std::vector<int64_t>{1, 2});
  grouped.Set("pads", std::vector<int64_t>{0, 1, 0, 0});
  b.Add("Add", {"k", "e"}, {"a"});
  b.Add("MaxPool", {"a"}, {"p"}).Set("kernel_shape", std::vector<int64_t>{1, 1});
  b.Add("MatMul", {"left", "p"}, {"q"});
  b.Add("MatMul", {"q", "v"}, {"m"});
  b.Add("LayerNormalization", {"m", "g", "o"}, {"n"});
  b.Add("Mul", {"half", "n"}, {"h"});
  b.Add("Softmax", {"h"}, {"s"});
  b.Add("QuantizeLinear", {"s", "half", "zero"}, {"t"});
  b.Add("DequantizeLinear", {"t", "half", "zero"}, {"u"});
  b.Add("Clip", {"u", "", "half"}, {"y"});
  b.Add("QuantizeLinear", {"y", "half"}, {"bytes"});
  b.Add("Gemm", {"rows", "v"}, {"turned"}).Set("transB", int64_t{1});
  b.Output("bytes", DataType::kUint8).Output("turned");
  return b;
}

// An engine that is asked for many types takes long: of Q and DQ, and behind a free batch, too.
TEST(DeriveTypeTest, SaysWhatTheEngineInfers) {
  for (const bool is_free : {false, true}) {
    Model model = ManyOperators().model;
    if (is_free) {
      for (Value& input : model.graph.inputs) input.type.shape->front() = {-1, "N"};
    }
    InferTypes(model, "m");
    const auto& known = model.graph.value_info;
    std::map<std::string, ValueType> types;
    for (const auto& [name, tensor] : model.graph.initializers) types[name] = TypeOf(tensor);
    for (const auto& [name, value] : known) types[name] = value.type;
    for (const Value& input : model.graph.inputs) types[input.name] = input.type;
    int derived = 0;
    for (const Node& node : model.graph.nodes) {
      if (!MayDerive(node)) continue;
      const auto type =
          DeriveType(node, [&](const std::string& value) { return &types.at(value); });
      ASSERT_TRUE(type.has_value()) << node.op_type;
      EXPECT_EQ(PrintType(*type), PrintType(known.at(node.outputs[0]).type)) << node.op_type;
      ++derived;
    }
    EXPECT_EQ(derived, 13);
  }
}

TEST(InferTypesTest, ALongModelIsAskedForFewTypesOnce) {
  const Model parts = ManyOperators().model;
  for (const bool is_free : {false, true}) {
    GraphBuilder b = ManyOperators();
    if (is_free) b.model.graph.inputs[0].type.shape->front() = {-1, "N"};
    std::string value = "y";
    for (int k = 0; k < 1200; ++k) {
      b.Add("Relu", {value}, {"r" + std::to_string(k)});
      value = "r" + std::to_string(k);
    }
    const int64_t before = OpenedModels();
    InferTypes(b.model, "m");
    EXPECT_EQ(OpenedModels() - before, 1) << is_free;
    Model few = parts;
    few.graph.inputs = b.model.graph.inputs;
    InferTypes(few, "m");
    for (const auto& [name, type] : few.graph.value_info)
      EXPECT_EQ(PrintType(b.model.graph.value_info.at(name).type), PrintType(type.type)) << name;
    EXPECT_EQ(PrintType(b.model.graph.value_info.at("r1199").type),
              PrintType(few.graph.value_info.at("y").type));
  }
}

// Unless what follows for an output is not what the file says of it, which the engine judges.
TEST(InferTypesTest, ALongModelOfKnownOperatorsIsNotOpened) {
  const std::vector<std::pair<Dim, bool>> declared = {
      {{4, {}}, false}, {{-1, "N"}, false}, {{5, {}}, true}};
  for (const auto& [length, is_asked] : declared) {
    GraphBuilder b;
    b.Input("x", {"2", "4"}).Output("y").Floats("k", {1}, {2});
    b.model.graph.outputs[0].type.shape = {Dim{2, {}}, length};
    std::string value = "x";
    for (int k = 0; k < 1200; ++k) {
      b.Add("Add", {value, "k"}, {"a" + std::to_string(k)});
      value = "a" + std::to_string(k);
    }
    b.Add("Relu", {value}, {"y"});
    const int64_t before = OpenedModels();
    InferTypes(b.model, "m");
    EXPECT_EQ(OpenedModels() - before, is_asked ? 1 : 0) << length.value;
    EXPECT_EQ(PrintType(b.model.graph.value_info.at("a1199").type), "float[2,4]");
  }
}

// What does not follow from fixed inputs is asked for with all others.
TEST(InferTypesTest, ALengthThatDependsOnDataInALongModel) {
  GraphBuilder b;
  b.Input("x", {"4"}).Output("y");
  b.Add("NonZero", {"x"}, {"z"});
  b.Add("Cast", {"z"}, {"r"}).Set("to", int64_t{1});
  std::string value = "r";
  for (int k = 0; k < 1200; ++k) {
    b.Add("Relu", {value}, {"r" + std::to_string(k)});
    value = "r" + std::to_string(k);
  }
  b.Add("Relu", {value}, {"y"});
  InferTypes(b.model, "m");
  const ValueType& type = b.model.graph.value_info.at("r7").type;
  ASSERT_TRUE(type.shape.has_value());
  EXPECT_EQ(type.shape->size(), 2U);
  EXPECT_EQ((*type.shape)[0].value, 1);
  EXPECT_FALSE((*type.shape)[1].known());
}

// Before the engine, which would name a node that it does not know.
TEST(InferTypesTest, AModelOfAnOldOpsetIsToldSo) {
  GraphBuilder b(5);
  b.Input("x", {"1", "4"}).Output("y");
  b.Add("Relu", {"x"}, {"y"});
  try {
    PrepareModel(b.model, "old.onnx");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kModel);
    EXPECT_STREQ(e.what(), "old.onnx: has opset 5, expected 7 or newer");
  }
}

// x [N,8] -> op(x, indices, more...) -> y
Model Indexing(const std::string& op_type, std::vector<int64_t> dims, std::vector<int64_t> indices,
               int64_t axis) {
  GraphBuilder b(17);
  b.Input("x", {"N", "8"}).Output("y").Ints("i", dims, std::move(indices));
  const bool scatters = op_type.starts_with("Scatter");
  if (scatters) b.Floats("u", dims, std::vector<float>(static_cast<size_t>(dims[0] * dims[1]), 1));
  if (op_type == "ScatterND") b.Floats("u", {dims[0]}, {1});
  Node& node = b.Add(op_type, {"x", "i"}, {"y"});
  node.name = "pick";
  if (scatters) node.inputs.push_back("u");
  if (!op_type.ends_with("ND")) node.Set("axis", axis);
  return b.model;
}

TEST(InferTypesTest, AConstantIndexBeyondADimensionIsTheModels) {
  for (const auto& [op_type, dims] :
       {std::pair<std::string, std::vector<int64_t>>{"Gather", {1, 2}},
        {"GatherElements", {1, 2}},
        {"ScatterElements", {1, 2}},
        {"GatherND", {1, 2}},
        {"ScatterND", {1, 2}}}) {
    for (const int64_t bad : {int64_t{8}, int64_t{-9}, std::numeric_limits<int64_t>::min()}) {
      Model model = Indexing(op_type, dims, {0, bad}, -1);
      EXPECT_THAT([&] { InferTypes(model, "m.onnx"); },
                  ThrowsError(ExitCode::kModel,
                              fmt::format("m.onnx: node \"pick\" ({}) has index {} on axis 1 of "
                                          "\"x\", expected -8 to 7",
                                          op_type, bad)));
    }
    for (const int64_t good : {7, -8}) {
      Model model = Indexing(op_type, dims, {0, good}, 1);
      EXPECT_NO_THROW(InferTypes(model, "m.onnx")) << op_type << good;
    }
  }
}

TEST(InferTypesTest, AnIndexInAFreeDimensionIsTheSamples) {
  Model free = Indexing("Gather", {1, 2}, {0, 99}, 0);
  EXPECT_NO_THROW(InferTypes(free, "m.onnx"));
  Model batch = Indexing("GatherND", {1, 2}, {99, 7}, 0);
  EXPECT_NO_THROW(InferTypes(batch, "m.onnx"));
}

}  // namespace
}  // namespace qconvert
