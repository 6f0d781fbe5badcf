// Work shared by threads whose results are taken in order.
#ifndef QCONVERT_BASE_MAP_IN_ORDER_H_
#define QCONVERT_BASE_MAP_IN_ORDER_H_

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "qconvert/base/parallel.h"

namespace qconvert {

// Calls `make(k)` for 0 .. count-1 from `workers` threads and `take(k, result)` in order from this
// one; stops when that says false. No more than `workers` results are held. With one worker every
// result is taken before the next one is made, so `make` may go on from the one before. Exceptions
// as ParallelFor. `Result` is what `make` gives; default-constructible.
template <typename Make, typename Take>
void MapInOrder(size_t count, int workers, const Make& make, const Take& take) {
  using Result = decltype(make(size_t{0}));
  const auto batch = static_cast<size_t>(std::max(workers, 1));
  for (size_t first = 0; first < count; first += batch) {
    std::vector<Result> results(std::min(batch, count - first));
    ParallelFor(results.size(), workers,
                [&](size_t k, size_t /*worker*/) { results[k] = make(first + k); });
    for (size_t k = 0; k < results.size(); ++k) {
      if (!take(first + k, std::move(results[k]))) return;
    }
  }
}

}  // namespace qconvert

#endif  // QCONVERT_BASE_MAP_IN_ORDER_H_
