#include "qconvert/quantization/quant_params.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "qconvert/quantization/quantize.h"

namespace qconvert {
namespace {

TEST(GridTest, FollowsTheSettings) {
  EXPECT_EQ(GridOf({.bit_width = 8}), (IntegerGrid{DataType::kUint8, 0, 255, false}));
  EXPECT_EQ(GridOf({.bit_width = 8, .is_signed = true}),
            (IntegerGrid{DataType::kUint8, 0, 255, false}))
      << "asymmetric is unsigned";
  EXPECT_EQ(GridOf({.bit_width = 8, .symmetry = true, .is_signed = true}),
            (IntegerGrid{DataType::kInt8, -128, 127, true}));
  EXPECT_EQ(GridOf({.bit_width = 8, .symmetry = true, .is_signed = true, .narrow_range = true}),
            (IntegerGrid{DataType::kInt8, -127, 127, true}));
  EXPECT_EQ(GridOf({.bit_width = 8, .symmetry = true}),
            (IntegerGrid{DataType::kUint8, 0, 255, true}));
  EXPECT_EQ(GridOf({.bit_width = 16}), (IntegerGrid{DataType::kUint16, 0, 65535, false}));
  EXPECT_EQ(GridOf({.bit_width = 16, .symmetry = true, .is_signed = true}),
            (IntegerGrid{DataType::kInt16, -32768, 32767, true}));
}

const IntegerGrid kUint8 = GridOf({.bit_width = 8});
const IntegerGrid kInt8 = GridOf({.bit_width = 8, .symmetry = true, .is_signed = true});

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
  for (const IntegerGrid& grid : {kUint8, kInt8}) {
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
    const int32_t q = QuantizeValue(c, constant.scales[0], constant.zero_points[0], 0, 255);
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
    for (const IntegerGrid& grid : {kUint8, kInt8}) {
      const QuantParams p = ParamsFromRange(range, grid);
      const auto real = [&](float x) {
        return DequantizeValue(
            QuantizeValue(x, p.scales[0], p.zero_points[0], grid.qmin, grid.qmax), p.scales[0],
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
