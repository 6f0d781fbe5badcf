#include "qconvert/targets/cost_table.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace qconvert {
namespace {

TEST(CostTableTest, EveryTermHasANameOfItsOwnAndATime) {
  std::set<std::string> names;
  for (size_t k = 0; k < kCostTerms; ++k) {
    const auto term = static_cast<CostTerm>(k);
    EXPECT_TRUE(names.insert(CostTermName(term)).second) << CostTermName(term);
    EXPECT_GT(kAvx2Costs[term], 0) << CostTermName(term);
    EXPECT_GT(kVnniCosts[term], 0) << CostTermName(term);
  }
}

TEST(CostTableTest, NamesAreThoseOfFiles) {
  EXPECT_EQ(CostTermName(CostTerm::kKernel), "kernel");
  EXPECT_EQ(CostTermName(CostTerm::kDynamicOutput), "dynamic_output");
  EXPECT_EQ(CostTermName(FloatElement(0)), "Add.float");
  EXPECT_EQ(CostTermName(IntegerElement(kElementOperators.size() - 1)), "ReduceMin.integer");
}

TEST(CostTableTest, ATimeIsTheSumOfItsTerms) {
  CostTable table;
  table[CostTerm::kKernel] = 100;
  table[CostTerm::kFloatProduct] = 0.5;
  const CostShares shares = {{CostTerm::kKernel, 2}, {CostTerm::kFloatProduct, 10}};
  EXPECT_DOUBLE_EQ(TimeOf(shares, table), 205);
  CostCounts counts;
  counts.Add(shares);
  counts.Add({{CostTerm::kKernel, 1}});
  EXPECT_DOUBLE_EQ(TimeOf(counts, table), 305);
}

// What int8 dot products are for.
TEST(CostTableTest, IntegerProductsGainMostWithInt8DotProducts) {
  const auto gain = [](const CostTable& table) {
    return table[CostTerm::kFloatProduct] / table[CostTerm::kIntegerProduct];
  };
  EXPECT_GT(gain(kVnniCosts), 2 * gain(kAvx2Costs));
}

}  // namespace
}  // namespace qconvert
