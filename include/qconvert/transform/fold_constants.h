// Computes what depends on constants only.
#ifndef QCONVERT_TRANSFORM_FOLD_CONSTANTS_H_
#define QCONVERT_TRANSFORM_FOLD_CONSTANTS_H_

#include <cstddef>
#include <functional>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

struct FoldConstantsOptions {
  // Runs a graph without inputs and returns its outputs in order. Given by the caller, so that this
  // folder needs no engine.
  std::function<std::vector<Tensor>(const Graph&)> evaluate;
  // A node whose outputs could pass this many bytes is left alone.
  int64_t max_bytes = int64_t{256} << 20;
};

//   init a, init b, y = Add(a, b)     becomes     init y
//
// Works in waves of nodes whose inputs are all initializers. Left alone: random operators,
// operators with subgraphs, foreign domains, QuantizeLinear and DequantizeLinear (an existing
// quantization is kept), outputs that are no tensors. Returns how many nodes were folded.
size_t FoldConstants(Graph& graph, const FoldConstantsOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_FOLD_CONSTANTS_H_
