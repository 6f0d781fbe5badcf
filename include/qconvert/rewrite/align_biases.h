// Biases behind matrix products of codes, for engines that would take both for a Gemm.
#ifndef QCONVERT_REWRITE_ALIGN_BIASES_H_
#define QCONVERT_REWRITE_ALIGN_BIASES_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

// y = Add(MatMul(dequantized a [.., M, K], w [K, N]) of three axes or more, b [N])   becomes
// y = Add(MatMul(a, w), b [1, .., N])
// on all levels, for constants b and for constants behind a DequantizeLinear. The numbers stay.
//
// ONNX Runtime 1.28 makes a Gemm between two Reshapes of the first form, moves Q and DQ over the
// Reshape, and from opset 21 on gives the new Q the output_dtype INT8; the pass that turns int8
// into uint8 then changes its zero point alone, and the engine refuses its own graph ("output_dtype
// INT8 does not match y_zero_point type UINT8"). It makes no Gemm of the second form.
//
// Needs types of the products in value_info; returns how many biases have axes of 1 now.
size_t AlignBiases(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_REWRITE_ALIGN_BIASES_H_
