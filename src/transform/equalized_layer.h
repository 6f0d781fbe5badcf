// A layer with constant weights, seen by input and output channel.
#ifndef QCONVERT_SRC_TRANSFORM_EQUALIZED_LAYER_H_
#define QCONVERT_SRC_TRANSFORM_EQUALIZED_LAYER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"

namespace qconvert {

// Weights as [rows, columns, inner]; every row and column stands for one input and one output
// channel. W'[i, o] = W[i, o] * in_scale[i] * out_scale[o],  b'[o] = b[o] * out_scale[o].
struct EqualizedLayer {
  size_t node = 0;
  std::string output;    // of the layer, its bias added
  bool in_rows = false;  // channels are the last axis of its values, not axis 1
  // Its weight is one factor per channel behind a normalization, in [channels, 1]; its input has no
  // channels that could be scaled.
  bool is_normalization = false;
  const Tensor* weight = nullptr;
  std::string bias;      // "" : none
  size_t bias_node = 0;  // reads it: the layer itself, or the Add behind a MatMul
  std::vector<float> bias_values;

  size_t rows = 0;
  size_t columns = 0;
  size_t inner = 1;
  bool rows_are_inputs = false;
  size_t groups = 1;           // of rows, each with columns of its own
  std::vector<float> largest;  // max|W| over inner, [rows, columns]
  std::vector<double> in_scale;
  std::vector<double> out_scale;

  size_t InputOf(size_t row, size_t column) const {
    return rows_are_inputs ? row : Grouped(row, column);
  }
  size_t OutputOf(size_t row, size_t column) const {
    return rows_are_inputs ? Grouped(row, column) : row;
  }

  // max|W'| of every channel of either side; of a normalization three times that, which is what its
  // values reach.
  std::vector<double> InputRanges() const;
  std::vector<double> OutputRanges() const;
  // W' and b', with the shapes of W and b.
  std::vector<float> ScaledWeight() const;
  std::vector<float> ScaledBias() const;

 private:
  size_t Grouped(size_t row, size_t column) const {
    return row / (rows / groups) * columns + column;
  }
};

// Node `n` when its weights and bias are finite float constants that nothing else reads.
std::optional<EqualizedLayer> FindEqualizedLayer(const Graph& graph, const Topology& topology,
                                                 size_t n);

}  // namespace qconvert

#endif  // QCONVERT_SRC_TRANSFORM_EQUALIZED_LAYER_H_
