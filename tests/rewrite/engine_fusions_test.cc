// The engine's own fusions of the float model are still there in the quantized one, or an integer
// kernel stands in their place: counted in both optimized graphs.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>

#include "qconvert/pipeline/prepare_model.h"
#include "support/quantize_model.h"

namespace qconvert {
namespace {

// Operators that the engine makes of several; those of one row do the same work.
constexpr std::array<std::array<std::string_view, 3>, 7> kFused = {
    {{"SkipLayerNormalization", "EmbedLayerNormalization", ""},
     {"Attention", "MultiHeadAttention", "QAttention"},
     {"BiasGelu", "Gelu", "FastGelu"},
     {"FusedConv", "NhwcFusedConv", ""},
     {"QuickGelu", "", ""},
     {"FusedMatMul", "", ""},
     {"FusedGemm", "", ""}}};

int CountOf(const std::map<std::string, int>& operators, std::string_view type) {
  const auto it = operators.find(std::string(type));
  return it == operators.end() ? 0 : it->second;
}

int CountIntegers(const std::map<std::string, int>& operators) {
  int count = 0;
  for (const auto& [type, times] : operators)
    if (IsIntegerKernel(MakeNode(type, {}, {}))) count += times;
  return count;
}

// What was lost, one line each; integer kernels take the place of as many as there are.
std::string Lost(const Model& floats, const Model& quantized) {
  const auto before = OptimizedOperators(floats);
  const auto after = OptimizedOperators(quantized);
  int free_integers = std::max(0, CountIntegers(after) - CountIntegers(before));
  std::string out;
  for (const auto& row : kFused) {
    int lost = 0;
    for (const std::string_view type : row) lost += CountOf(before, type) - CountOf(after, type);
    if (lost <= 0) continue;
    if (lost > free_integers)
      out += std::string(row[0]) + " lost " + std::to_string(lost) + " times\n";
    free_integers = std::max(0, free_integers - lost);
  }
  return out;
}

// x [N, S, 32] -> product, bias and GELU -> product and bias -> + x -> normalization, `layers`
// times
GraphBuilder FeedForward(const std::vector<std::string>& dims, int layers) {
  GraphBuilder b(17);
  b.Input("x", dims).Output("y").Random("g", {32}).Random("o", {32});
  b.Floats("root2", {}, {1.41421354F}).Floats("one", {}, {1}).Floats("half", {}, {0.5F});
  std::string from = "x";
  for (int layer = 0; layer < layers; ++layer) {
    const auto name = [&](const std::string& what) { return what + std::to_string(layer); };
    b.Random(name("w"), {32, 64}, 0.1F).Random(name("b"), {64}, 0.1F);
    b.Random(name("v"), {64, 32}, 0.1F).Random(name("c"), {32}, 0.1F);
    b.Add("MatMul", {from, name("w")}, {name("m")});
    b.Add("Add", {name("m"), name("b")}, {name("h")});
    b.Add("Div", {name("h"), "root2"}, {name("d")});
    b.Add("Erf", {name("d")}, {name("e")});
    b.Add("Add", {name("e"), "one"}, {name("a")});
    b.Add("Mul", {name("h"), name("a")}, {name("u")});
    b.Add("Mul", {name("u"), "half"}, {name("gelu")});
    b.Add("MatMul", {name("gelu"), name("v")}, {name("n")});
    b.Add("Add", {name("n"), name("c")}, {name("r")});
    b.Add("Add", {name("r"), from}, {name("s")});
    const std::string to = layer + 1 == layers ? "y" : name("x");
    b.Add("LayerNormalization", {name("s"), "g", "o"}, {to});
    from = to;
  }
  return b;
}

Model Written(Model model) {
  DropInferredTypes(model.graph);
  return model;
}

TEST(EngineFusionsTest, FeedForwardOfFixedAndFreeShape) {
  for (const auto& dims : {std::vector<std::string>{"1", "7", "32"}, {"N", "S", "32"}}) {
    const GraphBuilder b = FeedForward(dims, 2);
    const QuantizedModel q = QuantizeModel(b.model, {{RandomTensor("x", {1, 7, 32}, 1)}});
    EXPECT_EQ(Lost(b.model, Written(q.model)), "") << dims[1];
    EXPECT_GE(CountIntegers(OptimizedOperators(q.model)), 4) << dims[1];
  }
}

TEST(EngineFusionsTest, ConvolutionsWithTheirActivations) {
  GraphBuilder b;
  b.Input("x", {"1", "8", "8", "8"}).Output("y");
  b.Random("w1", {8, 8, 3, 3}, 0.2F).Random("w2", {8, 8, 3, 3}, 0.2F).Random("w3", {8, 8, 3, 3});
  b.Add("Conv", {"x", "w1"}, {"c1"});
  b.Add("Relu", {"c1"}, {"r"});
  b.Add("Conv", {"r", "w2"}, {"c2"});
  b.Add("LeakyRelu", {"c2"}, {"l"});
  b.Add("Sigmoid", {"l"}, {"g"});
  b.Add("Mul", {"l", "g"}, {"silu"});
  b.Add("ConvTranspose", {"silu", "w3"}, {"t"});
  b.Add("Sigmoid", {"t"}, {"h"});
  b.Add("Mul", {"t", "h"}, {"y"});
  const QuantizedModel q = QuantizeModel(b.model, {{RandomTensor("x", {1, 8, 8, 8}, 1)}});
  EXPECT_EQ(Lost(b.model, Written(q.model)), "");
}

TEST(EngineFusionsTest, WhatIsLostIsSeen) {
  const Model model = FeedForward({"1", "7", "32"}, 1).model;
  Model worse = model;
  for (Node& node : worse.graph.nodes)
    if (node.op_type == "LayerNormalization") node.inputs[0] = "r0";  // no sum before it any more
  EXPECT_EQ(Lost(model, worse), "SkipLayerNormalization lost 1 times\n");
}

}  // namespace
}  // namespace qconvert
