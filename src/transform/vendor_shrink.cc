#include "vendor_shrink.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace qconvert {
namespace {

constexpr double kLeastWeight = 1e-7;

// |b| / |w| of every weight.
std::vector<double> FactorsOf(const EqualizedLayer& layer, const std::vector<float>& weights,
                              const std::vector<float>& biases) {
  const auto output_of = [&](size_t i) {
    const size_t at = i / layer.inner;
    return layer.OutputOf(at / layer.columns, at % layer.columns);
  };
  std::vector<double> least(biases.size(), 0.0);
  for (size_t i = 0; i < weights.size(); ++i) {
    const double weight = std::abs(static_cast<double>(weights[i]));
    double& smallest = least[output_of(i)];
    if (weight > 0) smallest = smallest == 0 ? weight : std::min(smallest, weight);
  }
  std::vector<double> factors;
  for (size_t i = 0; i < weights.size(); ++i) {
    const size_t o = output_of(i);
    const double bias = least[o] == 0 ? 0 : std::abs(static_cast<double>(biases[o]));
    const double weight = weights[i] == 0 ? std::max(least[o], kLeastWeight)
                                          : std::abs(static_cast<double>(weights[i]));
    factors.push_back(bias / weight);
  }
  return factors;
}

double LargestOf(const std::vector<float>& values) {
  double largest = 0;
  for (const float value : values)
    largest = std::max(largest, std::abs(static_cast<double>(value)));
  return largest;
}

}  // namespace

double VendorShrink(const EqualizedLayer& layer) {
  const std::vector<float> weights = layer.ScaledWeight();
  const std::vector<float> biases = layer.ScaledBias();
  if (biases.empty()) return 1;
  std::vector<double> factors = FactorsOf(layer, weights, biases);
  double mean = 0;
  for (const double factor : factors) mean += factor / static_cast<double>(factors.size());
  // Of an even number the lower of the two in the middle.
  const auto middle = factors.begin() + static_cast<ptrdiff_t>((factors.size() - 1) / 2);
  std::nth_element(factors.begin(), middle, factors.end());
  const double median = *middle;
  const double bias = LargestOf(biases);
  if (bias < 10 && bias < 20 * LargestOf(weights)) return median > 100 || mean > 1000 ? 5 : 2;
  if (median > 30 || mean > 500) return 20;
  return median > 15 || mean > 100 ? 10 : 5;
}

}  // namespace qconvert
