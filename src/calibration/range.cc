#include "qconvert/calibration/range.h"

#include <algorithm>
#include <vector>

#include "magnitudes.h"

namespace qconvert {
namespace {

// A rank that is a whole number but for its rounding must not reach the next value.
constexpr double kRounding = 1e-12;

// Value below which `rank` (fractional) of the counted values lie. `edge(i)` is the lower edge of
// bin i.
template <typename Counts, typename Edge>
double ValueAtRank(const Counts& counts, double rank, double width, Edge&& edge) {
  rank *= 1 - kRounding;
  double below = 0;
  size_t last_used = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    const auto here = static_cast<double>(counts[i]);
    if (below + here >= rank) return edge(i) + width * std::max(0.0, (rank - below) / here);
    below += here;
    last_used = i;
  }
  return edge(last_used) + width;
}

}  // namespace

Range MaxMinRange(const TensorStatistics& statistics) {
  return {std::min(statistics.min, 0.0F), std::max(statistics.max, 0.0F)};
}

Range PercentileRange(const TensorStatistics& statistics, double percentage) {
  const Range full = MaxMinRange(statistics);
  const Histogram& histogram = statistics.histogram;
  if (percentage >= 100 || statistics.count == 0 || histogram.counts().empty()) return full;
  const double tail = (100.0 - percentage) / 200.0 * static_cast<double>(statistics.count);
  const double width = histogram.bin_width();
  const auto edge = [&](size_t i) { return histogram.LowerEdge(i); };
  const double low = ValueAtRank(histogram.counts(), tail, width, edge);
  const double high =
      ValueAtRank(histogram.counts(), static_cast<double>(statistics.count) - tail, width, edge);
  return {std::clamp(static_cast<float>(low), full.min, 0.0F),
          std::clamp(static_cast<float>(high), 0.0F, full.max)};
}

Range SymmetricPercentileRange(const TensorStatistics& statistics, double percentage) {
  const Range full = MaxMinRange(statistics);
  const float largest = std::max(-full.min, full.max);
  const Histogram& histogram = statistics.histogram;
  if (percentage >= 100 || statistics.count == 0 || histogram.counts().empty())
    return {-largest, largest};
  const std::vector<uint64_t> magnitudes = MagnitudeCounts(histogram);
  const double width = histogram.bin_width();
  const double threshold =
      ValueAtRank(magnitudes, percentage / 100.0 * static_cast<double>(statistics.count), width,
                  [&](size_t i) { return static_cast<double>(i) * width; });
  const float t = std::min(static_cast<float>(threshold), largest);
  return {-t, t};
}

}  // namespace qconvert
