#include "size_names.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

const Length kW{{}, "W", false};

TEST(SizeNamesTest, StepsOfOneSymbolAreOneFormula) {
  SizeNames names({});
  const Length half = names.Add(names.Divide(names.Add(kW, -1), 2), 1);
  EXPECT_EQ(half.symbol, "floor((W+1)/2)");
  EXPECT_EQ(names.Divide(names.Add(kW, 1), 2), half);
  EXPECT_EQ(names.Divide(names.Divide(names.Add(kW, 3), 2), 2).symbol, "floor((W+3)/4)");
  EXPECT_EQ(names.Add(names.Add(kW, 2), -2), kW) << "what pads keep";
  EXPECT_EQ(names.Divide(names.Multiply(kW, 6), 3).symbol, "2*W");
  EXPECT_EQ(names.Add(names.Multiply(kW, 2), -3).symbol, "2*W-3");
  EXPECT_EQ(names.Multiply(half, 2).symbol, "2*(floor((W+1)/2))");
  EXPECT_EQ(names.Divide(names.Multiply(names.Multiply(kW, {{}, "H", false}), 8), 8).symbol, "H*W");
  EXPECT_EQ(names.Add(Exactly(7), 2), Exactly(9));
  EXPECT_EQ(names.Divide(Exactly(-7), 2), Exactly(-4)) << "down";
}

TEST(SizeNamesTest, WhatIsUnknownOrLargeStaysUnknown) {
  SizeNames names({});
  EXPECT_EQ(names.Add(Length{}, 1), Length{});
  EXPECT_EQ(names.Multiply({{}, "S", true}, 2), Length{}) << "S or less";
  EXPECT_EQ(names.Add(kW, INT64_MAX), Length{});
  EXPECT_EQ(names.Multiply(kW, -1), Length{});
  EXPECT_EQ(names.Divide(kW, 0), Length{});
  Length long_one = kW;
  for (int i = 0; i < 100; ++i) long_one = names.Multiply(long_one, {{}, "V", false});
  EXPECT_EQ(long_one, Length{});
}

TEST(SizeNamesTest, ASymbolOfTheModelIsNoFormulaOfThatName) {
  GraphBuilder b;
  b.Input("x", {"W", "W+1"}).Output("y");
  SizeNames names(b.model.graph);
  EXPECT_EQ(names.Add(kW, 1), Length{}) << "it may be any size";
  EXPECT_EQ(names.Add({{}, "W+1", false}, 1).symbol, "(W+1)+1");
}

// Random steps: what has one name has one size, whatever W is.
TEST(SizeNamesTest, TheSameNameIsTheSameSize) {
  SizeNames names({});
  std::mt19937 random(1);
  const auto pick = [&](int64_t from, int64_t to) {
    return from + static_cast<int64_t>(random() % static_cast<uint64_t>(to - from + 1));
  };
  std::map<std::string, std::vector<int64_t>> sizes;
  size_t shared = 0;
  for (int i = 0; i < 3000; ++i) {
    Length length = kW;
    std::vector<int64_t> numbers;
    for (int64_t w = 40; w < 90; ++w) numbers.push_back(w);
    for (int64_t step = pick(1, 5); step > 0; --step) {
      const int64_t kind = pick(0, 3);
      const int64_t number = kind == 0 ? pick(-3, 3) : pick(1, 4);
      length = kind == 0   ? names.Add(length, number)
               : kind <= 2 ? names.Divide(length, number)
                           : names.Multiply(length, number);
      for (int64_t& w : numbers) {
        if (kind == 0) w += number;
        if (kind == 1 || kind == 2) w = (w + 400 * number) / number - 400;
        if (kind == 3) w *= number;
      }
    }
    ASSERT_FALSE(length.symbol.empty());
    const auto [it, is_new] = sizes.emplace(length.symbol, numbers);
    shared += is_new ? 0 : 1;
    EXPECT_EQ(it->second, numbers) << length.symbol;
  }
  EXPECT_GT(shared, 1000U);
}

}  // namespace
}  // namespace qconvert
