// Grids in numbers: where ties go at every code, what every width holds, what ranges come to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "qconvert/ir/tensor.h"
#include "qconvert/numbers/half_even.h"
#include "qconvert/numbers/power_of_two.h"
#include "qconvert/numbers/quantize.h"

namespace qconvert {
namespace {

using testing::ElementsAre;

NumericFormat WithMode(NumericFormat format, RoundMode mode) {
  format.round = Rounder(mode);
  return format;
}

struct WidthRow {
  int bits;
  int32_t signed_min, narrow_min, signed_max, unsigned_max;
};

constexpr WidthRow kWidths[] = {
    {2, -2, -1, 1, 3},
    {3, -4, -3, 3, 7},
    {4, -8, -7, 7, 15},
    {5, -16, -15, 15, 31},
    {6, -32, -31, 31, 63},
    {7, -64, -63, 63, 127},
    {8, -128, -127, 127, 255},
    {9, -256, -255, 255, 511},
    {10, -512, -511, 511, 1023},
    {11, -1024, -1023, 1023, 2047},
    {12, -2048, -2047, 2047, 4095},
    {13, -4096, -4095, 4095, 8191},
    {14, -8192, -8191, 8191, 16383},
    {15, -16384, -16383, 16383, 32767},
    {16, -32768, -32767, 32767, 65535},
};

TEST(GridTablesTest, WhatEveryWidthHolds) {
  for (const WidthRow& row : kWidths) {
    SCOPED_TRACE(row.bits);
    const NumericFormat plain = IntegerFormat(row.bits, true, true);
    EXPECT_EQ(plain.qmin, row.signed_min);
    EXPECT_EQ(plain.qmax, row.signed_max);
    EXPECT_TRUE(plain.symmetric);
    EXPECT_EQ(IntegerFormat(row.bits, true, true, /*narrow=*/true).qmin, row.narrow_min);
    const NumericFormat shifted = IntegerFormat(row.bits, false, false);
    EXPECT_EQ(shifted.qmin, 0);
    EXPECT_EQ(shifted.qmax, row.unsigned_max);
    EXPECT_FALSE(shifted.symmetric);
    EXPECT_EQ(IntegerFormat(row.bits, false, false, /*narrow=*/true), shifted)
        << "narrow says nothing of unsigned codes";
  }
}

// The ends of every width are representable, and beyond them all saturates.
TEST(GridTablesTest, EveryWidthSaturatesAtItsEnds) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const WidthRow& row : kWidths) {
    SCOPED_TRACE(row.bits);
    const NumericFormat format = IntegerFormat(row.bits, true, true);
    const auto code = [&](double x) {
      return QuantizeValue(static_cast<float>(x), 0.5F, 0, format);
    };
    EXPECT_EQ(code(row.signed_max / 2.0), row.signed_max);
    EXPECT_EQ(code(row.signed_min / 2.0), row.signed_min);
    EXPECT_EQ(code(row.signed_max / 2.0 + 0.25), row.signed_max);
    EXPECT_EQ(code(row.signed_min / 2.0 - 0.25), row.signed_min);
    EXPECT_EQ(code(kInfinity), row.signed_max);
    EXPECT_EQ(code(-kInfinity), row.signed_min);
    EXPECT_EQ(code(std::nan("")), row.signed_min);
    EXPECT_EQ(code(3e38), row.signed_max);
  }
}

struct TieRow {
  RoundMode mode;
  std::vector<int32_t> codes;
};

// -8.5, -7.5, ... 8.5 on a scale of 1: the outermost ones saturate in every mode.
TEST(GridTablesTest, TiesOfFourBits) {
  const std::vector<TieRow> rows = {
      {RoundMode::kHalfEven, {-8, -8, -6, -6, -4, -4, -2, -2, 0, 0, 2, 2, 4, 4, 6, 6, 7, 7}},
      {RoundMode::kHalfUp, {-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 7, 7}},
      {RoundMode::kHalfDown, {-8, -7, -6, -5, -4, -3, -2, -1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 7}},
      {RoundMode::kStdRound, {-8, -8, -7, -6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6, 7, 7, 7}}};
  for (const TieRow& row : rows) {
    const NumericFormat format = WithMode(IntegerFormat(4, true, true), row.mode);
    std::vector<int32_t> codes;
    std::vector<int8_t> of_row(18);
    std::vector<float> values;
    for (int k = -9; k <= 8; ++k) values.push_back(static_cast<float>(k) + 0.5F);
    for (const float value : values) codes.push_back(QuantizeValue(value, 1, 0, format));
    EXPECT_EQ(codes, row.codes) << static_cast<int>(row.mode);
    const float scale = 1;
    QuantizeRow(std::span<const float>(values), &scale, 0, 0, format, of_row.data());
    EXPECT_EQ(std::vector<int32_t>(of_row.begin(), of_row.end()), row.codes);
  }
}

// A zero point moves what is rounded, not where ties go.
TEST(GridTablesTest, TiesAroundAZeroPoint) {
  const NumericFormat uint8 = FullFormat(DataType::kUint8);
  for (const auto& [mode, codes] :
       {std::pair{RoundMode::kHalfEven, std::vector<int32_t>{126, 126, 128, 128, 130}},
        {RoundMode::kHalfUp, {126, 127, 128, 129, 130}},
        {RoundMode::kHalfDown, {126, 127, 128, 128, 129}},
        {RoundMode::kStdRound, {125, 126, 127, 129, 130}}}) {
    std::vector<int32_t> found;
    for (const float x : {-2.5F, -1.5F, -0.5F, 0.5F, 1.5F})
      found.push_back(QuantizeValue(x, 1, 128, WithMode(uint8, mode)));
    EXPECT_EQ(found, codes) << static_cast<int>(mode);
  }
}

struct RangeRow {
  Range range;
  int bits;
  bool symmetric;
  float scale;
  int32_t zero_point;
};

TEST(GridTablesTest, ScalesAndZeroPointsOfRanges) {
  const std::vector<RangeRow> rows = {{{-1, 1}, 2, true, 1, 0},
                                      {{-1, 1}, 4, true, 1 / 7.0F, 0},
                                      {{-3, 1}, 8, true, 3 / 127.0F, 0},
                                      {{-1, 3}, 8, true, 3 / 127.0F, 0},
                                      {{0, 3}, 8, true, 3 / 127.0F, 0},
                                      {{-32767, 0}, 16, true, 1, 0},
                                      {{0, 3}, 2, false, 1, 0},
                                      {{-1, 2}, 2, false, 1, 1},
                                      {{-3, 0}, 2, false, 1, 3},
                                      {{0, 15}, 4, false, 1, 0},
                                      {{-5, 10}, 4, false, 1, 5},
                                      {{-127.5F, 127.5F}, 8, false, 1, 128},
                                      {{-2, 253}, 8, false, 1, 2},
                                      {{0, 255}, 8, false, 1, 0},
                                      {{-255, 0}, 8, false, 1, 255},
                                      {{-32768, 32767}, 16, false, 1, 32768},
                                      // 0 is always inside.
                                      {{5, 15}, 4, false, 1, 0},
                                      {{-15, -5}, 4, false, 1, 15},
                                      {{2, 7}, 4, true, 1, 0},
                                      // Nothing, and next to nothing.
                                      {{0, 0}, 8, false, 1, 0},
                                      {{0, 0}, 4, true, 1, 0},
                                      {{0, 1e-45F}, 8, true, 0x1p-126F, 0},
                                      {{-1e-45F, 0}, 8, false, 0x1p-126F, 0}};
  for (const RangeRow& row : rows) {
    const QuantParams params =
        ParamsFromRange(row.range, IntegerFormat(row.bits, row.symmetric, row.symmetric));
    EXPECT_THAT(params.scales, ElementsAre(row.scale)) << row.range.min << " " << row.range.max;
    EXPECT_THAT(params.zero_points, ElementsAre(row.zero_point))
        << row.range.min << " " << row.range.max;
    EXPECT_TRUE(params.per_tensor());
  }
}

// 127.5 steps below zero: a tie, which goes where the format says.
TEST(GridTablesTest, ZeroPointsAreRoundedAsTheFormatSays) {
  for (const auto& [mode, zero_point] : {std::pair{RoundMode::kHalfEven, 128},
                                         {RoundMode::kHalfUp, 127},
                                         {RoundMode::kHalfDown, 127},
                                         {RoundMode::kStdRound, 128}}) {
    const NumericFormat format = WithMode(FullFormat(DataType::kUint8), mode);
    EXPECT_THAT(ParamsFromRange({-127.5F, 127.5F}, format).zero_points, ElementsAre(zero_point));
  }
}

TEST(GridTablesTest, HalfEvenInVectorLoops) {
  for (int k = -4100; k <= 4100; ++k) {
    const float tie = static_cast<float>(k) + 0.5F;
    for (const float x : {tie, std::nextafter(tie, 1e9F), std::nextafter(tie, -1e9F),
                          static_cast<float>(k), static_cast<float>(k) + 0.25F})
      ASSERT_EQ(RoundHalfEven(x), std::nearbyint(x)) << x;
  }
  for (const float x : {4194303.5F, -4194303.5F, 4194304.0F, -4194304.0F})
    EXPECT_EQ(RoundHalfEven(x), std::nearbyint(x)) << x;
}

struct HalfRow {
  float value;
  uint16_t half, brain;
};

// IEEE 754 binary16, and the upper half of binary32.
TEST(GridTablesTest, FloatsOf16Bits) {
  const std::vector<HalfRow> rows = {{0, 0x0000, 0x0000},
                                     {-0.0F, 0x8000, 0x8000},
                                     {1, 0x3C00, 0x3F80},
                                     {-2, 0xC000, 0xC000},
                                     {0.5F, 0x3800, 0x3F00},
                                     {0.1F, 0x2E66, 0x3DCD},
                                     {1 / 3.0F, 0x3555, 0x3EAB},
                                     {65504, 0x7BFF, 0x4780},
                                     {65519.996F, 0x7BFF, 0x4780},
                                     {65520, 0x7C00, 0x4780},
                                     {-65520, 0xFC00, 0xC780},
                                     {1e30F, 0x7C00, 0x714A},
                                     {0x1p-14F, 0x0400, 0x3880},
                                     {0x1p-24F, 0x0001, 0x3380},
                                     {0x1p-25F, 0x0000, 0x3300},
                                     {0x1.8p-25F, 0x0001, 0x3340},
                                     {0x1.ffcp-15F, 0x0400, 0x3880},
                                     {1 + 0x1p-11F, 0x3C00, 0x3F80},
                                     {1 + 0x3p-11F, 0x3C02, 0x3F80},
                                     {1 + 0x1p-8F, 0x3C04, 0x3F80},
                                     {1 + 0x3p-8F, 0x3C0C, 0x3F82},
                                     {1 + 0x1.0002p-8F, 0x3C04, 0x3F81},
                                     {0x1.FFp127F, 0x7C00, 0x7F80},
                                     {0x1.FEFFFEp127F, 0x7C00, 0x7F7F},
                                     {0x1p-149F, 0x0000, 0x0000},
                                     {std::numeric_limits<float>::infinity(), 0x7C00, 0x7F80}};
  for (const HalfRow& row : rows) {
    EXPECT_EQ(FloatToHalf(row.value), row.half) << row.value;
    EXPECT_EQ(FloatToBfloat16(row.value), row.brain) << row.value;
  }
  // A payload in the lower bits alone does not make a NaN infinite.
  const auto nan = std::bit_cast<float>(0x7F800001U);
  EXPECT_EQ(FloatToBfloat16(nan), 0x7FC0);
  EXPECT_EQ(FloatToHalf(-nan) & 0x7FFF, 0x7E00);
}

struct FixRow {
  double min, max;
  int bits, position;
};

// The finest 2^-p whose codes, with half a step on either side, hold both ends.
TEST(GridTablesTest, FixPositionsOfRanges) {
  for (const FixRow& row :
       {FixRow{0, 0, 8, 12},         FixRow{0, 0, 16, 15},    FixRow{0, 127.5, 8, 0},
        FixRow{0, 127.6, 8, -1},     FixRow{-128.5, 0, 8, 0}, FixRow{-128.6, 0, 8, -1},
        FixRow{-128.5, 127.5, 8, 0}, FixRow{0, 1, 8, 6},      FixRow{-1, 0, 8, 7},
        FixRow{-1, 1, 8, 6},         FixRow{0, 7.5, 4, 0},    FixRow{0, 3.75, 4, 1},
        FixRow{-8.5, 7.5, 4, 0},     FixRow{0, 1.5, 2, 0},    FixRow{-2.5, 1.5, 2, 0},
        FixRow{0, 32767.5, 16, 0},   FixRow{0, 1, 16, 14},    FixRow{0, 0x1p-20, 8, 12},
        FixRow{0, 0x1p-20, 9, 15},   FixRow{0, 1e6, 8, -13}}) {
    EXPECT_EQ(MaxMinFixPosition(row.min, row.max, row.bits), row.position)
        << row.min << " " << row.max << " " << row.bits;
  }
}

}  // namespace
}  // namespace qconvert
