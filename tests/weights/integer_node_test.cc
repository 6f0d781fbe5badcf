#include "integer_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

IntegerNodePlan WithScales(std::vector<float> scales) {
  IntegerNodePlan plan;
  plan.weight = ConstantCodes();
  plan.weight->params.scales = std::move(scales);
  return plan;
}

TEST(SetBiasTest, InStepsOfTheProduct) {
  IntegerNodePlan out = WithScales({0.5F, 0.25F});
  SetBias({1.0F, -1.3F}, BiasForm::kProductScale, false, {}, 0.5F, out);
  EXPECT_EQ(out.bias->type, DataType::kInt32);
  EXPECT_THAT(
      std::vector<int32_t>(out.bias->values<int32_t>().begin(), out.bias->values<int32_t>().end()),
      ElementsAre(4, -10));
  EXPECT_THAT(out.bias_scales, ElementsAre(0.25F, 0.125F));
}

TEST(SetBiasTest, InFloatAsItIs) {
  IntegerNodePlan out = WithScales({1});
  SetBias({1.5F, -2}, BiasForm::kFloat, false, {}, 0.5F, out);
  EXPECT_THAT(ToFloats(*out.bias), ElementsAre(1.5F, -2.0F));
  EXPECT_THAT(out.bias_scales, IsEmpty());
}

TEST(SetBiasTest, OnAGridOfItsOwnWhateverTheInput) {
  const BiasGrid grid{.scale = 0.25, .qmin = -128, .qmax = 127};
  for (const float input_scale : {0.001F, 7.0F}) {
    IntegerNodePlan out = WithScales({1});
    SetBias({1.0F, -2, 1000}, BiasForm::kOwnScale, true, grid, input_scale, out);
    EXPECT_EQ(out.bias_grid, grid);
    EXPECT_EQ(out.bias->type, DataType::kInt8);
    EXPECT_THAT(
        std::vector<int>(out.bias->values<int8_t>().begin(), out.bias->values<int8_t>().end()),
        ElementsAre(4, -8, 127));
    EXPECT_THAT(out.bias_scales, ElementsAre(0.25F));
  }
}

TEST(SetBiasTest, NoneStaysNone) {
  IntegerNodePlan out = WithScales({1});
  for (const BiasForm form : {BiasForm::kFloat, BiasForm::kProductScale, BiasForm::kOwnScale})
    SetBias({}, form, form == BiasForm::kOwnScale, {.scale = 1}, 1, out);
  EXPECT_FALSE(out.bias.has_value());
  EXPECT_EQ(out.bias_grid, BiasGrid());
}

// Gemm's kernel asks for a zero point of the weights, and a MatMul with a bias becomes one.
TEST(SetWeightsTest, TellWhoNeedsAZeroPoint) {
  for (const auto& [op_type, has_bias, expected] : {std::tuple{"Conv", true, false},
                                                    {"MatMul", false, false},
                                                    {"MatMul", true, true},
                                                    {"Gemm", false, true}}) {
    IntegerNodePlan out;
    SetWeights(MakeNode(op_type, {"x", "w"}, {"y"}), FittedWeights(), has_bias, out);
    EXPECT_EQ(out.zero_point_of_weight, expected) << op_type << has_bias;
    EXPECT_EQ(out.weight->name, "w");
  }
}

}  // namespace
}  // namespace qconvert
