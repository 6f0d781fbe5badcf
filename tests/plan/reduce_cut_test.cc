// What a reduction leaves stands for the whole, whatever the labels of the rest turn out to be.
#include "../../src/plan/reduce_cut.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <random>

namespace qconvert {
namespace {

using Labels = std::vector<bool>;

struct Problem {
  std::vector<int64_t> costs;                 // of the label integer
  std::vector<std::array<int64_t, 3>> pairs;  // first integer, second float, cost

  CutReduction Reduction() const {
    CutReduction out(costs.size());
    for (size_t n = 0; n < costs.size(); ++n) out.AddCost(n, costs[n]);
    for (const auto& [a, b, cost] : pairs)
      out.AddCost(static_cast<size_t>(a), static_cast<size_t>(b), cost);
    return out;
  }

  int64_t CostOf(const Labels& labels) const {
    int64_t sum = 0;
    for (size_t n = 0; n < costs.size(); ++n) sum += labels[n] ? costs[n] : 0;
    for (const auto& [a, b, cost] : pairs)
      if (labels[static_cast<size_t>(a)] && !labels[static_cast<size_t>(b)]) sum += cost;
    return sum;
  }
};

// Of what the reduction has left.
int64_t CostOfRest(const CutReduction& reduction, const Labels& labels) {
  int64_t sum = 0;
  for (size_t n = 0; n < reduction.size(); ++n) {
    if (!reduction.IsLeft(n) || !labels[n]) continue;
    sum += reduction.Cost(n);
    for (const auto& [other, link] : reduction.LinksOf(n)) {
      EXPECT_TRUE(reduction.IsLeft(other)) << "no links to what is gone";
      if (!labels[other]) sum += link.when_integer;
    }
  }
  return sum;
}

size_t CountLeft(const CutReduction& reduction) {
  size_t left = 0;
  for (size_t n = 0; n < reduction.size(); ++n) left += reduction.IsLeft(n) ? 1 : 0;
  return left;
}

// For every labelling of what is left: the completed labels are the cheapest there are, with the
// fewest integers, and cost what the rest costs, up to one constant.
void ExpectExact(const Problem& problem) {
  const size_t count = problem.costs.size();
  CutReduction reduction = problem.Reduction();
  reduction.Reduce();
  std::optional<int64_t> constant;
  for (unsigned bits = 0; bits < 1U << count; ++bits) {
    Labels labels;
    bool is_of_rest = true;
    for (size_t n = 0; n < count; ++n) {
      labels.push_back((bits >> n & 1) != 0);
      is_of_rest = is_of_rest && (reduction.IsLeft(n) || !labels[n]);
    }
    if (!is_of_rest) continue;
    Labels completed = labels;
    reduction.FindLabels(completed);
    int64_t least = INT64_MAX;
    for (unsigned all = 0; all < 1U << count; ++all) {
      Labels other;
      bool agrees = true;
      for (size_t n = 0; n < count; ++n) {
        other.push_back((all >> n & 1) != 0);
        agrees = agrees && (!reduction.IsLeft(n) || other[n] == labels[n]);
      }
      if (agrees) least = std::min(least, problem.CostOf(other));
    }
    ASSERT_EQ(problem.CostOf(completed), least);
    const int64_t difference = least - CostOfRest(reduction, labels);
    if (!constant) constant = difference;
    ASSERT_EQ(difference, *constant);
  }
}

TEST(ReduceCutTest, WhatIsLeftStandsForTheWhole) {
  std::mt19937 random(9);
  const auto number = [&](int64_t below) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(below));
  };
  size_t with_rest = 0;
  for (int round = 0; round < 250; ++round) {
    constexpr int64_t kNodes = 6;
    Problem problem;
    // Small costs beside large links leave much; large ones decide at once.
    const int64_t most = round % 2 == 0 ? 4 : 40;
    for (int64_t n = 0; n < kNodes; ++n) problem.costs.push_back(number(2 * most) - most);
    const int64_t links = 3 + number(18);
    for (int64_t k = 0; k < links; ++k)
      problem.pairs.push_back({number(kNodes), number(kNodes), number(12)});
    ExpectExact(problem);
    CutReduction reduction = problem.Reduction();
    reduction.Reduce();
    with_rest += CountLeft(reduction) > 0 ? 1 : 0;
  }
  EXPECT_GT(with_rest, 0U) << "of some problems something is left";
}

TEST(ReduceCutTest, ChainsTreesAndSingleRingsVanish) {
  constexpr int64_t kNodes = 8;
  Problem chain;
  for (int64_t n = 0; n < kNodes; ++n) {
    chain.costs.push_back(n % 2 == 0 ? -3 : 2);
    if (n > 0) chain.pairs.push_back({n, n - 1, 5});
    if (n > 0) chain.pairs.push_back({n - 1, n, 4});
  }
  Problem ring = chain;
  ring.pairs.push_back({0, kNodes - 1, 5});
  Problem tree = chain;
  tree.pairs.clear();
  for (int64_t n = 1; n < kNodes; ++n) tree.pairs.push_back({n, (n - 1) / 3, 5});
  for (const Problem& problem : {chain, ring, tree}) {
    CutReduction reduction = problem.Reduction();
    reduction.Reduce();
    EXPECT_EQ(CountLeft(reduction), 0U);
    ExpectExact(problem);
  }
}

// Four nodes that are all linked with each other, none of which decides by itself.
TEST(ReduceCutTest, WhatBranchesStays) {
  Problem problem;
  problem.costs = {-10, 10, -10, 10};
  for (int64_t a = 0; a < 4; ++a)
    for (int64_t b = 0; b < 4; ++b)
      if (a != b) problem.pairs.push_back({a, b, 8});
  CutReduction reduction = problem.Reduction();
  reduction.Reduce();
  EXPECT_EQ(CountLeft(reduction), 4U);
  problem.costs[0] = -25;  // more than the 24 that its links may cost
  CutReduction decided = problem.Reduction();
  decided.Reduce();
  EXPECT_FALSE(decided.IsLeft(0));
  ExpectExact(problem);
}

TEST(ReduceCutTest, LinksAddUpAndAreSeenFromBothEnds) {
  CutReduction reduction(2);
  reduction.AddCost(0, 1, 3);
  reduction.AddCost(0, 1, 4);
  reduction.AddCost(1, 0, 5);
  reduction.AddCost(1, 1, 100);  // a node beside itself costs nothing
  EXPECT_EQ(reduction.LinksOf(0).at(1).when_integer, 7);
  EXPECT_EQ(reduction.LinksOf(0).at(1).when_float, 5);
  EXPECT_EQ(reduction.LinksOf(1).at(0).when_integer, 5);
  EXPECT_EQ(reduction.LinksOf(1).at(0).when_float, 7);
  EXPECT_EQ(reduction.LinksOf(1).size(), 1U);
  EXPECT_EQ(reduction.AddNode(), 2U);
  EXPECT_EQ(reduction.size(), 3U);
}

TEST(ReduceCutTest, EqualCostsAreFloat) {
  CutReduction reduction(3);
  reduction.AddCost(0, 0);  // no costs at all
  reduction.AddCost(1, -5);
  reduction.AddCost(1, 5);
  reduction.AddCost(2, -1);
  reduction.Reduce();
  Labels labels(3, false);
  reduction.FindLabels(labels);
  EXPECT_EQ(labels, (Labels{false, false, true}));
}

}  // namespace
}  // namespace qconvert
