#include "widen_weights.h"

#include <algorithm>
#include <vector>

namespace qconvert {
namespace {

// Of the noise that is allowed: what is expected to be left.
constexpr double kMargin = 0.5;

class Widener {
 public:
  explicit Widener(const WidenOptions& options) : options_(options) {
    for (const WeightItem& weight : options.weights) items_.push_back(&weight);
    std::stable_sort(items_.begin(), items_.end(), [](const WeightItem* a, const WeightItem* b) {
      return a->expected_noise * static_cast<double>(b->elements) >
             b->expected_noise * static_cast<double>(a->elements);
    });
  }

  std::set<std::string> Run() {
    double noise = options_.measure(wide_).pooled_noise();
    if (noise <= options_.good_noise) return {};
    AddTheCheapest();
    if (noise > options_.max_noise && !wide_.empty())
      noise = options_.measure(wide_).pooled_noise();
    while (noise > options_.max_noise && wide_.size() < items_.size()) {
      LeaveAtMost(kMargin * options_.max_noise / noise);
      noise = options_.measure(wide_).pooled_noise();
    }
    return std::move(wide_);
  }

 private:
  // As many as kWidePart of all elements allows.
  void AddTheCheapest() {
    double left = 0;
    for (const WeightItem* item : items_)
      left += WidenOptions::kWidePart * static_cast<double>(item->elements);
    for (const WeightItem* item : items_) {
      if (static_cast<double>(item->elements) > left) continue;
      left -= static_cast<double>(item->elements);
      wide_.insert(item->name);
    }
  }

  double ExpectedNoise() const {
    double sum = 0;
    for (const WeightItem* item : items_)
      if (!wide_.contains(item->name)) sum += item->expected_noise;
    return sum;
  }

  // Adds one at least, and more until this share of the expected noise is left.
  void LeaveAtMost(double share) {
    double left = ExpectedNoise();
    const double goal = share * left;
    bool is_first = true;
    for (const WeightItem* item : items_) {
      if (wide_.contains(item->name)) continue;
      if (!is_first && left <= goal) return;
      is_first = false;
      wide_.insert(item->name);
      left -= item->expected_noise;
    }
  }

  const WidenOptions& options_;
  std::vector<const WeightItem*> items_;  // the most noise by byte first
  std::set<std::string> wide_;
};

}  // namespace

std::set<std::string> WidenWeights(const WidenOptions& options) { return Widener(options).Run(); }

}  // namespace qconvert
