// Which inputs the outputs of a node with weights are sums of.
#ifndef QCONVERT_WEIGHTS_OUTPUT_POSITIONS_H_
#define QCONVERT_WEIGHTS_OUTPUT_POSITIONS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/tensor.h"
#include "qconvert/targets/op_rules.h"

namespace qconvert {

// How the taps of a kernel walk along one axis (ONNX Conv-11, ConvTranspose-11).
struct TapSteps {
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t pad = 0;  // in front
  bool transposed = false;

  // The input that a tap reads for an output, which may lie beyond the axis; of a ConvTranspose
  // -1 where the tap reaches the output from between two inputs.
  int64_t InputOf(int64_t output, int64_t tap) const {
    if (!transposed) return output * stride - pad + tap * dilation;
    const int64_t strides = output + pad - tap * dilation;
    // Between two inputs there is none.
    return strides % stride == 0 ? strides / stride : -1;
  }
};

// A Conv or ConvTranspose with explicit padding, a Gemm without transA or a MatMul as one matrix
// product per group:
//
//   y[p, o] = sum over k of x[p, k] * W[k, o]
//
// for output positions p (image and pixel, or row), with k in kernel order (WeightOrder): what is
// known as im2col, a row at a time. Of a ConvTranspose, which adds every input times its kernel to
// the outputs, row p has the inputs that the taps reach p from, and zeros for taps that reach it
// from between inputs or from beyond them (ONNX ConvTranspose-11).
class OutputPositions {
 public:
  // `input`: dimensions of input 0.
  OutputPositions(const Node& node, const Tensor& weight, std::span<const int64_t> input);

  int64_t count() const { return count_; }

  // x[p, :] of a group from the values of input 0, zeros in the padding; `row` has one place per
  // weight of an output channel.
  void Gather(std::span<const float> values, int64_t p, int64_t group, std::span<float> row) const;
  // y[p, :]: `row` has the output channels [first, first + row.size()) of all `channels`.
  void GatherOutputs(std::span<const float> values, int64_t p, int64_t channels, int64_t first,
                     std::span<float> row) const;

 private:
  struct Axis {
    int64_t size = 0;
    int64_t taps = 0;
    int64_t outputs = 0;
    TapSteps steps;
  };

  // In its plane, where the line of pixels begins that a line of taps reads for a line of outputs,
  // each counted over all axes but the last; negative in the padding.
  int64_t LineOffset(int64_t line, int64_t tap) const;

  int64_t count_ = 0;
  int64_t inputs_ = 0;  // that a tap reads
  // Of a Conv or ConvTranspose:
  std::vector<Axis> axes_;
  int64_t channels_ = 0;  // of the input
  int64_t taps_ = 1;
  int64_t plane_ = 1;   // pixels of an input channel
  int64_t pixels_ = 1;  // of an output channel
};

// One of these positions of one of several samples.
struct SamplePosition {
  size_t sample = 0;
  int64_t position = 0;
};

// Element of the weight tensor that is weight `k` of a channel in kernel order.
size_t PlaceOf(const WeightOrder& order, int64_t channel, int64_t k);

// Which of so many scales that is of: the only one, one per channel, or one per block of a matrix.
size_t ScaleOf(const WeightOrder& order, size_t scales, int64_t block_size, int64_t channel,
               int64_t k);

// Of a Conv or ConvTranspose; 1 for all others.
int64_t GroupsOf(const Node& node);

// The dimensions behind those of image and channel that a ConvTranspose of explicit padding writes
// of an input with these; empty where it writes nothing:
//
//   stride * (input - 1) + output_padding + (kernel - 1) * dilation + 1 - pads
std::vector<int64_t> TransposedOutputs(const Node& node, std::span<const int64_t> spatial,
                                       std::span<const int64_t> kernel);

// The least step, of at least this many positions, in which some of them meet every tap: outputs of
// a ConvTranspose meet only those that its strides let reach them, every so many pixels the same.
int64_t StepOverPositions(const Node& node, int64_t step);

// Whether the node is one that OutputPositions describes, with a weight matrix or kernel.
bool HasOutputPositions(const Node& node, const Tensor& weight);

}  // namespace qconvert

#endif  // QCONVERT_WEIGHTS_OUTPUT_POSITIONS_H_
