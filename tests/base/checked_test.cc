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

}  // namespace
}  // namespace qconvert
