#include "qconvert/calibration/batch_range.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "qconvert/base/check.h"

namespace qconvert {
namespace {

float Magnitude(const Range& range) { return std::max(-range.min, range.max); }

// One side, as distances from 0.
double CombineSide(std::vector<double> sorted, BatchRule rule) {
  std::sort(sorted.begin(), sorted.end());
  const size_t n = sorted.size();
  switch (rule) {
    case BatchRule::kMax:
      return sorted.back();
    case BatchRule::kMean: {
      double sum = 0;
      for (const double x : sorted) sum += x;
      return sum / static_cast<double>(n);
    }
    case BatchRule::kMedian:
      return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
    case BatchRule::kModal: {
      double best = sorted[0];
      size_t most = 0;
      // Sorted, so that equal ones are neighbours; only a longer run takes over, which keeps the
      // narrowest.
      for (size_t i = 0; i < n;) {
        size_t end = i;
        while (end < n && sorted[end] == sorted[i]) ++end;
        if (end - i > most) {
          most = end - i;
          best = sorted[i];
        }
        i = end;
      }
      return best;
    }
    // Both go by magnitudes and not by sides: CombineBatches is done with them before.
    case BatchRule::kMovingAverage:
    case BatchRule::kLargestOfLast:
      break;
  }
  QCONVERT_CHECK(false);
}

}  // namespace

Range CombineBatches(std::span<const Range> batches, BatchRule rule,
                     const BatchRuleOptions& options) {
  QCONVERT_CHECK(!batches.empty());
  if (rule == BatchRule::kMovingAverage) {
    double weights = 0;
    double sum = 0;
    // Divided by the sum of the weights: otherwise the first batches would be drawn towards 0.
    for (const Range& range : batches) {
      weights = options.rate * weights + 1;
      sum = options.rate * sum + static_cast<double>(Magnitude(range));
    }
    const auto t = static_cast<float>(sum / weights);
    return {-t, t};
  }
  if (rule == BatchRule::kLargestOfLast) {
    float t = 0;
    for (const Range& range : batches.last(std::min(batches.size(), options.window)))
      t = std::max(t, Magnitude(range));
    return {-t, t};
  }
  std::vector<double> low;
  std::vector<double> high;
  // As distances from 0, the wider bound is the greater number on both sides.
  for (const Range& range : batches) {
    low.push_back(-static_cast<double>(range.min));
    high.push_back(static_cast<double>(range.max));
  }
  return {static_cast<float>(-CombineSide(std::move(low), rule)),
          static_cast<float>(CombineSide(std::move(high), rule))};
}

Range CombineScales(std::span<const Range> batches, BatchRule rule, double steps) {
  QCONVERT_CHECK(!batches.empty());
  std::vector<double> scales;
  std::vector<double> zeros;
  for (const Range& range : batches) {
    scales.push_back((static_cast<double>(range.max) - range.min) / steps);
    // A batch of nothing but zeros has no scale to divide by.
    zeros.push_back(scales.back() > 0 ? std::nearbyint(-range.min / scales.back()) : 0);
  }
  const double scale = CombineSide(std::move(scales), rule);
  const double zero = CombineSide(std::move(zeros), BatchRule::kModal);
  return {static_cast<float>(-zero * scale), static_cast<float>((steps - zero) * scale)};
}

}  // namespace qconvert
