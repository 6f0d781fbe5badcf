#include "qconvert/ir/operator_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "qconvert/ir/bias_length.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

// What is said of the last node of the graph.
std::string Why(const GraphBuilder& b) {
  const Graph& graph = b.model.graph;
  return WhyInvalid(graph.nodes.back(),
                    [&](const std::string& name) { return graph.FindInitializer(name); });
}

GraphBuilder Conv(std::vector<int64_t> weight, std::vector<int64_t> bias) {
  GraphBuilder b;
  b.Random("w", std::move(weight)).Random("b", std::move(bias));
  b.Add("Conv", {"x", "w", "b"}, {"y"});
  return b;
}

TEST(OperatorChecksTest, SoDoOtherFormsOfThem) {
  GraphBuilder fused = Conv({4, 3, 3, 3}, {1});
  fused.model.graph.nodes[0].domain = "com.microsoft";
  fused.model.graph.nodes[0].op_type = "FusedConv";
  EXPECT_EQ(Why(fused), "has 1 biases, expected 4");
  fused.model.graph.nodes[0].Set("group", int64_t{0});
  EXPECT_EQ(Why(fused), "has group 0, expected 1 or more");
  GraphBuilder b;
  b.Random("w", {4, 3, 3, 3}).Random("b", {1});
  b.Add("QLinearConv", {"x", "s", "z", "w", "s", "z", "s", "z", "b"}, {"y"});
  EXPECT_EQ(Why(b), "has 1 biases, expected 4");
  GraphBuilder blocked = Conv({8, 8, 3, 3}, {4});
  blocked.model.graph.nodes[0].domain = "com.microsoft.nchwc";
  EXPECT_EQ(Why(blocked), "has 4 biases, expected 8");
}

// What passes 64 bits must not wrap to the count that is there.
TEST(OperatorChecksTest, CountsOfBiasesDoNotWrap) {
  Node node = MakeNode("ConvTranspose", {"x", "w", "b"}, {"y"});
  node.Set("group", int64_t{4});
  const FindDims dims = [](const std::string& name) -> std::optional<std::vector<int64_t>> {
    return name == "w" ? std::vector<int64_t>{0, int64_t{1} << 62, 1, 1} : std::vector<int64_t>{0};
  };
  EXPECT_EQ(WhyWrongBias(node, dims), "has 0 biases, expected 9223372036854775807");
}

TEST(OperatorChecksTest, ConvolutionsFitTheirWeights) {
  EXPECT_EQ(Why(Conv({4, 3, 3, 3}, {4})), "");
  EXPECT_EQ(Why(Conv({4, 3, 3, 3}, {2})), "has 2 biases, expected 4");
  EXPECT_EQ(Why(Conv({4, 3}, {4})), "has weights of rank 2, expected 3 or more");
  GraphBuilder b = Conv({4, 3, 3, 3}, {4});
  b.model.graph.nodes[0].Set("strides", std::vector<int64_t>{0, 1});
  EXPECT_THAT(Why(b), testing::HasSubstr("strides 0, expected 1"));
  b.model.graph.nodes[0].Set("strides", std::vector<int64_t>{1, 1, 1});
  EXPECT_EQ(Why(b), "has 3 strides, expected 2");
  b = Conv({4, 3, 3, 3}, {4});
  b.model.graph.nodes[0].Set("group", int64_t{3});
  EXPECT_EQ(Why(b), "has 4 channels, which 3 groups do not divide");
  b.model.graph.nodes[0].Set("group", int64_t{0});
  EXPECT_THAT(Why(b), testing::HasSubstr("group 0")) << "no division by it";
  b = Conv({4, 3, 3, 3}, {6});
  b.model.graph.nodes[0].op_type = "ConvTranspose";
  b.model.graph.nodes[0].Set("group", int64_t{2});
  EXPECT_EQ(Why(b), "");
}

TEST(OperatorChecksTest, RequiredInputsAreThere) {
  const auto why = [](const char* type, const std::vector<std::string>& inputs) {
    GraphBuilder b;
    b.Add(type, inputs, {"y"});
    return Why(b);
  };
  EXPECT_EQ(why("Tanh", {}), "lacks input 1 of 1");
  EXPECT_EQ(why("Tanh", {"x"}), "");
  EXPECT_EQ(why("MatMul", {"x"}), "lacks input 2 of 2");
  EXPECT_EQ(why("MatMul", {"x", ""}), "lacks input 2 of 2");
  EXPECT_EQ(why("LSTM", {"x", "w", "r", "", "", "h"}), "");
  EXPECT_EQ(why("Resize", {"x", "", "scales"}), "");
  EXPECT_EQ(why("Constant", {}), "");
  EXPECT_EQ(why("Loop", {"", "", "x"}), "") << "both may be left out";
  GraphBuilder custom;
  custom.Add("Tanh", {}, {"y"}).domain = "acme";
  EXPECT_EQ(Why(custom), "");
}

TEST(OperatorChecksTest, IntegerDivisionDoesNotTrap) {
  const auto divide = [](std::vector<int64_t> a, std::vector<int64_t> by) {
    GraphBuilder b;
    b.Ints("a", {static_cast<int64_t>(a.size())}, a);
    b.Ints("by", {static_cast<int64_t>(by.size())}, by);
    b.Add("Div", {"a", "by"}, {"y"});
    return Why(b);
  };
  EXPECT_EQ(divide({7, -7}, {2, -1}), "");
  EXPECT_EQ(divide({7}, {0}), "divides integers by zero");
  EXPECT_THAT(divide({std::numeric_limits<int64_t>::min()}, {-1}),
              testing::HasSubstr("by -1, which overflows"));
  GraphBuilder floats;
  floats.Floats("a", {1}, {1}).Floats("by", {1}, {0});
  floats.Add("Div", {"a", "by"}, {"y"});
  EXPECT_EQ(Why(floats), "") << "an infinity is no trap";
}

TEST(OperatorChecksTest, RecurrentWeightsHaveTheShapesOfTheirHiddenSize) {
  const auto lstm = [](std::vector<int64_t> w, std::vector<int64_t> r, std::vector<int64_t> bias,
                       int64_t hidden) {
    GraphBuilder b;
    b.Random("w", std::move(w)).Random("r", std::move(r)).Random("b", std::move(bias));
    b.Add("LSTM", {"x", "w", "r", "b"}, {"y"}).Set("hidden_size", hidden);
    return Why(b);
  };
  EXPECT_EQ(lstm({1, 32, 5}, {1, 32, 8}, {1, 64}, 8), "");
  EXPECT_EQ(lstm({1, 32, 5}, {1, 32, 8}, {1, 64}, 16), "has W [1,32,5], expected [1,64,5]");
  EXPECT_EQ(lstm({1, 32, 5}, {1, 32, 8}, {1, 8}, 8), "has B [1,8], expected [1,64]");
  EXPECT_THAT(lstm({1, 32, 5}, {1, 32, 8}, {1, 64}, -3), testing::HasSubstr("hidden_size -3"));
}

TEST(OperatorChecksTest, AttributesStayInTheirRanges) {
  struct Row {
    const char* op_type;
    const char* attribute;
    int64_t bad;
    int64_t good;
  };
  for (const Row& row :
       {Row{"DepthToSpace", "blocksize", 0, 2},
        Row{"DepthToSpace", "blocksize", int64_t{1} << 40, 2},
        Row{"LayerNormalization", "axis", -1000, -1}, Row{"RoiAlign", "output_height", -1, 7},
        Row{"RandomUniformLike", "dtype", 7, 1}, Row{"GRU", "hidden_size", 0, 8}}) {
    GraphBuilder b;
    b.Add(row.op_type, {"x", "a", "b"}, {"y"}).Set(row.attribute, row.bad);
    EXPECT_NE(Why(b), "") << row.op_type;
    b.model.graph.nodes[0].Set(row.attribute, row.good);
    EXPECT_EQ(Why(b), "") << row.op_type;
    b.model.graph.nodes[0].domain = "acme";
    b.model.graph.nodes[0].Set(row.attribute, row.bad);
    EXPECT_EQ(Why(b), "") << "another domain's operator of the same name";
  }
}

TEST(OperatorChecksTest, ConstantInputsStayInTheirRanges) {
  GraphBuilder stft;
  stft.Ints("step", {}, {0}).Ints("length", {}, {16}).Random("window", {16});
  stft.Add("STFT", {"x", "step", "window", "length"}, {"y"});
  EXPECT_THAT(Why(stft), testing::HasSubstr("frame_step 0"));
  stft.Ints("step", {}, {8}).Random("window", {12});
  EXPECT_EQ(Why(stft), "has 12 numbers in its window, expected 16");
  GraphBuilder window;
  window.Ints("step", {}, {8}).Random("window", {0});
  window.Add("STFT", {"x", "step", "window"}, {"y"});
  EXPECT_EQ(Why(window), "has a window without numbers");
  GraphBuilder hot;
  hot.Ints("depth", {0}, {}).Floats("values", {2}, {0, 1});
  hot.Add("OneHot", {"x", "depth", "values"}, {"y"});
  EXPECT_EQ(Why(hot), "has 0 numbers in its depth, expected 1");
  hot.Ints("depth", {}, {4}).Floats("values", {3}, {0, 1, 2});
  EXPECT_EQ(Why(hot), "has 3 values, expected 2");
  hot.Floats("values", {2}, {0, 1});
  EXPECT_EQ(Why(hot), "");
  GraphBuilder top;
  top.Random("none", {0, 4}).Ints("k", {1}, {1});
  top.Add("TopK", {"none", "k"}, {"y", "i"});
  EXPECT_EQ(Why(top), "has nothing to choose from");
  GraphBuilder gather;
  gather.Add("GatherND", {"x", "x"}, {"y"}).Set("batch_dims", int64_t{-100});
  EXPECT_EQ(Why(gather), "has batch_dims -100, expected 0 to 64");
  GraphBuilder trilu;
  trilu.Ints("k", {}, {std::numeric_limits<int64_t>::min()});
  trilu.Add("Trilu", {"x", "k"}, {"y"});
  EXPECT_THAT(Why(trilu), testing::HasSubstr("k -9223372036854775808"));
  GraphBuilder norm;
  norm.Random("scale", {4}).Random("bias", {4}).Random("mean", {4}).Random("var", {3});
  norm.Add("BatchNormalization", {"x", "scale", "bias", "mean", "var"}, {"y"});
  EXPECT_EQ(Why(norm), "has 3 numbers in input 4, expected 4");
}

}  // namespace
}  // namespace qconvert
