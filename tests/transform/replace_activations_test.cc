#include "qconvert/transform/replace_activations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

GraphBuilder ClipModel(float low, float high) {
  GraphBuilder b;
  b.Input("x", {"5"}).Output("y").Floats("low", {}, {low}).Floats("high", {}, {high});
  b.Add("Clip", {"x", "low", "high"}, {"y"});
  return b;
}

TEST(ConvertRelu6ToReluTest, TheUpperBoundGoes) {
  GraphBuilder b = ClipModel(0, 6);
  EXPECT_EQ(ConvertRelu6ToRelu(b.model.graph), 1U);
  EXPECT_TRUE(b.model.graph.nodes[0].Is("Relu"));
  EXPECT_TRUE(b.model.graph.initializers.empty());
  const std::vector<float> x = {-3, 0, 5, 6, 9};
  const Tensor y = RunModel(b.model, {MakeFloatTensor("x", {5}, x)})[0];
  EXPECT_EQ(ToFloats(y), (std::vector<float>{0, 0, 5, 6, 9}));
}

TEST(ConvertRelu6ToReluTest, OtherBoundsStay) {
  for (const auto& [low, high] : {std::pair{0.0F, 5.0F}, std::pair{-1.0F, 6.0F}}) {
    GraphBuilder b = ClipModel(low, high);
    EXPECT_EQ(ConvertRelu6ToRelu(b.model.graph), 0U);
    EXPECT_TRUE(b.model.graph.nodes[0].Is("Clip"));
  }
  GraphBuilder open = ClipModel(0, 6);
  open.model.graph.nodes[0].inputs.pop_back();
  EXPECT_EQ(ConvertRelu6ToRelu(open.model.graph), 0U);
}

GraphBuilder SiluModel(bool sigmoid_first) {
  GraphBuilder b;
  b.Input("x", {"5"}).Output("y");
  b.Add("Sigmoid", {"x"}, {"s"});
  b.Add("Mul",
        sigmoid_first ? std::vector<std::string>{"s", "x"} : std::vector<std::string>{"x", "s"},
        {"y"});
  return b;
}

TEST(ConvertSiluToHardSwishTest, EitherOrder) {
  for (const bool sigmoid_first : {false, true}) {
    GraphBuilder b = SiluModel(sigmoid_first);
    EXPECT_EQ(ConvertSiluToHardSwish(b.model.graph), 1U);
    const std::vector<float> x = {-4, -1.5F, 0, 1.5F, 4};
    const Tensor y = RunModel(b.model, {MakeFloatTensor("x", {5}, x)})[0];
    for (size_t i = 0; i < x.size(); ++i) {
      const float expected = x[i] * std::clamp(x[i] + 3, 0.0F, 6.0F) / 6;
      EXPECT_NEAR(y.values<float>()[i], expected, 1e-6F);
    }
  }
}

TEST(ConvertSiluToHardSwishTest, OtherProductsStay) {
  GraphBuilder gate = SiluModel(false);
  gate.Input("z", {"5"});
  gate.model.graph.nodes[1].inputs[0] = "z";
  EXPECT_EQ(ConvertSiluToHardSwish(gate.model.graph), 0U);
  GraphBuilder read = SiluModel(false);
  read.Output("s");
  EXPECT_EQ(ConvertSiluToHardSwish(read.model.graph), 0U);
}

}  // namespace
}  // namespace qconvert
