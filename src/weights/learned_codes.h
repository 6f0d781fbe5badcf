// Codes of weights as variables of an optimizer.
#ifndef QCONVERT_SRC_WEIGHTS_LEARNED_CODES_H_
#define QCONVERT_SRC_WEIGHTS_LEARNED_CODES_H_

#include "layer_loss.h"
#include "qconvert/numbers/numeric_format.h"

namespace qconvert {

// Kingma and Ba 2014, "Adam: A Method for Stochastic Optimization", algorithm 1, with its defaults
// 0.9, 0.999 and 1e-8.
class Adam {
 public:
  // One rate per column.
  Adam(Eigen::Index rows, FloatRow rates);
  void Step(const FloatMatrix& gradient, FloatMatrix& variables);

 private:
  FloatRow rates_;
  FloatMatrix first_;
  FloatMatrix second_;
  double first_power_ = 1;
  double second_power_ = 1;
};

// Nagel et al. 2020, "Up or Down? Adaptive Rounding for Post-Training Quantization", equations 22
// to 24, with codes instead of weights:
//
//   code = clip(floor(w / s) + h(v), qmin, qmax),   h(v) = clip(1.2 sigmoid(v) - 0.1, 0, 1)
//   regularizer = weight * sum of (1 - |2 h(v) - 1|^beta)
//
// which makes every h 0 or 1 while beta falls; the first h is what is left of w / s.
class RoundingVariables {
 public:
  // `real`: w / s, [count, channels].
  RoundingVariables(const FloatMatrix& real, const NumericFormat& format, double learning_rate);

  FloatMatrix Codes() const;
  // With the gradient by codes; `weight` 0 leaves the regularizer out.
  void Step(const FloatMatrix& gradient, float weight, float beta);
  // The whole numbers that they are nearest to.
  FloatMatrix Rounded() const;

 private:
  FloatMatrix RectifiedSigmoid() const;

  FloatMatrix floor_;
  FloatMatrix v_;
  FloatMatrix sigmoid_;  // of v_
  float qmin_;
  float qmax_;
  Adam adam_;
};

// w / s itself, whose codes are rounded to the nearest; the gradient passes the rounding unchanged.
// Bengio et al. 2013, "Estimating or Propagating Gradients Through Stochastic Neurons for
// Conditional Computation" (the straight-through estimator); Hubara et al. 2020, "Improving Post
// Training Neural Quantization: Layer-wise Calibration and Integer Programming" (AdaQuant).
class WeightVariables {
 public:
  // `rates`: of w / s, by channel.
  WeightVariables(FloatMatrix real, const NumericFormat& format, FloatRow rates);

  FloatMatrix Codes() const { return Rounded(); }
  void Step(const FloatMatrix& gradient, float weight, float beta);
  FloatMatrix Rounded() const;

 private:
  FloatMatrix real_;
  float qmin_;
  float qmax_;
  Adam adam_;
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_WEIGHTS_LEARNED_CODES_H_
