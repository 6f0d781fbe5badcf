// Biases that are shorter or longer than what their node writes: engines read beyond them.
#ifndef QCONVERT_IR_BIAS_LENGTH_H_
#define QCONVERT_IR_BIAS_LENGTH_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Dimensions of a value that a node reads; nothing where one of them is not known.
using FindDims = std::function<std::optional<std::vector<int64_t>>(const std::string&)>;

// "has 2 biases, expected 4" of a convolution (ai.onnx's Conv, ConvTranspose and QLinearConv,
// com.microsoft's FusedConv, com.microsoft.nchwc's Conv) whose bias has not one number per output
// channel: weights are [out, in / group, ...], of ConvTranspose [in, out / group, ...]. Empty where
// it has, or where a shape is not known. ONNX Runtime 1.28 does not look at this length and reads
// beyond the bias. Source: ONNX Operators.md.
std::string WhyWrongBias(const Node& node, const FindDims& dims);

}  // namespace qconvert

#endif  // QCONVERT_IR_BIAS_LENGTH_H_
