// What we write, the engine runs on integer kernels: counted in its own optimized graph; and stays
// near the float model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "qconvert/ir/graph_printer.h"
#include "support/quantize_model.h"

namespace qconvert {
namespace {

using testing::Contains;
using testing::Pair;

struct FusionCase {
  const char* name;
  std::function<void(GraphBuilder&)> build;  // x float[1,8,8,8] -> ... -> y
  std::map<std::string, int> expected;       // operators of the optimized graph
  float tolerance = 0.05F;                   // of the largest float output
};

void AddConv(GraphBuilder& b, const std::string& x, const std::string& y, int64_t channels = 8,
             int64_t group = 1) {
  b.Random("w_" + y, {channels, 8 / group, 3, 3}, 0.2F).Random("b_" + y, {channels});
  Node& node = b.Add("Conv", {x, "w_" + y, "b_" + y}, {y});
  node.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  node.Set("group", group);
}

std::vector<FusionCase> Cases() {
  return {
      {"conv", [](GraphBuilder& b) { AddConv(b, "x", "y"); }, {{"QLinearConv", 1}}},
      {"depthwise", [](GraphBuilder& b) { AddConv(b, "x", "y", 8, 8); }, {{"QLinearConv", 1}}},
      {"conv relu",
       [](GraphBuilder& b) { AddConv(b, "x", "c"), b.Add("Relu", {"c"}, {"y"}); },
       {{"QLinearConv", 1}, {"Relu", 0}}},
      {"conv relu6",
       [](GraphBuilder& b) {
         b.Floats("lo", {}, {0}).Floats("hi", {}, {6});
         AddConv(b, "x", "c");
         b.Add("Clip", {"c", "lo", "hi"}, {"y"});
       },
       {{"QLinearConv", 1}, {"Clip", 0}}},
      {"conv hardtanh",
       [](GraphBuilder& b) {
         b.Floats("lo", {}, {-1}).Floats("hi", {}, {1});
         AddConv(b, "x", "c");
         b.Add("Clip", {"c", "lo", "hi"}, {"y"});
       },
       {{"QLinearConv", 1}, {"Clip", 0}}},
      {"residual",
       [](GraphBuilder& b) {
         AddConv(b, "x", "c1");
         b.Add("Relu", {"c1"}, {"r1"});
         AddConv(b, "r1", "c2");
         b.Add("Add", {"c2", "r1"}, {"s"});
         b.Add("Relu", {"s"}, {"y"});
       },
       {{"QLinearConv", 2}, {"QLinearAdd", 1}, {"Relu", 0}, {"DequantizeLinear", 1}}},
      {"shared relu (pre-activation)",
       [](GraphBuilder& b) {
         AddConv(b, "x", "c1");
         b.Add("Relu", {"c1"}, {"r"});
         AddConv(b, "r", "c2");
         b.Add("Add", {"c1", "c2"}, {"y"});
       },
       {{"QLinearConv", 2}, {"QLinearAdd", 1}, {"DequantizeLinear", 1}}},
      {"concat",
       [](GraphBuilder& b) {
         AddConv(b, "x", "c1");
         AddConv(b, "x", "c2");
         b.Add("Concat", {"c1", "c2"}, {"y"}).Set("axis", int64_t{1});
       },
       {{"QLinearConv", 2}, {"QLinearConcat", 1}}},
      {"pools",
       [](GraphBuilder& b) {
         AddConv(b, "x", "c");
         Node& max = b.Add("MaxPool", {"c"}, {"m"});
         max.Set("kernel_shape", std::vector<int64_t>{2, 2});
         max.Set("strides", std::vector<int64_t>{2, 2});
         b.Add("AveragePool", {"m"}, {"a"}).Set("kernel_shape", std::vector<int64_t>{2, 2});
         b.Add("GlobalAveragePool", {"a"}, {"y"});
       },
       {{"QLinearConv", 1},
        {"QLinearAveragePool", 1},
        {"QLinearGlobalAveragePool", 1},
        {"DequantizeLinear", 1}}},
      {"channel shuffle",
       [](GraphBuilder& b) {
         b.Ints("s1", {5}, {1, 2, 4, 8, 8}).Ints("s2", {4}, {1, 8, 8, 8});
         AddConv(b, "x", "c");
         b.Add("Reshape", {"c", "s1"}, {"r"});
         b.Add("Transpose", {"r"}, {"t"}).Set("perm", std::vector<int64_t>{0, 2, 1, 3, 4});
         b.Add("Reshape", {"t", "s2"}, {"u"});
         b.Output("z").Ints("split", {2}, {4, 4});
         b.Add("Split", {"u", "split"}, {"y", "z"}).Set("axis", int64_t{1});
       },
       {{"QLinearConv", 1}, {"QuantizeLinear", 1}, {"DequantizeLinear", 2}}},
      {"slice gather pad resize depth to space",
       [](GraphBuilder& b) {
         b.Ints("st", {1}, {0})
             .Ints("en", {1}, {6})
             .Ints("ax", {1}, {2})
             .Ints("i", {4}, {3, 1, 0, 2})
             .Ints("p", {8}, {0, 0, 1, 1, 0, 0, 1, 1});
         b.Floats("sc", {4}, {1, 1, 2, 2});
         AddConv(b, "x", "c");
         b.Add("Slice", {"c", "st", "en", "ax"}, {"s"});
         b.Add("Gather", {"s", "i"}, {"g"}).Set("axis", int64_t{1});
         b.Add("Pad", {"g", "p"}, {"pad"});
         b.Add("Resize", {"pad", "", "sc"}, {"rs"}).Set("mode", std::string("nearest"));
         b.Add("DepthToSpace", {"rs"}, {"y"}).Set("blocksize", int64_t{2});
       },
       {{"QLinearConv", 1}, {"QuantizeLinear", 1}, {"DequantizeLinear", 1}}},
      {"leaky relu and silu",
       [](GraphBuilder& b) {
         AddConv(b, "x", "c1");
         b.Add("LeakyRelu", {"c1"}, {"l"}).Set("alpha", 0.1F);
         AddConv(b, "l", "c2");
         b.Add("Sigmoid", {"c2"}, {"g"});
         b.Add("Mul", {"c2", "g"}, {"m"});
         AddConv(b, "m", "y");
       },
       {{"QLinearConv", 3},
        {"QLinearLeakyRelu", 1},
        {"QLinearSigmoid", 1},
        {"QLinearMul", 1},
        {"DequantizeLinear", 1}},
       0.08F},
      {"hard swish",
       [](GraphBuilder& b) {
         b.model.opsets[""] = 14;
         AddConv(b, "x", "c1");
         b.Add("HardSwish", {"c1"}, {"h"});
         AddConv(b, "h", "y");
       },
       {{"QLinearConv", 2},
        {"QLinearAdd", 1},
        {"QLinearMul", 1},
        {"HardSigmoid", 0},
        {"DequantizeLinear", 1}}},
      {"squeeze and excite",
       [](GraphBuilder& b) {
         b.Random("w1", {4, 8, 1, 1}).Random("w2", {8, 4, 1, 1});
         AddConv(b, "x", "c");
         b.Add("GlobalAveragePool", {"c"}, {"p"});
         b.Add("Conv", {"p", "w1"}, {"e"});
         b.Add("Relu", {"e"}, {"er"});
         b.Add("Conv", {"er", "w2"}, {"f"});
         b.Add("HardSigmoid", {"f"}, {"g"});
         b.Add("Mul", {"c", "g"}, {"m"});
         AddConv(b, "m", "y");
       },
       {{"QLinearConv", 4},
        {"QLinearMul", 1},
        {"QLinearAdd", 1},
        {"QLinearGlobalAveragePool", 1},
        {"DequantizeLinear", 1}},
       0.08F},
      {"classifier: flatten, gemm",
       [](GraphBuilder& b) {
         b.Random("wg", {8, 5}).Random("bg", {5});
         AddConv(b, "x", "c");
         b.Add("GlobalAveragePool", {"c"}, {"p"});
         b.Add("Flatten", {"p"}, {"f"});
         b.Add("Gemm", {"f", "wg", "bg"}, {"y"});
       },
       {{"QLinearConv", 1}, {"QGemm", 1}, {"DequantizeLinear", 0}}},
      {"linear layers on a sequence",
       [](GraphBuilder& b) {
         b.Random("w1", {8, 16}).Random("b1", {16}).Random("w2", {16, 8}).Random("b2", {8});
         b.Add("MatMul", {"x", "w1"}, {"m1"});
         b.Add("Add", {"m1", "b1"}, {"a1"});
         b.Add("Relu", {"a1"}, {"r"});
         b.Add("MatMul", {"r", "w2"}, {"m2"});
         b.Add("Add", {"b2", "m2"}, {"y"});
       },
       {{"QGemm", 2}, {"Gemm", 0}, {"MatMul", 0}}},
      {"matmul without bias",
       [](GraphBuilder& b) {
         b.Random("w", {8, 4}), b.Add("MatMul", {"x", "w"}, {"y"});
       },
       {{"MatMulIntegerToFloat", 1}}},
  };
}

TEST(FusionTest, IntegerKernelsAreUsedAndResultsStayNear) {
  const std::vector<std::vector<Tensor>> samples = {{RandomTensor("x", {1, 8, 8, 8}, 1)},
                                                    {RandomTensor("x", {1, 8, 8, 8}, 2)}};
  for (const FusionCase& test : Cases()) {
    SCOPED_TRACE(test.name);
    GraphBuilder b;
    b.Input("x", {"1", "8", "8", "8"}).Output("y");
    test.build(b);
    const QuantizedModel q = QuantizeModel(b.model, samples);
    const auto operators = OptimizedOperators(q.model);
    for (const auto& [op, count] : test.expected) {
      const auto it = operators.find(op);
      EXPECT_EQ(it == operators.end() ? 0 : it->second, count) << op << "\n"
                                                               << PrintGraph(q.model.graph);
    }
    const Tensor expected = RunModel(b.model, samples[0])[0];
    const Tensor actual = RunModel(q.model, samples[0], true)[0];
    float largest = 0;
    for (const float v : ToFloats(expected)) largest = std::max(largest, std::fabs(v));
    EXPECT_LE(MaxDifference(expected, actual), test.tolerance * largest);
  }
}

// ONNX Runtime quantizes float weights behind a scalar DQ by itself; a node that the plan keeps
// float must stay float.
TEST(FusionTest, AFloatConvBetweenIntegerOnesKeepsItsWeights) {
  GraphBuilder b;
  b.Input("x", {"1", "8", "8", "8"}).Output("y").Random("wt", {8, 8, 3, 3}, 0.2F);
  AddConv(b, "x", "c1");
  b.Add("ConvTranspose", {"c1", "wt"}, {"t"}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  AddConv(b, "t", "y");
  const QuantizedModel q = QuantizeModel(b.model, {{RandomTensor("x", {1, 8, 8, 8}, 1)}});
  const auto operators = OptimizedOperators(q.model);
  EXPECT_THAT(operators, Contains(Pair("QLinearConv", 2)));
  EXPECT_THAT(operators, Contains(Pair("ConvTranspose", 1)));
  EXPECT_THAT(operators, Contains(Pair("DequantizeLinear", 2)))
      << "one before it, one at the end, none for its weights";
}

TEST(FusionTest, SixteenBitActivationsRunAndAreFiner) {
  GraphBuilder b;
  b.Input("x", {"1", "8", "8", "8"}).Output("y");
  AddConv(b, "x", "c");
  b.Add("Relu", {"c"}, {"r"});
  b.Add("MaxPool", {"r"}, {"y"}).Set("kernel_shape", std::vector<int64_t>{2, 2});
  QuantConfig config;
  config.tensors.activation.bit_width = config.tensors.input.bit_width = 16;
  const std::vector<Tensor> x = {RandomTensor("x", {1, 8, 8, 8}, 1)};
  const QuantizedModel wide = QuantizeModel(b.model, {x}, config);
  EXPECT_EQ(wide.model.opsets.count("com.microsoft"), 1U);
  // The engine has no integer kernels for 16 bit: as long as that holds, float is the next step of
  // a node that 8 bit do not serve.
  for (const auto& [op, count] : OptimizedOperators(wide.model))
    EXPECT_FALSE(op.starts_with("QLinear")) << count << " x " << op;
  const QuantizedModel narrow = QuantizeModel(b.model, {x});
  const Tensor expected = RunModel(b.model, x)[0];
  EXPECT_LT(MaxDifference(expected, RunModel(wide.model, x, true)[0]),
            MaxDifference(expected, RunModel(narrow.model, x, true)[0]));
}

TEST(FusionTest, SignedSymmetricActivationsKeepTheirRelu) {
  GraphBuilder b;
  b.Input("x", {"1", "8", "8", "8"}).Output("y");
  AddConv(b, "x", "c");
  b.Add("Relu", {"c"}, {"y"});
  QuantConfig config;
  config.tensors.activation.symmetry = config.tensors.activation.is_signed = true;
  const std::vector<Tensor> x = {RandomTensor("x", {1, 8, 8, 8}, 1)};
  const QuantizedModel q = QuantizeModel(b.model, {x}, config);
  const Tensor y = RunModel(q.model, x, true)[0];
  for (const float v : y.values<float>()) ASSERT_GE(v, 0);
}

// Symmetric int8 activations as uint8 with zero point 128: a Relu is no saturation there, so it
// follows on the codes, and the convolution keeps its kernel.
TEST(SignedActivationsTest, RunOnTheKernelsOfUnsignedOnes) {
  GraphBuilder b;
  b.Input("x", {"1", "8", "8", "8"}).Output("y");
  AddConv(b, "x", "c1");
  b.Add("Relu", {"c1"}, {"r"});
  AddConv(b, "r", "c2");
  b.Add("Add", {"c2", "r"}, {"y"});
  QuantConfig config;
  for (TensorSettings* settings : {&config.tensors.activation, &config.tensors.input})
    settings->symmetry = settings->is_signed = true;
  std::vector<std::vector<Tensor>> samples;
  for (uint32_t seed = 1; seed <= 4; ++seed)
    samples.push_back({RandomTensor("x", {1, 8, 8, 8}, seed)});
  const QuantizedModel unsigned_codes = QuantizeModel(b.model, samples, config);
  EXPECT_THAT(OptimizedOperators(unsigned_codes.model),
              testing::AllOf(Contains(Pair("QLinearConv", 2)), Contains(Pair("QLinearAdd", 1))));
  // Bit for bit the numbers of int8 with zero point 0, computed without any kernel.
  config.target_device = TargetDevice::kBpu;
  const QuantizedModel signed_codes = QuantizeModel(b.model, samples, config);
  for (const auto& sample : samples) {
    const Tensor a = RunModel(unsigned_codes.model, sample)[0];
    const Tensor s = RunModel(signed_codes.model, sample)[0];
    EXPECT_EQ(*a.bytes, *s.bytes);
  }
}

}  // namespace
}  // namespace qconvert
