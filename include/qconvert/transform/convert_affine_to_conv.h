// Normalizations that no operator with weights takes in.
#ifndef QCONVERT_TRANSFORM_CONVERT_AFFINE_TO_CONV_H_
#define QCONVERT_TRANSFORM_CONVERT_AFFINE_TO_CONV_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

// x -> BatchNormalization{gamma, beta, mean, var} -> y     becomes     x -> Conv{W, b} -> y
// x -> Sub{a} -> Mul{c} -> Add{b} -> y                     becomes     the same
//   W[c] = k[c], b[c] = s[c] of y = x * k + s,  group = C, kernel of one
//
// for x [N, C, ...] of three to five dimensions with C known, and for any chain of these and Div
// with constants by channel that multiplies and adds, all read by nothing else. One integer kernel
// with its bias in 32 bits takes the place of two with a Q between, and takes a Relu behind along.
// The scale and the shift of a normalization, spelled out or an operator, stay with it.
//
// Below `least_channels` a chain becomes a BatchNormalization, and so does a single step by channel
// behind a Transpose: the engine would move the Transpose behind it, down to an integer
// convolution, and its arithmetic along a last axis of three takes ten times as long. Steps along
// the last axis in front of a Transpose to [N, C, ...] come to stand behind it.
//
// Goes by value_info, fold_weights.h first. Returns how many chains were. Needs sorted nodes.
size_t ConvertAffineToConv(Graph& graph, size_t least_channels = 1);

// Channels from which on the engine's depthwise integer convolution is faster than a float
// BatchNormalization.
inline constexpr size_t kLeastChannelsOfEngine = 8;

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_CONVERT_AFFINE_TO_CONV_H_
