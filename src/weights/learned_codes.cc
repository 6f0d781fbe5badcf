#include "learned_codes.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "qconvert/numbers/half_even.h"

namespace qconvert {
namespace {

constexpr double kFirstDecay = 0.9;
constexpr double kSecondDecay = 0.999;
constexpr double kAdamEpsilon = 1e-8;
// Of the rectified sigmoid: it reaches 0 and 1.
constexpr float kStretchHigh = 1.1F;
constexpr float kStretchLow = -0.1F;
constexpr float kStretch = kStretchHigh - kStretchLow;
// |2 h - 1| below this counts as this: its logarithm is taken.
constexpr float kLeastDistance = 1e-6F;

FloatMatrix Sigmoid(const FloatMatrix& v) { return (1.0F + (-v.array()).exp()).inverse(); }

struct RoundingSlopes {
  const FloatMatrix& h;
  const FloatMatrix& floor;
  const FloatMatrix& sigmoid;
  const FloatMatrix& by_code;
  const FloatMatrix& regularizer;  // but for its sign
};

// In one vector loop.
void SlopeByV(const RoundingSlopes& of, float qmin, float qmax, FloatMatrix& by_v) {
  const float* __restrict h = of.h.data();
  const float* __restrict floor = of.floor.data();
  const float* __restrict sigmoid = of.sigmoid.data();
  const float* __restrict by_code = of.by_code.data();
  const float* __restrict regularizer = of.regularizer.data();
  float* __restrict out = by_v.data();
  const Eigen::Index size = by_v.size();
  for (Eigen::Index i = 0; i < size; ++i) {
    const float gradient = by_code[i];
    // Beyond the grid the code stands still whatever h is.
    const float code = floor[i] + h[i];
    const float moved = std::min(std::max(code, qmin), qmax) == code ? gradient : 0.0F;
    const float by_h = moved - std::copysign(regularizer[i], 2.0F * h[i] - 1.0F);
    // Where h is cut off at 0 or 1 it does not move.
    const float inside = h[i] * (1.0F - h[i]) > 0.0F ? kStretch : 0.0F;
    out[i] = by_h * inside * sigmoid[i] * (1.0F - sigmoid[i]);
  }
}

FloatMatrix Nearest(const FloatMatrix& real) {
  return real.unaryExpr([](float x) { return RoundHalfEven(x); });
}

}  // namespace

Adam::Adam(Eigen::Index rows, FloatRow rates)
    : rates_(std::move(rates)),
      first_(FloatMatrix::Zero(rows, rates_.size())),
      second_(FloatMatrix::Zero(rows, rates_.size())) {}

void Adam::Step(const FloatMatrix& gradient, FloatMatrix& variables) {
  first_power_ *= kFirstDecay;
  second_power_ *= kSecondDecay;
  first_ =
      static_cast<float>(kFirstDecay) * first_ + static_cast<float>(1 - kFirstDecay) * gradient;
  second_.array() = static_cast<float>(kSecondDecay) * second_.array() +
                    static_cast<float>(1 - kSecondDecay) * gradient.array().square();
  const auto first_scale = static_cast<float>(1 / (1 - first_power_));
  const auto second_scale = static_cast<float>(1 / (1 - second_power_));
  const auto epsilon = static_cast<float>(kAdamEpsilon);
  variables.array() -=
      (first_.array() * first_scale / ((second_.array() * second_scale).sqrt() + epsilon))
          .rowwise() *
      rates_.array();
}

RoundingVariables::RoundingVariables(const FloatMatrix& real, const NumericFormat& format,
                                     double learning_rate)
    : floor_(real.array().floor()),
      qmin_(static_cast<float>(format.qmin)),
      qmax_(static_cast<float>(format.qmax)),
      adam_(real.rows(), FloatRow::Constant(real.cols(), static_cast<float>(learning_rate))) {
  // The inverse of h: it begins as the fraction.
  const FloatMatrix sigmoid = (real - floor_).array() / kStretch - kStretchLow / kStretch;
  v_ = (sigmoid.array() / (1.0F - sigmoid.array())).log();
  sigmoid_ = Sigmoid(v_);
}

FloatMatrix RoundingVariables::RectifiedSigmoid() const {
  return (sigmoid_.array() * kStretch + kStretchLow).max(0.0F).min(1.0F);
}

FloatMatrix RoundingVariables::Codes() const {
  return (floor_ + RectifiedSigmoid()).array().max(qmin_).min(qmax_);
}

void RoundingVariables::Step(const FloatMatrix& gradient, float weight, float beta) {
  const FloatMatrix h = sigmoid_.array() * kStretch + kStretchLow;
  // The slope of 1 - |2 h - 1|^beta by h, but for its sign; the power as an exponential. Those and
  // logarithms are vectors only where nothing else stands beside them.
  FloatMatrix slope = FloatMatrix::Zero(h.rows(), h.cols());
  if (weight > 0)
    slope = ((2.0F * h.array() - 1.0F).abs().max(kLeastDistance).log() * (beta - 1.0F)).exp() *
            (2.0F * weight * beta);
  FloatMatrix by_v(h.rows(), h.cols());
  SlopeByV({h, floor_, sigmoid_, gradient, slope}, qmin_, qmax_, by_v);
  adam_.Step(by_v, v_);
  sigmoid_ = Sigmoid(v_);
}

FloatMatrix RoundingVariables::Rounded() const {
  const FloatMatrix up = (RectifiedSigmoid().array() >= 0.5F).cast<float>();
  return (floor_ + up).array().max(qmin_).min(qmax_);
}

WeightVariables::WeightVariables(FloatMatrix real, const NumericFormat& format, FloatRow rates)
    : real_(std::move(real)),
      qmin_(static_cast<float>(format.qmin)),
      qmax_(static_cast<float>(format.qmax)),
      adam_(real_.rows(), std::move(rates)) {}

void WeightVariables::Step(const FloatMatrix& gradient, float /*weight*/, float /*beta*/) {
  // A code at the end of its grid stands still whatever its weight is.
  adam_.Step((real_.array() >= qmin_ && real_.array() <= qmax_).select(gradient.array(), 0.0F),
             real_);
}

FloatMatrix WeightVariables::Rounded() const {
  return Nearest(real_.array().max(qmin_).min(qmax_));
}

}  // namespace qconvert
