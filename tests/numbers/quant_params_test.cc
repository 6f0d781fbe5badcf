#include "qconvert/numbers/quant_params.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "qconvert/numbers/quantize.h"

namespace qconvert {
namespace {

TEST(IntegerFormatTest, CodesOfEveryWidth) {
  for (int bits = 2; bits <= 16; ++bits) {
    const NumericFormat plain = IntegerFormat(bits, /*is_signed=*/false, /*symmetric=*/false);
    EXPECT_EQ(plain.type, bits <= 8 ? DataType::kUint8 : DataType::kUint16) << bits;
    EXPECT_EQ(plain.qmin, 0);
    EXPECT_EQ(plain.qmax, (1 << bits) - 1);
    const NumericFormat narrow = IntegerFormat(bits, true, true, /*narrow=*/true);
    EXPECT_EQ(narrow.type, bits <= 8 ? DataType::kInt8 : DataType::kInt16) << bits;
    EXPECT_EQ(narrow.qmax, (1 << (bits - 1)) - 1);
    EXPECT_EQ(narrow.qmin, -narrow.qmax);
    EXPECT_EQ(IntegerFormat(bits, true, true).qmin, narrow.qmin - 1);
  }
}

const NumericFormat kUint8 = IntegerFormat(8, /*is_signed=*/false, /*symmetric=*/false);
const NumericFormat kInt8 = IntegerFormat(8, /*is_signed=*/true, /*symmetric=*/true);

TEST(ParamsFromRangeTest, KnownNumbers) {
  const QuantParams relu = ParamsFromRange({0, 5.1F}, kUint8);
  EXPECT_FLOAT_EQ(relu.scales[0], 0.02F);
  EXPECT_EQ(relu.zero_points[0], 0);
  const QuantParams both = ParamsFromRange({-1, 1.55F}, kUint8);
  EXPECT_FLOAT_EQ(both.scales[0], 0.01F);
  EXPECT_EQ(both.zero_points[0], 100);
  const QuantParams negative = ParamsFromRange({-2.55F, 0}, kUint8);
  EXPECT_EQ(negative.zero_points[0], 255);
  const QuantParams symmetric = ParamsFromRange({-1, 2.54F}, kInt8);
  EXPECT_FLOAT_EQ(symmetric.scales[0], 0.02F);
  EXPECT_EQ(symmetric.zero_points[0], 0);
}

TEST(ParamsFromRangeTest, DegenerateRanges) {
  for (const NumericFormat& grid : {kUint8, kInt8}) {
    const QuantParams zero = ParamsFromRange({0, 0}, grid);
    EXPECT_EQ(zero.scales[0], 1.0F);
    EXPECT_EQ(zero.zero_points[0], 0);
    const QuantParams tiny = ParamsFromRange({0, 1e-44F}, grid);
    EXPECT_EQ(tiny.scales[0], std::numeric_limits<float>::min());
    const QuantParams huge = ParamsFromRange({-3.4e38F, 3.4e38F}, grid);
    EXPECT_TRUE(std::isfinite(huge.scales[0]));
  }
  for (const float c : {5.0F, -5.0F, 1e-20F}) {
    const QuantParams constant = ParamsFromRange({c, c}, kUint8);
    const int32_t q = QuantizeValue(c, constant.scales[0], constant.zero_points[0], kUint8);
    EXPECT_FLOAT_EQ(DequantizeValue(q, constant.scales[0], constant.zero_points[0]), c)
        << "a constant is representable";
  }
}

TEST(ParamsFromRangeTest, ZeroIsExactAndErrorsAreAtMostHalfAStep) {
  std::mt19937 engine(3);
  std::normal_distribution<float> normal(0, 10);
  for (int i = 0; i < 20'000; ++i) {
    const float a = normal(engine);
    const float b = normal(engine);
    const Range range{std::min(a, b), std::max(a, b)};
    for (const NumericFormat& grid : {kUint8, kInt8}) {
      const QuantParams p = ParamsFromRange(range, grid);
      const auto real = [&](float x) {
        return DequantizeValue(QuantizeValue(x, p.scales[0], p.zero_points[0], grid), p.scales[0],
                               p.zero_points[0]);
      };
      ASSERT_EQ(real(0), 0.0F);
      for (const float x : {range.min, range.max, (range.min + range.max) / 2}) {
        // The zero point is rounded too, which can move an end of the range by half a step more.
        ASSERT_LE(std::fabs(real(x) - x), p.scales[0] * 1.001F) << x;
      }
    }
  }
}

}  // namespace
}  // namespace qconvert
