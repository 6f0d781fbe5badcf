// What a BatchNormalization or a step of arithmetic does to each channel.
#ifndef QCONVERT_SRC_TRANSFORM_CHANNEL_AFFINE_H_
#define QCONVERT_SRC_TRANSFORM_CHANNEL_AFFINE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// y = x * scale + shift by channel, what a node does to its input.
struct ChannelAffine {
  size_t input = 0;  // which input of the node is x
  std::vector<double> scale;
  std::vector<double> shift;
};

// Of a BatchNormalization in its inference form, with constants for `channels` channels. Formula:
// ONNX BatchNormalization-15. Nothing where a number would be none.
std::optional<ChannelAffine> BatchNormalizationAffine(const Graph& graph, const Node& node,
                                                      int64_t channels);

// Of Mul, Div, Add or Sub of `x` of `rank` and a constant that is one number, or one per channel
// along `axis`.
std::optional<ChannelAffine> ArithmeticAffine(const Graph& graph, const Node& node,
                                              int64_t channels, size_t rank, const std::string& x,
                                              size_t axis = 1);

}  // namespace qconvert

#endif  // QCONVERT_SRC_TRANSFORM_CHANNEL_AFFINE_H_
