#include "qconvert/rewrite/align_biases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/base/error.h"
#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;

constexpr int64_t kOutputTypeOpset = 21;

// x [1, 4, 16] ─ Q ─ DQ ─ MatMul{w codes} ─ p ─ Add{b} ─ y, all codes int8. `b` is "floats", or
// codes behind a DequantizeLinear with one scale or with one for each.
GraphBuilder Product(const std::string& bias,
                     const std::vector<std::string>& dims = {"1", "4", "16"}) {
  GraphBuilder b(kOutputTypeOpset);
  b.Input("x", dims).Output("y").Floats("s", {}, {0.02F});
  Graph& graph = b.model.graph;
  const auto codes = [&](const std::string& name, std::vector<int64_t> shape) {
    std::vector<int8_t> values;
    for (const float v : RandomFloats(static_cast<size_t>(shape[0] * shape.back()), 3, 40))
      values.push_back(static_cast<int8_t>(std::clamp(v, -127.0F, 127.0F)));
    if (shape.size() == 1) values.resize(static_cast<size_t>(shape[0]));
    graph.initializers[name] = MakeTensor<int8_t>(name, DataType::kInt8, std::move(shape), values);
  };
  graph.initializers["z"] = MakeTensor<int8_t>("z", DataType::kInt8, {}, std::vector<int8_t>{0});
  codes("wq", {16, 16});
  codes("bq", {16});
  b.Add("QuantizeLinear", {"x", "s", "z"}, {"xq"});
  b.Add("DequantizeLinear", {"xq", "s", "z"}, {"xd"});
  b.Add("DequantizeLinear", {"wq", "s", "z"}, {"wd"});
  b.Add("MatMul", {"xd", "wd"}, {"p"});
  if (bias == "floats") {
    b.Random("b", {16});
  } else if (bias == "one scale") {
    b.Add("DequantizeLinear", {"bq", "s", "z"}, {"b"});
  } else {
    b.Floats("many", {16}, std::vector<float>(16, 0.03F));
    b.Add("DequantizeLinear", {"bq", "many"}, {"b"}).Set("axis", int64_t{0});
  }
  b.Add("Add", {"b", "p"}, {"y"});
  InferTypes(b.model, "test");
  return b;
}

TEST(AlignBiasesTest, TheEngineTakesWhatItRefusedAndTheNumbersStay) {
  for (const std::string bias : {"floats", "one scale", "a scale each"}) {
    GraphBuilder b = Product(bias);
    const std::vector<Tensor> x = {RandomTensor("x", {1, 4, 16}, 1)};
    const Tensor expected = RunModel(b.model, x)[0];
    EXPECT_THROW(RunModel(b.model, x, /*optimize=*/true), Error) << "then this is not needed";
    EXPECT_EQ(AlignBiases(b.model.graph), 1U) << bias;
    EXPECT_EQ(MaxDifference(expected, RunModel(b.model, x)[0]), 0) << bias;
    EXPECT_LT(MaxDifference(expected, RunModel(b.model, x, /*optimize=*/true)[0]), 1e-4F) << bias;
    EXPECT_EQ(AlignBiases(b.model.graph), 0U) << "once is enough";
  }
}

// A model that came with codes may name its DequantizeLinear, and read it elsewhere too.
TEST(AlignBiasesTest, ACopyOfANamedNodeHasNotItsName) {
  GraphBuilder b = Product("one scale");
  b.Output("other").Add("Neg", {"b"}, {"other"});
  for (Node& node : b.model.graph.nodes) node.name = "node_" + node.outputs[0];
  const std::vector<Tensor> x = {RandomTensor("x", {1, 4, 16}, 1)};
  const Tensor expected = RunModel(b.model, x)[0];
  EXPECT_EQ(AlignBiases(b.model.graph), 1U);
  EXPECT_EQ(MaxDifference(expected, RunModel(b.model, x)[0]), 0) << "the engine takes it";
}

TEST(AlignBiasesTest, MatricesAndProductsOfFloatsStay) {
  GraphBuilder matrix = Product("floats", {"4", "16"});
  EXPECT_EQ(AlignBiases(matrix.model.graph), 0U);
  GraphBuilder floats(kOutputTypeOpset);
  floats.Input("x", {"1", "4", "16"}).Output("y").Random("w", {16, 16}).Random("b", {16});
  floats.Add("MatMul", {"x", "w"}, {"p"});
  floats.Add("Add", {"p", "b"}, {"y"});
  InferTypes(floats.model, "test");
  EXPECT_EQ(AlignBiases(floats.model.graph), 0U);
}

// The bias of the level around is read by others too.
TEST(AlignBiasesTest, BodiesGetABiasOfTheirOwn) {
  GraphBuilder inner = Product("floats");
  Graph body = inner.model.graph;
  const Tensor bias = body.initializers.at("b");
  body.initializers.erase("b");
  body.inputs.clear();
  GraphBuilder b(kOutputTypeOpset);
  b.Input("x", {"1", "4", "16"}).Input("c", {}, DataType::kBool).Output("z").Output("o");
  b.model.graph.initializers["b"] = bias;
  Node& choice = b.Add("If", {"c"}, {"z"});
  choice.Set("then_branch", Subgraph(body));
  choice.Set("else_branch", Subgraph(body));
  b.Add("Relu", {"b"}, {"o"});
  EXPECT_EQ(AlignBiases(b.model.graph), 2U);
  EXPECT_THAT(b.model.graph.initializers.at("b").dims, ElementsAre(16));
}

}  // namespace
}  // namespace qconvert
