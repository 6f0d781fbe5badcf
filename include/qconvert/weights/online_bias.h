// Bias correction as the Vitis AI quantizer does it: a loop over batches instead of a mean.
#ifndef QCONVERT_WEIGHTS_ONLINE_BIAS_H_
#define QCONVERT_WEIGHTS_ONLINE_BIAS_H_

#include <vector>

#include "qconvert/ir/tensor.h"
#include "qconvert/weights/layer_corrections.h"

namespace qconvert {

// The running bias of one layer. For each batch, with q what the layer writes with quantized
// weights and the bias so far, and f what it writes of the same input with its floats:
//
//   e = 1.25 log10(mean f^2 / mean (q - f)^2),   d = |e - E|
//   E <- (4 E + e) / 5,   V <- (4 V + d) / 5      from 0
//   stop for good where E > 4.3, V / E < 0.05, |d - V / d| < 0.05, q = f or d = 0
//   else bias[c] -= r mean (q - f)[c],   r = 0.05, and half of that where E > 4
//
// After n batches 1 - 0.95^n of a constant error is gone. Of a Conv on sequences (rank 3) the
// vendor takes one mean over all channels, and so does this. Source: vai_q_pytorch 3.5,
// pytorch_nndct/nn/modules and quant_noise.py.
class OnlineBias {
 public:
  OnlineBias(size_t channels, ChannelAxis axis) : shift_(channels, 0), axis_(axis) {}

  // What is added to the float bias for the next batch.
  const std::vector<float>& shift() const { return shift_; }

  // `quantized` is without any shift. Both have `channels` along the axis.
  void Step(const Tensor& exact, const Tensor& quantized);

 private:
  std::vector<float> shift_;
  ChannelAxis axis_;
  double level_ = 0;   // E
  double change_ = 0;  // V
  bool has_stopped_ = false;
};

}  // namespace qconvert

#endif  // QCONVERT_WEIGHTS_ONLINE_BIAS_H_
