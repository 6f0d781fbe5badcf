#include "small_set_search.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <utility>

namespace qconvert {
namespace {

constexpr size_t kParts = 24;

class Search {
 public:
  explicit Search(const SmallSetOptions& options)
      : options_(options), smallest_(std::max<size_t>(1, options.items.size() / kParts)) {
    best_.noise = std::numeric_limits<double>::infinity();
  }

  SmallSet Run() {
    const size_t count = options_.items.size();
    size_t harmful = 0;  // so many are too few
    size_t enough = 1;
    while (HasBudget() && !Fits(Prefix(enough)) && enough < count) {
      harmful = enough;
      enough = std::min(2 * enough, count);
    }
    // An eighth more or less is what putting back takes care of.
    while (best_.reached && HasBudget() && enough - harmful > std::max<size_t>(1, enough / 8)) {
      const size_t middle = harmful + (enough - harmful) / 2;
      (Fits(Prefix(middle)) ? enough : harmful) = middle;
    }
    if (best_.reached) PutBack(0, best_.taken_out.size());
    best_.measurements = measurements_;
    return best_;
  }

 private:
  bool HasBudget() const { return measurements_ < options_.budget; }

  std::set<size_t> Prefix(size_t count) const {
    const auto first = options_.items.begin();
    const auto last = first + static_cast<ptrdiff_t>(std::min(count, options_.items.size()));
    return {first, last};
  }

  // Measures, and remembers the smallest set that fits, or else the one of least noise.
  bool Fits(std::set<size_t> without) {
    const auto known = known_.find(without);
    // Halves come to sets that were measured before.
    if (known != known_.end()) return known->second <= options_.target;
    ++measurements_;
    const double noise = options_.noise(without);
    known_.emplace(without, noise);
    const bool fits = noise <= options_.target;
    const bool better = best_.reached ? fits && without.size() < best_.taken_out.size()
                                      : fits || noise < best_.noise;
    if (better) {
      best_.taken_out = std::move(without);
      best_.noise = noise;
      best_.reached = fits;
    }
    return fits;
  }

  // Places [first, last) of what is taken out, by suspicion: puts all back, or each half.
  void PutBack(size_t first, size_t last) {
    // Places stay those of the set as it was when this began.
    std::vector<size_t> ordered;
    for (const size_t item : options_.items)
      if (best_.taken_out.contains(item)) ordered.push_back(item);
    std::deque<std::pair<size_t, size_t>> open = {{first, last}};  // the largest parts first
    while (!open.empty() && HasBudget()) {
      const auto [begin, end] = open.front();
      open.pop_front();
      std::set<size_t> fewer = best_.taken_out;
      for (size_t k = begin; k < end; ++k) fewer.erase(ordered[k]);
      if ((begin > 0 || end < ordered.size()) && Fits(fewer)) continue;
      if (end - begin < 2 * smallest_) continue;
      const size_t middle = begin + (end - begin) / 2;
      open.emplace_back(middle, end);  // the less suspicious half
      open.emplace_back(begin, middle);
    }
  }

  const SmallSetOptions& options_;
  const size_t smallest_;  // items that are put back at a time
  std::map<std::set<size_t>, double> known_;
  SmallSet best_;
  int measurements_ = 0;
};

}  // namespace

SmallSet FindSmallSet(const SmallSetOptions& options) {
  if (options.items.empty()) return {{}, std::numeric_limits<double>::infinity(), false, 0};
  return Search(options).Run();
}

}  // namespace qconvert
