#include "qconvert/base/map_in_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>

namespace qconvert {
namespace {

using testing::ElementsAre;

TEST(MapInOrderTest, TakesInOrderWhateverTheWorkers) {
  for (const int workers : {0, 1, 2, 3, 16}) {
    std::vector<std::string> taken;
    MapInOrder(
        5, workers, [](size_t k) { return std::to_string(k); },
        [&](size_t k, std::string text) {
          EXPECT_EQ(text, std::to_string(k));
          taken.push_back(std::move(text));
          return true;
        });
    EXPECT_THAT(taken, ElementsAre("0", "1", "2", "3", "4")) << workers;
  }
}

TEST(MapInOrderTest, StopsWhenTold) {
  std::atomic<int> made{0};
  size_t last = 0;
  MapInOrder(
      1000, 2,
      [&](size_t k) {
        ++made;
        return k;
      },
      [&](size_t k, size_t /*result*/) {
        last = k;
        return k < 3;
      });
  EXPECT_EQ(last, 3U);
  EXPECT_LE(made, 6) << "a batch beyond at most";
}

TEST(MapInOrderTest, OneWorkerMayGoOnFromTheResultBefore) {
  int sum = 0;
  MapInOrder(
      4, 1, [&](size_t k) { return sum + static_cast<int>(k); },
      [&](size_t /*k*/, int result) {
        sum = result;
        return true;
      });
  EXPECT_EQ(sum, 0 + 1 + 2 + 3);
}

TEST(MapInOrderTest, AFailureComesOutAndNothingBehindItIsTaken) {
  size_t taken = 0;
  EXPECT_THROW(MapInOrder(
                   10, 2,
                   [](size_t k) {
                     if (k == 5) throw std::runtime_error("five");
                     return k;
                   },
                   [&](size_t k, size_t /*result*/) {
                     taken = k;
                     return true;
                   }),
               std::runtime_error);
  EXPECT_LT(taken, 5U);
}

}  // namespace
}  // namespace qconvert
