#include "../../src/pipeline/small_set_search.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace qconvert {
namespace {

std::vector<size_t> Items(size_t count) {
  std::vector<size_t> items(count);
  std::iota(items.begin(), items.end(), size_t{0});
  return items;
}

// A plan whose noise is the sum of its items'.
SmallSetOptions Sum(std::vector<double> noise, std::vector<size_t> order, double target) {
  SmallSetOptions options;
  options.items = std::move(order);
  options.target = target;
  options.budget = 1000;
  options.noise = [noise = std::move(noise)](const std::set<size_t>& without) {
    double sum = 0;
    for (size_t i = 0; i < noise.size(); ++i) sum += without.contains(i) ? 0 : noise[i];
    return sum;
  };
  return options;
}

TEST(SmallSetSearchTest, FindsTheGuiltyOnesOfAGoodOrderInFewMeasurements) {
  std::vector<double> noise(200, 1e-4);
  for (size_t i = 0; i < 5; ++i) noise[i] = 1;
  const SmallSet found = FindSmallSet(Sum(noise, Items(200), 0.1));
  EXPECT_TRUE(found.reached);
  EXPECT_EQ(found.taken_out, (std::set<size_t>{0, 1, 2, 3, 4}));
  EXPECT_LE(found.measurements, 20);
}

TEST(SmallSetSearchTest, ABadOrderCostsMeasurementsNotItems) {
  std::vector<double> noise(256, 1e-5);
  noise[200] = noise[131] = 1;
  const SmallSet found = FindSmallSet(Sum(noise, Items(256), 0.1));
  EXPECT_TRUE(found.reached);
  EXPECT_TRUE(found.taken_out.contains(131) && found.taken_out.contains(200));
  EXPECT_LE(found.taken_out.size(), 2 * 256 / 12U);
  EXPECT_LE(found.measurements, 40);
}

TEST(SmallSetSearchTest, TellsTheBestWhenTheTargetIsOutOfReach) {
  SmallSetOptions options = Sum({1, 1, 1, 1}, Items(4), 0.5);
  const auto sum = options.noise;
  options.noise = [sum](const std::set<size_t>& without) { return 1 + sum(without); };
  const SmallSet found = FindSmallSet(options);
  EXPECT_FALSE(found.reached);
  EXPECT_EQ(found.noise, 1);
  EXPECT_EQ(found.taken_out.size(), 4U);
}

TEST(SmallSetSearchTest, StaysInItsBudget) {
  for (const int budget : {1, 3, 7}) {
    SmallSetOptions options = Sum(std::vector<double>(100, 1), Items(100), 20);
    options.budget = budget;
    int calls = 0;
    const auto sum = options.noise;
    options.noise = [&](const std::set<size_t>& without) {
      ++calls;
      return sum(without);
    };
    EXPECT_LE(FindSmallSet(options).measurements, budget);
    EXPECT_LE(calls, budget);
  }
}

TEST(SmallSetSearchTest, WhatDoesNotRunIsTakenOut) {
  SmallSetOptions options = Sum(std::vector<double>(64, 1e-3), Items(64), 0.5);
  const auto sum = options.noise;
  options.noise = [sum](const std::set<size_t>& without) {
    return without.contains(40) ? sum(without) : INFINITY;
  };
  const SmallSet found = FindSmallSet(options);
  EXPECT_TRUE(found.reached);
  EXPECT_TRUE(found.taken_out.contains(40));
  EXPECT_LE(found.taken_out.size(), 6U);
}

TEST(SmallSetSearchTest, NothingToTakeOut) {
  EXPECT_FALSE(FindSmallSet(SmallSetOptions{}).reached);
}

}  // namespace
}  // namespace qconvert
