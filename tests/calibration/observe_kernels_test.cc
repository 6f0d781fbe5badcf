// The vector kernels against loops, at every length around theirs and every alignment.
#include "../../src/calibration/observe_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

constexpr float kMax = std::numeric_limits<float>::max();
constexpr float kTiny = std::numeric_limits<float>::denorm_min();

// Lengths around whole numbers of vectors of any width.
const std::vector<size_t> kCounts = {1,  2,  3,  7,  8,  9,  15,  16,  17,
                                     31, 32, 33, 63, 64, 65, 127, 1000};

TEST(RangeOfBlockTest, IsThatOfALoopWhereverTheEndsStand) {
  for (const size_t count : kCounts) {
    const std::vector<float> values = RandomFloats(count + 3, static_cast<uint32_t>(count));
    for (size_t from = 0; from < 3; ++from) {
      const std::span<const float> block(values.data() + from, count);
      const BlockRange range = RangeOfBlock(block.data(), count);
      EXPECT_TRUE(range.finite);
      EXPECT_EQ(range.min, *std::min_element(block.begin(), block.end())) << count;
      EXPECT_EQ(range.max, *std::max_element(block.begin(), block.end())) << count;
    }
  }
}

TEST(RangeOfBlockTest, TheExtremeMayStandAnywhere) {
  for (const size_t count : {size_t{1}, size_t{17}, size_t{40}}) {
    for (size_t at = 0; at < count; ++at) {
      std::vector<float> values(count, 0.5F);
      values[at] = -kMax;
      EXPECT_EQ(RangeOfBlock(values.data(), count).min, -kMax) << at << " of " << count;
      values[at] = kMax;
      EXPECT_EQ(RangeOfBlock(values.data(), count).max, kMax) << at << " of " << count;
    }
  }
}

TEST(RangeOfBlockTest, OneThatIsNoNumberIsFoundAnywhere) {
  for (const size_t count : {size_t{1}, size_t{16}, size_t{33}, size_t{70}}) {
    for (size_t at = 0; at < count; ++at) {
      for (const float odd : {NAN, -NAN, INFINITY, -INFINITY}) {
        std::vector<float> values(count, -1.0F);
        values[at] = odd;
        EXPECT_FALSE(RangeOfBlock(values.data(), count).finite) << at << " of " << count;
      }
    }
  }
  const std::vector<float> largest = {kMax, -kMax, kTiny};
  EXPECT_TRUE(RangeOfBlock(largest.data(), largest.size()).finite);
}

TEST(RangeOfBlockTest, AZeroIsPositive) {
  for (const size_t count : {size_t{1}, size_t{5}, size_t{64}}) {
    const std::vector<float> zeros(count, -0.0F);
    const BlockRange range = RangeOfBlock(zeros.data(), count);
    EXPECT_FALSE(std::signbit(range.min));
    EXPECT_FALSE(std::signbit(range.max));
  }
}

// Counts by the definition in the header, the four counters of a bin added up.
std::vector<uint64_t> Binned(std::span<const float> values, float inverse_width, int32_t side) {
  std::vector<uint64_t> out(2 * static_cast<size_t>(side), 0);
  for (const float x : values) {
    const double place = std::trunc(std::abs(static_cast<double>(x)) * inverse_width);
    const auto bin = static_cast<int64_t>(std::min(place, side - 1.0));
    ++out[static_cast<size_t>(x < 0 ? side - 1 - bin : side + bin)];
  }
  return out;
}

std::vector<uint64_t> ByKernel(std::span<const float> values, float inverse_width, int32_t side) {
  std::vector<uint32_t> four(8 * static_cast<size_t>(side), 0);
  BinBlock(values.data(), values.size(), inverse_width, side, four.data());
  std::vector<uint64_t> out;
  for (size_t bin = 0; bin < four.size() / 4; ++bin)
    out.push_back(std::accumulate(four.begin() + static_cast<ptrdiff_t>(4 * bin),
                                  four.begin() + static_cast<ptrdiff_t>(4 * bin + 4), uint64_t{0}));
  return out;
}

TEST(BinBlockTest, EveryValueIsInItsBin) {
  for (const size_t count : kCounts) {
    std::vector<float> values = RandomFloats(count + 1, static_cast<uint32_t>(count), 3);
    for (size_t k = 0; k < count; k += 5) values[k] = k % 2 == 0 ? 0.0F : -0.0F;
    for (const int32_t side : {1, 16, 2048}) {
      for (size_t from = 0; from < 2; ++from) {
        const std::span<const float> block(values.data() + from, count);
        EXPECT_EQ(ByKernel(block, 4, side), Binned(block, 4, side)) << count << " in " << side;
      }
    }
  }
}

TEST(BinBlockTest, EdgesBelongToTheBinAboveAndWhatIsBeyondToTheLast) {
  std::vector<float> values;
  for (int k = 0; k < 8; ++k) {
    const auto edge = static_cast<float>(k) * 0.25F;
    for (const float x : {edge, std::nextafter(edge, -1.0F), std::nextafter(edge, 9.0F)}) {
      values.push_back(x);
      values.push_back(-x);
    }
  }
  values.insert(values.end(), {kMax, -kMax, 1e20F, -1e20F, kTiny, -kTiny, 2, -2, 1.9999F});
  EXPECT_EQ(ByKernel(values, 4, 8), Binned(values, 4, 8));
}

// Repeated values spread over the counters of their bin, and none is lost.
TEST(BinBlockTest, EqualValuesAddUp) {
  const std::vector<float> zeros(4096, 0.0F);
  EXPECT_EQ(ByKernel(zeros, 1, 4)[4], 4096U);
  std::vector<uint32_t> four(32, 7);
  BinBlock(zeros.data(), 3, 1, 4, four.data());
  EXPECT_EQ(std::accumulate(four.begin(), four.end(), 0U), 32 * 7 + 3U) << "is added";
}

}  // namespace
}  // namespace qconvert
