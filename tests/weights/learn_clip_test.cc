#include "qconvert/weights/learn_clip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "qconvert/numbers/quant_params.h"
#include "qconvert/numbers/quantize.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

constexpr int64_t kRows = 400;
constexpr int64_t kColumns = 8;

const NumericFormat kUint4 = IntegerFormat(4, false, false);
const NumericFormat kInt4 = IntegerFormat(4, true, true);

// Rows for a MatMul: of one normal distribution, with a few numbers far out.
std::vector<float> Rows(float far_out) {
  std::vector<float> values = RandomFloats(kRows * kColumns, 7);
  for (size_t k = 0; k < values.size(); k += 1601) values[k] = far_out;
  return values;
}

struct Case {
  GraphBuilder b;
  std::vector<Tensor> samples;
  ClipReader reader;

  explicit Case(std::vector<float> values, const std::vector<float>& weights = {}) {
    b.Input("x", {"N", "8"}).Output("y");
    b.Floats("w", {kColumns, 4},
             weights.empty() ? RandomFloats(static_cast<size_t>(kColumns) * 4, 3) : weights);
    b.Add("MatMul", {"x", "w"}, {"y"});
    samples.push_back(MakeFloatTensor("x", {kRows, kColumns}, values));
    reader = {.node = &b.model.graph.nodes[0], .weight = b.model.graph.FindInitializer("w")};
  }
  LearnedClip Learn(Range start, const NumericFormat& format) const {
    return LearnClip(samples, std::span(&reader, 1), start, format);
  }
};

// Error of all rows and columns, as the header has it.
double ErrorOf(const Case& of, Range range, const NumericFormat& format) {
  const QuantParams params = ParamsFromRange(range, format);
  const auto x = of.samples[0].values<float>();
  const auto w = of.reader.weight->values<float>();
  double error = 0;
  double signal = 0;
  for (size_t row = 0; row < kRows; ++row) {
    for (size_t c = 0; c < 4; ++c) {
      double exact = 0;
      double rounded = 0;
      for (size_t k = 0; k < kColumns; ++k) {
        const float one = x[row * kColumns + k];
        const int32_t q = QuantizeValue(one, params.scales[0], params.zero_points[0], format);
        exact += one * w[k * 4 + c];
        rounded += DequantizeValue(q, params.scales[0], params.zero_points[0]) * w[k * 4 + c];
      }
      error += (rounded - exact) * (rounded - exact);
      signal += exact * exact;
    }
  }
  return error / signal;
}

TEST(LearnClipTest, FewNumbersFarOutAreCutWhereTheOutputsGainByIt) {
  const Case of(Rows(8));
  const LearnedClip learned = of.Learn({-3.5F, 8}, kUint4);
  EXPECT_LT(learned.range.max, 6);
  EXPECT_LT(learned.error_after, 0.8 * learned.error_before);
  // On all rows too, of which it has seen some.
  EXPECT_LT(ErrorOf(of, learned.range, kUint4), 0.9 * ErrorOf(of, {-3.5F, 8}, kUint4));
}

TEST(LearnClipTest, EveryGridAroundIsWorse) {
  const Case of(Rows(8));
  const LearnedClip learned = of.Learn({-3.5F, 8}, kUint4);
  const Range found = learned.range;
  for (const float factor : {0.7F, 1.4F}) {
    for (const Range other :
         {Range{found.min, found.max * factor}, Range{found.min * factor, found.max}}) {
      if (other.max > 8) continue;
      EXPECT_GE(of.Learn(other, kUint4).error_before, learned.error_after);
    }
  }
}

TEST(LearnClipTest, ANumberFarOutThatTheWeightsNeedStays) {
  // Only column 0 is read, and it alone reaches far out.
  std::vector<float> values = RandomFloats(kRows * kColumns, 7);
  for (size_t k = 0; k < values.size(); k += kColumns) values[k] *= 6;
  std::vector<float> weights(kColumns * 4, 0.0F);
  std::fill_n(weights.begin(), 4, 1.0F);
  const Case of(values, weights);
  EXPECT_GT(of.Learn({-6, 6}, kUint4).range.max, 5);
  const Case evenly(values, std::vector<float>(kColumns * 4, 1.0F));
  EXPECT_GT(evenly.Learn({-6, 6}, kUint4).error_before, 0);
}

TEST(LearnClipTest, WhatAnActivationCutsNeedsNoCodes) {
  // y = x: a Relu behind it reads nothing below 0.
  std::vector<float> identity(kColumns * kColumns, 0.0F);
  for (size_t k = 0; k < kColumns; ++k) identity[k * kColumns + k] = 1;
  Case of(RandomFloats(kRows * kColumns, 9));
  of.b.Floats("v", {kColumns, kColumns}, identity);
  of.reader.weight = of.b.model.graph.FindInitializer("v");
  const LearnedClip plain = of.Learn({-3, 3}, kUint4);
  of.reader.activation.low = 0;
  const LearnedClip rectified = of.Learn({-3, 3}, kUint4);
  EXPECT_LT(plain.range.min, -1.5F);
  EXPECT_GT(rectified.range.min, -0.7F);
  EXPECT_GT(rectified.range.max, 1.5F);
}

TEST(LearnClipTest, ASymmetricFormatHasOneBound) {
  const LearnedClip learned = Case(Rows(8)).Learn({-8, 8}, kInt4);
  EXPECT_EQ(learned.range.min, -learned.range.max);
  EXPECT_LT(learned.range.max, 6);
}

TEST(LearnClipTest, NothingReachesBeyondWhatWasSeen) {
  const std::vector<float> values = RandomFloats(kRows * kColumns, 7);
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const LearnedClip learned = Case(values).Learn({-0.2F, 0.2F}, IntegerFormat(8, false, false));
  EXPECT_LE(learned.range.max, *most);
  EXPECT_GE(learned.range.min, *least);
  EXPECT_GT(learned.range.max, 2) << "it may grow again";
}

TEST(LearnClipTest, ABoundAtZeroStaysThere) {
  std::vector<float> values = Rows(8);
  for (float& v : values) v = std::abs(v);
  const LearnedClip learned = Case(values).Learn({0, 8}, kUint4);
  EXPECT_EQ(learned.range.min, 0);
  EXPECT_LT(learned.range.max, 6);
}

TEST(LearnClipTest, ReadersAreHeardAlike) {
  // One reader needs the numbers far out, as they are; the other one does not.
  const Case of(Rows(8));
  const std::vector<ClipReader> both = {of.reader, ClipReader{}};
  const std::vector<ClipReader> turned = {ClipReader{}, of.reader};
  const LearnedClip a = LearnClip(of.samples, both, {-3.5F, 8}, kUint4);
  const LearnedClip b = LearnClip(of.samples, turned, {-3.5F, 8}, kUint4);
  EXPECT_EQ(a.range, b.range);
}

TEST(LearnClipTest, ConvolutionsWithGroupsAreSeenInParts) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "12", "12"}).Random("w", {4, 1, 3, 3}, 0.5F).Output("y");
  b.Add("Conv", {"x", "w"}, {"y"}).Set("group", int64_t{4});
  std::vector<float> values = RandomFloats(4 * 144, 5);
  for (size_t k = 0; k < values.size(); k += 97) values[k] = 8;
  const std::vector<Tensor> samples = {MakeFloatTensor("x", {1, 4, 12, 12}, values)};
  const ClipReader reader{.node = &b.model.graph.nodes[0],
                          .weight = b.model.graph.FindInitializer("w")};
  const LearnedClip learned = LearnClip(samples, std::span(&reader, 1), {-1, 8}, kUint4);
  EXPECT_LT(learned.error_after, learned.error_before);
}

TEST(LearnClipTest, NothingIsLearnedFromSilence) {
  const Case of(std::vector<float>(kRows * kColumns, 0.0F));
  EXPECT_EQ(of.Learn({-1, 1}, kUint4).range, (Range{-1, 1}));
}

}  // namespace
}  // namespace qconvert
