#include "qconvert/base/finite.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace qconvert
