#include "find_guilty.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// Items whose noises add up.
struct Sum {
  std::vector<double> noise;
  int calls = 0;
  double Without(const std::set<size_t>& without) {
    ++calls;
    double sum = 0;
    for (size_t k = 0; k < noise.size(); ++k) sum += without.contains(k) ? 0 : noise[k];
    return sum;
  }
  GuiltySet Find(std::vector<size_t> order, double target, int budget = 500) {
    return FindGuilty({.items = std::move(order),
                       .noise = [&](const std::set<size_t>& without) { return Without(without); },
                       .target = target,
                       .budget = budget});
  }
  std::vector<size_t> InOrder() const {
    std::vector<size_t> order(noise.size());
    std::iota(order.begin(), order.end(), size_t{0});
    return order;
  }
};

TEST(FindGuiltyTest, ExactlyTheGuiltyWhereverTheyStand) {
  Sum sum{std::vector<double>(50, 1e-6)};
  sum.noise[3] = 1;
  sum.noise[17] = 2;
  sum.noise[40] = 0.5;
  const GuiltySet found = sum.Find(sum.InOrder(), 0.1);
  EXPECT_THAT(found.items, ElementsAre(3U, 17U, 40U));
  EXPECT_TRUE(found.reached);
  EXPECT_TRUE(found.is_minimal);
  EXPECT_NEAR(found.before, 3.5, 1e-3);
  EXPECT_NEAR(found.after, 47e-6, 1e-9);
  EXPECT_NEAR(found.any_fewer, 0.5, 1e-3) << "without the smallest of the three";
  EXPECT_EQ(found.measurements, sum.calls) << "no set is measured twice";
}

TEST(FindGuiltyTest, OneCulpritThatIsSuspectedTakesFewMeasurements) {
  Sum sum{std::vector<double>(100, 1e-6)};
  sum.noise[0] = 1;
  const GuiltySet found = sum.Find(sum.InOrder(), 0.1);
  EXPECT_THAT(found.items, ElementsAre(0U));
  EXPECT_EQ(found.any_fewer, found.before) << "without it nothing is left out";
  EXPECT_LE(found.measurements, 4);
}

TEST(FindGuiltyTest, NodesThatMaskEachOtherAreBothKept) {
  // The error is there as long as one of the two is quantized.
  const auto noise = [](const std::set<size_t>& without) {
    return without.contains(2) && without.contains(7) ? 0.0 : 1.0;
  };
  const GuiltySet found = FindGuilty(
      {.items = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, .noise = noise, .target = 0.5, .budget = 200});
  EXPECT_THAT(found.items, ElementsAre(2U, 7U));
  EXPECT_EQ(found.any_fewer, 1);
  EXPECT_TRUE(found.is_minimal);
}

TEST(FindGuiltyTest, OutOfReachIsSaid) {
  Sum sum{{1, 1, 1}};
  const GuiltySet found = sum.Find(sum.InOrder(), -1);
  EXPECT_FALSE(found.reached);
  EXPECT_FALSE(found.is_minimal);
  EXPECT_THAT(
      FindGuilty(
          {.items = {}, .noise = [](const auto&) { return 1.0; }, .target = 0.5, .budget = 5})
          .items,
      IsEmpty());
}

TEST(FindGuiltyTest, TheBudgetHolds) {
  Sum sum{std::vector<double>(400, 1)};
  const GuiltySet found = sum.Find(sum.InOrder(), 100, 30);
  EXPECT_LE(sum.calls, 32);
  EXPECT_TRUE(found.reached);
  EXPECT_FALSE(found.is_minimal);
  EXPECT_LE(found.after, 100);
  EXPECT_THAT(found.items, SizeIs(testing::Ge(300U)));
}

}  // namespace
}  // namespace qconvert
