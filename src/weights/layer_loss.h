// What a layer's weights and biases cost at its output, with gradients.
#ifndef QCONVERT_SRC_WEIGHTS_LAYER_LOSS_H_
#define QCONVERT_SRC_WEIGHTS_LAYER_LOSS_H_

#include <Eigen/Core>

#include "qconvert/weights/learn_weights.h"

namespace qconvert {

using FloatMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using FloatRow = Eigen::Matrix<float, 1, Eigen::Dynamic, Eigen::RowMajor>;
using RowsView = Eigen::Ref<const FloatMatrix>;

// f(z) of every element in place, and f'(z) when there is a place for it.
void Activate(const LayerActivation& activation, FloatMatrix& z, FloatMatrix* slope = nullptr);

// Of output channels [channels]:
//
//   loss[c] = mean over positions p of (f(z[p, c]) - target[p, c])^2,   z = X W + b
//
// inputs X: [positions, count], weights W: [count, channels], targets: activated already.
struct LayerLoss {
  FloatRow loss;
  FloatMatrix weights;  // d loss[c] / d W[k, c]; empty where it is not wanted
  FloatRow bias_step;   // Newton's step of b: sum of f' (target - f) / sum of f'^2
};
// It costs as much as the products of the loss.
enum class WeightGradient { kWanted, kNotWanted };
LayerLoss ComputeLayerLoss(const RowsView& inputs, const RowsView& targets,
                           const FloatMatrix& weights, const FloatRow& bias,
                           const LayerActivation& activation,
                           WeightGradient wanted = WeightGradient::kWanted);

}  // namespace qconvert

#endif  // QCONVERT_SRC_WEIGHTS_LAYER_LOSS_H_
