#include "qconvert/ir/data_type.h"

#include <gtest/gtest.h>

#include <cmath>

#include "qconvert/ir/tensor.h"

namespace qconvert {
namespace {

TEST(DataTypeTest, NumbersOutsideOnnxAreNothing) {
  EXPECT_FALSE(DataTypeFromNumber(-1));
  EXPECT_FALSE(DataTypeFromNumber(9999));
  EXPECT_EQ(DataTypeFromNumber(22), DataType::kInt4);
}

TEST(DataTypeTest, PackedBytes) {
  EXPECT_EQ(PackedBytes(DataType::kFloat, 3), 12);
  EXPECT_EQ(PackedBytes(DataType::kInt4, 3), 2);
  EXPECT_EQ(PackedBytes(DataType::kUint2, 5), 2);
  EXPECT_EQ(PackedBytes(DataType::kComplex128, 1), 16);
  EXPECT_FALSE(PackedBytes(DataType::kString, 1));
  EXPECT_FALSE(PackedBytes(DataType::kFloat, INT64_MAX / 2)) << "overflow";
  EXPECT_FALSE(PackedBytes(DataType::kFloat, -1));
}

TEST(HalfTest, EveryHalfIsExact) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const int exponent = (half >> 10) & 31;
    const double mantissa = half & 1023;
    const double sign = (half & 0x8000) != 0 ? -1 : 1;
    const float value = HalfToFloat(half);
    if (exponent == 31) {
      EXPECT_EQ(std::isnan(value), mantissa != 0);
      EXPECT_EQ(std::isinf(value), mantissa == 0);
    } else {
      const double expected =
          exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
      ASSERT_EQ(value, sign * expected) << bits;
    }
  }
}

}  // namespace
}  // namespace qconvert
