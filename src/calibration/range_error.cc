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
    : bin_width_(statistics.histogram.bin_width()) {
  const auto& counts = statistics.histogram.counts();
  prefix_.resize(counts.size() + 1);
  if (!counts.empty()) first_edge_ = statistics.histogram.LowerEdge(0);
  for (size_t i = 0; i < counts.size(); ++i) {
    // Most values of the bin above 0 are exact zeros, behind a Relu or padding.
    const double middle =
        i == Histogram::kSideBins
            ? 0.0
            : std::clamp(statistics.histogram.LowerEdge(i) + bin_width_ / 2,
                         static_cast<double>(statistics.min), static_cast<double>(statistics.max));
    const auto count = static_cast<double>(counts[i]);
    prefix_[i + 1] = {prefix_[i].count + count, prefix_[i].x + count * middle,
                      prefix_[i].x2 + count * middle * middle};
  }
}

RangeErrorEstimator::Sums RangeErrorEstimator::Below(double value) const {
  const double bins = (value - first_edge_) / bin_width_ + 0.5;  // rounded: by the bin's middle
  const double last = static_cast<double>(prefix_.size() - 1);
  return prefix_[static_cast<size_t>(std::clamp(std::floor(bins), 0.0, last))];
}

double RangeErrorEstimator::Estimate(Range range, const RangeGrid& grid) const {
  const Sums& all = prefix_.back();
  if (all.count == 0) return 0;
  const double low = range.min;
  const double high = range.max;
  const double step = (high - low) / grid.steps;
  const Sums below = Below(low);
  const Sums to_high = Below(high);
  const Sums above{all.count - to_high.count, all.x - to_high.x, all.x2 - to_high.x2};
  const Sums left = Below(std::max(low, -step / 2));
  const Sums right = Below(std::min(high, step / 2));
  const double zeroed = std::max(0.0, right.count - left.count);
  const double rounded = std::max(0.0, all.count - below.count - above.count - zeroed);
  const double error = std::max(0.0, right.x2 - left.x2) + rounded * step * step / 12 +
                       std::max(0.0, below.x2 - 2 * low * below.x + low * low * below.count) +
                       std::max(0.0, above.x2 - 2 * high * above.x + high * high * above.count);
  return error / all.count;
}

Range MseRange(const TensorStatistics& statistics, const RangeGrid& grid) {
  const Range full = FullRange(statistics, grid.symmetric);
  if (!HasHistogram(statistics)) return full;
  const RangeErrorEstimator estimator(statistics);
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
        const double error = estimator.Estimate(shrunk(l, h), grid);
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
