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

// Steps of a quarter are exact: what each mode does is told by whole numbers.
int Expected(RoundMode mode, int quarters) {
  const int floor = quarters >= 0 ? quarters / 4 : -((3 - quarters) / 4);
  const int rest = quarters - 4 * floor;
  if (rest != 2) return floor + (rest > 2 ? 1 : 0);
  switch (mode) {
    case RoundMode::kHalfEven:
      return floor % 2 == 0 ? floor : floor + 1;
    case RoundMode::kHalfUp:
      return floor + 1;
    case RoundMode::kHalfDown:
      return quarters < 0 ? floor + 1 : floor;
    case RoundMode::kStdRound:
      return quarters < 0 ? floor : floor + 1;
  }
  return 0;
}

TEST(RounderTest, EveryQuarterInEveryModeAndType) {
  for (const RoundMode mode :
       {RoundMode::kHalfEven, RoundMode::kHalfUp, RoundMode::kHalfDown, RoundMode::kStdRound}) {
    const Rounder round(mode);
    for (int quarters = -600; quarters <= 600; ++quarters) {
      const int expected = Expected(mode, quarters);
      ASSERT_EQ(round(static_cast<float>(quarters) / 4), static_cast<float>(expected))
          << static_cast<int>(mode) << " " << quarters;
      ASSERT_EQ(round(quarters / 4.0), expected) << static_cast<int>(mode) << " " << quarters;
    }
  }
}

TEST(RounderTest, NeighboursOfAHalfGoToTheirSide) {
  for (const RoundMode mode :
       {RoundMode::kHalfEven, RoundMode::kHalfUp, RoundMode::kHalfDown, RoundMode::kStdRound}) {
    const Rounder round(mode);
    for (int whole = -200; whole < 200; ++whole) {
      const float half = static_cast<float>(whole) + 0.5F;
      EXPECT_EQ(round(std::nextafter(half, -INFINITY)), static_cast<float>(whole)) << half;
      EXPECT_EQ(round(std::nextafter(half, INFINITY)), static_cast<float>(whole + 1)) << half;
    }
    EXPECT_EQ(round(-INFINITY), -INFINITY);
    EXPECT_EQ(round(std::ldexp(1.0, 60) + 256), std::ldexp(1.0, 60) + 256);
  }
}

}  // namespace
}  // namespace qconvert
