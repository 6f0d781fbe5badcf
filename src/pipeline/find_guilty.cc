#include "find_guilty.h"

#include <algorithm>
#include <limits>
#include <map>

#include "small_set_search.h"

namespace qconvert {
namespace {

class Hunt {
 public:
  explicit Hunt(const GuiltyOptions& options) : options_(options) {}

  GuiltySet Run() {
    result_.before = Noise({});
    const SmallSet found =
        FindSmallSet({.items = options_.items,
                      .noise = [&](const std::set<size_t>& without) { return Noise(without); },
                      .target = options_.target,
                      .budget = options_.budget});
    set_ = found.taken_out;
    result_.after = found.noise;
    result_.reached = found.reached;
    if (found.reached) PutBackSingly();
    for (const size_t item : options_.items)
      if (set_.contains(item)) result_.items.push_back(item);
    result_.measurements = static_cast<int>(known_.size());
    return result_;
  }

 private:
  double Noise(const std::set<size_t>& without) {
    const auto known = known_.find(without);
    if (known != known_.end()) return known->second;
    return known_[without] = options_.noise(without);
  }
  bool HasBudget() const { return static_cast<int>(known_.size()) < options_.budget; }

  std::set<size_t> SetWithout(size_t item) const {
    std::set<size_t> fewer = set_;
    fewer.erase(item);
    return fewer;
  }

  // Until a round over the whole set puts none back.
  void PutBackSingly() {
    bool changed = true;
    while (changed) {
      changed = false;
      for (auto item = options_.items.rbegin(); item != options_.items.rend(); ++item) {
        if (!set_.contains(*item)) continue;
        if (!HasBudget()) return;
        const std::set<size_t> fewer = SetWithout(*item);
        if (Noise(fewer) > options_.target) continue;
        result_.after = Noise(fewer);
        set_ = fewer;
        changed = true;
      }
    }
    result_.is_minimal = true;
    result_.any_fewer = std::numeric_limits<double>::infinity();
    // Known from the last round, which tried each of them.
    for (const size_t item : set_)
      result_.any_fewer = std::min(result_.any_fewer, Noise(SetWithout(item)));
  }

  const GuiltyOptions& options_;
  std::map<std::set<size_t>, double> known_;
  std::set<size_t> set_;
  GuiltySet result_;
};

}  // namespace

GuiltySet FindGuilty(const GuiltyOptions& options) { return Hunt(options).Run(); }

}  // namespace qconvert
