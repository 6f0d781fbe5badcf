// Computes what depends on constants only.
#ifndef QCONVERT_TRANSFORM_FOLD_CONSTANTS_H_
#define QCONVERT_TRANSFORM_FOLD_CONSTANTS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

struct FoldConstantsOptions {
  // Runs a graph without inputs and returns its outputs in order. Given by the caller, so that this
  // folder needs no engine. Throws Error for what it cannot run.
  std::function<std::vector<Tensor>(const Graph&)> evaluate;
  // A node whose outputs could pass this many bytes is left alone, and so is what would make all
  // computed values together pass this plus twice the bytes of the initializers.
  int64_t max_bytes = int64_t{256} << 20;
};

//   init a, init b, y = Add(a, b)     becomes     init y
//
// but only where the file does not grow: a ConstantOfShape, Expand, mask or outer product that is
// smaller than its value stays a node, and so does a Transpose of a table that others read as well
// (an engine folds both when it loads the model). A weight counts a quarter of its bytes, since it
// will be stored in 8 bit as an initializer only.
//
//   init w, init s, q = QuantizeLinear(w, s), d = DequantizeLinear(q, s)     becomes
//   init q, init s, d = DequantizeLinear(q, s)
//
// Left alone: random operators, operators with subgraphs, foreign domains, DequantizeLinear (an
// existing quantization is kept), nodes that write graph outputs, outputs that are no tensors,
// nodes that the engine cannot run (it will say so, with a better place, when it loads the whole
// model). Returns how many nodes went. Needs sorted nodes.
size_t FoldConstants(Graph& graph, const FoldConstantsOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_FOLD_CONSTANTS_H_
