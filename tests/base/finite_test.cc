#include "qconvert/base/finite.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace qconvert {
namespace {

using Limits = std::numeric_limits<float>;

TEST(AllFiniteTest, NumbersAre) {
  EXPECT_TRUE(AllFinite({}));
  const std::vector<float> numbers = {
      0.0F, -0.0F, 1.0F, Limits::max(), Limits::lowest(), Limits::min(), Limits::denorm_min()};
  EXPECT_TRUE(AllFinite(numbers));
}

TEST(AllFiniteTest, OneThatIsNoneIsFoundAnywhere) {
  for (const float bad : {Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN(),
                          -Limits::quiet_NaN(), Limits::signaling_NaN()}) {
    for (const size_t at : {0, 1, 15, 16, 33}) {
      std::vector<float> values(34, 1.0F);
      values[at] = bad;
      EXPECT_FALSE(AllFinite(values)) << at;
    }
  }
}

TEST(AllFiniteTest, OneBadValueIsSeenWhereverItStands) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (size_t count = 1; count <= 40; ++count) {
    std::vector<float> values(count, -1.5F);
    ASSERT_TRUE(AllFinite(values)) << count;
    for (size_t k = 0; k < count; ++k) {
      for (const float bad : {infinity, -infinity, std::nanf("1"), -std::nanf("2")}) {
        values[k] = bad;
        ASSERT_FALSE(AllFinite(values)) << bad << " at " << k << " of " << count;
      }
      values[k] =
          k % 2 == 0 ? std::numeric_limits<float>::max() : std::numeric_limits<float>::denorm_min();
      ASSERT_TRUE(AllFinite(values)) << "the ends of what is finite, " << k << " of " << count;
    }
  }
}

}  // namespace
}  // namespace qconvert
