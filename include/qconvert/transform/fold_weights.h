// Float passes that put arithmetic around Conv, ConvTranspose, Gemm and MatMul into their weights
// and bias.
//
// All need weights that are initializers; a weight with other readers is copied. Shapes come from
// the initializers.
#ifndef QCONVERT_TRANSFORM_FOLD_WEIGHTS_H_
#define QCONVERT_TRANSFORM_FOLD_WEIGHTS_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

// x -> Conv{W, b} -> BatchNormalization{gamma, beta, mean, var} -> y     becomes     x -> Conv{W',
// b'} -> y
//   W'[o] = W[o] * k[o],  b'[o] = (b[o] - mean[o]) * k[o] + beta[o],  k = gamma / sqrt(var +
//   epsilon)
// for Conv, ConvTranspose and Gemm (alpha = beta = 1, or no bias). Needs: inference form (one
// output), Conv output read by nothing else. Formula: ONNX BatchNormalization-15. Returns how many
// were folded.
size_t FoldBatchNormalization(Graph& graph);

// x -> Conv{W, b} -> Mul{c} / Add{c} / Sub{c} / Div{c} -> y     becomes     x -> Conv{W', b'} -> y
// for constants c that are one number or one number per output channel ([C,1,1] or [1,C,1,1]); the
// same for Conv and ConvTranspose. Div by zero stays.
size_t FoldArithmeticIntoConv(Graph& graph);

// x -> Pad{0, spatial only} -> Conv     becomes     x -> Conv{pads + p}
// Needs: mode constant, value 0, non-negative pads, no automatic padding. Every such Conv reader is
// changed; the Pad goes when nobody reads it any more.
size_t FoldPadIntoConv(Graph& graph);

// MatMul{x, W} -> Add{b} -> Mul{c} -> y     becomes     MatMul{x, W * c} -> Add{b * c} -> y
// with or without the Add, for Mul and Div by constants c, and b, that are one number or one per
// column of W. W is read by this MatMul only. Returns how many were folded.
size_t FoldScaleIntoMatMul(Graph& graph);

// MatMul{x, W} -> Add{b}     becomes     Gemm{x, W, b}
// Needs: x of known rank 2, W and b initializers, b of shape [N] or [1, N].
size_t FuseMatMulAdd(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_FOLD_WEIGHTS_H_
