#include "qconvert/targets/op_rules.h"

#include <gtest/gtest.h>

#include <set>

#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/targets/target.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

// Why the last node of the model stays float; empty when a kernel takes it.
std::string Why(GraphBuilder& b) {
  InferTypes(b.model, "m");
  return WhyFloat(b.model.graph, b.model.graph.nodes.back());
}

GraphBuilder Image() {
  GraphBuilder b;
  b.Input("x", {"1", "4", "6", "6"}).Output("y").Random("w", {8, 4, 3, 3}).Random("b", {8});
  return b;
}

GraphBuilder Matrix() {
  GraphBuilder b;
  b.Input("x", {"5", "4"}).Output("y").Random("w", {4, 3}).Random("b", {3});
  return b;
}

TEST(OpRulesTest, OnlyTheStandardDomainHasRows) {
  Node node = MakeNode("Conv", {"x", "w"}, {"y"});
  EXPECT_EQ(FindOpRule(node).kind, OpKind::kWeighted);
  EXPECT_EQ(FindOpRule(MakeNode("Add", {"a", "b"}, {"y"})).value_inputs, 2U);
  EXPECT_EQ(FindOpRule(MakeNode("Concat", {"a", "b", "c"}, {"y"})).value_inputs, kAllInputs);
  EXPECT_EQ(FindOpRule(MakeNode("Reshape", {"a", "s"}, {"y"})).kind, OpKind::kMovement);
  EXPECT_EQ(FindOpRule(MakeNode("Reshape", {"a", "s"}, {"y"})).value_inputs, 1U);
  EXPECT_EQ(FindOpRule(MakeNode("MyOwn", {"a"}, {"y"})).kind, OpKind::kFloatOnly);
  node.domain = "com.example";
  EXPECT_EQ(FindOpRule(node).kind, OpKind::kFloatOnly);
}

TEST(OpRulesTest, ConvolutionsWithConstantWeights) {
  GraphBuilder b = Image();
  b.Add("Conv", {"x", "w", "b"}, {"y"});
  EXPECT_EQ(Why(b), "");
  GraphBuilder plain = Image();
  plain.Add("Conv", {"x", "w"}, {"y"});
  EXPECT_EQ(Why(plain), "");
}

TEST(OpRulesTest, WeightsAndBiasesComputedAtRunTime) {
  GraphBuilder b = Image();
  b.Input("v", {"8", "4", "3", "3"}).Add("Conv", {"x", "v"}, {"y"});
  EXPECT_EQ(Why(b), "its weight is computed at run time");
  GraphBuilder bias = Image();
  bias.Input("v", {"8"}).Add("Conv", {"x", "w", "v"}, {"y"});
  EXPECT_EQ(Why(bias), "its bias is computed at run time");
}

TEST(OpRulesTest, WhatGemmsHaveNoKernelFor) {
  const auto why = [](const char* attribute, auto value, bool bias) {
    GraphBuilder b = Matrix();
    b.Random("sq", {5, 3});
    const bool transposed = std::string(attribute) == "transA";
    Node& node = b.Add("Gemm", {"x", transposed ? "sq" : "w"}, {"y"});
    if (bias) node.inputs.push_back("b");
    node.Set(attribute, value);
    return Why(b);
  };
  EXPECT_EQ(why("alpha", 1.0F, true), "");
  EXPECT_EQ(why("transA", int64_t{1}, false), "transA has no integer kernel");
  EXPECT_EQ(why("alpha", 0.5F, true), "alpha is not 1");
  EXPECT_EQ(why("beta", 0.5F, true), "beta is not 1");
  EXPECT_EQ(why("beta", 0.5F, false), "") << "there is no bias to scale";
}

TEST(OpRulesTest, ABiasIsOneNumberPerChannel) {
  GraphBuilder b = Matrix();
  b.Random("row", {5, 3}).Add("Gemm", {"x", "w", "row"}, {"y"});
  EXPECT_EQ(Why(b), "its bias is not one number per channel");
}

TEST(OpRulesTest, MatMulsOfTwoActivationsAreTaken) {
  GraphBuilder b = Matrix();
  b.Input("v", {"4", "3"}).Add("MatMul", {"x", "v"}, {"y"});
  EXPECT_EQ(Why(b), "");
  GraphBuilder vector = Matrix();
  vector.Random("u", {4}).Add("MatMul", {"x", "u"}, {"y"});
  EXPECT_EQ(Why(vector), "its weight is a vector");
}

TEST(OpRulesTest, MovementThatWouldChangeValues) {
  GraphBuilder zero = Image();
  zero.Ints("pads", {8}, {0, 0, 1, 1, 0, 0, 1, 1}).Floats("v", {}, {0.0F});
  zero.Add("Pad", {"x", "pads", "v"}, {"y"});
  EXPECT_EQ(Why(zero), "");
  GraphBuilder one = Image();
  one.Ints("pads", {8}, {0, 0, 1, 1, 0, 0, 1, 1}).Floats("v", {}, {1.0F});
  one.Add("Pad", {"x", "pads", "v"}, {"y"});
  EXPECT_EQ(Why(one), "pads with another value than 0");
  for (const char* mode : {"nearest", "linear"}) {
    GraphBuilder resize = Image();
    resize.Floats("s", {4}, {1, 1, 2, 2})
        .Add("Resize", {"x", "", "s"}, {"y"})
        .Set("mode", std::string(mode));
    EXPECT_EQ(Why(resize),
              std::string(mode) == "nearest" ? "" : "no exact integer kernel for mode linear");
  }
}

TEST(OpRulesTest, PoolsWhoseIndicesAreUsed) {
  GraphBuilder b = Image();
  b.Output("i", DataType::kInt64);
  b.Add("MaxPool", {"x"}, {"y", "i"}).Set("kernel_shape", std::vector<int64_t>{2, 2});
  EXPECT_EQ(Why(b), "its indices are used");
}

TEST(OpRulesTest, IntegersAndDoublesAreNoFloats) {
  GraphBuilder b;
  b.Input("x", {"4"}, DataType::kInt64).Output("y", DataType::kInt64);
  b.Add("Add", {"x", "x"}, {"y"});
  EXPECT_EQ(Why(b), "is not float32");
  EXPECT_FALSE(ComputesFloat(b.model.graph, b.model.graph.nodes.back()));
}

// Every weight is in the order exactly once, and channels are those of WeightAxis.
TEST(KernelOrderTest, WalksEveryWeightOnce) {
  struct Case {
    const char* op_type;
    std::vector<int64_t> dims;
    int64_t group;
    bool transposed;
    int64_t axis;
    bool pairs;
  };
  const Case cases[] = {
      {"Conv", {6, 4, 3, 3}, 1, false, 0, true},   {"Conv", {6, 2, 5}, 3, false, 0, true},
      {"Conv", {6, 1, 3, 3}, 6, false, 0, false},  {"Gemm", {4, 7}, 1, false, 1, true},
      {"Gemm", {7, 4}, 1, true, 0, true},          {"MatMul", {4, 7}, 1, false, 1, true},
      {"MatMul", {2, 3, 4, 7}, 1, false, -1, true}};
  for (const Case& c : cases) {
    Node node = MakeNode(c.op_type, {"x", "w"}, {"y"});
    if (c.group != 1) node.Set("group", c.group);
    if (c.transposed) node.Set("transB", int64_t{1});
    const Tensor weight = RandomTensor("w", c.dims, 1);
    const WeightOrder o = KernelOrder(node, weight);
    EXPECT_EQ(o.axis, c.axis);
    EXPECT_EQ(o.pairs_in_16_bits, c.pairs) << c.op_type << c.group;
    std::set<int64_t> seen;
    for (int64_t b = 0; b < o.batches; ++b) {
      for (int64_t channel = 0; channel < o.channels; ++channel) {
        for (int64_t k = 0; k < o.count; ++k) {
          seen.insert(b * o.batch_stride + channel * o.channel_stride +
                      k / o.inner_count * o.outer_stride + k % o.inner_count * o.inner_stride);
        }
      }
    }
    EXPECT_EQ(static_cast<int64_t>(seen.size()), weight.element_count()) << c.op_type;
    EXPECT_EQ(*seen.begin(), 0);
    EXPECT_EQ(*seen.rbegin(), weight.element_count() - 1);
  }
}

// A kernel that computes channels last adds up neighbouring input channels of one position.
TEST(KernelOrderTest, ConvolutionsAreComputedChannelsLast) {
  const Node node = MakeNode("Conv", {"x", "w"}, {"y"});
  const WeightOrder o = KernelOrder(node, RandomTensor("w", {8, 4, 3, 3}, 1));
  EXPECT_EQ(o.inner_count, 4);
  EXPECT_EQ(o.inner_stride, 9) << "the next input channel";
  EXPECT_EQ(o.outer_stride, 1) << "the next position";
}

TEST(CanBeDynamicTest, MatricesAndPlainRecurrentNodes) {
  const auto can = [](const char* op_type, std::vector<std::string> inputs, const char* attribute,
                      int64_t value) {
    GraphBuilder b;
    b.Input("x", {"5", "1", "4"}).Input("v", {"4", "3"}).Output("y");
    b.Ints("lengths", {1}, {4}).Random("w9", {1, 9, 4}).Random("r9", {1, 9, 3});
    b.Random("m", {4, 3}).Random("m3", {1, 4, 3}).Random("w", {1, 12, 4}).Random("r", {1, 12, 3});
    Node& node = b.Add(op_type, std::move(inputs), {"y"});
    if (attribute != nullptr) node.Set(attribute, value);
    return CanBeDynamic(b.model.graph, node);
  };
  EXPECT_TRUE(can("MatMul", {"x", "m"}, nullptr, 0));
  EXPECT_FALSE(can("MatMul", {"x", "m3"}, nullptr, 0)) << "no matrix";
  EXPECT_FALSE(can("MatMul", {"x", "v"}, nullptr, 0)) << "no constant";
  EXPECT_TRUE(can("Gemm", {"x", "m"}, nullptr, 0));
  EXPECT_FALSE(can("Gemm", {"x", "m"}, "transA", 1));
  EXPECT_TRUE(can("LSTM", {"x", "w", "r"}, "hidden_size", 3));
  EXPECT_FALSE(can("LSTM", {"x", "w", "r"}, "layout", 1));
  EXPECT_FALSE(can("LSTM", {"x", "w", "r"}, "input_forget", 1));
  EXPECT_TRUE(can("GRU", {"x", "w9", "r9"}, "linear_before_reset", 1));
  EXPECT_TRUE(can("GRU", {"x", "w9", "r9"}, "hidden_size", 3)) << "two products by step";
  EXPECT_FALSE(can("GRU", {"x", "w9", "r9", "", "lengths"}, "linear_before_reset", 1));
  EXPECT_FALSE(can("GRU", {"x", "w9", "r9"}, "clip", 1));
}

TEST(OpRulesTest, IntegerKernelsAreThoseOfQuantizedFiles) {
  for (const char* type : {"QLinearConv", "QGemm", "MatMulInteger", "DynamicQuantizeLSTM"})
    EXPECT_TRUE(IsIntegerKernel(MakeNode(type, {}, {}))) << type;
  for (const char* type : {"Conv", "QuantizeLinear", "DynamicQuantizeLinear", "MatMulNBits"})
    EXPECT_FALSE(IsIntegerKernel(MakeNode(type, {}, {}))) << type;
  Node node = MakeNode("MatMulNBits", {}, {});
  node.Set("accuracy_level", int64_t{4});
  EXPECT_TRUE(IsIntegerKernel(node)) << "values are rounded to int8";
  node.domain = "com.example";
  EXPECT_FALSE(IsIntegerKernel(node));
}

// What the engine fuses between pairs is more than what is placed, and less than what works on
// codes.
TEST(OpRulesTest, WhatPairsBecome) {
  EXPECT_EQ(FindOpRule(MakeNode("Conv", {}, {})).pair_form, PairForm::kWeighted);
  EXPECT_EQ(FindOpRule(MakeNode("Where", {}, {})).pair_form, PairForm::kArithmetic);
  EXPECT_EQ(FindOpRule(MakeNode("Where", {}, {})).kind, OpKind::kFloatOnly);
  EXPECT_EQ(FindOpRule(MakeNode("Relu", {}, {})).pair_form, PairForm::kNone);
  EXPECT_EQ(FindOpRule(MakeNode("Relu", {}, {})).kind, OpKind::kMovement);
  GraphBuilder b;
  b.Input("c", {"2"}, DataType::kBool).Input("x", {"2"}).Output("y");
  b.Add("Where", {"c", "x", "x"}, {"y"});
  EXPECT_EQ(Why(b), "integers are not placed on Where");
}

TEST(TargetTest, FilesOfOthersAreJudgedByAllKernels) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y").Add("Tanh", {"x"}, {"y"});
  InferTypes(b.model, "m");
  const Node& node = b.model.graph.nodes[0];
  EXPECT_NE(WhyFloatOn(kQnnTarget, b.model.graph, node), "") << "nothing places it";
  EXPECT_EQ(WhyNoKernelOn(kQnnTarget, b.model.graph, node), "");
  EXPECT_NE(WhyFloatOn(kBpuTarget, b.model.graph, node), "") << "nothing places it";
  EXPECT_EQ(WhyNoKernelOn(kBpuTarget, b.model.graph, node), "") << "a table of codes";
  EXPECT_NE(WhyNoKernelOn(kCpuTarget, b.model.graph, node), "") << "has no such table";
}

TEST(TargetTest, BpuTakesWeightsOfUpToThreeDimensionsInSpace) {
  const auto why = [](const char* op_type, size_t dimensions, bool is_constant) {
    GraphBuilder b;
    std::vector<int64_t> dims(dimensions, 1);
    if (is_constant) b.Random("w", dims);
    Node node = MakeNode(op_type, {"x", "w"}, {"y"});
    return WhyNoKernelOn(kBpuTarget, b.model.graph, node);
  };
  EXPECT_EQ(why("Conv", 4, true), "");
  EXPECT_EQ(why("ConvTranspose", 5, true), "");
  EXPECT_EQ(why("Conv", 6, true), "its weights have 6 dimensions, at most 5 are taken");
  EXPECT_EQ(why("Conv", 4, false), "its weights are computed");
  Node resize = MakeNode("Resize", {"x"}, {"y"});
  EXPECT_EQ(WhyNoKernelOn(kBpuTarget, Graph(), resize), "");
  resize.Set("mode", std::string("cubic"));
  EXPECT_EQ(WhyNoKernelOn(kBpuTarget, Graph(), resize), "mode cubic");
  EXPECT_EQ(WhyNoKernelOn(kBpuTarget, Graph(), MakeNode("NonZero", {"x"}, {"y"})),
            "target BPU computes NonZero in float");
}

}  // namespace
}  // namespace qconvert
