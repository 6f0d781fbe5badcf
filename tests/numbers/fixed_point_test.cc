// Requantization in integers against exact arithmetic and against floats.
#include "qconvert/numbers/fixed_point.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <random>

namespace qconvert {
namespace {

TEST(FixedPointTest, FactorsAreAPowerOfTwoTimesAFraction) {
  EXPECT_EQ(ToFixedPoint(0.5), (FixedPoint{1 << 30, 0}));
  EXPECT_EQ(ToFixedPoint(0.25), (FixedPoint{1 << 30, 1}));
  EXPECT_EQ(ToFixedPoint(1), (FixedPoint{1 << 30, -1}));
  EXPECT_EQ(ToFixedPoint(0.75), (FixedPoint{3 << 29, 0}));
  EXPECT_EQ(ToFixedPoint(std::nextafter(1.0, 0.0)), (FixedPoint{1 << 30, -1}))
      << "rounds up to the next power";
}

TEST(FixedPointTest, IsOffByAtMostHalfAStep) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> exponents(-40, 20);
  for (int k = 0; k < 10000; ++k) {
    const double factor = std::exp2(exponents(random));
    const FixedPoint fixed = ToFixedPoint(factor);
    EXPECT_GE(fixed.multiplier, 1 << 30);
    const double back = std::ldexp(fixed.multiplier, -31 - fixed.shift);
    EXPECT_LE(std::fabs(back - factor), factor * std::exp2(-31));
  }
}

TEST(FixedPointTest, HalvesGoToEven) {
  const FixedPoint half = ToFixedPoint(0.5);
  for (const auto& [accumulator, code] :
       {std::pair{-5, -2}, {-3, -2}, {-1, 0}, {1, 0}, {3, 2}, {5, 2}, {7, 4}, {4, 2}, {0, 0}})
    EXPECT_EQ(RequantizeInteger(accumulator, half), code) << accumulator;
}

// The product rounded once, in 128-bit integers.
TEST(FixedPointTest, IsTheExactProductRoundedOnce) {
  std::mt19937 random(2);
  std::uniform_int_distribution<int32_t> accumulators(std::numeric_limits<int32_t>::min(),
                                                      std::numeric_limits<int32_t>::max());
  std::uniform_real_distribution<double> exponents(-34, 2);
  for (int k = 0; k < 100000; ++k) {
    const FixedPoint fixed = ToFixedPoint(std::exp2(exponents(random)));
    const int32_t accumulator = accumulators(random);
    const long double exact =
        static_cast<long double>(accumulator) *
        std::ldexp(static_cast<long double>(fixed.multiplier), -31 - fixed.shift);
    EXPECT_EQ(RequantizeInteger(accumulator, fixed), static_cast<int64_t>(std::nearbyint(exact)))
        << accumulator << " " << fixed.multiplier << " " << fixed.shift;
  }
}

TEST(FixedPointTest, AFactorThatNothingReachesGivesZero) {
  EXPECT_EQ(RequantizeInteger(std::numeric_limits<int32_t>::min(), ToFixedPoint(1e-30)), 0);
  EXPECT_EQ(RequantizeInteger(std::numeric_limits<int32_t>::max(), ToFixedPoint(1e-30)), 0);
}

// Every accumulator of a layer, not only those at borders.
TEST(FixedPointTest, BordersTellTheWorstOfAll) {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> exponents(-10, -6);
  for (int k = 0; k < 20; ++k) {
    const auto factor = static_cast<float>(std::exp2(exponents(random)));
    const FixedPoint fixed = ToFixedPoint(factor);
    int64_t worst = 0;
    for (int32_t accumulator = -150000; accumulator <= 150000; ++accumulator) {
      const auto clamp = [](int64_t code) { return std::clamp<int64_t>(code, -128, 127); };
      worst = std::max<int64_t>(worst, std::llabs(clamp(RequantizeInteger(accumulator, fixed)) -
                                                  clamp(RequantizeFloat(accumulator, factor))));
    }
    EXPECT_EQ(WorstRequantization(factor, -128, 127), worst) << factor;
    EXPECT_LE(worst, 1);
  }
}

TEST(FixedPointTest, WideCodesAreWithinOneCodeToo) {
  std::mt19937 random(4);
  std::uniform_real_distribution<double> exponents(-14, -2);
  for (int k = 0; k < 200; ++k)
    EXPECT_LE(WorstRequantization(static_cast<float>(std::exp2(exponents(random))), -32768, 32767),
              1);
}

TEST(FixedPointTest, SumsAreRoundedOnce) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> exponents(-8, 3);
  std::uniform_int_distribution<int32_t> codes(-255, 255);
  for (int k = 0; k < 20'000; ++k) {
    const FixedPoint a = ToFixedPoint(std::exp2(exponents(random)));
    const FixedPoint b = ToFixedPoint(std::exp2(exponents(random)));
    const int32_t x = codes(random);
    const int32_t y = codes(random);
    const auto product = [](int32_t code, const FixedPoint& factor) {
      return static_cast<long double>(code) *
             std::ldexp(static_cast<long double>(factor.multiplier), -31 - factor.shift);
    };
    const long double exact = product(x, a) + product(y, b);
    const auto nearest = static_cast<int64_t>(std::nearbyint(exact));
    const int64_t found = RequantizeIntegerSum(x, a, y, b);
    // What is shifted out tells at a tie alone.
    const bool is_tie = std::fabs(exact - std::floor(exact) - 0.5L) < 1e-6L;
    EXPECT_LE(std::llabs(found - nearest), is_tie ? 1 : 0) << x << " " << y;
  }
}

TEST(FixedPointTest, SumsOfFactorsFarApart) {
  const FixedPoint one = ToFixedPoint(1);
  const FixedPoint tiny = ToFixedPoint(1e-30);
  EXPECT_EQ(RequantizeIntegerSum(7, one, 255, tiny), 7);
  EXPECT_EQ(RequantizeIntegerSum(255, tiny, -7, one), -7);
  EXPECT_EQ(RequantizeIntegerSum(255, tiny, 255, tiny), 0);
  EXPECT_EQ(RequantizeIntegerSum(1, ToFixedPoint(0.5), 0, one), 0) << "halves to even";
  EXPECT_EQ(RequantizeIntegerSum(1, ToFixedPoint(0.5), 1, one), 2);
}

TEST(FixedPointTest, SumsOfCodesAreWithinOneCode) {
  std::mt19937 random(6);
  std::uniform_real_distribution<double> exponents(-4, 1);
  for (int k = 0; k < 50; ++k) {
    const auto a = static_cast<float>(std::exp2(exponents(random)));
    const auto b = static_cast<float>(std::exp2(exponents(random)));
    EXPECT_LE(WorstSum(a, {-128, 127}, b, {0, 255}, {-128, 127}), 1) << a << " " << b;
  }
  EXPECT_LE(WorstSum(0.3F, {-32768, 32767}, 0.7F, {-32768, 32767}, {-32768, 32767}), 1);
}

}  // namespace
}  // namespace qconvert
