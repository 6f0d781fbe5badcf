#include "qconvert/calibration/range_error.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace qconvert {
namespace {

constexpr std::array kPercentages = {99.9999, 99.999, 99.99, 99.9};
constexpr double kWorthClipping = 0.5;
constexpr int kMaxSweeps = 8;

bool HasHistogram(const TensorStatistics& statistics) {
  return statistics.count > 0 && !statistics.histogram.counts().empty();
}

Range FullRange(const TensorStatistics& statistics, bool symmetric) {
  const Range full = MaxMinRange(statistics);
  const float largest = std::max(-full.min, full.max);
  return symmetric ? Range{-largest, largest} : full;
}

}  // namespace

RangeErrorEstimator::RangeErrorEstimator(const TensorStatistics& statistics)
    : bins_per_unit_(1 / statistics.histogram.bin_width()) {
  const auto& counts = statistics.histogram.counts();
  prefix_.resize(counts.size() + 1);
  if (counts.empty()) return;
  first_edge_ = statistics.histogram.LowerEdge(0);
  const double width = statistics.histogram.bin_width();
  const double min = statistics.min;
  const double max = statistics.max;
  for (size_t i = 0; i < counts.size(); ++i) {
    // Most values of the bin above 0 are exact zeros, behind a Relu or padding.
    // A bin counts as its middle, which at the ends may lie outside of what was seen.
    const double middle =
        i == Histogram::kSideBins
            ? 0.0
            : std::clamp(first_edge_ + (static_cast<double>(i) + 0.5) * width, min, max);
    const auto count = static_cast<double>(counts[i]);
    prefix_[i + 1] = {prefix_[i].count + count, prefix_[i].x + count * middle,
                      prefix_[i].x2 + count * middle * middle};
  }
}

const RangeErrorEstimator::Sums& RangeErrorEstimator::Below(double value) const {
  const double bins = (value - first_edge_) * bins_per_unit_ + 0.5;  // rounded: by the bin's middle
  const double last = static_cast<double>(prefix_.size() - 1);
  return prefix_[static_cast<size_t>(std::clamp(bins, 0.0, last))];
}

double RangeErrorEstimator::ClippingError(Range range) const {
  const Sums& all = prefix_.back();
  if (all.count == 0) return 0;
  const double low = range.min;
  const double high = range.max;
  const Sums& below = Below(low);
  const Sums& to_high = Below(high);
  const double above_count = all.count - to_high.count;
  // From sums: sum of (x - bound)^2 = sum of x^2 - 2 bound * sum of x + bound^2 * count.
  const double above_x = all.x - to_high.x;
  const double above_x2 = all.x2 - to_high.x2;
  // A difference of nearly equal sums may come out below 0.
  const double error = std::max(0.0, below.x2 - 2 * low * below.x + low * low * below.count) +
                       std::max(0.0, above_x2 - 2 * high * above_x + high * high * above_count);
  return error / all.count;
}

double RangeErrorEstimator::Estimate(Range range, const RangeGrid& grid) const {
  const Sums& all = prefix_.back();
  if (all.count == 0) return 0;
  const double low = range.min;
  const double high = range.max;
  const double step = (high - low) / grid.steps;
  const Sums& left = Below(std::max(low, -step / 2));
  const Sums& right = Below(std::min(high, step / 2));
  const double zeroed = std::max(0.0, right.count - left.count);
  const double rounded = std::max(0.0, Below(high).count - Below(low).count - zeroed);
  const double error = std::max(0.0, right.x2 - left.x2) + rounded * step * step / 12;
  return error / all.count + ClippingError(range);
}

Range MseRange(const TensorStatistics& statistics, const RangeGrid& grid) {
  const Range full = FullRange(statistics, grid.symmetric);
  if (!HasHistogram(statistics)) return full;
  const RangeErrorEstimator estimator(statistics);
  // Each bound in steps of 1 / kMseCandidates of the full one.
  const auto shrunk = [&](int low, int high) {
    const auto part = [](float bound, int k) {
      return static_cast<float>(static_cast<double>(bound) * k / kMseCandidates);
    };
    return Range{part(full.min, low), part(full.max, high)};
  };
  int low = kMseCandidates;
  int high = kMseCandidates;
  double best = estimator.Estimate(full, grid);
  // One side after the other until neither moves; both together when symmetric.
  for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
    const int low_before = low;
    const int high_before = high;
    for (const bool move_low : {true, false}) {
      const int fixed = move_low ? high : low;
      for (int k = kMseCandidates; k >= 1; --k) {
        const int l = grid.symmetric || move_low ? k : fixed;
        const int h = grid.symmetric || !move_low ? k : fixed;
        const Range range = shrunk(l, h);
        if (estimator.ClippingError(range) >= best) break;  // only grows from here on
        const double error = estimator.Estimate(range, grid);
        if (error >= best) continue;
        best = error;
        low = l;
        high = h;
      }
    }
    if (low == low_before && high == high_before) break;
  }
  return shrunk(low, high);
}

Range AutoRange(const TensorStatistics& statistics, const RangeGrid& grid) {
  Range best = FullRange(statistics, grid.symmetric);
  if (!HasHistogram(statistics)) return best;
  const RangeErrorEstimator estimator(statistics);
  double least = estimator.Estimate(best, grid);
  for (const double percentage : kPercentages) {
    const Range range = grid.symmetric ? SymmetricPercentileRange(statistics, percentage)
                                       : PercentileRange(statistics, percentage);
    const double error = estimator.Estimate(range, grid);
    if (error >= least) continue;
    least = error;
    best = range;
  }
  const Range clipped = MseRange(statistics, grid);
  return estimator.Estimate(clipped, grid) < kWorthClipping * least ? clipped : best;
}

}  // namespace qconvert
