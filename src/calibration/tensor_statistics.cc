#include "qconvert/calibration/tensor_statistics.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "observe_kernels.h"

namespace qconvert {
namespace {

void MergeRange(TensorStatistics& statistics, float min, float max, int64_t count) {
  // Nothing seen has no bounds: its zeros must not become part of the range.
  if (count == 0) return;
  statistics.min = statistics.count == 0 ? min : std::min(statistics.min, min);
  statistics.max = statistics.count == 0 ? max : std::max(statistics.max, max);
  statistics.count += count;
}

}  // namespace

void TensorStatistics::Observe(std::span<const float> values, Detail detail,
                               Histogram::BinScratch& scratch) {
  Histogram::Adder adder(histogram, scratch);
  const auto add = [&](std::span<const float> block, BlockRange range) {
    MergeRange(*this, range.min, range.max, static_cast<int64_t>(block.size()));
    if (detail == Detail::kHistogram) adder.Add(block, range.min, range.max);
  };
  while (!values.empty()) {
    const auto block = values.first(std::min(values.size(), Histogram::kBlock));
    values = values.subspan(block.size());
    const BlockRange range = RangeOfBlock(block.data(), block.size());
    if (range.finite) {
      add(block, range);
      continue;
    }
    // A copy, of blocks alone that hold something else.
    std::vector<float> finite;
    for (const float x : block) {
      if (std::isfinite(x)) finite.push_back(x);
      nan_count += std::isnan(x) ? 1 : 0;
      inf_count += std::isinf(x) ? 1 : 0;
    }
    if (!finite.empty()) add(finite, RangeOfBlock(finite.data(), finite.size()));
  }
}

void TensorStatistics::Merge(const TensorStatistics& other) {
  MergeRange(*this, other.min, other.max, other.count);
  nan_count += other.nan_count;
  inf_count += other.inf_count;
  histogram.Merge(other.histogram);
}

}  // namespace qconvert
