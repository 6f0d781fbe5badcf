// GELU in all its spellings: before and after, and the same numbers in the engine.
#include "qconvert/transform/fuse_gelu.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <tuple>
#include <vector>

#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

constexpr float kRoot = 1.41421356F;
constexpr float kTanhFactor = 0.79788456F;

GraphBuilder Numbers(int64_t opset) {
  GraphBuilder b(opset);
  b.Input("x", {"2", "64"}).Output("y");
  b.Floats("root", {}, {kRoot}).Floats("inverse", {1}, {1 / kRoot}).Floats("one", {}, {1});
  b.Floats("half", {}, {0.5F}).Floats("two", {}, {2}).Floats("three", {}, {3});
  b.Floats("cubic", {}, {0.044715F}).Floats("factor", {}, {kTanhFactor});
  b.Floats("slope", {}, {kTanhFactor * 0.044715F});
  return b;
}

// The gate's function of x, "f".
void AddFunction(GraphBuilder& b, int spelling) {
  switch (spelling) {
    case 0:
      b.Add("Div", {"x", "root"}, {"u"});
      break;
    case 1:
      b.Add("Mul", {"inverse", "x"}, {"u"});
      break;
    case 2:  // x^3
      b.Add("Pow", {"x", "three"}, {"p"});
      b.Add("Mul", {"cubic", "p"}, {"k"});
      b.Add("Add", {"x", "k"}, {"s"});
      b.Add("Mul", {"s", "factor"}, {"u"});
      break;
    case 3:  // x * (1 + 0.044715 x * x)
      b.Add("Mul", {"x", "cubic"}, {"p"});
      b.Add("Mul", {"p", "x"}, {"k"});
      b.Add("Add", {"one", "k"}, {"s"});
      b.Add("Mul", {"x", "factor"}, {"v"});
      b.Add("Mul", {"s", "v"}, {"u"});
      break;
    default:
      b.Add("Mul", {"x", "x"}, {"p"});
      b.Add("Mul", {"x", "p"}, {"q"});
      b.Add("Mul", {"q", "slope"}, {"k"});
      b.Add("Mul", {"factor", "x"}, {"s"});
      b.Add("Add", {"k", "s"}, {"u"});
  }
  b.Add(spelling < 2 ? "Erf" : "Tanh", {"u"}, {"f"});
}

// The gate times x / 2.
void AddProduct(GraphBuilder& b, int order) {
  if (order == 3) {
    b.Add("Mul", {"f", "half"}, {"h"});
    b.Add("Add", {"half", "h"}, {"g"});
  } else {
    b.Add("Add", {order == 0 ? "f" : "one", order == 0 ? "one" : "f"}, {"g"});
  }
  switch (order) {
    case 0:
      b.Add("Mul", {"x", "g"}, {"m"});
      b.Add("Mul", {"m", "half"}, {"act"});
      break;
    case 1:
      b.Add("Mul", {"half", "x"}, {"m"});
      b.Add("Mul", {"g", "m"}, {"act"});
      break;
    case 2:
      b.Add("Div", {"g", "two"}, {"m"});
      b.Add("Mul", {"m", "x"}, {"act"});
      break;
    default:
      b.Add("Mul", {"g", "x"}, {"act"});
  }
}

GraphBuilder Spelled(int spelling, int order, int64_t opset = 13) {
  GraphBuilder b = Numbers(opset);
  AddFunction(b, spelling);
  AddProduct(b, order);
  b.Add("Neg", {"act"}, {"y"});  // the engine's FastGelu writes no graph output
  b.model.graph.nodes[b.model.graph.nodes.size() - 2].name = "act";
  InferTypes(b.model, "m");
  return b;
}

float RelativeDifference(const Model& before, const Model& after) {
  const std::vector<Tensor> inputs = {RandomTensor("x", {2, 64}, 7, 3.0F)};
  return MaxDifference(RunModel(before, inputs)[0], RunModel(after, inputs)[0]) / 9;
}

class FuseGeluTest : public testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(FuseGeluTest, BecomesTheFastestSpelling) {
  const auto [spelling, order] = GetParam();
  for (const int64_t opset : {13, 20}) {
    GraphBuilder b = Spelled(spelling, order, opset);
    const Model before = b.model;
    EXPECT_EQ(FuseGelu(b.model.graph, opset), 1U);
    EXPECT_LT(RelativeDifference(before, b.model), 1e-6F);
    const char* kernel = opset == 20 || spelling < 2 ? "Gelu" : "FastGelu";
    EXPECT_EQ(OptimizedOperators(b.model), (std::map<std::string, int>{{kernel, 1}, {"Neg", 1}}));
    for (const Node& node : b.model.graph.nodes) {
      EXPECT_TRUE(node.Is("Neg") || node.origin_name() == "act") << node.op_type;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Orders, FuseGeluTest,
                         testing::Combine(testing::Range(0, 5), testing::Range(0, 4)));

TEST(FuseGeluTest, IntegersAsExponents) {
  GraphBuilder b = Spelled(2, 0);
  b.Ints("exponent", {}, {3});
  b.model.graph.nodes[0].inputs[1] = "exponent";
  EXPECT_EQ(FuseGelu(b.model.graph, 13), 1U);
}

// As widening a model of float16 leaves them.
TEST(FuseGeluTest, NumbersThatWereHalves) {
  for (const int spelling : {0, 1, 2, 3, 4}) {
    GraphBuilder b = Spelled(spelling, 0);
    for (auto& [name, tensor] : b.model.graph.initializers) {
      const uint32_t bits = std::bit_cast<uint32_t>(tensor.values<float>()[0]) + 0x1000;
      tensor = MakeFloatTensor(name, tensor.dims,
                               std::vector<float>{std::bit_cast<float>(bits & 0xFFFFE000)});
    }
    // Scales of a quantized neighbour are none of the model's numbers.
    b.Floats("scale", {}, {0.03F});
    b.model.graph.initializers["zero"] =
        MakeTensor<uint8_t>("zero", DataType::kUint8, {}, std::vector<uint8_t>{128});
    b.Output("codes", DataType::kUint8).Add("QuantizeLinear", {"x", "scale", "zero"}, {"codes"});
    const Model before = b.model;
    EXPECT_EQ(FuseGelu(b.model.graph, 13), 1U) << spelling;
    EXPECT_LT(RelativeDifference(before, b.model), 1e-4F);
  }
}

TEST(FuseGeluTest, OneReadingBehindDequantize) {
  GraphBuilder b = Numbers(13);
  b.Floats("scale", {}, {0.03F});
  b.model.graph.initializers["zero"] =
      MakeTensor<uint8_t>("zero", DataType::kUint8, {}, std::vector<uint8_t>{128});
  b.model.graph.inputs[0].name = "image";
  b.Add("QuantizeLinear", {"image", "scale", "zero"}, {"q"});
  b.Add("DequantizeLinear", {"q", "scale", "zero"}, {"x"});
  AddFunction(b, 0);
  AddProduct(b, 0);
  b.Add("Neg", {"act"}, {"y"});
  InferTypes(b.model, "m");
  EXPECT_EQ(OptimizedOperators(b.model).count("Gelu"), 0U) << "why the Sum is there";
  const Model before = b.model;
  EXPECT_EQ(FuseGelu(b.model.graph, 13), 1U);
  EXPECT_EQ(OptimizedOperators(b.model).at("Gelu"), 1);
  const std::vector<Tensor> inputs = {RandomTensor("image", {2, 64}, 7)};
  EXPECT_EQ(MaxDifference(RunModel(before, inputs)[0], RunModel(b.model, inputs)[0]), 0.0F);
}

TEST(FuseGeluTest, LeavesOtherNumbersAlone) {
  for (const int spelling : {0, 1, 2, 3, 4}) {
    GraphBuilder argument = Spelled(spelling, 1);
    argument.Floats("root", {}, {1.5F}).Floats("inverse", {1}, {0.7F});
    argument.Floats("factor", {}, {0.8F});
    EXPECT_EQ(FuseGelu(argument.model.graph, 13), 0U) << spelling;
  }
  GraphBuilder half = Spelled(0, 0);
  half.Floats("half", {}, {0.4F});
  EXPECT_EQ(FuseGelu(half.model.graph, 13), 0U);
  GraphBuilder one = Spelled(2, 1);
  one.Floats("one", {}, {1.1F});
  EXPECT_EQ(FuseGelu(one.model.graph, 13), 0U);
  GraphBuilder gate = Spelled(0, 3);
  gate.Floats("half", {1}, {0.25F});
  EXPECT_EQ(FuseGelu(gate.model.graph, 13), 0U) << "half as much as a GELU";
}

TEST(FuseGeluTest, LeavesStepsThatOthersReadAlone) {
  for (const char* value : {"u", "f", "g", "m"}) {
    GraphBuilder b = Spelled(0, 0);
    b.Output(value);
    EXPECT_EQ(FuseGelu(b.model.graph, 13), 0U) << value;
  }
  GraphBuilder other = Spelled(0, 0);
  other.Input("z", {"2", "64"});
  other.model.graph.nodes[3].inputs[0] = "z";
  EXPECT_EQ(FuseGelu(other.model.graph, 13), 0U) << "gates another value";
  GraphBuilder wide = Numbers(13);
  wide.Floats("root", {1, 1, 1}, {kRoot});
  AddFunction(wide, 0);
  AddProduct(wide, 0);
  EXPECT_EQ(FuseGelu(wide.model.graph, 13), 0U) << "the number adds a dimension";
}

}  // namespace
}  // namespace qconvert
