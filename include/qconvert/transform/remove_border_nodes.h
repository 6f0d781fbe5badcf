// Nodes at a graph's inputs and outputs that the application does itself.
#ifndef QCONVERT_TRANSFORM_REMOVE_BORDER_NODES_H_
#define QCONVERT_TRANSFORM_REMOVE_BORDER_NODES_H_

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// The name of a Quantize or Dequantize without one, as the vendor's tools give it: "x_Quantize_0";
// `before`: how many of its kind stood nearer to the border.
std::string GridNameAt(const std::string& border, const Node& grid, size_t before);

struct BorderRemoval {
  std::set<std::string> types;        // ONNX op types
  std::set<std::string> names;        // of nodes
  std::set<std::string> kept_names;   // nodes that stay all the same
  std::set<std::string> kept_inputs;  // graph inputs behind which nothing goes
};

struct RemovedNode {
  Node node;
  std::string border;  // the graph input or output that it stood at
  bool is_at_input = false;
};

struct BorderNodes {
  std::vector<RemovedNode> removed;  // inputs first, each from the border inwards
  // Nodes that would have gone but for kept_names: their op types by these names.
  std::map<std::string, std::string> kept;
};

// input x -> Quantize -> q -> ...     becomes     input x, which is q -> ...
// ... -> t -> Dequantize -> output y  becomes     ... -> output y, which is t
// again and again, from every border inwards, while a node matches `types` or `names`, computes one
// output from one value besides constants, and is the only reader of what it reads; a value that
// would be input and output at once stays. At outputs the Quantize and Dequantize behind a Softmax,
// Transpose, Cast or Reshape that goes go with it. Grids without a name are called after the border
// that they have come to, x_Quantize_0, y_Dequantize_0, y_Dequantize_1. Inputs and outputs keep
// their names; their types become those of the inner values: value_info must know them, else the
// node stays.
BorderNodes RemoveBorderNodes(const BorderRemoval& removal, Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_REMOVE_BORDER_NODES_H_
