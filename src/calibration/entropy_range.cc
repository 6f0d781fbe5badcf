#include "qconvert/calibration/entropy_range.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "magnitudes.h"

namespace qconvert {
namespace {

// Counts of magnitudes by bin; the zeros of a Relu or of padding are taken out of bin 0.
std::vector<double> Magnitudes(const Histogram& histogram) {
  const std::vector<uint64_t> counts = MagnitudeCounts(histogram);
  std::vector<double> bins(counts.begin(), counts.end());
  bins[0] = std::min(bins[0], bins[1]);
  return bins;
}

// The limit: 0 ln 0 = 0.
double XLogX(double x) { return x > 0 ? x * std::log(x) : 0; }

}  // namespace

EntropyEstimator::EntropyEstimator(std::span<const double> bins) : prefix_(bins.size() + 1) {
  for (size_t i = 0; i < bins.size(); ++i) {
    prefix_[i + 1] = {prefix_[i].count + bins[i], prefix_[i].used + (bins[i] > 0 ? 1 : 0),
                      prefix_[i].x_log_x + XLogX(bins[i])};
  }
}

double EntropyEstimator::Divergence(size_t last, int levels) const {
  const double outliers = prefix_.back().count - prefix_[last].count;
  const double last_bin = prefix_[last].count - prefix_[last - 1].count;
  const bool gap = last_bin == 0 && outliers > 0;  // P's last bin holds nothing but outliers
  double p_sum = 0;
  double q_sum = 0;
  double p_log_q = 0;
  const auto n = static_cast<size_t>(levels);
  for (size_t level = 0; level < n; ++level) {
    // This level has the bins j with level * last / n <= j < (level + 1) * last / n.
    const size_t first = (level * last + n - 1) / n;
    const size_t end = ((level + 1) * last + n - 1) / n;
    if (first == end) continue;
    const double sum = prefix_[end].count - prefix_[first].count;
    const bool ends_here = end == last;
    const double used = prefix_[end].used - prefix_[first].used + (ends_here && gap ? 1.0 : 0.0);
    // Nothing in P here, so Q has no bin to lie on.
    if (used == 0) continue;
    const double p = sum + (ends_here ? outliers : 0.0);
    const double q = std::max(sum, kLeastCount);
    p_sum += p;
    q_sum += q;
    p_log_q += p * std::log(q / used);
  }
  if (p_sum == 0) return 0;
  // The outliers stand in the last bin of P, which the prefix sums do not know.
  const double p_log_p = prefix_[last - 1].x_log_x + XLogX(last_bin + outliers);
  // sum of p/P * ln((p/P) / (q/Q)) = (sum of p ln p - sum of p ln q) / P + ln(Q / P).
  return (p_log_p - p_log_q) / p_sum + std::log(q_sum / p_sum);
}

Range EntropyRange(const TensorStatistics& statistics, const RangeGrid& grid) {
  const Range full = MaxMinRange(statistics);
  const float largest = std::max(-full.min, full.max);
  const auto range = [&](float t) {
    return grid.symmetric ? Range{-t, t} : Range{std::max(full.min, -t), std::min(full.max, t)};
  };
  const Histogram& histogram = statistics.histogram;
  if (statistics.count == 0 || histogram.counts().empty()) return range(largest);
  // Levels for one side: half of the grid where both signs occur.
  const bool one_side = !grid.symmetric && (full.min == 0 || full.max == 0);
  const int levels = one_side ? grid.steps + 1 : (grid.steps + 1) / 2;
  const std::vector<double> bins = Magnitudes(histogram);
  size_t used = bins.size();
  while (used > 0 && bins[used - 1] == 0) --used;
  // Below the first value, or with it alone, everything is one bin of outliers: no divergence.
  size_t first = 0;
  while (first < used && bins[first] == 0) ++first;
  if (used <= first + static_cast<size_t>(levels)) return range(largest);
  const EntropyEstimator estimator(bins);
  // Nothing clipped: other thresholds have to be better than that.
  double least = estimator.Divergence(used, levels);
  float best = largest;
  for (auto last = static_cast<size_t>(levels); last < used; last += kEntropyStride) {
    // Skipped, not begun later: the thresholds tried lie on one grid of strides for all values.
    if (last < first + static_cast<size_t>(levels)) continue;
    const double divergence = estimator.Divergence(last, levels);
    if (divergence >= least) continue;
    least = divergence;
    best = static_cast<float>(static_cast<double>(last) * histogram.bin_width());
  }
  return range(std::min(best, largest));
}

}  // namespace qconvert
