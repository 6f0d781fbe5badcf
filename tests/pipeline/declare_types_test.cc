// Types of all values in a rewritten model: those that passes made, too.
#include "declare_types.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/ir/graph_printer.h"
#include "qconvert/pipeline/prepare_model.h"
#include "support/quantize_model.h"

namespace qconvert {
namespace {

// Every value that a node of the main graph writes and that is no output, with its type.
std::map<std::string, std::string> Types(const Model& model) {
  std::map<std::string, std::string> out;
  for (const Node& node : model.graph.nodes) {
    for (const std::string& value : node.outputs) {
      if (value.empty() || model.graph.IsOutput(value)) continue;
      const auto known = model.graph.value_info.find(value);
      out[value] =
          known == model.graph.value_info.end() ? "nothing" : PrintType(known->second.type);
    }
  }
  return out;
}

// x [N,S,16] + rows of as many positions -> product -> Relu -> product -> + rows -> normalization
GraphBuilder Embedding() {
  GraphBuilder b(17);
  b.Input("x", {"N", "S", "16"}).Output("y").Random("table", {1, 64, 16});
  b.Random("w", {16, 32}, 0.2F).Random("v", {32, 16}, 0.2F).Ints("zero", {1}, {0});
  b.Ints("one", {1}, {1}).Ints("second", {1}, {1});
  b.Add("Shape", {"x"}, {"shape"});
  b.Add("Gather", {"shape", "second"}, {"length"});
  b.Add("Slice", {"table", "zero", "length", "one"}, {"part"});
  b.Add("Add", {"x", "part"}, {"rows"});
  b.Add("MatMul", {"rows", "w"}, {"p"});
  b.Add("Relu", {"p"}, {"r"});
  b.Add("MatMul", {"r", "v"}, {"q"});
  b.Random("g", {16}).Random("o", {16}).Add("Add", {"q", "rows"}, {"s"});
  b.Add("LayerNormalization", {"s", "g", "o"}, {"y"});
  return b;
}

TEST(DeclareTypesTest, AllValuesOfARewrittenModelHaveOne) {
  Model model = Embedding().model;
  PrepareModel(model, "m");
  const auto known = model.graph.value_info;
  QuantizedModel q = QuantizeModel(Embedding().model, {{RandomTensor("x", {2, 5, 16}, 1)}});
  DropInferredTypes(q.model.graph);
  const auto written = Types(q.model);
  DeclareTypes(known, "m", q.model);
  const auto types = Types(q.model);
  EXPECT_EQ(types.size(), written.size());
  int codes = 0;
  for (const auto& [value, type] : types) {
    EXPECT_NE(type, "nothing") << value;
    codes += type == "uint8[N,S,16]" || type == "uint8[N,S,32]" ? 1 : 0;
  }
  EXPECT_GE(codes, 2) << "free dimensions have their symbols behind a Q too";
  const auto kernels = OptimizedOperators(q.model);
  // What the engine cannot infer stays when a file has to be small.
  DropInferredTypes(q.model.graph);
  EXPECT_LT(q.model.graph.value_info.size(), types.size());
  EXPECT_EQ(OptimizedOperators(q.model), kernels) << "no fusion is lost or won by the others";
}

TEST(DeclareTypesTest, KnownTypesAreTakenWhole) {
  Model model = Embedding().model;
  PrepareModel(model, "m");
  auto known = model.graph.value_info;
  known["gone"] = known.begin()->second;
  model.graph.value_info.clear();
  ASSERT_TRUE(TakeTypes(known, model.graph));
  EXPECT_FALSE(model.graph.value_info.contains("gone"));
  for (const auto& [value, type] : Types(model)) EXPECT_NE(type, "nothing") << value;
  known.erase("r");
  EXPECT_FALSE(TakeTypes(known, model.graph)) << "one is missing";
}

TEST(DeclareTypesTest, WhatAModelCannotHaveIsNotBelieved) {
  GraphBuilder b;
  b.Input("x", {"N", "4"}).Output("y");
  b.Add("Relu", {"x"}, {"r"});
  b.Add("Neg", {"r"}, {"y"});
  const std::map<std::string, Value, std::less<>> known = {
      {"r", {"r", FloatType({"N", "5"}), {}, {}}}, {"gone", {"gone", FloatType({"1"}), {}, {}}}};
  DeclareTypes(known, "m", b.model);
  EXPECT_EQ(Types(b.model), (std::map<std::string, std::string>{{"r", "float[N,4]"}}));
}

}  // namespace
}  // namespace qconvert
