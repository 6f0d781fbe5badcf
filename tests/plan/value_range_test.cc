#include "qconvert/plan/value_range.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include "qconvert/base/error.h"
#include "qconvert/numbers/power_of_two.h"
#include "qconvert/numbers/quantize.h"
#include "support/graph_builder.h"
#include "support/observe.h"

namespace qconvert {
namespace {

using M = CalibrationMethod;

TensorSettings Symmetric(M method) {
  TensorSettings settings;
  settings.method = method;
  settings.symmetry = true;
  settings.is_signed = true;
  return settings;
}

TEST(FormatOfTest, FollowsTheSettings) {
  const auto format = [](DataType type, int32_t qmin, int32_t qmax, bool symmetric) {
    return NumericFormat{type, qmin, qmax, symmetric, 0, false, Rounder()};
  };
  EXPECT_EQ(FormatOf({.bit_width = 8}), format(DataType::kUint8, 0, 255, false));
  EXPECT_EQ(FormatOf({.bit_width = 8, .is_signed = true}), format(DataType::kUint8, 0, 255, false))
      << "asymmetric is unsigned";
  EXPECT_EQ(FormatOf({.bit_width = 8, .symmetry = true, .is_signed = true}),
            format(DataType::kInt8, -128, 127, true));
  EXPECT_EQ(FormatOf({.bit_width = 8, .symmetry = true, .is_signed = true, .narrow_range = true}),
            format(DataType::kInt8, -127, 127, true));
  EXPECT_EQ(FormatOf({.bit_width = 8, .symmetry = true}), format(DataType::kUint8, 0, 255, true));
  EXPECT_EQ(FormatOf({.bit_width = 16}), format(DataType::kUint16, 0, 65535, false));
  EXPECT_EQ(FormatOf({.bit_width = 16, .symmetry = true, .is_signed = true}),
            format(DataType::kInt16, -32768, 32767, true));
  EXPECT_EQ(FormatOf({.round_mode = RoundMode::kHalfUp, .scale_type = ScaleType::kPowerOfTwo}),
            (NumericFormat{DataType::kUint8, 0, 255, false, 0, true, Rounder(RoundMode::kHalfUp)}));
}

// The same real numbers, whatever the target calls their codes.
TEST(FormatOfTest, TargetsThatPreferUnsignedCodesHaveTheSameNumbers) {
  const TensorSettings settings{.bit_width = 8, .symmetry = true, .is_signed = true};
  const NumericFormat plain = ActivationFormat(settings, kBpuTarget);
  const NumericFormat moved = ActivationFormat(settings, kCpuTarget);
  EXPECT_EQ(plain, FormatOf(settings));
  EXPECT_EQ(moved.type, DataType::kUint8);
  const QuantParams a = ParamsFromRange({-0.7F, 1.3F}, plain);
  const QuantParams b = ParamsFromRange({-0.7F, 1.3F}, moved);
  EXPECT_EQ(a.scales, b.scales);
  EXPECT_EQ(b.zero_points[0], 128);
  for (const float x : RandomFloats(2000, 9)) {
    const int32_t qa = QuantizeValue(x, a.scales[0], a.zero_points[0], plain);
    const int32_t qb = QuantizeValue(x, b.scales[0], b.zero_points[0], moved);
    EXPECT_EQ(DequantizeValue(qa, a.scales[0], a.zero_points[0]),
              DequantizeValue(qb, b.scales[0], b.zero_points[0]));
  }
  const TensorSettings wide{.bit_width = 16, .symmetry = true, .is_signed = true};
  EXPECT_EQ(ActivationFormat(wide, kCpuTarget).type, DataType::kInt16);
}

TEST(FixPositionTest, HistogramsAgreeWithTheValues) {
  for (const float spread : {0.3F, 1.0F, 7.0F, 100.0F}) {
    std::vector<float> values = RandomFloats(4096, 5);
    for (float& v : values) v = spread * std::tanh(v);
    for (const int candidates : {1, kDiffsCandidates}) {
      EXPECT_EQ(FixPositionOf(Observe(values), 8, candidates), FixPositionOf(values, 8, candidates))
          << spread << ", " << candidates;
    }
  }
}

TEST(ValueRangeTest, UnsignedSymmetricCodesTakeOneSide) {
  std::vector<float> values = RandomFloats(5000, 1);
  for (float& v : values) v = std::fabs(v);
  for (const M method : {M::kMaxMin, M::kPercentile, M::kEntropy, M::kMse, M::kDiffs, M::kAuto}) {
    TensorSettings settings = Symmetric(method);
    settings.is_signed = false;
    const Range range = RangeOf(Observe(values), settings);
    EXPECT_EQ(range.min, 0) << MethodName(method);
    EXPECT_GT(range.max, 2) << MethodName(method);
  }
}

TEST(ValueRangeTest, DiffsWithFloatScalesIsTheLeastSquaredDifference) {
  const TensorStatistics statistics = Observe(RandomFloats(5000, 2));
  EXPECT_EQ(RangeOf(statistics, Symmetric(M::kDiffs)), RangeOf(statistics, Symmetric(M::kMse)));
}

TEST(ValueRangeTest, PercentilesOfWeightsAreThoseOfTheSortedOnes) {
  const std::vector<float> values = RandomFloats(4000, 3, 0.1F);
  std::vector<float> sorted;
  for (const float v : values) sorted.push_back(std::fabs(v));
  std::sort(sorted.begin(), sorted.end());
  TensorSettings settings = Symmetric(M::kPercentile);
  for (const double percentage : {50.0, 90.0, 99.0, 99.9}) {
    settings.percentage = percentage;
    const Range range = RangeOfValues(values, settings);
    const double exact = sorted[static_cast<size_t>(percentage / 100 * 4000) - 1];
    EXPECT_NEAR(range.max, exact, 0.5 / 1024) << percentage;
    EXPECT_EQ(range.min, -range.max);
  }
  settings.percentage = 100;
  EXPECT_EQ(RangeOfValues(values, settings).max, sorted.back());
}

TEST(ValueRangeTest, KeysTellQuestionsApart) {
  std::set<std::string> keys;
  TensorSettings settings = Symmetric(M::kPercentile);
  keys.insert(BatchKey(settings));
  settings.percentage = 99.9;
  keys.insert(BatchKey(settings));
  settings.symmetry = false;
  keys.insert(BatchKey(settings));
  settings.bit_width = 16;
  keys.insert(BatchKey(settings));
  settings.method = M::kMse;
  keys.insert(BatchKey(settings));
  settings.compat = Compat::kVitis;
  keys.insert(BatchKey(settings));
  EXPECT_EQ(keys.size(), 6U);
  const std::string key = BatchKey(settings);
  settings.statistic = BatchStatistic::kMedian;
  EXPECT_EQ(BatchKey(settings), key) << "how answers are combined is not asked of a batch";
}

TEST(ValueRangeTest, QuestionsAreAskedOnce) {
  QuantConfig config;
  config.tensors.activation = Symmetric(M::kMse);
  config.tensors.activation.statistic = BatchStatistic::kMean;
  config.tensors.input = config.tensors.activation;
  LayerSettings layer{{}, config.tensors};
  layer.tensors.activation.method = M::kMaxMin;
  config.layers.push_back(layer);
  EXPECT_EQ(BatchQuestionsOf(config).size(), 2U);
  config.tensors.activation.datatype = Datatype::kFloat32;
  config.tensors.input.datatype = Datatype::kFloat32;
  config.layers.clear();
  EXPECT_TRUE(BatchQuestionsOf(config).empty());
}

TEST(ValueRangeTest, ATableWithoutTheRangesOfBatchesIsRefused) {
  TensorSettings settings = Symmetric(M::kMaxMin);
  settings.statistic = BatchStatistic::kMean;
  CalibrationTable table;
  table.values["x"] = Observe({-1, 2});
  try {
    DecideRange(table, "x", settings);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kData);
  }
  table.batches["x"][BatchKey(settings)] = {{-1, 1}, {-3, 3}};
  EXPECT_EQ(DecideRange(table, "x", settings), (Range{-2, 2}));
}

TEST(ValueRangeTest, TheVendorsSearchStaysAboveThreeQuarters) {
  std::vector<float> values = RandomFloats(400'000, 5);
  values.push_back(12);
  TensorSettings settings = Symmetric(M::kMse);
  EXPECT_LT(RangeOfValues(values, settings).max, 8);
  settings.compat = Compat::kVitis;
  EXPECT_GE(RangeOfValues(values, settings).max, 9);
}

TEST(ValueRangeTest, DescriptionsNameTheOrder) {
  EXPECT_EQ(DescribeMethod(Symmetric(M::kMaxMin)), "maxmin");
  TensorSettings settings = Symmetric(M::kPercentile);
  settings.statistic = BatchStatistic::kMedian;
  EXPECT_EQ(DescribeMethod(settings), "percentile 99.99, median of batches");
  settings.compat = Compat::kVitis;
  EXPECT_EQ(DescribeMethod(settings), "percentile 99.99, as Vitis AI, median of batches");
  EXPECT_EQ(DescribeMethod(Symmetric(M::kMovingAverageAbsMax)),
            "moving_average_abs_max, goes by the order of samples");
}

}  // namespace
}  // namespace qconvert
