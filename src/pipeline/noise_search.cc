#include "noise_search.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace qconvert {
namespace {

constexpr size_t kFirstChunks = 16;

}  // namespace

NoiseSearch::NoiseSearch(const std::vector<size_t>& items, Measure measure, int& budget_left)
    : measure_(std::move(measure)), budget_left_(budget_left) {
  const size_t size = (items.size() + kFirstChunks - 1) / kFirstChunks;
  for (size_t first = 0; first < items.size(); first += size) {
    const size_t last = std::min(first + size, items.size());
    Push({items.begin() + static_cast<ptrdiff_t>(first),
          items.begin() + static_cast<ptrdiff_t>(last)});
  }
}

void NoiseSearch::Push(std::vector<size_t> items) {
  --budget_left_;
  Chunk chunk{std::move(items), 0};
  chunk.noise = measure_(chunk.items);
  remaining_ += std::isfinite(chunk.noise) ? chunk.noise : 0;
  infinite_ += std::isfinite(chunk.noise) ? 0 : 1;
  queue_.push(std::move(chunk));
}

NoiseSearch::Chunk NoiseSearch::Pop() {
  Chunk chunk = queue_.top();
  queue_.pop();
  remaining_ -= std::isfinite(chunk.noise) ? chunk.noise : 0;
  infinite_ -= std::isfinite(chunk.noise) ? 0 : 1;
  return chunk;
}

void NoiseSearch::Refine(double noise) {
  RefineWhile(noise, [](size_t) { return true; });
}

void NoiseSearch::RefineWhile(double noise, const std::function<bool(size_t item)>& may_take) {
  while (!queue_.empty() && (remaining_ > noise || infinite_ > 0)) {
    if (queue_.top().items.size() == 1 && !may_take(queue_.top().items[0])) return;
    const Chunk worst = Pop();
    if (worst.items.size() == 1 || budget_left_ <= 0) {
      taken_out_.insert(worst.items.begin(), worst.items.end());
      continue;
    }
    const auto middle = worst.items.begin() + static_cast<ptrdiff_t>(worst.items.size() / 2);
    Push({worst.items.begin(), middle});
    Push({middle, worst.items.end()});
  }
}

}  // namespace qconvert
