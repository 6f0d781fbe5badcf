#include "layer_loss.h"

#include <algorithm>
#include <cmath>

#include "matrix_product.h"

namespace qconvert {
namespace {

constexpr float kLeastCurvature = 1e-12F;

// f(z) and f'(z), without branches: compilers make vectors of loops over them.
struct Activated {
  float value;
  float slope;
};

struct Clip {
  float low;
  float high;
  Activated operator()(float z) const {
    const float value = std::min(std::max(z, low), high);
    return {value, value == z ? 1.0F : 0.0F};
  }
};

struct HardSwish {
  Activated operator()(float z) const {
    const float gate = std::min(std::max(z / 6.0F + 0.5F, 0.0F), 1.0F);
    return {z * gate, gate + (std::fabs(z) < 3.0F ? z / 6.0F : 0.0F)};
  }
};

template <typename Visit>
void WithFunction(const LayerActivation& activation, const Visit& visit) {
  if (activation.kind == LayerActivation::Kind::kHardSwish) {
    visit(HardSwish{});
  } else {
    visit(Clip{activation.low, activation.high});
  }
}

// Over positions, by channel.
struct Sums {
  FloatRow loss;       // of (f - target)^2
  FloatRow back;       // of f' (f - target)
  FloatRow curvature;  // of f'^2

  explicit Sums(Eigen::Index channels)
      : loss(FloatRow::Zero(channels)), back(loss), curvature(loss) {}

  // Leaves f' (f - target) in place of z: half of the gradient by z, before the mean. Newton's step
  // needs neither factor.
  template <typename F>
  void Add(const F& f, const RowsView& targets, FloatMatrix& z) {
    // A column is one loop: a depthwise convolution has nothing else.
    if (z.cols() == 1 && targets.outerStride() == 1)
      return AddColumn(f, targets.data(), z.rows(), z.data());
    for (Eigen::Index p = 0; p < z.rows(); ++p)
      AddRow(f, targets.row(p).data(), z.cols(), z.row(p).data());
  }

 private:
  template <typename F>
  static void AddOne(const F& f, float target, float& z, float& loss, float& back,
                     float& curvature) {
    const Activated at = f(z);
    const float error = at.value - target;
    loss += error * error;
    z = error * at.slope;
    back += z;
    curvature += at.slope * at.slope;
  }
  template <typename F>
  void AddRow(const F& f, const float* __restrict target, Eigen::Index count, float* __restrict z) {
    float* __restrict losses = loss.data();
    float* __restrict backs = back.data();
    float* __restrict curvatures = curvature.data();
    for (Eigen::Index c = 0; c < count; ++c)
      AddOne(f, target[c], z[c], losses[c], backs[c], curvatures[c]);
  }
  template <typename F>
  void AddColumn(const F& f, const float* __restrict target, Eigen::Index count,
                 float* __restrict z) {
    float sums[3] = {loss(0), back(0), curvature(0)};
    for (Eigen::Index p = 0; p < count; ++p) AddOne(f, target[p], z[p], sums[0], sums[1], sums[2]);
    loss(0) = sums[0];
    back(0) = sums[1];
    curvature(0) = sums[2];
  }
};

}  // namespace

void Activate(const LayerActivation& activation, FloatMatrix& z, FloatMatrix* slope) {
  if (slope != nullptr) slope->resizeLike(z);
  WithFunction(activation, [&](const auto& f) {
    for (Eigen::Index i = 0; i < z.size(); ++i) {
      const Activated at = f(z.data()[i]);
      z.data()[i] = at.value;
      if (slope != nullptr) slope->data()[i] = at.slope;
    }
  });
}

LayerLoss ComputeLayerLoss(const RowsView& inputs, const RowsView& targets,
                           const FloatMatrix& weights, const FloatRow& bias,
                           const LayerActivation& activation, WeightGradient wanted) {
  const auto positions = static_cast<float>(std::max<Eigen::Index>(inputs.rows(), 1));
  FloatMatrix outputs(inputs.rows(), weights.cols());
  outputs.rowwise() = bias;
  AddProduct(inputs, weights, Transposed::kNone, outputs);
  Sums sums(weights.cols());
  WithFunction(activation, [&](const auto& f) { sums.Add(f, targets, outputs); });
  LayerLoss out;
  out.loss = sums.loss / positions;
  if (wanted == WeightGradient::kWanted) {
    out.weights = FloatMatrix::Zero(weights.rows(), weights.cols());
    AddProduct(inputs, outputs, Transposed::kFirst, out.weights);
    out.weights *= 2.0F / positions;
  }
  // A channel whose activation is flat everywhere does not move.
  out.bias_step = -sums.back.cwiseQuotient(sums.curvature.cwiseMax(kLeastCurvature));
  return out;
}

}  // namespace qconvert
