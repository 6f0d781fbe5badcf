// Every structural invariant of a model, checked in our own words before any engine sees it, and
// after passes.
#ifndef QCONVERT_IR_GRAPH_VALIDATOR_H_
#define QCONVERT_IR_GRAPH_VALIDATOR_H_

#include <string>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Limits that keep a hostile file from costing more than it is worth. ONNX Runtime takes twice as
// long to load a model for each level of subgraphs: 0.7 s at 16, a minute at 20.
inline constexpr int kMaxGraphDepth = 18;
inline constexpr size_t kMaxNodes = 1'000'000;  // also with all functions inlined
inline constexpr int kMaxRank = 64;

// Throws Error(kModel) with `place` (the model file) naming the node or value on the first
// violation:
//   - IR version, opset imports: present, positive, known (ai.onnx up to 28), one for every used
//   domain
//   - every value read is written before by exactly one node, input or initializer of this or an
//   outer level
//   - graph outputs exist; names of inputs and outputs are unique; nodes have an operator name
//   - subgraph depth, node count, ranks; If/Loop/Scan have their graphs; functions do not call
//   themselves
//   - attribute references only inside functions
//   - attributes and constant inputs of operators are in their ranges (operator_checks.h)
// Nodes need not be sorted; a cycle is an error.
void ValidateModel(const Model& model, const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_IR_GRAPH_VALIDATOR_H_
