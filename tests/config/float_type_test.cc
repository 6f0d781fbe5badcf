// float_type: what stays float of an int8 model for TensorRT.
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/read_config.h"

namespace qconvert {
namespace {

const char* const kTensorRt =
    "target_device: GPU\nquantizable_data_type: [input, weights, activation]\nmethod: maxmin\n"
    "round_mode: half_even\nscale_type: float\ncalib_statistic_method: all\n";

TEST(FloatTypeTest, WhatStaysFloatOfAnInt8Model) {
  const QuantConfig plain = LoadText(kTensorRt).config;
  EXPECT_TRUE(plain.tensors.activation.is_int());
  EXPECT_EQ(LoadText(std::string(kTensorRt) + "float_type: float32\n").config, plain);
  const QuantConfig half = LoadText(std::string(kTensorRt) + "float_type: float16\n").config;
  EXPECT_EQ(half.tensors.activation.datatype, Datatype::kFloat16);
  EXPECT_EQ(half.tensors.weights.datatype, Datatype::kFloat16);
  EXPECT_EQ(half.tensors.bias.datatype, Datatype::kFloat32) << "not listed";
  ASSERT_EQ(half.layers.size(), 4U);
  for (const LayerSettings& layer : half.layers) {
    EXPECT_EQ(layer.tensors.activation, plain.tensors.activation);
    EXPECT_EQ(layer.tensors.weights, plain.tensors.weights);
    EXPECT_FALSE(layer.tensors.bias.is_int());
  }
}

TEST(FloatTypeTest, EntriesOfTheFileWin) {
  const QuantConfig config =
      LoadText(std::string(kTensorRt) +
               "float_type: float16\nlayer_quantize_config:\n- {layer_type: Add, "
               "overall_quantize_config: {datatype: float32}}\n")
          .config;
  ASSERT_EQ(config.layers.size(), 5U);
  EXPECT_EQ(config.layers.back().tensors.activation.datatype, Datatype::kFloat32);
}

TEST(FloatTypeTest, OtherTargetsHaveNone) {
  EXPECT_TRUE(
      AnyHolds(ProblemsOf("target_device: CPU\nfloat_type: float16\n"),
               "float_type is float16, expected float32, or float16 with target_device GPU"));
}

}  // namespace
}  // namespace qconvert
