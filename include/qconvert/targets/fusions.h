// What ONNX Runtime's CPU kernels compute in the same step as an integer node, and how it fuses
// around Q and DQ. Measured on 1.28.0 (docs/op_rules.md).
#ifndef QCONVERT_TARGETS_FUSIONS_H_
#define QCONVERT_TARGETS_FUSIONS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"

namespace qconvert {

// A node with what its kernel does besides.
struct FusedUnit {
  static constexpr size_t kNone = static_cast<size_t>(-1);
  std::vector<size_t> tail;  // indices into graph.nodes, in order
  size_t bias_add = kNone;   // the one of them that adds a bias behind a MatMul
  std::string output;        // the value that node and tail write
};

// Node `n` and its tail: an Add of one constant per channel behind a MatMul with a weight matrix,
// then one Relu, or Clip with constant bounds; each the only reader of what is before it.
FusedUnit FindFusedUnit(const Graph& graph, const Topology& topology, size_t n);

// Bound of a clamp, a Relu (0 below) or a Clip: `slot` 1 is the lower one, 2 the upper one. Nothing
// where it has none, or none that is constant and no more than one number.
std::optional<float> ClampBound(const Graph& graph, const Node& clamp, size_t slot);

// The bias of a node with its unit: its own, or that of the Add behind it; null when there is none.
const Tensor* FindUnitBias(const Graph& graph, const Node& node, const FusedUnit& unit);

// True when the integer kernel of node `n` can leave its output in float for free: Gemm and MatMul
// with nothing but a bias behind. The engine makes a Gemm of a MatMul and any other Add behind it
// before it looks for integers, and finds no integer kernel for that; a quantized output keeps the
// two apart.
bool CanLeaveFloat(const Graph& graph, const Topology& topology, size_t n, const FusedUnit& unit);

// Input channels of a float node whose weights the engine would quantize by itself behind a scalar
// DequantizeLinear (Conv, ConvTranspose, Gemm), so that it needs one with a scale per channel; 0
// for all others.
int64_t ChannelsOfOwnDequantize(const Graph& graph, const Node& node);

}  // namespace qconvert

#endif  // QCONVERT_TARGETS_FUSIONS_H_
