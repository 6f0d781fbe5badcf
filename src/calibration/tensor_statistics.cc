#include "qconvert/calibration/tensor_statistics.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "observe_kernels.h"

namespace qconvert {
namespace {

void MergeRange(TensorStatistics& statistics, float min, float max, int64_t count) {
  if (count == 0) return;
  statistics.min = statistics.count == 0 ? min : std::min(statistics.min, min);
  statistics.max = statistics.count == 0 ? max : std::max(statistics.max, max);
  statistics.count += count;
}

void ObserveFinite(TensorStatistics& statistics, std::span<const float> block, BlockRange range,
                   TensorStatistics::Detail detail, Histogram::BinScratch& scratch) {
  MergeRange(statistics, range.min, range.max, static_cast<int64_t>(block.size()));
  if (detail == TensorStatistics::Detail::kRangeOnly) return;
  statistics.histogram.Add(block, std::max(std::fabs(range.min), std::fabs(range.max)), scratch);
}

}  // namespace

void TensorStatistics::Observe(std::span<const float> values, Detail detail,
                               Histogram::BinScratch& scratch) {
  while (!values.empty()) {
    const auto block = values.first(std::min(values.size(), Histogram::kBlock));
    values = values.subspan(block.size());
    const BlockRange range = RangeOfBlock(block.data(), block.size());
    if (range.finite) {
      ObserveFinite(*this, block, range, detail, scratch);
      continue;
    }
    std::vector<float> finite;
    for (const float x : block) {
      if (std::isfinite(x)) finite.push_back(x);
      nan_count += std::isnan(x) ? 1 : 0;
      inf_count += std::isinf(x) ? 1 : 0;
    }
    if (!finite.empty()) {
      ObserveFinite(*this, finite, RangeOfBlock(finite.data(), finite.size()), detail, scratch);
    }
  }
}

void TensorStatistics::Merge(const TensorStatistics& other) {
  MergeRange(*this, other.min, other.max, other.count);
  nan_count += other.nan_count;
  inf_count += other.inf_count;
  histogram.Merge(other.histogram);
}

}  // namespace qconvert
