// Boxes that a detector finds, and how many of one model's another one finds too.
#ifndef QCONVERT_REPORT_DETECTIONS_H_
#define QCONVERT_REPORT_DETECTIONS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "qconvert/ir/tensor.h"

namespace qconvert {

// How two outputs hold boxes; what they hold says so.
struct BoxForm {
  bool are_centers = false;     // x, y, width, height; else two corners
  bool are_logits = false;      // scores; else probabilities
  bool has_background = false;  // class 0 of scores that sum to 1
  bool classes_inside = false;  // scores [.., boxes, classes]; else [.., classes, boxes]
  size_t classes = 1;
};

struct Detection {
  std::array<float, 4> corners{};  // left, top, right, bottom, in the units of the model
  size_t label = 0;
  float score = 0;
};

// What is known of `boxes` [.., N, 4] and `scores` [.., N], [.., N, C] or [.., C, N],
// floating-point both, from the values of a float model: boxes whose second corner lies before the
// first are centers, scores beyond [0, 1] are logits, and rows that all sum to 1 have a background.
// Nothing where the shapes do not go together.
std::optional<BoxForm> RecognizeBoxes(const Tensor& boxes, const Tensor& scores);

// The boxes of at least `min_score`, after suppression by class of those that overlap a better one
// by kSameBox, best first and at most kMostDetections, kMostCandidates before. NaN is no box.
std::vector<Detection> FindDetections(const Tensor& boxes, const Tensor& scores,
                                      const BoxForm& form, double min_score);

inline constexpr double kSameBox = 0.5;  // intersection over union
inline constexpr size_t kMostCandidates = 2000;
inline constexpr size_t kMostDetections = 300;

// Pairs of one class that overlap by kSameBox: the best of `b` first, each with the box of `a` that
// it overlaps most and that has no partner.
int64_t MatchDetections(std::span<const Detection> a, std::span<const Detection> b);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_DETECTIONS_H_
