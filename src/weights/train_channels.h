// Learns the codes and biases of some output channels that read the same inputs.
#ifndef QCONVERT_SRC_WEIGHTS_TRAIN_CHANNELS_H_
#define QCONVERT_SRC_WEIGHTS_TRAIN_CHANNELS_H_

#include "layer_loss.h"
#include "qconvert/numbers/numeric_format.h"

namespace qconvert {

// What one group of a layer reads. The rows of the first `training` positions are learned from, in
// the order that they stand in; the others are held out.
struct GroupInputs {
  FloatMatrix quantized;  // [positions, count]
  FloatMatrix floats;     // the same shape, or empty
  Eigen::Index training = 0;
};

struct ChannelProblem {
  FloatMatrix real;     // w / s, [count, channels]
  FloatMatrix scales;   // s, the same shape
  FloatRow bias;        // of the float layer
  FloatMatrix targets;  // f(Y), [positions, channels]
  FloatMatrix start;    // codes
  NumericFormat format;
  int32_t pair_limit = 0;
};

// `codes` are better than the start's, or equal to them, by channel, on the held-out positions.
struct TrainedChannels {
  FloatMatrix codes;
  FloatRow bias;
  FloatRow error_before;  // mean squared, held out
  FloatRow error_after;
};

TrainedChannels TrainChannels(const GroupInputs& inputs, const ChannelProblem& problem,
                              const LayerActivation& activation, const LearningSettings& settings);

}  // namespace qconvert

#endif  // QCONVERT_SRC_WEIGHTS_TRAIN_CHANNELS_H_
