#include "qconvert/plan/expected_noise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "qconvert/numbers/quantize.h"
#include "qconvert/plan/value_range.h"
#include "support/graph_builder.h"
#include "support/observe.h"

namespace qconvert {
namespace {

ValuePlan Decide(const TensorStatistics& statistics, const TensorSettings& settings) {
  ValuePlan decided;
  decided.range = RangeOf(statistics, settings);
  decided.format = FormatOf(settings);
  decided.params = ParamsFromRange(decided.range, decided.format);
  return decided;
}

// Error power of the codes themselves over the power of the smaller values.
double MeasuredNoise(const std::vector<float>& values, const ValuePlan& decided) {
  const float scale = decided.params.scales[0];
  const int32_t zero_point = decided.params.zero_points[0];
  std::vector<double> squares;
  double error = 0;
  for (const float v : values) {
    const int32_t q = QuantizeValue(v, scale, zero_point, FullFormat(decided.params.type));
    const double e = static_cast<double>(DequantizeValue(q, scale, zero_point)) - v;
    squares.push_back(static_cast<double>(v) * v);
    error += e * e;
  }
  std::sort(squares.begin(), squares.end());
  const size_t count = squares.size() * 95 / 100;
  const double power = std::accumulate(squares.begin(), squares.begin() + count, 0.0);
  return error / static_cast<double>(squares.size()) / (power / static_cast<double>(count));
}

TEST(ExpectedNoiseTest, ValuesAreAsNoisyAsTheirCodes) {
  for (const CalibrationMethod method :
       {CalibrationMethod::kMaxMin, CalibrationMethod::kPercentile}) {
    TensorSettings settings;
    settings.method = method;
    settings.percentage = 98;  // clips, so that clipping is in the number
    const std::vector<float> values = RandomFloats(20000, 3);
    const ValuePlan decided = Decide(Observe(values), settings);
    const double expected = ExpectedValueNoise(Observe(values), decided);
    const double measured = MeasuredNoise(values, decided);
    EXPECT_NEAR(10 * std::log10(expected / measured), 0, 0.5) << MethodName(method);
  }
}

TEST(ExpectedNoiseTest, RangesAloneStandForEvenlySpreadValues) {
  std::vector<float> values(10001);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) / 5000 - 1;
  TensorStatistics statistics = Observe(values);
  const ValuePlan decided = Decide(statistics, {});
  statistics.histogram = {};
  const double scale = decided.params.scales[0];
  EXPECT_NEAR(ExpectedValueNoise(statistics, decided), scale * scale / 12 * 3, 1e-9);
  EXPECT_EQ(ExpectedValueNoise(Observe({0, 0}), Decide(Observe({0, 0}), {})), 0);
}

TEST(ExpectedNoiseTest, AnOutlierMakesWeightsNoisy) {
  std::vector<float> weights = RandomFloats(4096, 5, 0.1F);
  const std::vector<float> fine = {0.4F / 127};
  const double plain = ExpectedWeightNoise(weights, fine);
  double power = 0;
  double error = 0;
  for (const float w : weights) {
    const double e = std::nearbyint(w / fine[0]) * fine[0] - w;
    power += static_cast<double>(w) * w;
    error += e * e;
  }
  EXPECT_NEAR(plain / (error / power), 1, 0.1);
  EXPECT_NEAR(ExpectedWeightNoise(weights, std::vector<float>{4.0F / 127}) / plain, 100, 1);
  EXPECT_EQ(ExpectedWeightNoise(std::vector<float>{0, 0}, fine), 0);
}

// y = MatMul(x, w), with and without an outlier in x.
std::vector<double> NodeNoise(float outlier) {
  GraphBuilder b;
  b.Input("x", {"4", "16"}).Output("y").Random("w", {16, 8});
  b.Add("MatMul", {"x", "w"}, {"y"});
  std::vector<float> values = RandomFloats(64, 1);
  values[0] = outlier;
  CalibrationTable table;
  table.values["x"] = Observe(values);
  Placement placement;
  placement.nodes.resize(1);
  placement.nodes[0].domain = NodeDomain::kInteger;
  placement.nodes[0].unit.output = "y";
  placement.roots = {{"x", "x"}};
  const QuantizationPlan plan = MakePlan(b.model.graph, placement, table, {});
  return ExpectedNodeNoise(b.model.graph, plan, table);
}

TEST(ExpectedNoiseTest, NodesAreSuspectedByWhatTheyReadAndWrite) {
  ASSERT_EQ(NodeNoise(1).size(), 1U);
  EXPECT_GT(NodeNoise(1)[0], 0);
  EXPECT_GT(NodeNoise(500)[0], 10 * NodeNoise(1)[0]);
}

}  // namespace
}  // namespace qconvert
