#include "find_absorbed_biases.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "calibrate_model.h"
#include "qconvert/base/spread.h"

namespace qconvert {
namespace {

constexpr size_t kSamples = 64;
constexpr size_t kFirstSamples = 2;  // that may tell that it is not worth it
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// The least and the largest of each channel.
struct Extremes {
  std::vector<float> least;
  std::vector<float> largest;
};

class ExtremesObserver : public ValueObserver {
 public:
  explicit ExtremesObserver(const std::vector<AbsorbableValue>& values) : values_(values) {
    for (const AbsorbableValue& value : values)
      seen_.push_back({std::vector<float>(value.channels, kInfinity),
                       std::vector<float>(value.channels, -kInfinity)});
  }

  void Observe(int64_t id, const TensorView& value) override {
    const auto v = static_cast<size_t>(id);
    const size_t channels = values_[v].channels;
    const size_t axis = values_[v].in_rows ? value.dims.size() - 1 : 1;
    if (value.dims.size() < 2 || value.dims[axis] != static_cast<int64_t>(channels)) return;
    size_t inner = 1;
    for (size_t d = axis + 1; d < value.dims.size(); ++d)
      inner *= static_cast<size_t>(value.dims[d]);
    const auto floats = value.floats();
    Extremes& seen = seen_[v];
    for (size_t first = 0; first < floats.size(); first += inner) {
      // Images follow each other, with all their channels.
      const size_t c = first / inner % channels;
      for (const float x : floats.subspan(first, inner)) {
        // NaN is below everything: such a channel is left alone.
        seen.least[c] = std::isnan(x) ? -kInfinity : std::min(seen.least[c], x);
        seen.largest[c] = std::max(seen.largest[c], x);
      }
    }
  }

  const Extremes& seen(size_t v) const { return seen_[v]; }

 private:
  const std::vector<AbsorbableValue>& values_;
  std::vector<Extremes> seen_;
};

// The range that channels have, and what is left of it.
struct Widths {
  float before = 0;
  float after = 0;
};

Widths WidthsOf(const Extremes& seen) {
  Widths widths;
  for (size_t c = 0; c < seen.least.size(); ++c) {
    // Behind the Relu nothing lies below 0.
    widths.before = std::max(widths.before, seen.largest[c]);
    widths.after = std::max(widths.after, seen.largest[c] - std::max(seen.least[c], 0.0F));
  }
  return widths;
}

void Add(const std::string& value, const AbsorbableValue& where, const Extremes& seen,
         FoundBiases& found) {
  const auto is_finite = [](float x) { return std::isfinite(x); };
  if (!std::all_of(seen.largest.begin(), seen.largest.end(), is_finite)) return;
  const auto [before, after] = WidthsOf(seen);
  if (!(after < before)) return;
  std::vector<float>& absorbed = found.absorbed[value];
  // No more than it takes to fit into the widest that is left.
  for (const float largest : seen.largest) absorbed.push_back(std::max(largest - after, 0.0F));
  found.narrowed[where.rectified] = after / before;
}

}  // namespace

FoundBiases FindAbsorbedBiases(const Model& model, const InputFeeder& feeder,
                               std::span<const size_t> by_content, const std::string& place,
                               const std::function<bool(const AbsorbedRanges&)>& is_worth) {
  std::vector<std::string> names;
  std::vector<AbsorbableValue> values;
  AbsorbedRanges ranges;
  for (const auto& [name, value] : FindAbsorbableValues(model.graph)) {
    names.push_back(name);
    values.push_back(value);
    ranges[value.rectified] = 0;
  }
  if (names.empty() || feeder.size() == 0 || feeder.has_feedback()) return {};
  if (is_worth && !is_worth(ranges)) return {};
  ExtremesObserver observer(values);
  const auto session = OpenObserved(model, names, place, OptimizationLevel::kNone);
  size_t count = 0;
  for (const size_t k : SpreadEvenly(feeder.size(), kSamples)) {
    RunSample(*session, feeder.Read(by_content[k], {}), &observer);
    if (++count != kFirstSamples || !is_worth) continue;
    for (size_t v = 0; v < names.size(); ++v)
      ranges[values[v].rectified] = WidthsOf(observer.seen(v)).after;
    if (!is_worth(ranges)) return {};
  }
  FoundBiases found;
  for (size_t v = 0; v < names.size(); ++v) Add(names[v], values[v], observer.seen(v), found);
  return found;
}

}  // namespace qconvert
