#include "qconvert/report/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

#include "qconvert/report/conversion_report.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

Tensor Floats(const std::vector<float>& values) {
  return MakeFloatTensor("y", {static_cast<int64_t>(values.size())}, values);
}

OutputComparison Compare(const std::vector<float>& a, const std::vector<float>& b) {
  return CompareSample({"y"}, Floats(a), Floats(b));
}

TEST(ComparisonTest, KnownNumbers) {
  const OutputComparison c = Compare({3, 4}, {3, 3});
  EXPECT_DOUBLE_EQ(c.cosine(), 21 / (5 * std::sqrt(18)));
  EXPECT_DOUBLE_EQ(c.sqnr_db(), 10 * std::log10(25.0));
  EXPECT_DOUBLE_EQ(c.sums.max_error, 1);
}

TEST(ComparisonTest, WhatIsNotFiniteIsCountedOnBothSides) {
  const OutputComparison c = Compare({1, NAN, 3, INFINITY, NAN}, {1, 5, NAN, INFINITY, NAN});
  EXPECT_EQ(c.sums.count, 1);
  EXPECT_EQ(c.float_non_finite, 3);
  EXPECT_EQ(c.non_finite, 1);
  EXPECT_EQ(c.sums.float_power, 1);
  EXPECT_EQ(c.sums.error_power, 0);
}

TEST(ComparisonTest, ShapesAndTypesThatDifferAreNotCompared) {
  const OutputComparison shapes = Compare({1, 2}, {1});
  EXPECT_EQ(shapes.mismatched_shapes, 1);
  EXPECT_EQ(shapes.float_dims, std::vector<int64_t>{2});
  EXPECT_EQ(shapes.quantized_dims, std::vector<int64_t>{1});
  EXPECT_EQ(shapes.sums.count, 0);
  const std::vector<int64_t> integers = {1, 2};
  EXPECT_EQ(
      CompareSample({"y"}, Floats({1, 2}), MakeInt64Tensor("y", {2}, integers)).mismatched_shapes,
      1);
}

TEST(ComparisonTest, IntegersBooleansAndStringsCountEqualOnes) {
  const std::vector<int64_t> a = {1, 2, 3, 4};
  const std::vector<int64_t> b = {1, 0, 3, 4};
  const OutputComparison c =
      CompareSample({"y"}, MakeInt64Tensor("y", {4}, a), MakeInt64Tensor("y", {4}, b));
  EXPECT_EQ(c.elements, 4);
  EXPECT_EQ(c.equal, 3);
  EXPECT_EQ(c.sums.count, 0);
  Tensor x;
  x.type = DataType::kString;
  x.dims = {2};
  x.strings = {"cat", "dog"};
  Tensor y = x;
  y.strings = {"cat", "cow"};
  EXPECT_EQ(CompareSample({"y"}, x, y).equal, 1);
  Tensor packed;
  packed.type = DataType::kUint4;
  packed.dims = {3};
  packed.bytes = std::make_shared<const std::string>("\x21\x03", 2);
  Tensor other = packed;
  other.bytes = std::make_shared<const std::string>("\x31\x03", 2);
  EXPECT_EQ(CompareSample({"y"}, packed, other).equal, 2) << "two elements share a byte";
}

TEST(ComparisonTest, WhatIsNoTensorHasNoType) {
  const OutputComparison c = CompareSample({"y"}, Tensor{}, Tensor{});
  EXPECT_EQ(c.type, DataType::kUndefined);
  EXPECT_EQ(c.samples.size(), 1U);
}

TEST(ComparisonTest, EveryFloatingPointTypeCountsAsFloat32) {
  const std::vector<uint16_t> half = {0x3C00, 0x4000};  // 1, 2
  const std::vector<uint16_t> half_off = {0x3C00, 0x4200};
  const std::vector<uint16_t> brain = {0x3F80, 0x4000};
  const std::vector<uint16_t> brain_off = {0x3F80, 0x4040};
  const std::vector<double> wide = {1, 2};
  const std::vector<double> wide_off = {1, 3};
  const auto check = [](const OutputComparison& c) {
    EXPECT_EQ(c.sums.float_power, 5);
    EXPECT_EQ(c.sums.error_power, 1);
  };
  const auto halves = [](DataType type, const std::vector<uint16_t>& values) {
    return MakeTensor<uint16_t>("y", type, {2}, values);
  };
  check(
      CompareSample({"y"}, halves(DataType::kFloat16, half), halves(DataType::kFloat16, half_off)));
  check(CompareSample({"y"}, halves(DataType::kBfloat16, brain),
                      halves(DataType::kBfloat16, brain_off)));
  check(CompareSample({"y"}, MakeTensor<double>("y", DataType::kDouble, {2}, wide),
                      MakeTensor<double>("y", DataType::kDouble, {2}, wide_off)));
}

TEST(ComparisonTest, WorstSampleIsToldByItsNumber) {
  OutputComparison sums;
  sums.Merge(Compare({3, 4}, {3, 4}));
  sums.Merge(Compare({3, 4}, {3, 2}));
  sums.Merge(Compare({1}, {1, 1}));  // another shape: compared with nothing, but has its place
  sums.Merge(Compare({30, 40}, {30, 42}));
  ASSERT_EQ(sums.samples.size(), 4U);
  EXPECT_EQ(sums.WorstSample(), 1U);
  EXPECT_DOUBLE_EQ(sums.SampleNoise(1), 4.0 / 25);
  EXPECT_DOUBLE_EQ(sums.SampleNoise(3), 4.0 / 2500);
  EXPECT_EQ(sums.SampleNoise(2), 0);
}

TEST(ComparisonTest, QuietSamplesAreHeldToTheNoiseOfLouderOnes) {
  OutputComparison sums;
  sums.Merge(Compare({10, 0}, {10, 0}));
  sums.Merge(Compare({0, 0}, {0.1F, 0}));
  // The mean power is 50, a hundredth of it 0.5.
  EXPECT_NEAR(sums.SampleNoise(1), 0.01 / 0.5, 1e-9);
  EXPECT_EQ(OutputComparison{}.WorstSample(), std::nullopt);
  OutputComparison silent;
  silent.Merge(Compare({0}, {1}));
  EXPECT_EQ(silent.SampleNoise(0), INFINITY);
}

// Samples of equal power with these errors.
OutputComparison WithErrors(const std::vector<double>& errors) {
  OutputComparison all;
  for (const double error : errors) all.Merge(Compare({100, 0}, {100, static_cast<float>(error)}));
  return all;
}

TEST(ComparisonTest, WhatOthersGiveAtLeastFollowsFromHowSamplesDiffer) {
  EXPECT_EQ(WithErrors({1, 1, 1}).SqnrAtLeast(), std::nullopt) << "three tell too little";
  EXPECT_EQ(WithErrors({0, 0, 0, 0}).SqnrAtLeast(), std::nullopt) << "no noise";
  EXPECT_NEAR(WithErrors({1, 1, 1, 1}).SqnrAtLeast().value(), 40, 1e-6);
  // Logarithms of noise 0 and ln 100 around their mean: variance s2 = (ln 100)^2 / 3, error
  // sqrt(s2 / 4 + s2^2 / 6), Student's t of three degrees 2.3534; pooled noise 101e-4 / 2.
  const OutputComparison four = WithErrors({1, 10, 1, 10});
  const double s2 = std::pow(std::log(100), 2) / 3;
  EXPECT_NEAR(four.SqnrAtLeast().value(),
              four.sqnr_db() - 10 / std::log(10) * 2.353363 * std::sqrt(s2 / 4 + s2 * s2 / 6),
              1e-3);
  // More samples of the same two kinds tell more, one that loses nothing tells no less than one
  // that loses a thousandth.
  EXPECT_GT(WithErrors({1, 10, 1, 10, 1, 10}).SqnrAtLeast().value(), four.SqnrAtLeast().value());
  EXPECT_NEAR(WithErrors({0, 10, 10, 10}).SqnrAtLeast().value(),
              WithErrors({0.001, 10, 10, 10}).SqnrAtLeast().value(), 1e-3);
}

// Drawn from a log-normal distribution, whose mean noise is known.
TEST(ComparisonTest, SamplesThatWereFittedToTellNothingOfOthers) {
  OutputComparison all = WithErrors({1, 2, 3, 4});
  all.decisions = {.decided = 3, .samples = 3};
  EXPECT_TRUE(all.SqnrAtLeast() && all.FlipRateAtMost());
  all.value.is_fitted = true;
  EXPECT_EQ(all.SqnrAtLeast(), std::nullopt);
  EXPECT_EQ(all.FlipRateAtMost(), std::nullopt);
}

TEST(ComparisonTest, WhatOthersGiveAtLeastHoldsInMostDraws) {
  constexpr int kDraws = 400;
  constexpr double kSpread = 0.7;  // of the logarithm of noise
  std::mt19937 random(7);
  const auto uniform = [&] { return (static_cast<double>(random()) + 0.5) / 4294967296.0; };
  const double truth = 40 - 10 * std::log10(std::exp(kSpread * kSpread / 2));
  for (const int count : {4, 9, 30}) {
    int held = 0;
    for (int draw = 0; draw < kDraws; ++draw) {
      std::vector<double> errors;
      for (int k = 0; k < count; ++k) {
        const double normal = std::sqrt(-2 * std::log(uniform())) * std::cos(2 * M_PI * uniform());
        errors.push_back(std::exp(kSpread * normal / 2));
      }
      held += WithErrors(errors).SqnrAtLeast().value() <= truth ? 1 : 0;
    }
    EXPECT_GT(held, 0.87 * kDraws) << count;
    EXPECT_LT(held, kDraws) << count << ": a bound that never fails says too little";
  }
}

TEST(ComparisonTest, LargeOutputsAreTakenInBlocks) {
  // More than one block, with an odd rest, NaN in the second block only.
  std::vector<float> x(10'001);
  std::iota(x.begin(), x.end(), 0.0F);
  std::vector<float> y = x;
  x[5000] = NAN;
  y[9'000] = 0;
  const OutputComparison c = CompareSample({"y"}, MakeFloatTensor("y", {1, 10'001}, x),
                                           MakeFloatTensor("y", {1, 10'001}, y));
  EXPECT_EQ(c.sums.count, 10'000);
  EXPECT_EQ(c.float_non_finite, 1);
  EXPECT_EQ(c.sums.max_error, 9'000);
  EXPECT_EQ(c.sums.error_power, 81'000'000);
}

TEST(ComparisonTest, ChannelSumsHoldEveryValueOnce) {
  const Tensor x = RandomTensor("y", {2, 3, 5, 1000}, 1);
  const Tensor y = RandomTensor("y", {2, 3, 5, 1000}, 2);
  const OutputComparison c = CompareSample({"y"}, x, y);
  ASSERT_EQ(c.channels.size(), 3U) << "the batch is no axis of channels";
  for (const ChannelSums& axis : c.channels) {
    EXPECT_EQ(static_cast<int64_t>(axis.peak.size()), x.dims[axis.axis]);
    const double power = std::accumulate(axis.float_power.begin(), axis.float_power.end(), 0.0);
    const double error = std::accumulate(axis.error_power.begin(), axis.error_power.end(), 0.0);
    EXPECT_NEAR(power, c.sums.float_power, 1e-9 * power) << axis.axis;
    EXPECT_NEAR(error, c.sums.error_power, 1e-9 * error) << axis.axis;
  }
  double third = 0;  // channel 2 of axis 1, by hand
  float peak = 0;
  for (size_t n = 0; n < 2; ++n) {
    for (size_t i = 0; i < 5000; ++i) {
      const float v = x.values<float>()[(n * 3 + 2) * 5000 + i];
      third += static_cast<double>(v) * v;
      peak = std::max(peak, std::fabs(v));
    }
  }
  EXPECT_NEAR(c.channels[0].float_power[2], third, 1e-9 * third);
  EXPECT_EQ(c.channels[0].peak[2], peak);
}

TEST(ComparisonTest, MergingSamplesOneByOneOrInPartsGivesTheSameSums) {
  OutputComparison all;
  OutputComparison later;
  std::vector<OutputComparison> samples;
  for (uint32_t seed = 0; seed < 4; ++seed) {
    samples.push_back(CompareSample({"y"}, RandomTensor("y", {1, 4, 6}, seed),
                                    RandomTensor("y", {1, 4, 6}, seed + 100)));
    all.Merge(samples.back());
  }
  EXPECT_EQ(all.sums.count, 96);
  EXPECT_EQ(all.channels.size(), 2U);
  const double by_hand =
      ((samples[0].sums.error_power + samples[1].sums.error_power) + samples[2].sums.error_power) +
      samples[3].sums.error_power;
  EXPECT_EQ(all.sums.error_power, by_hand) << "in the order of samples, to the bit";
}

TEST(ComparisonTest, AnAxisOfAnotherSizeIsNoAxisOfChannels) {
  OutputComparison sums;
  for (const int64_t width : {5, 7, 5}) {
    sums.Merge(CompareSample({"y"}, RandomTensor("y", {1, 4, width}, 1),
                             RandomTensor("y", {1, 4, width}, 2)));
  }
  ASSERT_EQ(sums.channels.size(), 1U);
  EXPECT_EQ(sums.channels[0].axis, 1U);
}

TEST(ConversionReportTest, JsonSurvivesAnyName) {
  ConversionReport report;
  report.input = "m\xff\n.onnx";
  report.outputs.push_back(Compare({3, 4}, {3, 3}));
  report.seconds.emplace_back("load", 1.5);
  const std::string json = ReportJson(report, "success");
  EXPECT_NE(json.find("m\\\\xff\\\\x0a.onnx"), std::string::npos);
  EXPECT_EQ(json.find("seconds"), std::string::npos) << "a verdict holds no time";
  EXPECT_NE(FormatReport(report).find("0.989949"), std::string::npos);
}

// A graph of these operators and a placement that leaves all of them float.
Graph GraphOf(const std::vector<std::string>& types, Placement& placement) {
  Graph graph;
  for (const std::string& type : types) {
    graph.nodes.emplace_back();
    graph.nodes.back().op_type = type;
    placement.nodes.emplace_back();
    placement.nodes.back().domain = NodeDomain::kFloat;
    placement.nodes.back().reason = "a reason";
  }
  return graph;
}

TEST(ConversionReportTest, OneIsNotMany) {
  ConversionReport report;
  report.dynamic_nodes = 1;
  report.guard = {.ran = true, .measurements = 1, .kept_float = {"n"}, .kept_wide = {"w"}};
  const std::string text = FormatReport(report);
  EXPECT_NE(text.find("dynamic  1 node quantized"), std::string::npos) << text;
  EXPECT_NE(text.find("1 measurement, 1 weight in more bits, 1 node put back to float:\n"),
            std::string::npos)
      << text;
}

TEST(ConversionReportTest, AFileForAnotherDeviceIsToldToBeSimulated) {
  ConversionReport report;
  const std::string told = "without the engine's integer kernels";
  report.outputs.resize(1);
  EXPECT_EQ(FormatReport(report).find(told), std::string::npos);
  report.simulated = true;
  EXPECT_NE(FormatReport(report).find(told), std::string::npos) << FormatReport(report);
  EXPECT_NE(ReportJson(report, "done").find("\"simulated\": true"), std::string::npos);
}

// Equal numbers are no gain.
TEST(ConversionReportTest, ACorrectionTellsWhatItGave) {
  const auto text = [](double before, double after, bool kept) {
    ConversionReport report;
    report.corrections = {{"biases", "layers", 3, before, after, kept}};
    return FormatReport(report);
  };
  const std::string start = "  biases   of 3 layers corrected: ";
  EXPECT_THAT(text(1e-2, 1e-3, true),
              testing::HasSubstr(start + "20.0 -> 30.0 dB in a typical sample\n"));
  EXPECT_THAT(text(1e-2, 0.998e-2, true),
              testing::HasSubstr(start + "20.00 -> 20.01 dB in a typical sample\n"));
  EXPECT_THAT(text(1e-2, 0.99999e-2, true),
              testing::HasSubstr(start + "20.0 dB in a typical sample as before, kept: asked for, "
                                         "the samples are too few to tell"));
  EXPECT_THAT(text(1e-3, 1e-2, true),
              testing::HasSubstr(start + "30.0 -> 20.0 dB in a typical sample, kept: asked for, "
                                         "the samples are too few to tell"));
  EXPECT_THAT(text(1e-2, 1e-2, false),
              testing::HasSubstr(start + "20.0 dB in a typical sample as before, not kept\n"));
}

TEST(ConversionReportTest, StepsOfARepairTellWhatTheyGaveAndBrought) {
  ConversionReport report;
  report.guard = {.ran = true, .measurements = 9, .kept_float = {}, .kept_wide = {}};
  report.guard.steps = {{"in 16 bit", "weight", 2, 0, 1e-2, 1e-3},
                        {"back to float", "node", 1, 0.021, 1e-2, 5e-4}};
  const std::string text = FormatReport(report);
  EXPECT_NE(
      text.find(
          "  repair   2 weights in 16 bit: 20.0 -> 30.0 dB in a typical sample\n"
          "  repair   1 node back to float: 20.0 -> 33.0 dB in a typical sample, +2.1 % time\n"),
      std::string::npos)
      << text;
  const std::string json = ReportJson(report, "done");
  EXPECT_NE(json.find("\"of_float_time\": 0.021"), std::string::npos) << json;
}

TEST(ConversionReportTest, ReasonsStandInOneColumn) {
  Placement placement;
  const Graph graph = GraphOf({"Add", "SkipLayerNormalization"}, placement);
  ConversionReport report;
  CountNodes(graph, placement, report);
  const std::string text = FormatReport(report);
  EXPECT_NE(text.find("1 x Add                    a reason\n"), std::string::npos) << text;
  EXPECT_NE(text.find("1 x SkipLayerNormalization a reason\n"), std::string::npos) << text;
  for (int k = 0; k < 11; ++k) report.float_reasons[{"Op" + std::to_string(k), "why"}] = {"n"};
  EXPECT_NE(FormatReport(report).find("... 1 more reason, see the JSON\n"), std::string::npos);
}

}  // namespace
}  // namespace qconvert
