#include "qconvert/base/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

namespace qconvert {
namespace {

TEST(ParallelForTest, EveryIndexOnceForAnyNumberOfWorkers) {
  for (const int workers : {-1, 0, 1, 2, 3, 8, 200}) {
    std::vector<std::atomic<int>> calls(100);
    ParallelFor(calls.size(), workers, [&](size_t i, size_t worker) {
      EXPECT_LT(worker, static_cast<size_t>(std::max(workers, 1)));
      ++calls[i];
    });
    EXPECT_TRUE(std::all_of(calls.begin(), calls.end(), [](const auto& n) { return n == 1; }))
        << workers << " workers";
  }
}

TEST(ParallelForTest, NothingToDo) {
  ParallelFor(0, 4, [](size_t, size_t) { FAIL(); });
}

TEST(ParallelForTest, OneWorkerGoesInOrder) {
  std::vector<size_t> order;
  ParallelFor(5, 1, [&](size_t i, size_t) { order.push_back(i); });
  EXPECT_EQ(order, (std::vector<size_t>{0, 1, 2, 3, 4}));
}

TEST(ParallelForTest, AWorkerIsNeverTwoThreadsAtOnce) {
  std::vector<std::atomic<int>> inside(4);
  ParallelFor(2000, 4, [&](size_t, size_t worker) {
    EXPECT_EQ(++inside[worker], 1);
    --inside[worker];
  });
}

// Which failure a user is told must not depend on which thread is first: here index 2 fails while 1
// is still at work.
TEST(ParallelForTest, TheFailureOfTheLowestIndexIsTold) {
  std::atomic<bool> later_failed{false};
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  try {
    ParallelFor(3, 2, [&](size_t i, size_t) {
      if (i == 2) {
        later_failed = true;
        throw std::runtime_error("2");
      }
      if (i == 1) {
        while (!later_failed && std::chrono::steady_clock::now() < deadline) {
          std::this_thread::yield();
        }
        throw std::runtime_error("1");
      }
    });
    FAIL();
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "1");
  }
}

TEST(ParallelForTest, AFailureEndsTheRest) {
  std::atomic<size_t> calls{0};
  EXPECT_THROW(ParallelFor(1'000'000, 1,
                           [&](size_t, size_t) {
                             ++calls;
                             throw std::runtime_error("first");
                           }),
               std::runtime_error);
  EXPECT_EQ(calls, 1U);
}

}  // namespace
}  // namespace qconvert
