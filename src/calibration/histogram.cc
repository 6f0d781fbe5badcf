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
// Far below 2^32: the counters of the scratch have 32 bits.
constexpr size_t kMostPending = size_t{1} << 30;

}  // namespace

int Histogram::ExponentFor(float abs_max) {
  // frexp has the exponent 0 for 0, that of a grid up to 1.
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
  // From 11 on all bins of a side are one; exponents lie up to 228 apart, and a shift by the width
  // of the type is undefined.
  const int fold = std::min(exponent - exponent_, 31);
  std::vector<uint64_t> folded(kBins, 0);
  for (size_t i = 0; i < kSideBins; ++i) {
    folded[kSideBins + (i >> fold)] += counts_[kSideBins + i];
    folded[kSideBins - 1 - (i >> fold)] += counts_[kSideBins - 1 - i];
  }
  counts_ = std::move(folded);
  exponent_ = exponent;
}

void Histogram::Adder::Add(std::span<const float> values, float min, float max) {
  const int exponent = ExponentFor(std::max(std::fabs(min), std::fabs(max)));
  Histogram& out = histogram_;
  if (out.counts_.empty() || exponent > out.exponent_) {
    // What is pending was binned on the narrower grid.
    Flush();
    out.GrowTo(exponent);
  }
  // A power of two: products are exact, so a value has one bin whichever grid it was counted on
  // first.
  const float inverse_width = std::ldexp(static_cast<float>(kSideBins), -out.exponent_);
  const auto bin_of = [&](float x) {
    const auto bin = static_cast<size_t>(
        std::min(std::fabs(x) * inverse_width, static_cast<float>(kSideBins - 1)));
    return x < 0 ? kSideBins - 1 - bin : kSideBins + bin;
  };
  // A scratch that holds something has to be emptied anyway.
  if (pending_ == 0 && values.size() < kSmallBlock) {
    for (const float x : values) ++out.counts_[bin_of(x)];
    return;
  }
  if (pending_ + values.size() > kMostPending) Flush();
  pending_ += values.size();
  first_ = std::min(first_, bin_of(min));
  end_ = std::max(end_, bin_of(max) + 1);
  BinBlock(values.data(), values.size(), inverse_width, static_cast<int32_t>(kSideBins),
           scratch_.counts.data());
}

void Histogram::Adder::Flush() {
  if (pending_ == 0) return;
  uint32_t* counts = scratch_.counts.data();
  for (size_t i = first_; i < end_; ++i) {
    const uint32_t* four = counts + 4 * i;
    histogram_.counts_[i] += uint64_t{four[0]} + four[1] + four[2] + four[3];
  }
  std::fill(counts + 4 * first_, counts + 4 * end_, 0);
  pending_ = 0;
  first_ = kBins;
  end_ = 0;
}

void Histogram::Merge(const Histogram& other) {
  if (other.counts_.empty()) return;
  Histogram grown = other;
  // One of the two is wide enough, and GrowTo leaves it alone.
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
