#include "qconvert/calibration/histogram.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "observe_kernels.h"
#include "qconvert/base/check.h"

namespace qconvert {
namespace {

// Below this many values, counting straight into the histogram beats emptying the scratch.
constexpr size_t kSmallBlock = 2048;

}  // namespace

int Histogram::ExponentFor(float abs_max) {
  if (abs_max == 0) return kMinExponent;
  int exponent = 0;
  std::frexp(abs_max, &exponent);  // abs_max = f * 2^exponent with f in [0.5, 1)
  return std::max(exponent, kMinExponent);
}

void Histogram::GrowTo(int exponent) {
  if (counts_.empty()) {
    counts_.assign(kBins, 0);
    exponent_ = exponent;
    return;
  }
  if (exponent <= exponent_) return;
  const int fold = std::min(exponent - exponent_, 31);
  std::vector<uint64_t> folded(kBins, 0);
  for (size_t i = 0; i < kSideBins; ++i) {
    folded[kSideBins + (i >> fold)] += counts_[kSideBins + i];
    folded[kSideBins - 1 - (i >> fold)] += counts_[kSideBins - 1 - i];
  }
  counts_ = std::move(folded);
  exponent_ = exponent;
}

void Histogram::Add(std::span<const float> values, float abs_max, BinScratch& scratch) {
  GrowTo(ExponentFor(abs_max));
  const float inverse_width = std::ldexp(static_cast<float>(kSideBins), -exponent_);
  if (values.size() < kSmallBlock) {
    for (const float x : values) {
      const auto bin = static_cast<size_t>(
          std::min(std::fabs(x) * inverse_width, static_cast<float>(kSideBins - 1)));
      ++counts_[x < 0 ? kSideBins - 1 - bin : kSideBins + bin];
    }
    return;
  }
  // A block is far below 2^32 values, so 32-bit counters cannot overflow.
  BinBlock(values.data(), values.size(), inverse_width, static_cast<int32_t>(kSideBins),
           scratch.counts.data());
  uint32_t* sub = scratch.counts.data();
  for (size_t i = 0; i < kBins; ++i) {
    counts_[i] += uint64_t{sub[i]} + sub[kBins + i] + sub[2 * kBins + i] + sub[3 * kBins + i];
  }
  std::fill(scratch.counts.begin(), scratch.counts.end(), 0);
}

void Histogram::Merge(const Histogram& other) {
  if (other.counts_.empty()) return;
  Histogram grown = other;
  GrowTo(other.exponent_);
  grown.GrowTo(exponent_);
  for (size_t i = 0; i < kBins; ++i) counts_[i] += grown.counts_[i];
}

Histogram Histogram::FromCounts(int exponent, std::vector<uint64_t> counts) {
  QCONVERT_CHECK(counts.size() == kBins);
  Histogram out;
  out.exponent_ = exponent;
  out.counts_ = std::move(counts);
  return out;
}

double Histogram::bin_width() const {
  return std::ldexp(1.0 / static_cast<double>(kSideBins), exponent_);
}

double Histogram::LowerEdge(size_t bin) const {
  return (static_cast<double>(bin) - static_cast<double>(kSideBins)) * bin_width();
}

uint64_t Histogram::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), uint64_t{0});
}

}  // namespace qconvert
