// The operand of an Add that a GPU's convolution reads besides its own input.
//
//   x ─┬─ Conv ─ Relu ─ Conv ─┐           the second convolution computes the Add too, and reads x
//      └──────── Q ── DQ ───── Add        as integers
#ifndef QCONVERT_TARGETS_RESIDUAL_H_
#define QCONVERT_TARGETS_RESIDUAL_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"

namespace qconvert {

// Nodes on the longest way from an input to each node. `graph.nodes` are sorted.
std::vector<size_t> FindDepths(const Graph& graph, const Topology& topology);

// The input of Add `n` that wants a Q/DQ pair: the one that does not come straight out of a Conv,
// Gemm or MatMul with constant weights; where both do, that of the shorter way (its convolution
// keeps its output, the other one takes the Add in). Nothing where neither does, or an operand is
// constant. Source: NVIDIA Model Optimizer, removal of quantized inputs of fused Adds.
std::optional<size_t> FindResidualSlot(const Graph& graph, const Topology& topology,
                                       const std::vector<size_t>& depths, size_t n);

}  // namespace qconvert

#endif  // QCONVERT_TARGETS_RESIDUAL_H_
