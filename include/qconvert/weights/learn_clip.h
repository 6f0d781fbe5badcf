// The range of a value, learned from what the nodes that read it make of it.
#ifndef QCONVERT_WEIGHTS_LEARN_CLIP_H_
#define QCONVERT_WEIGHTS_LEARN_CLIP_H_

#include <span>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/tensor.h"
#include "qconvert/numbers/numeric_format.h"
#include "qconvert/numbers/range.h"
#include "qconvert/weights/layer_activation.h"

namespace qconvert {

// A node that reads the value as its input 0.
struct ClipReader {
  // HasOutputPositions (output_positions.h); null: one that needs the values as they are.
  const Node* node = nullptr;
  const Tensor* weight = nullptr;
  std::vector<float> bias;  // by output channel; empty: zeros
  LayerActivation activation;
};

struct LearnedClip {
  Range range;
  // Of the readers' outputs, error power over signal power, summed over readers.
  double error_before = 0;
  double error_after = 0;
};

// Minimizes over the range [low, high] of a quantizer Q
//
//   sum over readers r of  sum over p (f_r(Q(x) W_r + b_r) - f_r(x W_r + b_r))^2 / sum over p
//   (f_r(x W_r + b_r))^2
//
// for some channels and output positions p: those that the numbers furthest out take part in, and
// some of the others, weighted by how many they stand for; f: the activation. Beginning with
// `start` each bound that is not 0 goes down or up in steps of shrinking size, never beyond the
// values of `samples`; a symmetric format has one bound for both sides. What PACT learns by
// gradients of labels (Choi et al. 2018, "PACT: Parameterized Clipping Activation for Quantized
// Neural Networks"), here by the readers' outputs. `samples`: the value in the float model, a
// tensor each; `format`: integers. The same for every order of readers.
LearnedClip LearnClip(std::span<const Tensor> samples, std::span<const ClipReader> readers,
                      Range start, const NumericFormat& format);

}  // namespace qconvert

#endif  // QCONVERT_WEIGHTS_LEARN_CLIP_H_
