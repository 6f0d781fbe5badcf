#include "qconvert/base/checked.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace qconvert {
namespace {

constexpr int64_t kMax = INT64_MAX;
constexpr int64_t kMin = INT64_MIN;

TEST(CheckedTest, AddAnswersOverflow) {
  EXPECT_EQ(CheckedAdd(2, 3), 5);
  EXPECT_EQ(CheckedAdd(kMax - 1, 1), kMax);
  EXPECT_FALSE(CheckedAdd(kMax, 1));
  EXPECT_FALSE(CheckedAdd(kMin, -1));
  EXPECT_EQ(CheckedAdd(kMin, kMax), -1);
}

TEST(CheckedTest, MulAnswersOverflow) {
  EXPECT_EQ(CheckedMul(-4, 5), -20);
  EXPECT_EQ(CheckedMul(kMax, 1), kMax);
  EXPECT_EQ(CheckedMul(int64_t{1} << 31, int64_t{1} << 31), int64_t{1} << 62);
  EXPECT_FALSE(CheckedMul(int64_t{1} << 32, int64_t{1} << 31));
  EXPECT_FALSE(CheckedMul(kMin, -1)) << "the one negation that does not fit";
}

int64_t Count(const std::vector<int64_t>& dims) { return ElementCount(dims).value_or(-1); }

TEST(ElementCountTest, ProductOfDimensions) {
  EXPECT_EQ(Count({}), 1) << "a scalar";
  EXPECT_EQ(Count({2, 3, 4}), 24);
  EXPECT_EQ(Count({2, 0, 4}), 0);
  EXPECT_EQ(Count({kMax, 1}), kMax);
}

TEST(ElementCountTest, ImpossibleDimensions) {
  EXPECT_EQ(Count({2, -1}), -1);
  EXPECT_EQ(Count({0, -1}), -1) << "negative beside 0";
  EXPECT_EQ(Count({kMax, 2}), -1);
  EXPECT_EQ(Count({int64_t{1} << 40, int64_t{1} << 40, 0}), -1) << "overflow hidden behind a 0";
  EXPECT_EQ(Count({0, int64_t{1} << 40, int64_t{1} << 40}), -1);
}

TEST(CheckedTest, AgreesWithWiderIntegers) {
  const std::vector<int64_t> numbers = {
      kMin, kMin + 1,   -(int64_t{1} << 32), -3037000500,      -2,       -1,  0, 1,
      2,    3037000499, 3037000500,          int64_t{1} << 32, kMax - 1, kMax};
  const auto fits = [](__int128 wide) { return wide >= kMin && wide <= kMax; };
  for (const int64_t a : numbers) {
    for (const int64_t b : numbers) {
      const __int128 sum = static_cast<__int128>(a) + b;
      const __int128 product = static_cast<__int128>(a) * b;
      ASSERT_EQ(CheckedAdd(a, b).has_value(), fits(sum)) << a << " + " << b;
      ASSERT_EQ(CheckedMul(a, b).has_value(), fits(product)) << a << " * " << b;
      EXPECT_EQ(CheckedAdd(a, b).value_or(0), fits(sum) ? static_cast<int64_t>(sum) : 0);
      EXPECT_EQ(CheckedMul(a, b).value_or(0), fits(product) ? static_cast<int64_t>(product) : 0);
    }
  }
}

TEST(ElementCountTest, WhereTheZeroStandsChangesNothing) {
  for (size_t zero = 0; zero < 3; ++zero) {
    std::vector<int64_t> dims = {kMax, 2};
    dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(zero), 0);
    EXPECT_EQ(Count(dims), -1) << zero << ": what is left passes int64";
    dims = {kMax, 1};
    dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(zero), 0);
    EXPECT_EQ(Count(dims), 0) << zero;
    dims = {3, -1};
    dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(zero), 0);
    EXPECT_EQ(Count(dims), -1) << zero << ": negative";
  }
}

}  // namespace
}  // namespace qconvert
