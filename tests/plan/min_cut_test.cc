#include "../../src/plan/min_cut.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace qconvert {
namespace {

TEST(MinCutTest, ChainsPayTheirBorders) {
  // 0 wants integer strongly, 1 wants float weakly, 2 wants integer; a border costs 5.
  const auto chain = [](int64_t middle_float_gain) {
    MinCut cut(3);
    cut.AddFloatCost(0, 100);
    cut.AddFloatCost(2, 100);
    cut.AddIntegerCost(1, middle_float_gain);
    for (const auto& [a, b] : {std::pair{0, 1}, {1, 2}}) {
      cut.AddCost(static_cast<size_t>(a), static_cast<size_t>(b), 5);
      cut.AddCost(static_cast<size_t>(b), static_cast<size_t>(a), 5);
    }
    return cut.Solve();
  };
  EXPECT_EQ(chain(9), (std::vector<bool>{true, true, true}));
  EXPECT_EQ(chain(11), (std::vector<bool>{true, false, true}));
}

TEST(MinCutTest, TiesGoToFloat) {
  MinCut cut(1);
  cut.AddFloatCost(0, 7);
  cut.AddIntegerCost(0, 7);
  EXPECT_EQ(cut.Solve(), std::vector<bool>{false});
}

// Against trying all labels.
TEST(MinCutTest, IsTheMinimumOnRandomProblems) {
  std::mt19937 random(1);
  const auto number = [&](int below) {
    return static_cast<int64_t>(random() % static_cast<unsigned>(below));
  };
  for (int round = 0; round < 600; ++round) {
    constexpr size_t kNodes = 8;
    const int links = 6 + round % 15;
    std::vector<int64_t> integer(kNodes);
    std::vector<int64_t> floating(kNodes);
    std::vector<std::array<int64_t, 3>> pairs;
    MinCut cut(kNodes);
    for (size_t n = 0; n < kNodes; ++n) {
      cut.AddIntegerCost(n, integer[n] = number(12));
      cut.AddFloatCost(n, floating[n] = number(12));
    }
    for (int p = 0; p < links; ++p) {
      pairs.push_back({number(kNodes), number(kNodes), number(15)});
      cut.AddCost(static_cast<size_t>(pairs.back()[0]), static_cast<size_t>(pairs.back()[1]),
                  pairs.back()[2]);
    }
    const auto cost = [&](const std::vector<bool>& labels) {
      int64_t sum = 0;
      for (size_t n = 0; n < kNodes; ++n) sum += labels[n] ? integer[n] : floating[n];
      for (const auto& [a, b, c] : pairs) {
        if (labels[static_cast<size_t>(a)] && !labels[static_cast<size_t>(b)]) sum += c;
      }
      return sum;
    };
    int64_t least = INT64_MAX;
    std::vector<bool> best;
    for (unsigned bits = 0; bits < 1U << kNodes; ++bits) {
      std::vector<bool> labels;
      for (size_t n = 0; n < kNodes; ++n) labels.push_back((bits >> n & 1) != 0);
      if (cost(labels) > least) continue;
      // The labels that are integer in all minima are a minimum themselves: the smallest side.
      if (cost(labels) < least) best.assign(kNodes, true);
      for (size_t n = 0; n < kNodes; ++n) best[n] = best[n] && labels[n];
      least = cost(labels);
    }
    EXPECT_EQ(cut.Solve(), best) << round;
  }
}

// Each node needs the one in front of it, so a prefix is integer: the one that saves most. Time
// that grew with the square of the length would be minutes.
TEST(MinCutTest, LongChainsTakeLinearTime) {
  constexpr size_t kNodes = 200000;
  MinCut cut(kNodes);
  int64_t saved = 0;
  int64_t most = 0;
  size_t best = 0;
  for (size_t n = 0; n < kNodes; ++n) {
    const int64_t on_integers = n % 7 == 0 || n > kNodes / 2 ? 8 : 2;
    cut.AddFloatCost(n, 3);
    cut.AddIntegerCost(n, on_integers);
    if (n > 0) cut.AddCost(n, n - 1, MinCut::kInfinite);
    if (n > 0) cut.AddCost(n - 1, n, 4);
    saved += 3 - on_integers;
    const int64_t border = n + 1 < kNodes ? 4 : 0;
    if (saved - border > most) {
      most = saved - border;
      best = n + 1;
    }
  }
  ASSERT_GT(best, kNodes / 3);
  ASSERT_LT(best, kNodes);
  std::vector<bool> expected(kNodes, false);
  std::fill_n(expected.begin(), best, true);
  EXPECT_TRUE(cut.Solve() == expected);
}

}  // namespace
}  // namespace qconvert
