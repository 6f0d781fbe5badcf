// Scaling and shifting the output channels of an operator with weights.
#ifndef QCONVERT_SRC_TRANSFORM_CONV_WEIGHTS_H_
#define QCONVERT_SRC_TRANSFORM_CONV_WEIGHTS_H_

#include <optional>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"

namespace qconvert {

// The float weights and bias of a Conv, ConvTranspose or Gemm, seen by output channel.
struct ChannelWeights {
  const Tensor* weight = nullptr;
  std::vector<float> bias;  // one per output channel, zeros without a bias
  int64_t channels = 0;
  // Output channel of flat weight element i.
  int64_t ChannelOf(int64_t i) const { return i / inner % period + i / outer * period; }
  int64_t inner = 1;   // elements between two steps of the channel
  int64_t period = 1;  // channels in one run
  int64_t outer = 1;   // elements of one run
};

// Nothing unless weights and bias are float initializers of the expected shapes and, for Gemm,
// alpha and beta are 1.
std::optional<ChannelWeights> FindChannelWeights(const Graph& graph, const Node& node);

// Gives `node` new weights W' = W * scale[o] and bias b' = b * scale[o] + shift[o] (one number each
// per output channel). Both are new initializers: the old ones may have other readers.
void ScaleChannels(Graph& graph, Node& node, const ChannelWeights& weights,
                   const std::vector<double>& scale, const std::vector<double>& shift,
                   NameMaker& names);

// Pads of a Pad node by axis: begins then ends; nothing when they are not constant zeros around
// spatial axes.
std::optional<std::vector<int64_t>> ZeroSpatialPads(const Graph& graph, const Node& pad,
                                                    size_t rank);

}  // namespace qconvert

#endif  // QCONVERT_SRC_TRANSFORM_CONV_WEIGHTS_H_
