#include "qconvert/base/spread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(SpreadTest, TakesAllThatThereAre) {
  EXPECT_THAT(SpreadEvenly<int64_t>(3, 8), ElementsAre(0, 1, 2));
  EXPECT_THAT(SpreadEvenly<size_t>(3, 3), ElementsAre(0U, 1U, 2U));
}

TEST(SpreadTest, StepsEvenlyFromTheFirst) {
  EXPECT_THAT(SpreadEvenly<int64_t>(10, 4), ElementsAre(0, 2, 5, 7));
  EXPECT_THAT(SpreadEvenly<int64_t>(1000, 2), ElementsAre(0, 500));
  EXPECT_THAT(SpreadEvenly<int64_t>(7, 1), ElementsAre(0));
}

TEST(SpreadTest, NoneOfNothing) {
  EXPECT_THAT(SpreadEvenly<size_t>(0, 4), IsEmpty());
  EXPECT_THAT(SpreadEvenly<int64_t>(4, 0), IsEmpty());
  EXPECT_THAT(SpreadEvenly<int64_t>(-1, 4), IsEmpty()) << "of what is left, counted by hand";
}

// Every place once, none beyond the end, for counts that do not divide each other.
TEST(SpreadTest, PlacesAreDistinctAndInside) {
  for (int64_t all = 1; all < 40; ++all) {
    for (int64_t most = 1; most < 40; ++most) {
      const std::vector<int64_t> places = SpreadEvenly(all, most);
      ASSERT_EQ(std::ssize(places), std::min(all, most));
      for (size_t k = 1; k < places.size(); ++k) ASSERT_LT(places[k - 1], places[k]);
      ASSERT_LT(places.back(), all);
    }
  }
}

}  // namespace
}  // namespace qconvert
