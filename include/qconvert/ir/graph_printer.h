// A stable, short text form of a graph: the language of pass tests and of verbose logs.
#ifndef QCONVERT_IR_GRAPH_PRINTER_H_
#define QCONVERT_IR_GRAPH_PRINTER_H_

#include <string>

#include "qconvert/ir/graph.h"

namespace qconvert {

// One line each, in this order, nothing machine-dependent:
//   input x float[1,3,N,?]
//   init w int8[8,3,3,3]
//   y = Conv(x, w, _) {group=1, pads=[1,1,1,1]}     an omitted input prints as "_"
//   output y float[...]
// Tensors of at most 8 numeric elements print their values. Subgraphs are indented.
std::string PrintGraph(const Graph& graph);

// "float[1,3,N,?]", or "opaque" for a non-tensor, or "?" for an unknown type.
std::string PrintType(const ValueType& type);

}  // namespace qconvert

#endif  // QCONVERT_IR_GRAPH_PRINTER_H_
