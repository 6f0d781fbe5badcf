// Floats of 16 bits.
#include "qconvert/ir/tensor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

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

TEST(TensorTest, FilledInPlaceIsWhatIsMadeOfAList) {
  const std::vector<float> values = {1, -2, 3.5F, 0, -0.0F, 1e30F};
  const Tensor listed = MakeFloatTensor("w", {2, 3}, values);
  const Tensor filled = FillFloatTensor("w", {2, 3}, [&](std::span<float> out) {
    ASSERT_EQ(out.size(), values.size());
    for (const float v : out) EXPECT_EQ(v, 0) << "it begins with zeros";
    std::copy(values.begin(), values.end(), out.begin());
  });
  EXPECT_EQ(filled.name, "w");
  EXPECT_EQ(filled.dims, listed.dims);
  EXPECT_EQ(filled.type, DataType::kFloat);
  EXPECT_EQ(*filled.bytes, *listed.bytes);
}

TEST(TensorTest, EmptyAndSingleTensors) {
  size_t asked = 1;
  const Tensor empty =
      FillFloatTensor("e", {3, 0, 2}, [&](std::span<float> out) { asked = out.size(); });
  EXPECT_EQ(asked, 0U);
  EXPECT_EQ(empty.element_count(), 0);
  EXPECT_EQ(empty.byte_size(), 0);
  EXPECT_TRUE(ToFloats(empty).empty());
  const Tensor scalar = MakeFloatTensor("s", {}, std::vector<float>{7});
  EXPECT_EQ(scalar.element_count(), 1) << "no dimension, one number";
  EXPECT_EQ(ToFloats(scalar), std::vector<float>{7});
}

TEST(TensorTest, ListsHaveOneDimensionAndNoName) {
  for (const std::vector<int64_t>& values :
       {std::vector<int64_t>{}, {INT64_MIN}, {1, -1, INT64_MAX}}) {
    const Tensor list = MakeInt64List(values);
    EXPECT_EQ(list.name, "");
    EXPECT_EQ(list.type, DataType::kInt64);
    EXPECT_EQ(list.dims, (std::vector<int64_t>{static_cast<int64_t>(values.size())}));
    EXPECT_TRUE(std::equal(values.begin(), values.end(), list.values<int64_t>().begin(),
                           list.values<int64_t>().end()));
  }
}

}  // namespace
}  // namespace qconvert
