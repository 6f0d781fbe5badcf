// How weights and biases are learned, layer by layer or block by block.
#ifndef QCONVERT_CONFIG_LEARNING_SETTINGS_H_
#define QCONVERT_CONFIG_LEARNING_SETTINGS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace qconvert {

enum class LearningMethod {
  kAdaRound,  // every weight goes up or down to a neighbouring code
  kAdaQuant,  // weights move freely and are rounded to the nearest
};

// What learns together.
enum class LearningUnit {
  kLayer,  // every layer by itself
  kBlock,  // then the layers of a block, from what each learned by itself
  kAuto,   // blocks where layers leave more noise than is aimed at
};

struct LearningSettings {
  LearningMethod method = LearningMethod::kAdaRound;
  LearningUnit unit = LearningUnit::kLayer;
  int64_t iterations = 1000;  // steps per layer
  int64_t epochs = 0;   // passes over what is learned from, in place of the steps; 0: not said
  int64_t batch = 256;  // output positions per step
  // AdaRound: of the variable behind a rounding. AdaQuant: of a weight, or with
  // `rate_of_deviation` in standard deviations of its channel's weights, a tenth of that where
  // rounding to the nearest leaves more than 36 dB (as the Vitis AI quantizer has it).
  double learning_rate = 0.1;
  bool rate_of_deviation = false;
  // AdaRound: the weight of the regularizer relative to a channel's error with nearest codes; it
  // acts after `warm_start` of the steps while its exponent goes from the first to the second.
  double regularization = 0.3;
  double first_beta = 20;
  double last_beta = 2;
  double warm_start = 0.2;
  bool learns_bias = true;
  // How likely an input is what the quantized model reads and not what the float one does: Wei et
  // al. 2022, "QDrop: Randomly Dropping Quantization for Extremely Low-bit Post-Training
  // Quantization".
  double quantized_part = 1;
  uint64_t seed = 1705472343;
  // AdaQuant: ends a layer when two looks at the held-out samples in a row found nothing better.
  bool stops_early = true;
  int64_t samples = 0;                  // at most; 0: as many as memory has room for
  int64_t memory = int64_t{512} << 20;  // bytes of what layers read and write
  std::vector<std::string> op_types;    // that are learned; empty: all

  bool operator==(const LearningSettings&) const = default;
};

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_LEARNING_SETTINGS_H_
