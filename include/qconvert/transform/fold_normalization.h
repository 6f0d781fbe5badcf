// Mean and scale of images into the weights that read them.
#ifndef QCONVERT_TRANSFORM_FOLD_NORMALIZATION_H_
#define QCONVERT_TRANSFORM_FOLD_NORMALIZATION_H_

#include <string>
#include <vector>

#include "qconvert/config/deployment_config.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

// What the model now does itself, per channel: it takes x / scale + mean where it took x.
struct FoldedNormalization {
  std::string input;
  std::vector<double> mean;  // 0 where padding leaves it to whoever feeds the model
  std::vector<double> scale;
};

// Of an image input with mean m and scale s per channel c, image = (level - m) * s:
//   image -> Conv(W, b)   becomes   level -> Conv(W[:,c] * s[c], b - sum of W[:,c] * s[c] * m[c])
// A convolution that pads reads zeros, which are the mean and no level: there
//   image -> Conv(W, b)   becomes   level - m -> Conv(W[:,c] * s[c], b)
// Equal up to the rounding of the weights. Identity and Transpose may stand between. Throws
// ConfigError naming `place` and what reads the input when that is anything but one Conv with
// constant float weights, or a scale is 0.
FoldedNormalization FoldNormalization(const InputSettings& settings, const std::string& place,
                                      Graph& graph);

// The interface back to what it was before FoldNormalization of an image input whose channels are
// on `axis`:
//   level -> ...   becomes   image -> Mul(1 / scale), Add(mean) -> ...
void TakeNormalized(const FoldedNormalization& folded, size_t axis, Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_FOLD_NORMALIZATION_H_
