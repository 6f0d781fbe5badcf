#include "qconvert/calibration/vitis_range.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace qconvert {
namespace {

// Shares are added up one by one, with the rounding that the vendor's tool has.
double Percentile(std::span<const uint64_t> counts, double width, double percentage) {
  const auto total =
      static_cast<double>(std::accumulate(counts.begin(), counts.end(), uint64_t{0}));
  double share = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    share += static_cast<double>(counts[i]) / total;
    if (share >= percentage / 100) return static_cast<double>(i) * width;
  }
  return static_cast<double>(counts.size()) * width;
}

double LeastSquaredError(std::span<const uint64_t> counts, double width,
                         const VitisSearch& search) {
  const auto middle = [&](size_t i) { return (static_cast<double>(i) + 0.5) * width; };
  const auto qmin = static_cast<double>(search.qmin);
  const auto qmax = static_cast<double>(search.qmax);
  double best = middle(kVitisFirstBin);
  double least = std::numeric_limits<double>::infinity();
  for (size_t i = kVitisFirstBin; i < kVitisBins; i += kVitisStride) {
    const double scale = middle(i) / qmax;
    double error = 0;
    for (size_t j = 0; j < counts.size(); ++j) {
      if (counts[j] == 0) continue;
      const double x = middle(j);
      const double rounded = std::clamp(std::nearbyint(x / scale), qmin, qmax) * scale;
      error += static_cast<double>(counts[j]) * (rounded - x) * (rounded - x);
    }
    if (error >= least) continue;
    least = error;
    best = middle(i);
  }
  return best;
}

// D(P || Q) of bins [0, last) in nats; infinite where Q is 0 and P is not.
double Divergence(std::span<const double> bins, size_t last, size_t levels) {
  std::vector<double> p(bins.begin(), bins.begin() + static_cast<ptrdiff_t>(last));
  p.back() += std::accumulate(bins.begin() + static_cast<ptrdiff_t>(last), bins.end(), 0.0);
  std::vector<double> q(last, 0);
  for (size_t level = 0; level < levels; ++level) {
    // Bin j belongs to this level when level * last / levels <= j < (level + 1) * last / levels.
    const size_t first = (level * last + levels - 1) / levels;
    const size_t end = ((level + 1) * last + levels - 1) / levels;
    // A level's counts are shared by its bins that hold any: empty ones stay empty in Q as in P.
    double sum = 0;
    double used = 0;
    for (size_t j = first; j < end; ++j) {
      sum += bins[j];
      used += bins[j] > 0 ? 1 : 0;
    }
    for (size_t j = first; j < end; ++j) q[j] = bins[j] > 0 ? sum / used : 0;
  }
  const double p_sum = std::accumulate(p.begin(), p.end(), 0.0);
  const double q_sum = std::accumulate(q.begin(), q.end(), 0.0);
  double divergence = 0;
  for (size_t j = 0; j < last; ++j) {
    if (p[j] == 0) continue;
    if (q[j] == 0) return std::numeric_limits<double>::infinity();
    divergence += p[j] / p_sum * std::log(p[j] / p_sum / (q[j] / q_sum));
  }
  return divergence;
}

double LeastDivergence(std::span<const uint64_t> counts, double width, const VitisSearch& search) {
  std::vector<double> bins(counts.begin(), counts.end());
  bins[0] = bins[1];  // zeros are represented whatever the threshold
  const int magnitude_bits = search.qmin < 0 ? search.bits - 1 : search.bits;
  const size_t levels = size_t{1} << magnitude_bits;
  size_t best = kVitisBins;
  double least = std::numeric_limits<double>::infinity();
  for (size_t last = kVitisFirstBin; last <= kVitisBins; last += kVitisStride) {
    const double divergence = Divergence(bins, last, levels);
    // Of equal ones the last, the widest threshold.
    if (divergence > least) continue;
    least = divergence;
    best = last;
  }
  return static_cast<double>(best) * width;
}

class HistogramLook : public SecondLook {
 public:
  HistogramLook(float largest, const VitisSearch& search)
      : largest_(largest), search_(search), counts_(kVitisBins, 0) {}

  void Observe(std::span<const float> values) override {
    // Nothing but zeros: there are no bins.
    if (largest_ == 0) return;
    for (const float x : values) {
      if (!std::isfinite(x)) continue;
      // Divided first: times 2048, which is exact either way, large ones have no float.
      const float place = std::fabs(x) / largest_ * static_cast<float>(kVitisBins);
      // The largest magnitude itself lies on the end of the last bin.
      ++counts_[static_cast<size_t>(std::min(place, static_cast<float>(kVitisBins - 1)))];
    }
  }

  Range Decide() const override {
    const float t = largest_ == 0 ? 0 : VitisThreshold(counts_, largest_, search_);
    return {search_.qmin < 0 ? -t : 0.0F, t};
  }

 private:
  float largest_;
  VitisSearch search_;
  std::vector<uint64_t> counts_;
};

class ErrorLook : public SecondLook {
 public:
  explicit ErrorLook(const FixPositionSearch& search)
      : search_(search), errors_(static_cast<size_t>(search.candidates), 0) {}

  void Observe(std::span<const float> values) override {
    const double lowest = -std::ldexp(1.0, search_.bits - 1);
    for (size_t k = 0; k < errors_.size(); ++k) {
      const double per_unit = std::ldexp(1.0, search_.first + static_cast<int>(k));
      double error = 0;
      for (const float v : values) {
        const auto x = static_cast<double>(v);
        const double code = std::clamp(std::nearbyint(x * per_unit), lowest, -lowest - 1);
        error += (x - code / per_unit) * (x - code / per_unit);
      }
      errors_[k] += error;
    }
  }

  Range Decide() const override {
    // Of equal errors the first, the coarser position, as LeastErrorPosition has it.
    const auto least = std::min_element(errors_.begin(), errors_.end()) - errors_.begin();
    const int position = search_.first + static_cast<int>(least);
    const auto t = static_cast<float>(std::ldexp(search_.qmax, -position));
    return {-t, t};
  }

 private:
  FixPositionSearch search_;
  std::vector<double> errors_;
};

}  // namespace

float VitisThreshold(std::span<const uint64_t> counts, float largest, const VitisSearch& search) {
  const double width = static_cast<double>(largest) / static_cast<double>(kVitisBins);
  switch (search.method) {
    case VitisMethod::kPercentile:
      return static_cast<float>(Percentile(counts, width, search.percentage));
    case VitisMethod::kMse:
      return static_cast<float>(LeastSquaredError(counts, width, search));
    case VitisMethod::kEntropy:
      return static_cast<float>(LeastDivergence(counts, width, search));
  }
  return largest;
}

std::unique_ptr<SecondLook> VitisHistogramLook(const TensorStatistics& batch,
                                               const VitisSearch& search) {
  return std::make_unique<HistogramLook>(std::max(std::fabs(batch.min), std::fabs(batch.max)),
                                         search);
}

std::unique_ptr<SecondLook> FixPositionLook(const FixPositionSearch& search) {
  return std::make_unique<ErrorLook>(search);
}

}  // namespace qconvert
