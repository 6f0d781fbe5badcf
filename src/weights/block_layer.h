// A layer of a block whose codes and bias learn.
#ifndef QCONVERT_SRC_WEIGHTS_BLOCK_LAYER_H_
#define QCONVERT_SRC_WEIGHTS_BLOCK_LAYER_H_

#include <cstdint>
#include <optional>
#include <variant>

#include "block_net.h"
#include "learned_codes.h"
#include "qconvert/config/learning_settings.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/weights/learn_block.h"

namespace qconvert {

class BlockLayer {
 public:
  // `learns`: kRanges leaves the codes as they are, and learns the bias alone.
  BlockLayer(const Graph& graph, const Node& node, const BlockStart& start,
             const LearningSettings& settings, BlockVariables learns);

  Eigen::Index channels() const { return order_.channels; }

  void SetBiasRate(float rate) { bias_adam_.emplace(1, FloatRow::Constant(channels(), rate)); }

  BlockWeights Current() const;
  BlockWeights Best() const { return Of(best_, best_shift_); }
  BlockWeights Zeros() const {
    return {FloatMatrix::Zero(order_.count, order_.channels), FloatRow::Zero(order_.channels)};
  }

  // Whole codes and the bias of now; false where a code is too far from the nearest one to be told.
  bool Round();
  BlockWeights Rounded() const { return Of(rounded_, shift_); }
  void KeepRounded() {
    best_ = rounded_;
    best_shift_ = shift_;
  }

  void Step(const BlockWeights& gradient, const LearningSettings& settings, float beta);
  // The best, into what it began with.
  void Give(BlockStart& out) const;

 private:
  FloatMatrix Leaning() const;
  FloatMatrix Moved() const;
  BlockWeights Of(const FloatMatrix& codes, const FloatMatrix& shift) const {
    return {codes.cwiseProduct(scales_), bias_ + shift.row(0)};
  }

  WeightOrder order_;
  NumericFormat format_;
  int32_t pair_limit_;
  FloatMatrix real_;  // w / s
  FloatMatrix scales_;
  FloatRow bias_;
  FloatMatrix shift_;                                                      // of one row
  std::optional<std::variant<RoundingVariables, WeightVariables>> codes_;  // none: they stay
  bool keeps_bias_;
  std::optional<Adam> bias_adam_;
  FloatMatrix rounded_;
  FloatMatrix best_;
  FloatMatrix best_shift_;
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_WEIGHTS_BLOCK_LAYER_H_
