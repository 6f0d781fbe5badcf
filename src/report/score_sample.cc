#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "qconvert/base/counted.h"
#include "qconvert/base/error.h"
#include "qconvert/base/finite.h"
#include "qconvert/base/metric.h"
#include "qconvert/report/comparison.h"
#include "qconvert/report/evaluation.h"

namespace qconvert {
namespace {

constexpr double kLeastProbability = 1e-12;
constexpr double kSurelySumsToOne = 1e-3;  // logits may come near to 1 by chance
constexpr float kEven = 0.5F;              // a binary score above it is class 1

// The scores of one output, position by position.
class Scores {
 public:
  Scores(const Tensor& tensor, const OutputKind& kind) : values_(ToFloats(tensor)) {
    // A scalar is one score between two classes.
    if (kind.scores == OutputKind::Scores::kBinary || tensor.dims.empty()) {
      binary_ = true;
      positions_ = values_.size();
      return;
    }
    const bool known = kind.scores != OutputKind::Scores::kNone && kind.axis < tensor.dims.size();
    // The last axis is the usual one of classes.
    const size_t axis = known ? kind.axis : tensor.dims.size() - 1;
    classes_ = static_cast<size_t>(tensor.dims[axis]);
    for (size_t d = axis + 1; d < tensor.dims.size(); ++d)
      inner_ *= static_cast<size_t>(tensor.dims[d]);
    positions_ = classes_ == 0 ? 0 : values_.size() / classes_;
    binary_ = classes_ == 1;
  }

  size_t positions() const { return positions_; }
  size_t classes() const { return binary_ ? 2 : classes_; }

  float At(size_t position, size_t c) const {
    if (binary_) return c == 1 ? values_[position] : 1 - values_[position];
    // [outer, classes, inner]: positions count outer and inner together.
    return values_[(position / inner_ * classes_ + c) * inner_ + position % inner_];
  }

  size_t Greatest(size_t position) const {
    if (binary_) return values_[position] > kEven ? 1 : 0;
    size_t best = 0;
    for (size_t c = 1; c < classes_; ++c)
      if (At(position, c) > At(position, best)) best = c;
    return best;
  }

  // Classes that come before `label`: of greater score, or of equal score and smaller number.
  size_t Rank(size_t position, size_t label) const {
    const float own = At(position, label);
    // No comparison holds for NaN: without this its rank would be the best.
    if (std::isnan(own)) return classes();
    size_t rank = 0;
    for (size_t c = 0; c < classes(); ++c) {
      const float other = At(position, c);
      // Of equal scores the smaller number comes first, as Greatest has it.
      rank += other > own || (other == own && c < label) ? 1 : 0;
    }
    return rank;
  }

  double Loss(size_t position, size_t label) const {
    double sum = 0;
    double exponentials = 0;
    double greatest = -std::numeric_limits<double>::infinity();
    bool inside = true;  // [0, 1]
    for (size_t c = 0; c < classes(); ++c) {
      const double score = At(position, c);
      sum += score;
      inside &= score >= 0 && score <= 1;
      greatest = std::max(greatest, score);
    }
    const double own = At(position, label);
    // Probabilities as they are; all else is taken for logits, less the greatest so that no
    // exponential overflows.
    if (inside && std::fabs(sum - 1) < kSurelySumsToOne)
      return -std::log(std::max(own, kLeastProbability));
    for (size_t c = 0; c < classes(); ++c) exponentials += std::exp(At(position, c) - greatest);
    return std::log(exponentials) + greatest - own;
  }

 private:
  std::vector<float> values_;
  size_t classes_ = 1;
  size_t inner_ = 1;
  size_t positions_ = 0;
  bool binary_ = false;
};

LabelScore ScoreLabels(const Scores& scores, std::span<const int64_t> labels, int k) {
  LabelScore out;
  for (size_t p = 0; p < labels.size(); ++p) {
    const auto label = static_cast<size_t>(labels[p]);
    const size_t rank = scores.Rank(p, label);
    out.top1 += rank == 0 ? 1 : 0;
    out.topk += rank < static_cast<size_t>(k) ? 1 : 0;
    out.loss += scores.Loss(p, label);
  }
  if (labels.size() == 1 && scores.classes() == 2) out.margin = scores.At(0, 1) - scores.At(0, 0);
  return out;
}

void CheckLabels(std::span<const int64_t> labels, const Scores& scores) {
  if (labels.size() != scores.positions()) {
    throw Error(ExitCode::kData, "",
                fmt::format("{} for a sample with {} of scores, expected one for each",
                            Counted(std::ssize(labels), "label"),
                            Counted(static_cast<int64_t>(scores.positions()), "position")));
  }
  for (const int64_t label : labels) {
    if (label < 0 || label >= static_cast<int64_t>(scores.classes()))
      throw Error(
          ExitCode::kData, "",
          fmt::format("label {} is no class, expected 0 to {}", label, scores.classes() - 1));
  }
}

void CompareClasses(const Scores& a, const Scores& b, std::span<const int64_t> labels, int k,
                    SampleScore& score) {
  score.positions = static_cast<int64_t>(a.positions());
  score.classes = static_cast<int64_t>(a.classes());
  for (size_t p = 0; p < a.positions(); ++p) score.agreed += a.Greatest(p) == b.Greatest(p) ? 1 : 0;
  if (labels.empty()) return;
  CheckLabels(labels, a);
  score.first_label = labels[0];
  score.of_a = ScoreLabels(a, labels, k);
  score.of_b = ScoreLabels(b, labels, k);
  for (size_t p = 0; p < labels.size(); ++p) {
    const auto label = static_cast<size_t>(labels[p]);
    const bool right_a = a.Rank(p, label) == 0;
    const bool right_b = b.Rank(p, label) == 0;
    score.lost += right_a && !right_b ? 1 : 0;
    score.gained += right_b && !right_a ? 1 : 0;
  }
}

// Whole numbers are equal or not, by however much: the share of those that are not is the noise.
void CountUnequal(const Tensor& a, const Tensor& b, SampleScore& score) {
  const OutputComparison seen = CompareSample({}, a, b);
  score.comparable = seen.type != DataType::kUndefined && seen.mismatched_shapes == 0;
  score.positions = seen.elements;
  score.agreed = seen.equal;
  score.float_power = static_cast<double>(seen.elements);
  score.error_power = static_cast<double>(seen.elements - seen.equal);
}

}  // namespace

SampleScore ScoreBoxes(const Tensor& boxes_a, const Tensor& scores_a, const Tensor& boxes_b,
                       const Tensor& scores_b, const BoxForm& form, double min_score) {
  SampleScore score = ScoreSample(boxes_a, boxes_b, {}, {.task = Task::kRegression, .kind = {}});
  const std::vector<Detection> a = FindDetections(boxes_a, scores_a, form, min_score);
  const std::vector<Detection> b = FindDetections(boxes_b, scores_b, form, min_score);
  score.boxes = {static_cast<int64_t>(a.size()), static_cast<int64_t>(b.size()),
                 MatchDetections(a, b)};
  return score;
}

SampleScore ScoreSample(const Tensor& a, const Tensor& b, std::span<const int64_t> labels,
                        const ScoreOptions& options) {
  SampleScore score;
  score.has_values = a.element_count() + b.element_count() > 0;
  if (!IsFloatingPoint(a.type) || !IsFloatingPoint(b.type)) {
    CountUnequal(a, b, score);
    return score;
  }
  score.comparable = a.dims == b.dims;
  if (!score.comparable) return score;
  const std::vector<float> x = ToFloats(a);
  const std::vector<float> y = ToFloats(b);
  // Classes are compared all the same.
  score.comparable = AllFinite(x) && AllFinite(y);
  if (score.comparable) {
    ErrorSums sums;
    sums.Add(x, y);
    score.float_power = sums.float_power;
    score.error_power = sums.error_power;
    score.max_error = sums.max_error;
  }
  if (options.task == Task::kClassification)
    CompareClasses(Scores(a, options.kind), Scores(b, options.kind), labels, options.k, score);
  return score;
}

}  // namespace qconvert
