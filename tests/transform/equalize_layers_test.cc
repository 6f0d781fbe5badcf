#include "qconvert/transform/equalize_layers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "support/equalized.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

// A weight whose channels along axis 0 have very different ranges.
void Uneven(GraphBuilder& b, const std::string& name, const std::vector<int64_t>& dims) {
  b.Random(name, dims);
  Tensor& tensor = b.model.graph.initializers.at(name);
  std::vector<float> values = ToFloats(tensor);
  const size_t row = values.size() / static_cast<size_t>(dims[0]);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] *= std::pow(4.0F, static_cast<float>(i / row % 4) - 2);
  tensor = MakeFloatTensor(name, dims, values);
}

// Conv -> `between` -> Conv on [1, 3, 6, 6].
GraphBuilder TwoConvs(const std::string& between) {
  GraphBuilder b;
  b.Input("x", {"1", "3", "6", "6"}).Output("y").Random("b1", {8}).Random("w2", {5, 8, 3, 3});
  Uneven(b, "w1", {8, 3, 3, 3});
  b.Add("Conv", {"x", "w1", "b1"}, {"c"});
  b.Add(between, {"c"}, {"r"});
  b.Add("Conv", {"r", "w2"}, {"y"});
  return b;
}

TEST(EqualizeLayersTest, KnownNumbers) {
  GraphBuilder b;
  b.Input("x", {"1", "2"}).Output("y");
  b.Floats("w1", {2, 2}, {4, 0.25F, 1, 0.125F}).Floats("w2", {2, 2}, {0.5F, 0.25F, 2, 1});
  b.Floats("b1", {2}, {8, 1});
  b.Add("Gemm", {"x", "w1", "b1"}, {"c"});
  b.Add("Relu", {"c"}, {"r"});
  b.Add("Gemm", {"r", "w2"}, {"y"});
  ExpectPairs(b, 1, {1, 2});
  // s = sqrt(4 * 0.5) / 0.5 = 2.828, sqrt(0.25 * 2) / 2 = 0.3536: both layers end at 1.414, 0.7071.
  const std::vector<float> w1 = Values(b, "w1");
  const std::vector<float> w2 = Values(b, "w2");
  EXPECT_NEAR(w1[0], 1.41421F, 1e-4F);
  EXPECT_NEAR(w1[1], 0.70711F, 1e-4F);
  EXPECT_NEAR(w2[0], 1.41421F, 1e-4F);
  EXPECT_NEAR(w2[2], 0.70711F, 1e-4F);
  EXPECT_NEAR(Values(b, "b1")[0], 2.82843F, 1e-4F);
  EXPECT_NEAR(Values(b, "b1")[1], 2.82843F, 1e-4F);
}

TEST(EqualizeLayersTest, ALargeBiasCountsWithATenth) {
  GraphBuilder b;
  b.Input("x", {"1", "1"}).Output("y");
  b.Floats("w1", {1, 1}, {0.01F}).Floats("w2", {1, 1}, {1}).Floats("b1", {1}, {40});
  b.Add("Gemm", {"x", "w1", "b1"}, {"c"});
  b.Add("Gemm", {"c", "w2"}, {"y"});
  ExpectPairs(b, 1, {1, 1});
  EXPECT_NEAR(Values(b, "b1")[0], 20, 1e-3F);  // s = sqrt(4 * 1) / 1
}

TEST(EqualizeLayersTest, ThroughWhatScalesWithItsInput) {
  for (const char* between : {"Relu", "LeakyRelu", "GlobalAveragePool", "GlobalMaxPool"}) {
    GraphBuilder b = TwoConvs(between);
    if (std::string(between).starts_with("Global"))
      b.model.graph.nodes[2].Set("pads", std::vector<int64_t>{1, 1, 1, 1});
    ExpectPairs(b, 1, {1, 3, 6, 6});
  }
  for (const char* between : {"MaxPool", "AveragePool"}) {
    GraphBuilder b = TwoConvs(between);
    b.model.graph.nodes[1].Set("kernel_shape", std::vector<int64_t>{2, 2});
    ExpectPairs(b, 1, {1, 3, 6, 6});
  }
  GraphBuilder slopes = TwoConvs("PRelu");
  slopes.Random("a", {8, 1, 1});
  slopes.model.graph.nodes[1].inputs.push_back("a");
  ExpectPairs(slopes, 1, {1, 3, 6, 6});
  GraphBuilder pad = TwoConvs("Pad");
  pad.Ints("p", {8}, {0, 0, 1, 1, 0, 0, 1, 1});
  pad.model.graph.nodes[1].inputs.push_back("p");
  ExpectPairs(pad, 1, {1, 3, 6, 6});
  GraphBuilder clip = TwoConvs("Clip");
  clip.Floats("zero", {}, {0});
  clip.model.graph.nodes[1].inputs.push_back("zero");
  ExpectPairs(clip, 1, {1, 3, 6, 6});
}

TEST(EqualizeLayersTest, DepthwiseTripleEndsWithEqualRanges) {
  GraphBuilder b;
  b.Input("x", {"1", "3", "6", "6"})
      .Output("y")
      .Random("w2", {8, 1, 3, 3})
      .Random("w3", {4, 8, 1, 1});
  Uneven(b, "w1", {8, 3, 1, 1});
  b.Add("Conv", {"x", "w1"}, {"c1"});
  b.Add("Relu", {"c1"}, {"r1"});
  b.Add("Conv", {"r1", "w2"}, {"c2"}).Set("group", int64_t{8});
  b.Add("Relu", {"c2"}, {"r2"});
  b.Add("Conv", {"r2", "w3"}, {"y"});
  ExpectPairs(b, 2, {1, 3, 6, 6});
  const std::vector<float> w1 = Values(b, "w1");
  const std::vector<float> w2 = Values(b, "w2");
  const std::vector<float> w3 = Values(b, "w3");
  for (size_t c = 0; c < 8; ++c) {
    float r1 = 0;
    float r2 = 0;
    float r3 = 0;
    for (size_t i = 0; i < 3; ++i) r1 = std::max(r1, std::abs(w1[c * 3 + i]));
    for (size_t i = 0; i < 9; ++i) r2 = std::max(r2, std::abs(w2[c * 9 + i]));
    for (size_t o = 0; o < 4; ++o) r3 = std::max(r3, std::abs(w3[o * 8 + c]));
    EXPECT_NEAR(r2 / r1, 1, 0.01);
    EXPECT_NEAR(r3 / r1, 1, 0.01);
  }
}

TEST(EqualizeLayersTest, GroupsAndTransposedConvolutions) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "5", "5"}).Output("y");
  Uneven(b, "w1", {8, 2, 3, 3});
  b.Random("w2", {8, 3, 2, 2}).Random("w3", {4, 3, 1, 1}).Random("b2", {6});
  b.Add("Conv", {"x", "w1"}, {"c1"}).Set("group", int64_t{2});
  b.Add("ConvTranspose", {"c1", "w2", "b2"}, {"c2"}).Set("group", int64_t{2});
  b.Add("Conv", {"c2", "w3"}, {"y"}).Set("group", int64_t{2});
  ExpectPairs(b, 2, {1, 4, 5, 5});
}

TEST(EqualizeLayersTest, ThroughFlattenedMapsToRows) {
  for (const char* op : {"Flatten", "Reshape", "Squeeze", "ReduceMean"}) {
    GraphBuilder b;
    b.Input("x", {"2", "3", "4", "4"}).Output("y");
    Uneven(b, "w1", {8, 3, 3, 3});
    const std::string name = op;
    const bool pooled = name == "Squeeze" || name == "ReduceMean";
    b.Add("Conv", {"x", "w1"}, {"c"});
    if (name == "Squeeze") b.Add("GlobalAveragePool", {"c"}, {"g"});
    Node& node = b.Add(op, {name == "Squeeze" ? "g" : "c"}, {"f"});
    if (name == "ReduceMean") {
      node.Set("axes", std::vector<int64_t>{2, -1});
      node.Set("keepdims", int64_t{0});
    } else if (name != "Flatten") {
      node.inputs.push_back("shape");
      b.Ints("shape", {2}, pooled ? std::vector<int64_t>{2, 3} : std::vector<int64_t>{0, -1});
    }
    b.Random("w2", {pooled ? 8 : 32, 5}).Random("b2", {5}).Random("w3", {3, 5}).Random("b3", {3});
    b.Add("MatMul", {"f", "w2"}, {"m"});
    b.Add("Add", {"b2", "m"}, {"a"});
    b.Add("Relu", {"a"}, {"r"});
    b.Add("Gemm", {"r", "w3", "b3"}, {"y"}).Set("transB", int64_t{1});
    ExpectPairs(b, 2, {2, 3, 4, 4});
  }
}

TEST(EqualizeLayersTest, ScaledValuesGetNewNames) {
  GraphBuilder b = TwoConvs("Relu");
  ExpectPairs(b, 1, {1, 3, 6, 6});
  for (const Node& node : b.model.graph.nodes) {
    EXPECT_NE(node.outputs[0], "c");
    EXPECT_NE(node.outputs[0], "r");
  }
  EXPECT_FALSE(b.model.graph.value_info.contains("r"));
  EXPECT_TRUE(b.model.graph.value_info.contains(b.model.graph.nodes[1].outputs[0]));
}

TEST(EqualizeLayersTest, LeavesItAlone) {
  GraphBuilder sigmoid = TwoConvs("Sigmoid");
  ExpectPairs(sigmoid, 0, {1, 3, 6, 6});
  GraphBuilder bounded = TwoConvs("Clip");
  bounded.Floats("zero", {}, {0}).Floats("six", {}, {6});
  bounded.model.graph.nodes[1].inputs = {"c", "zero", "six"};
  ExpectPairs(bounded, 0, {1, 3, 6, 6});
  GraphBuilder read_twice = TwoConvs("Relu");
  read_twice.Output("z");
  read_twice.Add("Neg", {"r"}, {"z"});
  ExpectPairs(read_twice, 0, {1, 3, 6, 6});
  GraphBuilder output = TwoConvs("Relu");
  output.Output("c");
  ExpectPairs(output, 0, {1, 3, 6, 6});
  GraphBuilder shared = TwoConvs("Relu");
  shared.Output("z");
  shared.Add("Conv", {"x", "w1"}, {"z"});
  ExpectPairs(shared, 0, {1, 3, 6, 6});
  GraphBuilder padded = TwoConvs("Pad");
  padded.Ints("p", {8}, {0, 0, 1, 1, 0, 0, 1, 1}).Floats("one", {}, {1});
  padded.model.graph.nodes[1].inputs = {"c", "p", "one"};
  ExpectPairs(padded, 0, {1, 3, 6, 6});
}

// Conv -> Clip(0, 1) -> Conv.
GraphBuilder BoundedConvs() {
  GraphBuilder b = TwoConvs("Clip");
  b.Floats("zero", {}, {0}).Floats("one", {}, {1});
  b.model.graph.nodes[1].inputs = {"c", "zero", "one"};
  b.model.graph.nodes[1].name = "clip";
  return b;
}

size_t Count(const GraphBuilder& b, const std::string& op) {
  size_t count = 0;
  for (const Node& node : b.model.graph.nodes) count += node.Is(op) ? 1 : 0;
  return count;
}

TEST(EqualizeLayersTest, BoundsByChannelKeepAClipExact) {
  GraphBuilder b = BoundedConvs();
  ExpectPairs(b, 1, {1, 3, 6, 6}, {.bounds_by_channel = true});
  EXPECT_EQ(Count(b, "Clip"), 0U);
  EXPECT_EQ(Count(b, "Relu"), 1U);
  EXPECT_EQ(Count(b, "Min"), 1U);
  for (const Node& node : b.model.graph.nodes) {
    if (!node.Is("Min")) continue;
    EXPECT_EQ(node.name, "clip");
    const Tensor* bounds = b.model.graph.FindInitializer(node.inputs[1]);
    ASSERT_NE(bounds, nullptr);
    EXPECT_EQ(bounds->dims, (std::vector<int64_t>{8, 1, 1}));
  }

  GraphBuilder rows;
  rows.Input("x", {"2", "3"}).Output("y").Random("w2", {8, 5});
  Uneven(rows, "w1", {8, 3});
  rows.Floats("zero", {}, {0}).Floats("one", {}, {1});
  rows.Add("Gemm", {"x", "w1"}, {"c"}).Set("transB", int64_t{1});
  rows.Add("Clip", {"c", "zero", "one"}, {"r"});
  rows.Add("MatMul", {"r", "w2"}, {"y"});
  ExpectPairs(rows, 1, {2, 3}, {.bounds_by_channel = true});
  EXPECT_EQ(Count(rows, "Min"), 1U);

  GraphBuilder flat = BoundedConvs();
  flat.model.graph.nodes.resize(1);
  flat.Add("Flatten", {"c"}, {"f"});
  flat.Add("Clip", {"f", "zero", "one"}, {"r"});
  flat.Random("m", {128, 5}).Add("MatMul", {"r", "m"}, {"y"});
  ExpectPairs(flat, 0, {1, 3, 6, 6}, {.bounds_by_channel = true});
  GraphBuilder negative = BoundedConvs();
  negative.model.graph.initializers.at("one") = MakeFloatTensor("one", {}, std::vector<float>{-1});
  ExpectPairs(negative, 0, {1, 3, 6, 6}, {.bounds_by_channel = true});
}

TEST(EqualizeLayersTest, AllReadersOfABranchAreScaled) {
  GraphBuilder b = TwoConvs("Relu");
  b.Output("z").Random("w3", {4, 8, 1, 1}, 5.0F);
  b.Add("AveragePool", {"r"}, {"p"}).Set("kernel_shape", std::vector<int64_t>{2, 2});
  b.Add("Conv", {"p", "w3"}, {"z"});
  ExpectPairs(b, 1, {1, 3, 6, 6});
  const std::vector<float> w1 = Values(b, "w1");
  const std::vector<float> w2 = Values(b, "w2");
  const std::vector<float> w3 = Values(b, "w3");
  for (size_t c = 0; c < 8; ++c) {
    float r1 = std::abs(Values(b, "b1")[c]) / 10;
    float r2 = 0;
    for (size_t i = 0; i < 27; ++i) r1 = std::max(r1, std::abs(w1[c * 27 + i]));
    for (size_t o = 0; o < 5; ++o)
      for (size_t i = 0; i < 9; ++i) r2 = std::max(r2, std::abs(w2[(o * 8 + c) * 9 + i]));
    for (size_t o = 0; o < 4; ++o) r2 = std::max(r2, std::abs(w3[o * 8 + c]));
    EXPECT_NEAR(r2 / r1, 1, 0.01);
  }

  GraphBuilder added = TwoConvs("Relu");
  added.Output("z");
  added.Add("Add", {"r", "r"}, {"z"});
  ExpectPairs(added, 0, {1, 3, 6, 6});
}

TEST(EqualizeLayersTest, AVendorGoesOverPairsOnce) {
  // s = sqrt(4 * 0.5) / 0.5 and sqrt(0.25 * 2) / 2; the third channel has less than 0.5.
  GraphBuilder b;
  b.Input("x", {"1", "1", "2", "2"}).Output("y");
  b.Floats("w1", {3, 1, 1, 1}, {4, 0.25F, 0.125F}).Floats("w2", {1, 3, 1, 1}, {0.5F, 2, 0.25F});
  b.Add("Conv", {"x", "w1"}, {"c"});
  b.Add("Relu", {"c"}, {"r"});
  b.Add("Conv", {"r", "w2"}, {"y"});
  ExpectPairs(b, 1, {1, 1, 2, 2}, {.single_pass = true});
  EXPECT_NEAR(Values(b, "w1")[0], 1.41421F, 1e-4F);
  EXPECT_NEAR(Values(b, "w2")[0], 1.41421F, 1e-4F);
  EXPECT_NEAR(Values(b, "w1")[1], 0.70711F, 1e-4F);
  EXPECT_EQ(Values(b, "w1")[2], 0.125F);
  EXPECT_EQ(Values(b, "w2")[2], 0.25F);
}

TEST(EqualizeLayersTest, AVendorCountsABiasByItsSizeBesideTheWeights) {
  const auto scaled_bias = [](std::vector<float> weights, std::vector<float> biases) {
    GraphBuilder b;
    const auto channels = static_cast<int64_t>(weights.size());
    b.Input("x", {"1", "1", "2", "2"}).Output("y");
    b.Floats("w1", {channels, 1, 1, 1}, weights).Floats("b1", {channels}, biases);
    b.Floats("w2", {1, channels, 1, 1}, std::vector<float>(weights.size(), 1.0F));
    b.Add("Conv", {"x", "w1", "b1"}, {"c"});
    b.Add("Conv", {"c", "w2"}, {"y"});
    ExpectPairs(b, 1, {1, 1, 2, 2}, {.single_pass = true});
    return Values(b, "b1")[0];
  };
  // s = sqrt(max(w, b / shrink)).
  EXPECT_NEAR(scaled_bias({1}, {8}), 8 / std::sqrt(4.0F), 1e-4F) << "half of it";
  EXPECT_NEAR(scaled_bias({0.9F, 0.01F, 0.01F}, {9, 9, 9}), 9 / std::sqrt(1.8F), 1e-4F)
      << "a fifth: the median is 900";
  EXPECT_NEAR(scaled_bias({1}, {10}), 10 / std::sqrt(2.0F), 1e-4F) << "a fifth";
  EXPECT_NEAR(scaled_bias({1}, {20}), 20 / std::sqrt(2.0F), 1e-4F) << "a tenth";
  EXPECT_NEAR(scaled_bias({1}, {40}), 40 / std::sqrt(2.0F), 1e-4F) << "a twentieth";
}

TEST(EqualizeLayersTest, AVendorLeavesOtherLayersAndBranchesAlone) {
  const EqualizeOptions vendor{.single_pass = true};
  GraphBuilder leaky = TwoConvs("LeakyRelu");
  ExpectPairs(leaky, 0, {1, 3, 6, 6}, vendor);
  GraphBuilder branch = TwoConvs("Relu");
  branch.Output("z").Random("w3", {4, 8, 1, 1});
  branch.Add("Conv", {"r", "w3"}, {"z"});
  ExpectPairs(branch, 0, {1, 3, 6, 6}, vendor);
  GraphBuilder rows;
  rows.Input("x", {"1", "2"}).Output("y").Random("w1", {2, 2}).Random("w2", {2, 2});
  rows.Add("Gemm", {"x", "w1"}, {"c"});
  rows.Add("Gemm", {"c", "w2"}, {"y"});
  ExpectPairs(rows, 0, {1, 2}, vendor);
  GraphBuilder line;
  line.Input("x", {"1", "2", "6"}).Output("y").Random("w1", {4, 2, 3}).Random("w2", {2, 4, 1});
  line.Add("Conv", {"x", "w1"}, {"c"});
  line.Add("Conv", {"c", "w2"}, {"y"});
  ExpectPairs(line, 0, {1, 2, 6}, vendor);
}

TEST(EqualizeLayersTest, ChannelsWithoutWeightsKeepTheirScale) {
  GraphBuilder b;
  b.Input("x", {"1", "2"}).Output("y");
  b.Floats("w1", {2, 2}, {0, 4, 0, 1}).Floats("w2", {2, 2}, {3, 1, 0.25F, 0.125F});
  b.Add("Gemm", {"x", "w1"}, {"c"});
  b.Add("Gemm", {"c", "w2"}, {"y"});
  ExpectPairs(b, 1, {1, 2});
  EXPECT_EQ(Values(b, "w2")[0], 3);
}

}  // namespace
}  // namespace qconvert
