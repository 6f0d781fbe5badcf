// What the definitions of operators demand of attributes and constants, where engines trust it.
#ifndef QCONVERT_IR_OPERATOR_CHECKS_H_
#define QCONVERT_IR_OPERATOR_CHECKS_H_

#include <functional>
#include <string>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Constant that a node reads under this name, or nullptr.
using FindTensor = std::function<const Tensor*(const std::string&)>;

// Empty when attributes and constant inputs of `node` (of ai.onnx) fit its definition, else what
// does not: "has 2 biases, expected 4". Covers inputs that no version of the operator can do
// without, and what ONNX Runtime was seen to die of or to read beyond: attributes out of range,
// weights and biases of wrong size, integer division by zero or of the least number by -1. Unknown
// operators and computed inputs pass. Source: ONNX Operators.md.
std::string WhyInvalid(const Node& node, const FindTensor& constant);

}  // namespace qconvert

#endif  // QCONVERT_IR_OPERATOR_CHECKS_H_
