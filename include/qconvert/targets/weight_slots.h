// Which operators have weights, where, and which elements share an output channel.
#ifndef QCONVERT_TARGETS_WEIGHT_SLOTS_H_
#define QCONVERT_TARGETS_WEIGHT_SLOTS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// An input that holds weights. Elements that differ along `channel_axes` belong to different output
// channels (of a Gather table: rows; of a recurrent node: gate rows).
struct WeightSlot {
  size_t slot = 1;
  std::vector<size_t> channel_axes;
  // Axis 0 is cut into so many equal parts, each with output channels of its own: ConvTranspose
  // [C, M / group, ...] (ONNX ConvTranspose-11).
  int64_t groups = 1;
};

// Input `slot` of a node when it holds weights of `rank` dimensions. Rank 2 answers for any rank
// whether the slot has weights at all.
std::optional<WeightSlot> FindWeightSlot(const Node& node, size_t slot, size_t rank);

// LSTM, GRU, RNN: weights W and R [directions, gates * hidden, k] in slots 1 and 2.
bool IsRecurrent(const Node& node);

// Names in the slots of `node` that can hold weights, constant or not.
std::vector<std::string> WeightsOf(const Node& node);

// The float initializer with one number per output channel that a node with weights adds: input 2
// of Conv, ConvTranspose and Gemm; null when there is none.
const Tensor* FindBias(const Graph& graph, const Node& node);

}  // namespace qconvert

#endif  // QCONVERT_TARGETS_WEIGHT_SLOTS_H_
