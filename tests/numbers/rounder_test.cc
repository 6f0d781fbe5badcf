#include "qconvert/numbers/rounder.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace qconvert {
namespace {

// The tie table of the Vitis AI quantizer's kernel.
TEST(RounderTest, TheVendorsTieTable) {
  struct Row {
    float x, half_even, half_up, half_down, std_round;
  };
  constexpr std::array kRows = {Row{-3.5F, -4, -3, -3, -4}, Row{-2.5F, -2, -2, -2, -3},
                                Row{-1.5F, -2, -1, -1, -2}, Row{-0.5F, 0, 0, 0, -1},
                                Row{0.5F, 0, 1, 0, 1},      Row{1.5F, 2, 2, 1, 2},
                                Row{2.5F, 2, 3, 2, 3},      Row{3.5F, 4, 4, 3, 4}};
  for (const Row& row : kRows) {
    EXPECT_EQ(Rounder(RoundMode::kHalfEven)(row.x), row.half_even) << row.x;
    EXPECT_EQ(Rounder(RoundMode::kHalfUp)(row.x), row.half_up) << row.x;
    EXPECT_EQ(Rounder(RoundMode::kHalfDown)(row.x), row.half_down) << row.x;
    EXPECT_EQ(Rounder(RoundMode::kStdRound)(row.x), row.std_round) << row.x;
    EXPECT_EQ(Rounder(RoundMode::kHalfUp)(static_cast<double>(row.x)), row.half_up) << row.x;
  }
}

TEST(RounderTest, OffTiesAllModesGoToTheNearest) {
  for (const RoundMode mode :
       {RoundMode::kHalfEven, RoundMode::kHalfUp, RoundMode::kHalfDown, RoundMode::kStdRound}) {
    const Rounder round(mode);
    EXPECT_EQ(round(0.49999997F), 0) << "x + 0.5 would be 1";
    EXPECT_EQ(round(-0.49999997F), 0);
    EXPECT_EQ(round(2.5000002F), 3);
    EXPECT_EQ(round(8388609.0F), 8388609.0F) << "no fraction left";
    EXPECT_EQ(round(INFINITY), INFINITY);
    EXPECT_TRUE(std::isnan(round(NAN)));
  }
}

}  // namespace
}  // namespace qconvert
