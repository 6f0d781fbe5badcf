#include "qconvert/plan/expected_noise.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "qconvert/calibration/range_error.h"
#include "qconvert/numbers/numeric_format.h"

namespace qconvert {
namespace {

double MeanSquare(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) sum += static_cast<double>(v) * v;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

double MeanSquare(const Histogram& histogram) {
  double sum = 0;
  double count = 0;
  const std::vector<uint64_t>& counts = histogram.counts();
  for (size_t bin = 0; bin < counts.size(); ++bin) {
    const double middle = histogram.LowerEdge(bin) + histogram.bin_width() / 2;
    sum += static_cast<double>(counts[bin]) * middle * middle;
    count += static_cast<double>(counts[bin]);
  }
  return count > 0 ? sum / count : 0;
}

}  // namespace

double ExpectedValueNoise(const TensorStatistics& statistics, const ValuePlan& decided) {
  const double scale = decided.params.scales[0];
  if (statistics.histogram.counts().empty()) {
    const double largest = std::max(std::fabs(static_cast<double>(statistics.min)),
                                    std::fabs(static_cast<double>(statistics.max)));
    return largest > 0 ? scale * scale / 12 / (largest * largest / 3) : 0;
  }
  const double power = MeanSquare(statistics.histogram);
  if (power <= 0) return 0;
  const NumericFormat format = FullFormat(decided.params.type);
  const int steps = format.qmax - format.qmin;
  return RangeErrorEstimator(statistics).Estimate(decided.range, {steps, false}) / power;
}

double ExpectedWeightNoise(std::span<const float> weights, std::span<const float> scales) {
  const double power = MeanSquare(weights);
  return power > 0 ? MeanSquare(scales) / 12 / power : 0;
}

std::vector<double> ExpectedNodeNoise(const Graph& graph, const QuantizationPlan& plan,
                                      const CalibrationTable& table) {
  std::map<std::string, double> values;
  for (const auto& [value, decided] : plan.values) {
    const auto seen = table.values.find(decided.root);
    if (seen != table.values.end()) values[value] = ExpectedValueNoise(seen->second, decided);
  }
  std::vector<double> out(graph.nodes.size(), 0);
  for (const auto& [n, integer] : plan.integer_nodes) {
    const Node& node = graph.nodes[n];
    std::set<std::string> touched(node.inputs.begin(), node.inputs.end());
    touched.insert(plan.placement.nodes[n].unit.output);
    for (const std::string& value : touched) {
      const auto noise = values.find(value);
      if (noise != values.end()) out[n] += noise->second;
    }
    if (!integer.weight) continue;
    const Tensor* weight = graph.FindInitializer(integer.weight->name);
    out[n] += ExpectedWeightNoise(weight->values<float>(), integer.weight->params.scales);
  }
  return out;
}

}  // namespace qconvert
