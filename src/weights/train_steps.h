// What every learner of codes does at its steps, whether it learns channels or blocks.
#ifndef QCONVERT_SRC_WEIGHTS_TRAIN_STEPS_H_
#define QCONVERT_SRC_WEIGHTS_TRAIN_STEPS_H_

#include <cstdint>
#include <span>

#include "layer_loss.h"
#include "qconvert/config/learning_settings.h"
#include "qconvert/ir/tensor.h"
#include "qconvert/numbers/numeric_format.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/weights/quantize_weights.h"

namespace qconvert {

inline constexpr int64_t kLookEvery = 100;  // steps, at whole codes
inline constexpr int kPatience = 2;         // looks that find nothing better
// Error power below this part of the signal's is none.
inline constexpr float kNoError = 1e-10F;

// How many steps are made, with so many batches in all that is learned from; and how often whole
// codes are looked at, the start among them.
int64_t StepsOf(const LearningSettings& settings, int64_t batches);
int64_t LooksOf(int64_t steps);

// A number of [0, 1) that follows from its arguments alone: Steele et al. 2014, "Fast Splittable
// Pseudorandom Number Generators" (the finalizer of SplitMix64).
float Uniform(uint64_t seed, uint64_t index);

// The exponent of AdaRound's regularizer at a step; 0 before it acts.
float Beta(const LearningSettings& settings, int64_t step, int64_t steps);

// Steps of AdaQuant, in codes, by channel; of a channel in blocks by its largest scale. `real`: w /
// s, `start`: codes, all [count, channels].
FloatRow WeightRates(const LearningSettings& settings, const FloatMatrix& real,
                     const FloatMatrix& start, const FloatMatrix& scales);

// Output channels [first, first + count) of a weight with these codes, in kernel order, and the
// scales of `grid` (its own codes are not looked at).
struct CodedChannels {
  FloatMatrix real;    // w / s, [order.count, count]
  FloatMatrix codes;   // the same shape
  FloatMatrix scales;  // s, the same shape
};
CodedChannels GatherChannels(const WeightOrder& order, const Tensor& weight,
                             std::span<const int32_t> codes, const FittedWeights& grid,
                             int64_t first, int64_t count);

// Lowers codes of pairs above the limit (RoundChannel); 0: none are.
void KeepPairs(const NumericFormat& format, int32_t pair_limit, FloatMatrix& codes);

}  // namespace qconvert

#endif  // QCONVERT_SRC_WEIGHTS_TRAIN_STEPS_H_
