#include "qconvert/report/decisions.h"

#include <algorithm>
#include <boost/math/distributions/beta.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "float_blocks.h"

namespace qconvert {
namespace {

constexpr double kConfidence = 0.95;
constexpr size_t kScoresTogether = 32;
constexpr size_t kTileValues = 1 << 14;  // of the scores turned around at a time

// How positions lie in a row-major tensor: [outer, classes, inner].
struct Layout {
  size_t outer = 1;
  size_t classes = 1;
  size_t inner = 1;
};

Layout LayoutOf(const Tensor& tensor, const OutputKind& kind) {
  Layout layout;
  if (kind.scores == OutputKind::Scores::kBinary) {
    layout.outer = static_cast<size_t>(tensor.element_count());
    return layout;
  }
  for (size_t d = 0; d < tensor.dims.size(); ++d) {
    size_t& part = d < kind.axis ? layout.outer : d == kind.axis ? layout.classes : layout.inner;
    part *= static_cast<size_t>(tensor.dims[d]);
  }
  return layout;
}

// Scores of `count` positions from `first` of one outer slice, each position's together. Where
// classes are not the last axis they are turned around, tile by tile: a walk with a wide stride
// misses the cache on every value.
class ScoreReader {
 public:
  ScoreReader(const Tensor& tensor, const Layout& layout) : tensor_(tensor), layout_(layout) {}

  std::span<const float> Read(size_t slice, size_t first, size_t count) {
    const size_t begin = slice * layout_.classes * layout_.inner;
    // The classes of a position lie together already.
    if (layout_.inner == 1) return FloatBlock(tensor_, begin, count * layout_.classes, converted_);
    turned_.resize(count * layout_.classes);
    for (size_t c = 0; c < layout_.classes; ++c) {
      const auto run = FloatBlock(tensor_, begin + c * layout_.inner + first, count, converted_);
      for (size_t p = 0; p < count; ++p) turned_[p * layout_.classes + c] = run[p];
    }
    return turned_;
  }

 private:
  const Tensor& tensor_;
  const Layout layout_;
  std::vector<float> converted_;
  std::vector<float> turned_;
};

struct Best {
  size_t index = 0;
  float value = -std::numeric_limits<float>::infinity();
  float second = -std::numeric_limits<float>::infinity();
};

// The largest; NaN is none.
float LargestOf(std::span<const float> scores) {
  float largest = -std::numeric_limits<float>::infinity();
  for (const float v : scores) largest = v > largest ? v : largest;
  return largest;
}

Best FindBest(std::span<const float> scores) {
  Best best;
  for (size_t first = 0; first < scores.size(); first += kScoresTogether) {
    const size_t last = std::min(first + kScoresTogether, scores.size());
    // Of thousands of classes few are among the best two so far.
    if (!(LargestOf(scores.subspan(first, last - first)) > best.second)) continue;
    for (size_t c = first; c < last; ++c) {
      if (scores[c] > best.value) {
        best.second = best.value;
        best.value = scores[c];
        best.index = c;
      } else {
        // A second class as great as the best leaves no margin.
        best.second = std::max(best.second, scores[c]);
      }
    }
  }
  return best;
}

// p1 - p2 of the softmax.
double SoftmaxMargin(std::span<const float> logits, const Best& best) {
  double sum = 0;
  // Less the best: no exponential is above 1.
  for (const float v : logits) sum += std::exp(static_cast<double>(v) - best.value);
  return (1 - std::exp(static_cast<double>(best.second) - best.value)) / sum;
}

double RootMeanSquare(std::span<const float> values) {
  double power = 0;
  for (const float v : values) power += static_cast<double>(v) * v;
  return std::sqrt(power / static_cast<double>(values.size()));
}

bool IsDecided(std::span<const float> scores, const Best& best, OutputKind::Scores kind) {
  const double gap = static_cast<double>(best.value) - best.second;
  if (kind == OutputKind::Scores::kProbabilities) return gap >= kDecidedMargin;
  if (kind == OutputKind::Scores::kLikelyLogits && gap < kLikelyGap * RootMeanSquare(scores))
    return false;
  return SoftmaxMargin(scores, best) >= kDecidedMargin;
}

constexpr uint32_t kNoClass = std::numeric_limits<uint32_t>::max();

// What both models say of one position.
struct Decision {
  uint32_t expected = kNoClass;
  uint32_t actual = kNoClass;
  bool is_decided = false;
};

Decision Decide(std::span<const float> expected, std::span<const float> actual,
                OutputKind::Scores kind) {
  const bool has_nan =
      std::any_of(expected.begin(), expected.end(), [](float v) { return std::isnan(v); });
  // Infinite where a score is, or where none is a number: nothing is decided there.
  const Best best = FindBest(expected);
  if (has_nan || !std::isfinite(best.value)) return {};
  if (kind == OutputKind::Scores::kBinary) {  // the other class has what is missing to 1
    const double margin = std::fabs(2 * static_cast<double>(expected[0]) - 1);
    return {expected[0] >= 0.5F, actual[0] >= 0.5F, margin >= kDecidedMargin};
  }
  return {static_cast<uint32_t>(best.index), static_cast<uint32_t>(FindBest(actual).index),
          IsDecided(expected, best, kind)};
}

// One position's part of logit_power and logit_error.
void AddLogits(std::span<const float> expected, std::span<const float> actual,
               DecisionSums& decisions) {
  const double sum = std::accumulate(expected.begin(), expected.end(), 0.0);
  // Sigmoids per class, and NaN: no softmax is behind them.
  if (!(std::fabs(sum - 1) <= kSumsToOne)) return;
  double logits = 0;
  double differences = 0;
  double logit_squares = 0;
  double difference_squares = 0;
  double count = 0;
  for (size_t c = 0; c < expected.size(); ++c) {
    if (!(expected[c] > 0 && actual[c] > 0)) continue;
    const double logit = std::log(expected[c]);
    const double difference = std::log(actual[c]) - logit;
    logits += logit;
    differences += difference;
    logit_squares += logit * logit;
    difference_squares += difference * difference;
    ++count;
  }
  // What one logarithm says is its mean.
  if (count < 2) return;
  // Rounding may leave these differences below 0.
  decisions.logit_power += std::max(logit_squares - logits * logits / count, 0.0);
  decisions.logit_error += std::max(difference_squares - differences * differences / count, 0.0);
}

// Whether the position's new class is the float model's one step away along an axis that is neither
// the first nor that of the classes. `strides` and `dims` are those of positions.
bool IsShiftedBorder(const std::vector<Decision>& all, size_t position,
                     const std::vector<size_t>& dims, const std::vector<size_t>& strides) {
  // Neighbours along axis 0 are other samples of a batch.
  for (size_t axis = 1; axis < dims.size(); ++axis) {
    const size_t at = position / strides[axis] % dims[axis];
    const uint32_t actual = all[position].actual;
    if (at > 0 && all[position - strides[axis]].expected == actual) return true;
    if (at + 1 < dims[axis] && all[position + strides[axis]].expected == actual) return true;
  }
  return false;
}

void CountDecisions(const std::vector<Decision>& all, const std::vector<int64_t>& shape,
                    const OutputKind& kind, DecisionSums& decisions, ErrorSums& sums) {
  // Of one sigmoid every change counts: nearly every flip has a neighbor of the other class.
  std::vector<size_t> dims;
  if (kind.scores != OutputKind::Scores::kBinary) {
    dims.assign(shape.begin(), shape.end());
    // Positions have one place along the axis of classes.
    dims[kind.axis] = 1;
  }
  std::vector<size_t> strides(dims.size(), 1);
  for (size_t d = dims.size(); d-- > 1;) strides[d - 1] = strides[d] * dims[d];
  for (size_t position = 0; position < all.size(); ++position) {
    const Decision& decision = all[position];
    if (decision.expected == kNoClass) continue;
    const bool same = decision.expected == decision.actual;
    ++sums.positions;
    sums.agreed += same ? 1 : 0;
    if (!decision.is_decided) continue;
    ++decisions.decided;
    if (!same && !IsShiftedBorder(all, position, dims, strides)) ++decisions.flips;
  }
}

}  // namespace

void DecisionSums::Merge(const DecisionSums& other) {
  decided += other.decided;
  flips += other.flips;
  logit_power += other.logit_power;
  logit_error += other.logit_error;
  samples += other.samples;
  flipped_samples += other.flipped_samples;
}

double DecisionSums::rate() const {
  return decided > 0 ? static_cast<double>(flips) / static_cast<double>(decided) : 0;
}

double DecisionSums::UpperBound() const { return BoundOfRate(flipped_samples, samples); }

double BoundOfRate(double sum, int64_t samples) {
  // Also where every sample flipped: the distribution has no such parameter.
  const double rest = static_cast<double>(samples) - sum;
  if (rest <= 0) return 1;
  return boost::math::quantile(boost::math::beta_distribution<double>(sum + 1, rest), kConfidence);
}

void AddDecisions(const Tensor& expected, const Tensor& actual, const OutputKind& kind,
                  DecisionSums& decisions, ErrorSums& sums) {
  if (expected.element_count() == 0) return;
  const Layout layout = LayoutOf(expected, kind);
  ScoreReader expected_reader(expected, layout);
  ScoreReader actual_reader(actual, layout);
  std::vector<Decision> all(layout.outer * layout.inner);
  // As many positions as fit a tile with all their classes, one at least.
  const size_t tile = std::clamp<size_t>(kTileValues / layout.classes, 1, layout.inner);
  for (size_t slice = 0; slice < layout.outer; ++slice) {
    for (size_t first = 0; first < layout.inner; first += tile) {
      const size_t count = std::min(tile, layout.inner - first);
      const auto x = expected_reader.Read(slice, first, count);
      const auto y = actual_reader.Read(slice, first, count);
      for (size_t p = 0; p < count; ++p) {
        const auto scores = x.subspan(p * layout.classes, layout.classes);
        const auto others = y.subspan(p * layout.classes, layout.classes);
        all[slice * layout.inner + first + p] = Decide(scores, others, kind.scores);
        if (kind.scores == OutputKind::Scores::kProbabilities) AddLogits(scores, others, decisions);
      }
    }
  }
  DecisionSums sample;
  CountDecisions(all, expected.dims, kind, sample, sums);
  sample.samples = sample.decided > 0 ? 1 : 0;
  // The sum of rates counts each sample once, however many positions it has.
  sample.flipped_samples = sample.rate();
  decisions.Merge(sample);
}

}  // namespace qconvert
