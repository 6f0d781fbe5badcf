#include "qconvert/ir/data_type.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

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

constexpr int kLastNumber = 40;  // beyond those of ONNX

TEST(DataTypeTest, NamesAreDifferentAndGoBack) {
  std::set<std::string> names;
  for (int number = 1; number < kLastNumber; ++number) {
    const std::optional<DataType> type = DataTypeFromNumber(number);
    if (!type) continue;
    EXPECT_EQ(static_cast<int>(*type), number);
    EXPECT_TRUE(names.insert(std::string(DataTypeName(*type))).second) << DataTypeName(*type);
  }
  EXPECT_GT(names.size(), 20U);
}

TEST(DataTypeTest, CodesAreIntegersOfAtMost16Bits) {
  std::set<DataType> found;
  for (int number = 0; number < kLastNumber; ++number) {
    const std::optional<DataType> type = DataTypeFromNumber(number);
    if (type && IsQuantizedType(*type)) found.insert(*type);
  }
  EXPECT_EQ(found, (std::set<DataType>{DataType::kUint2, DataType::kInt2, DataType::kUint4,
                                       DataType::kInt4, DataType::kUint8, DataType::kInt8,
                                       DataType::kUint16, DataType::kInt16}));
}

TEST(DataTypeTest, PackedBytesAreTheBitsRoundedUp) {
  for (int number = 1; number < kLastNumber; ++number) {
    const std::optional<DataType> type = DataTypeFromNumber(number);
    if (!type || *type == DataType::kString) continue;
    const int64_t bits = BitsOf(*type);
    ASSERT_GT(bits, 0) << DataTypeName(*type);
    for (int64_t count = 0; count < 20; ++count)
      EXPECT_EQ(PackedBytes(*type, count), (count * bits + 7) / 8) << DataTypeName(*type);
    EXPECT_FALSE(PackedBytes(*type, -1)) << DataTypeName(*type);
  }
}

}  // namespace
}  // namespace qconvert
