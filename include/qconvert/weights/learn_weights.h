// Weights and bias of one layer that are learned from what it reads and what it should write.
#ifndef QCONVERT_WEIGHTS_LEARN_WEIGHTS_H_
#define QCONVERT_WEIGHTS_LEARN_WEIGHTS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "qconvert/config/learning_settings.h"
#include "qconvert/ir/graph.h"
#include "qconvert/ir/tensor.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/weights/layer_activation.h"
#include "qconvert/weights/quantize_weights.h"

namespace qconvert {

// One tensor per sample.
struct LayerSamples {
  std::span<const Tensor> inputs;  // input 0, as the quantized model computes it
  std::span<const Tensor>
      float_inputs;  // the same in the float model; only for a quantized_part below 1
  std::span<const Tensor> outputs;  // with the bias, before the activation, in the float model
};

struct LearnedLayer {
  FittedWeights weights;
  std::vector<float> bias_shift;  // by output channel; empty: nothing could be learned
  // Mean squared error behind the activation on the held-out samples, summed over channels.
  double error_before = 0;  // of the codes that it began with, their bias moved where that helps
  double error_after = 0;
  size_t learned_channels = 0;  // that do not keep the codes they began with
};

// Whether the weights can be learned: HasOutputPositions (output_positions.h).
bool CanLearn(const Node& node, const Tensor& weight);

// Minimizes for every output channel, with the scales of `start`,
//
//   sum over positions of (f(X W_q + b) - f(Y))^2
//
// over codes and bias; f: the activation. Every fifth sample is held out (with fewer than five
// every fifth of the positions taken; nothing is learned where that is none); a channel keeps the
// codes of `start` where the learned ones leave more error there, or lie more than kMostCodeSteps
// (code_steps.h) from the nearest ones. `bias`: floats of the layer, empty: zeros. The same for any
// number of threads.
LearnedLayer LearnWeights(const Node& node, const Tensor& weight, std::span<const float> bias,
                          const FittedWeights& start, const LayerSamples& samples,
                          const LayerActivation& activation, const LearningSettings& settings,
                          int workers);

// Multiply-adds that LearnWeights does of samples with so many output positions in all, where no
// look ends it early.
double LearningCost(const Node& node, const Tensor& weight, const LearningSettings& settings,
                    double positions);

}  // namespace qconvert

#endif  // QCONVERT_WEIGHTS_LEARN_WEIGHTS_H_
