// What operators of a block compute, and the gradients by what they read.
#ifndef QCONVERT_SRC_WEIGHTS_BLOCK_KERNELS_H_
#define QCONVERT_SRC_WEIGHTS_BLOCK_KERNELS_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "layer_loss.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

using Dims = std::vector<int64_t>;
using Floats = std::vector<float>;

int64_t CountOf(const Dims& dims);

// Pixels pixel, pixel + pixel_step, ... of the output that a tap meets at offset, offset + step,
// ... of the input's plane.
struct WindowRun {
  int64_t pixel = 0;
  int64_t pixel_step = 1;
  int64_t offset = 0;
  int64_t step = 1;
  int64_t count = 1;
};

// The pixels that a window (of a Conv or a pool) reads, the same in every channel.
struct Window {
  int64_t taps = 1;
  int64_t pixels = 1;            // of an output channel
  int64_t plane = 1;             // pixels of an input channel
  std::vector<int32_t> offsets;  // [taps, pixels], in the input's plane; negative in the padding
  std::vector<std::vector<WindowRun>> runs;  // the same by tap, as few as can be, without padding
  Dims outputs;                              // spatial
};

// Of strides, dilations and pads of the node over the spatial dimensions; nothing for what is not
// done: auto_pad, ceil_mode, windows that do not fit.
std::optional<Window> MakeWindow(const Node& node, const Dims& spatial, const Dims& kernel);
// The same of a ConvTranspose: the inputs that reach a pixel (OutputPositions).
std::optional<Window> MakeTransposedWindow(const Node& node, const Dims& spatial,
                                           const Dims& kernel);

// A Conv or ConvTranspose of one image: y[o] = sum over k of W[k, o] x[k] + b[o] with x[k] the
// plane that weight k meets, by group. `order`: the place of weight k among channel and tap.
struct ConvKernel {
  Window window;
  int64_t groups = 1;
  int64_t in_channels = 0;  // of all groups
  std::vector<int64_t> order;

  // x[k] of every group: [weights of a channel, pixels].
  using Columns = std::vector<FloatMatrix>;

  void Forward(const Floats& x, const FloatMatrix& w, const FloatRow& b, Columns& columns,
               Floats& y) const;
  // Adds to the gradients, with the columns of Forward, which are used up; by_x may be null.
  void Backward(Columns& columns, const FloatMatrix& w, const Floats& by_y, Floats* by_x,
                FloatMatrix& by_w, FloatRow& by_b) const;

 private:
  void FillColumns(const Floats& x, int64_t group, FloatMatrix& columns) const;
  void AddColumns(const FloatMatrix& columns, int64_t group, Floats& x) const;
};

// The same of rows: y = x W + b.
void ForwardRows(const Floats& x, const FloatMatrix& w, const FloatRow& b, Floats& y);
void BackwardRows(const Floats& x, const FloatMatrix& w, const Floats& by_y, Floats* by_x,
                  FloatMatrix& by_w, FloatRow& by_b);

// Relu, Clip, HardSwish, HardSigmoid, Sigmoid, of every number alone.
struct ElementKernel {
  enum class Kind { kClip, kHardSwish, kHardSigmoid, kSigmoid };
  Kind kind = Kind::kClip;
  float low = 0;  // clip
  float high = 0;
  float alpha = 0;  // hard sigmoid
  float beta = 0;

  void Forward(const Floats& x, Floats& y) const;
  // Adds to the gradient.
  void Backward(const Floats& x, const Floats& by_y, Floats& by_x) const;

 private:
  float Value(float x) const;
  float Slope(float x) const;
};

// MaxPool, AveragePool and the global ones.
struct PoolKernel {
  Window window;
  bool takes_largest = false;
  bool counts_padding = false;

  void Forward(const Floats& x, Floats& y) const;
  void Backward(const Floats& x, const Floats& by_y, Floats& by_x) const;

 private:
  float Divisor(int64_t pixel) const;
};

// Add and Mul of two values, each broadcast to the output.
struct PairKernel {
  bool multiplies = false;
  std::vector<int32_t> first;  // element of the input by element of the output; empty: the same
  std::vector<int32_t> second;

  void Forward(const Floats& a, const Floats& b, Floats& y) const;
  // Null: no gradient by that input.
  void Backward(const Floats& a, const Floats& b, const Floats& by_y, Floats* by_a,
                Floats* by_b) const;

 private:
  bool is_plain_sum() const { return !multiplies && first.empty() && second.empty(); }
};

// The broadcast dimensions of both; nothing where they do not fit.
std::optional<Dims> BroadcastDims(const Dims& a, const Dims& b);
// Empty where nothing is broadcast.
std::vector<int32_t> BroadcastIndices(const Dims& from, const Dims& to);

}  // namespace qconvert

#endif  // QCONVERT_SRC_WEIGHTS_BLOCK_KERNELS_H_
