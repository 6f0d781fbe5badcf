#include "layer_loss.h"

#include <algorithm>

#include "matrix_product.h"

namespace qconvert {
namespace {

constexpr float kLeastCurvature = 1e-12F;

}  // namespace

void Activate(const LayerActivation& activation, FloatMatrix& z, FloatMatrix* slope) {
  const bool is_swish = activation.kind == LayerActivation::Kind::kHardSwish;
  if (is_swish) {
    if (slope != nullptr) {
      const auto inside = (z.array().abs() < 3.0F).cast<float>();
      const auto above = (z.array() >= 3.0F).cast<float>();
      *slope = inside * (z.array() / 3.0F + 0.5F) + above;
    }
    z = z.array() * (z.array() / 6.0F + 0.5F).max(0.0F).min(1.0F);
    return;
  }
  const float low = activation.low;
  const float high = activation.high;
  if (slope != nullptr) *slope = (z.array() >= low && z.array() <= high).cast<float>().matrix();
  z = z.array().max(low).min(high);
}

LayerLoss ComputeLayerLoss(const RowsView& inputs, const RowsView& targets,
                           const FloatMatrix& weights, const FloatRow& bias,
                           const LayerActivation& activation, Gradients gradients) {
  const auto positions = static_cast<float>(std::max<Eigen::Index>(inputs.rows(), 1));
  FloatMatrix outputs = bias.replicate(inputs.rows(), 1);
  AddProduct(inputs, weights, Transposed::kNone, outputs);
  LayerLoss out;
  if (gradients == Gradients::kNone) {
    Activate(activation, outputs);
    out.loss = (outputs - targets).colwise().squaredNorm() / positions;
    return out;
  }
  FloatMatrix slope;
  Activate(activation, outputs, &slope);
  const FloatMatrix error = outputs - targets;
  out.loss = error.colwise().squaredNorm() / positions;
  // Half of the gradient by z, before the mean: Newton's step needs neither factor.
  const FloatMatrix back = error.cwiseProduct(slope);
  if (gradients == Gradients::kAll) {
    out.weights = FloatMatrix::Zero(weights.rows(), weights.cols());
    AddProduct(inputs, back, Transposed::kFirst, out.weights);
    out.weights *= 2.0F / positions;
  }
  // A channel whose activation is flat everywhere does not move.
  const FloatRow curvature = slope.colwise().squaredNorm().cwiseMax(kLeastCurvature);
  out.bias_step = -back.colwise().sum().cwiseQuotient(curvature);
  return out;
}

}  // namespace qconvert
