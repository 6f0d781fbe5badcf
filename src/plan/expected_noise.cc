#include "qconvert/plan/expected_noise.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "qconvert/calibration/range_error.h"

namespace qconvert {
namespace {

constexpr double kTypical = 0.95;

double MeanSquare(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) sum += static_cast<double>(v) * v;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

// Of the kTypical smallest magnitudes; of all values where those are zero.
double TypicalMeanSquare(const Histogram& histogram) {
  const std::vector<uint64_t>& counts = histogram.counts();
  const auto wanted = kTypical * static_cast<double>(histogram.total());
  double sum = 0;
  double count = 0;
  for (size_t k = 0; k < Histogram::kSideBins && (count < wanted || sum == 0); ++k) {
    const double middle = (static_cast<double>(k) + 0.5) * histogram.bin_width();
    const uint64_t both = counts[Histogram::kSideBins - 1 - k] + counts[Histogram::kSideBins + k];
    // Around zero nothing says how large values are.
    sum += k == 0 ? 0 : static_cast<double>(both) * middle * middle;
    count += static_cast<double>(both);
  }
  return count > 0 ? sum / count : 0;
}

}  // namespace

double ExpectedValueNoise(const TensorStatistics& statistics, const ValuePlan& decided) {
  const double scale = decided.params.scales[0];
  if (statistics.histogram.counts().empty()) {
    const double largest = std::max(std::fabs(static_cast<double>(statistics.min)),
                                    std::fabs(static_cast<double>(statistics.max)));
    // Spread evenly up to the largest, squares have a third of its square for a mean.
    return largest > 0 ? scale * scale / 12 / (largest * largest / 3) : 0;
  }
  const double power = TypicalMeanSquare(statistics.histogram);
  if (power <= 0) return 0;
  const int steps = decided.format.qmax - decided.format.qmin;
  // Not symmetric: the steps are those from the lowest code to the highest.
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
    // A value that is read twice counts once.
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
