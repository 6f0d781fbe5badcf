#include "widen_weights.h"

#include <algorithm>
#include <numeric>

#include "small_set_search.h"
#include "worst_samples.h"

namespace qconvert {
namespace {

class Widener {
 public:
  explicit Widener(const WidenOptions& options) : options_(options), left_(options.budget) {}

  std::set<std::string> Run() {
    Measured measured = Measure(wide_, {});
    for (double target = options_.max_noise; measured.pooled_noise() > options_.max_noise;) {
      if (left_ <= 0) break;
      const size_t before = wide_.size();
      Search(target, WorstSamples(measured.outputs, options_.gate));
      if (wide_.size() == before) {
        target /= 2;  // those samples are good enough, others are not
      } else {
        measured = Measure(wide_, {});
      }
    }
    if (measured.pooled_noise() > options_.good_noise) AddTheCheapest();
    return std::move(wide_);
  }

 private:
  Measured Measure(const std::set<std::string>& wide, const std::vector<size_t>& samples) {
    --left_;
    return options_.measure(wide, samples);
  }

  // Adds the fewest that these samples take to stay within `target`.
  void Search(double target, const std::vector<size_t>& samples) {
    std::vector<size_t> items;
    for (size_t k = 0; k < options_.weights.size(); ++k)
      if (!wide_.contains(options_.weights[k].name)) items.push_back(k);
    std::stable_sort(items.begin(), items.end(), [&](size_t a, size_t b) {
      return options_.weights[a].expected_noise > options_.weights[b].expected_noise;
    });
    const auto noise = [&](const std::set<size_t>& more) {
      std::set<std::string> wide = wide_;
      for (const size_t item : more) wide.insert(options_.weights[item].name);
      return Measure(wide, samples).pooled_noise();
    };
    const SmallSet found =
        FindSmallSet({.items = items, .noise = noise, .target = target, .budget = left_});
    --left_;
    for (const size_t item : found.taken_out) wide_.insert(options_.weights[item].name);
  }

  // Weights of most expected noise by byte, as many as kWidePart of all elements allows.
  void AddTheCheapest() {
    std::vector<const WeightItem*> items;
    int64_t all = 0;
    for (const WeightItem& item : options_.weights) {
      all += item.elements;
      if (!wide_.contains(item.name)) items.push_back(&item);
    }
    std::stable_sort(items.begin(), items.end(), [](const WeightItem* a, const WeightItem* b) {
      return a->expected_noise * static_cast<double>(b->elements) >
             b->expected_noise * static_cast<double>(a->elements);
    });
    double left = WidenOptions::kWidePart * static_cast<double>(all);
    for (const WeightItem* item : items) {
      if (static_cast<double>(item->elements) > left) continue;
      left -= static_cast<double>(item->elements);
      wide_.insert(item->name);
    }
  }

  const WidenOptions& options_;
  std::set<std::string> wide_;
  int left_;  // measurements
};

}  // namespace

std::set<std::string> WidenWeights(const WidenOptions& options) { return Widener(options).Run(); }

}  // namespace qconvert
