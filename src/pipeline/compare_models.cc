#include "compare_models.h"

#include <algorithm>
#include <utility>

namespace qconvert {
namespace {

bool IsComparable(const Tensor& tensor) {
  return tensor.type != DataType::kUndefined && tensor.type != DataType::kString;
}

void Accumulate(const std::vector<Tensor>& expected, const std::vector<Tensor>& actual,
                std::vector<OutputComparison>& sums) {
  sums.resize(expected.size());
  for (size_t o = 0; o < expected.size(); ++o) {
    if (IsComparable(expected[o])) AddToComparison(expected[o], actual[o], sums[o]);
  }
}

}  // namespace

std::vector<OutputComparison> CompareModels(const Session& expected, const Session& actual,
                                            const InputFeeder& feeder, size_t count, int workers) {
  std::vector<OutputComparison> sums;
  const size_t total = feeder.size();
  count = std::min(count, total);
  if (feeder.has_feedback()) {
    std::vector<Tensor> expected_before;
    std::vector<Tensor> actual_before;
    for (size_t i = 0; i < count; ++i) {
      expected_before = expected.Run(feeder.Read(i, expected_before).inputs, nullptr);
      actual_before = actual.Run(feeder.Read(i, actual_before).inputs, nullptr);
      Accumulate(expected_before, actual_before, sums);
    }
  } else {
    // A few samples at a time: memory must not grow with their number.
    const size_t batch = static_cast<size_t>(std::max(workers, 1));
    for (size_t first = 0; first < count; first += batch) {
      const size_t here = std::min(batch, count - first);
      std::vector<std::pair<std::vector<Tensor>, std::vector<Tensor>>> results(here);
      ParallelFor(here, workers, [&](size_t k, size_t /*worker*/) {
        const Sample sample = feeder.Read((first + k) * total / count, {});
        results[k] = {expected.Run(sample.inputs, nullptr), actual.Run(sample.inputs, nullptr)};
      });
      for (const auto& [x, y] : results) Accumulate(x, y, sums);
    }
  }
  std::erase_if(sums, [](const OutputComparison& sum) { return sum.name.empty(); });
  return sums;
}

}  // namespace qconvert
