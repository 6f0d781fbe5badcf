#include "qconvert/report/detections.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace qconvert {
namespace {

constexpr float kBoxSumsToOne = 1e-2F;  // of the scores of a box
constexpr double kFewBoxes = 0.01;      // of corners that may be the wrong way round, all the same

size_t Elements(std::span<const int64_t> dims) {
  return std::accumulate(dims.begin(), dims.end(), size_t{1}, [](size_t product, int64_t dim) {
    return product * static_cast<size_t>(dim);
  });
}

bool AreCenters(std::span<const float> boxes) {
  size_t turned = 0;
  for (size_t k = 0; k + 3 < boxes.size(); k += 4)
    turned += boxes[k + 2] < boxes[k] || boxes[k + 3] < boxes[k + 1] ? 1 : 0;
  return static_cast<double>(turned) > kFewBoxes * static_cast<double>(boxes.size() / 4);
}

// Scores of one box by class, as they lie.
class ScoreTable {
 public:
  ScoreTable(const Tensor& scores, const BoxForm& form)
      : values_(ToFloats(scores)), form_(form), boxes_(values_.size() / form.classes) {}
  size_t boxes() const { return boxes_; }
  float At(size_t box, size_t c) const {
    return values_[form_.classes_inside ? box * form_.classes + c : c * boxes_ + box];
  }
  bool SumsToOne() const {
    for (size_t box = 0; box < boxes_; ++box) {
      float sum = 0;
      for (size_t c = 0; c < form_.classes; ++c) sum += At(box, c);
      // False for NaN too.
      if (!(std::fabs(sum - 1) <= kBoxSumsToOne)) return false;
    }
    return true;
  }
  std::span<const float> values() const { return values_; }

 private:
  std::vector<float> values_;
  const BoxForm& form_;
  size_t boxes_;
};

double Overlap(const Detection& a, const Detection& b) {
  const auto side = [](float low, float high) { return std::max(0.0, double{high} - low); };
  const auto& x = a.corners;
  const auto& y = b.corners;
  const double both = side(std::max(x[0], y[0]), std::min(x[2], y[2])) *
                      side(std::max(x[1], y[1]), std::min(x[3], y[3]));
  const double all = side(x[0], x[2]) * side(x[1], x[3]) + side(y[0], y[2]) * side(y[1], y[3]);
  // Two boxes without area overlap where they are the same.
  return all > both ? both / (all - both) : (x == y ? 1 : 0);
}

std::array<float, 4> Corners(std::span<const float> box, bool are_centers) {
  if (!are_centers) return {box[0], box[1], box[2], box[3]};
  return {box[0] - box[2] / 2, box[1] - box[3] / 2, box[0] + box[2] / 2, box[1] + box[3] / 2};
}

bool IsFinite(const std::array<float, 4>& corners) {
  return std::all_of(corners.begin(), corners.end(), [](float x) { return std::isfinite(x); });
}

}  // namespace

std::optional<BoxForm> RecognizeBoxes(const Tensor& boxes, const Tensor& scores) {
  if (!IsFloatingPoint(boxes.type) || !IsFloatingPoint(scores.type)) return std::nullopt;
  if (boxes.dims.size() < 2 || boxes.dims.back() != 4 || scores.dims.empty()) return std::nullopt;
  const size_t count = Elements(boxes.dims) / 4;
  const size_t all = Elements(scores.dims);
  if (count == 0 || all == 0 || all % count != 0) return std::nullopt;
  BoxForm form;
  form.classes = all / count;
  const int64_t each = boxes.dims[boxes.dims.size() - 2];
  const size_t rank = scores.dims.size();
  form.classes_inside = rank > 1 && scores.dims[rank - 2] == each &&
                        scores.dims[rank - 1] == static_cast<int64_t>(form.classes);
  // With classes before the boxes, a batch of several would not lie in one table.
  const bool outside = scores.dims[rank - 1] == each &&
                       (form.classes == 1 || (rank > 1 && count == static_cast<size_t>(each)));
  if (!form.classes_inside && !outside) return std::nullopt;
  form.are_centers = AreCenters(ToFloats(boxes));
  const ScoreTable table(scores, form);
  // A little above 1 may be rounding; nothing below 0 is a probability.
  form.are_logits = std::any_of(table.values().begin(), table.values().end(),
                                [](float score) { return score < 0 || score > 1 + kBoxSumsToOne; });
  form.has_background = form.classes > 1 && !form.are_logits && table.SumsToOne();
  return form;
}

std::vector<Detection> FindDetections(const Tensor& boxes, const Tensor& scores,
                                      const BoxForm& form, double min_score) {
  const std::vector<float> places = ToFloats(boxes);
  const ScoreTable table(scores, form);
  // A sigmoid rises: the threshold is moved, not every score.
  const double least = form.are_logits ? std::log(min_score / (1 - min_score)) : min_score;
  std::vector<Detection> candidates;
  for (size_t box = 0; box < std::min(table.boxes(), places.size() / 4); ++box) {
    // The background is no object.
    size_t label = form.has_background ? 1 : 0;
    for (size_t c = label + 1; c < form.classes; ++c)
      if (table.At(box, c) > table.At(box, label)) label = c;
    const float score = table.At(box, label);
    if (!(score >= least)) continue;
    const auto corners =
        Corners(std::span<const float>(places).subspan(4 * box, 4), form.are_centers);
    if (IsFinite(corners)) candidates.push_back({corners, label, score});
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Detection& a, const Detection& b) { return a.score > b.score; });
  // Suppression compares each with each: its cost has a bound.
  candidates.resize(std::min(candidates.size(), kMostCandidates));
  std::vector<Detection> kept;
  for (const Detection& one : candidates) {
    if (kept.size() == kMostDetections) break;
    if (std::none_of(kept.begin(), kept.end(), [&](const Detection& better) {
          return better.label == one.label && Overlap(better, one) > kSameBox;
        }))
      kept.push_back(one);
  }
  return kept;
}

int64_t MatchDetections(std::span<const Detection> a, std::span<const Detection> b) {
  std::vector<bool> taken(a.size(), false);
  int64_t matched = 0;
  for (const Detection& one : b) {
    size_t best = a.size();
    double most = 0;
    for (size_t k = 0; k < a.size(); ++k) {
      const double overlap = taken[k] || a[k].label != one.label ? 0 : Overlap(a[k], one);
      if (overlap < kSameBox || overlap <= most) continue;
      best = k;
      most = overlap;
    }
    if (best == a.size()) continue;
    taken[best] = true;
    ++matched;
  }
  return matched;
}

}  // namespace qconvert
