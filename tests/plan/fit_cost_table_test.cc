#include "qconvert/plan/fit_cost_table.h"

#include <gtest/gtest.h>

#include <vector>

namespace qconvert {
namespace {

CostCounts Counts(double kernels, double products, double outputs) {
  CostCounts counts;
  counts.Add({{CostTerm::kKernel, kernels},
              {CostTerm::kFloatProduct, products},
              {CostTerm::kFloatOutput, outputs}});
  return counts;
}

CostTable Truth() {
  CostTable table = kAvx2Costs;
  table[CostTerm::kKernel] = 1000;
  table[CostTerm::kFloatProduct] = 0.01;
  table[CostTerm::kFloatOutput] = 0.3;
  return table;
}

std::vector<TimedNetwork> Networks(const CostTable& truth) {
  std::vector<TimedNetwork> networks;
  for (const double kernels : {1, 3, 9}) {
    for (const double products : {1e4, 1e6, 1e8}) {
      for (const double outputs : {1e3, 1e5}) {
        const CostCounts counts = Counts(kernels, products, outputs);
        networks.push_back({counts, TimeOf(counts, truth)});
      }
    }
  }
  return networks;
}

TEST(FitCostTableTest, FindsWhatTheTimesWereMadeOf) {
  const std::vector<TimedNetwork> networks = Networks(Truth());
  const CostTable fitted = FitCostTable(networks, kAvx2Costs);
  EXPECT_NEAR(fitted[CostTerm::kKernel], 1000, 20);
  EXPECT_NEAR(fitted[CostTerm::kFloatProduct], 0.01, 2e-4);
  EXPECT_NEAR(fitted[CostTerm::kFloatOutput], 0.3, 0.02);
  EXPECT_LT(MeanRelativeError(networks, fitted), 0.01);
  EXPECT_GT(MeanRelativeError(networks, kAvx2Costs), 0.3);
}

TEST(FitCostTableTest, WhatNoNetworkShowsStaysAsItWas) {
  const CostTable fitted = FitCostTable(Networks(Truth()), kAvx2Costs);
  EXPECT_EQ(fitted[CostTerm::kIntegerProduct], kAvx2Costs[CostTerm::kIntegerProduct]);
  EXPECT_EQ(FitCostTable({}, kVnniCosts).ns, kVnniCosts.ns);
}

TEST(FitCostTableTest, NoTermTakesNoTimeAtAll) {
  CostTable truth = Truth();
  truth[CostTerm::kFloatOutput] = 0;
  const CostTable fitted = FitCostTable(Networks(truth), kAvx2Costs);
  EXPECT_NEAR(fitted[CostTerm::kFloatOutput], 0.1 * kAvx2Costs[CostTerm::kFloatOutput], 1e-9);
}

TEST(FitCostTableTest, RelativeErrorsCountSmallNetworksAsMuchAsLargeOnes) {
  const CostCounts counts = Counts(1, 0, 0);
  CostTable table = kAvx2Costs;
  table[CostTerm::kKernel] = 900;
  const std::vector<TimedNetwork> one = {{counts, 1000}};
  EXPECT_NEAR(MeanRelativeError(one, table), 0.1, 1e-12);
  EXPECT_EQ(MeanRelativeError({}, table), 0);
}

}  // namespace
}  // namespace qconvert
