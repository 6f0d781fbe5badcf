// Constants of codes and what they stand for.
#ifndef QCONVERT_TRANSFORM_DEQUANTIZE_CONSTANT_H_
#define QCONVERT_TRANSFORM_DEQUANTIZE_CONSTANT_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// The integers of a tensor of codes or zero points, 8 to 32 bits; nothing for another type.
std::optional<std::vector<int32_t>> IntegersOf(const Tensor& tensor);

// What a DequantizeLinear makes of constant codes, y = (q - z) * s (ONNX), named as its output;
// nothing where its parameters are no constants of this graph, or come in blocks.
std::optional<Tensor> DequantizedConstant(const Graph& graph, const Node& dequantize);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_DEQUANTIZE_CONSTANT_H_
