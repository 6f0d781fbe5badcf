#include "worst_samples.h"

#include <algorithm>
#include <numeric>

namespace qconvert {
namespace {

constexpr size_t kSamples = 2;
constexpr size_t kFlipSamples = 8;

}  // namespace

std::vector<size_t> WorstSamples(std::span<const OutputComparison> outputs, const Gate& gate) {
  std::vector<double> noise;
  size_t count = kSamples;
  for (const OutputComparison& output : outputs) {
    noise.resize(std::max(noise.size(), output.samples.size()), 0);
    if (!IsFloatingPoint(output.type) || output.value.is_random) continue;
    const bool flips = NoiseOfFlips(output.decisions, gate) > 0;
    if (flips) count = kFlipSamples;
    for (size_t k = 0; k < output.samples.size(); ++k) {
      const double of_flips = flips ? NoiseOfFlips(output.samples[k].decisions, gate) : 0;
      noise[k] = std::max({noise[k], output.SampleNoise(k), of_flips});
    }
  }
  // The engine cannot run this plan: one sample shows whether it can run another.
  if (outputs.empty()) return {0};
  // None stands for all.
  if (noise.size() <= count) return {};
  std::vector<size_t> order(noise.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return noise[a] > noise[b]; });
  order.resize(count);
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace qconvert
