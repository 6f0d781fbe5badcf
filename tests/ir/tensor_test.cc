// Floats of 16 bits.
#include "qconvert/ir/tensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace qconvert {
namespace {

TEST(TensorTest, EveryFloatOf16BitsComesBackAsItself) {
  for (uint32_t code = 0; code < 65536; ++code) {
    const auto bits = static_cast<uint16_t>(code);
    const float half = HalfToFloat(bits);
    const float brain = ToFloats(
        MakeTensor<uint16_t>("", DataType::kBfloat16, {1}, std::vector<uint16_t>{bits}))[0];
    if (!std::isnan(half)) {
      EXPECT_EQ(FloatToHalf(half), bits);
    }
    if (!std::isnan(brain)) {
      EXPECT_EQ(FloatToBfloat16(brain), bits);
    }
  }
}

TEST(TensorTest, HalvesGoToTheEvenNeighbour) {
  // bfloat16 has 8 bits of mantissa with the leading one, float16 has 11.
  const std::vector<float> values = {1 + 0x1p-8F,      1 + 0x3p-8F, 1 + 0x1.01p-8F, 1 + 0x1p-11F,
                                     1 + 0x3p-11F,     65519,       65520,          0x1.FFp127F,
                                     -0x1.FEFFFEp127F, 0x1p-25F,    0x1.8p-24F,     -0.0F};
  const Tensor floats = MakeFloatTensor("x", {12}, values);
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> brains = ToFloats(Narrowed(floats, DataType::kBfloat16));
  EXPECT_EQ(std::vector<float>(brains.begin(), brains.begin() + 3),
            (std::vector<float>{1, 1 + 0x1p-6F, 1 + 0x1p-7F}));
  EXPECT_EQ(brains[7], inf);
  EXPECT_EQ(brains[8], -0x1.FEp127F);
  const std::vector<float> halves = ToFloats(Narrowed(floats, DataType::kFloat16));
  EXPECT_EQ(std::vector<float>(halves.begin() + 3, halves.begin() + 7),
            (std::vector<float>{1, 1 + 0x1p-9F, 65504, inf}));
  EXPECT_EQ(halves[9], 0) << "half of the smallest subnormal";
  EXPECT_EQ(halves[10], 0x1p-23F);
  EXPECT_TRUE(std::signbit(halves[11]));
  EXPECT_TRUE(std::isnan(HalfToFloat(FloatToHalf(NAN))));
  EXPECT_EQ(FloatToBfloat16(NAN) & 0x7FC0, 0x7FC0);
}

TEST(TensorTest, ElementsAreComparedBitByBitAndNamesAreNot) {
  const Tensor a = MakeFloatTensor("a", {2}, std::vector<float>{1, NAN});
  EXPECT_TRUE(HaveSameElements(a, MakeFloatTensor("b", {2}, std::vector<float>{1, NAN})));
  EXPECT_FALSE(HaveSameElements(a, MakeFloatTensor("a", {2, 1}, std::vector<float>{1, NAN})));
  const auto one = [](float value) { return MakeFloatTensor("", {}, std::vector<float>{value}); };
  EXPECT_FALSE(HaveSameElements(one(0), one(-0.0F)));
  EXPECT_FALSE(HaveSameElements(
      one(0), MakeTensor<int32_t>("", DataType::kInt32, {}, std::vector<int32_t>{0})));
  Tensor words{.type = DataType::kString, .dims = {1}, .strings = {"x"}};
  const Tensor others = words;
  EXPECT_TRUE(HaveSameElements(words, others));
  words.strings = {"y"};
  EXPECT_FALSE(HaveSameElements(words, others));
}

}  // namespace
}  // namespace qconvert
