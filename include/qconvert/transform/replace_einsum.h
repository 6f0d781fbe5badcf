// Einsum that is a matrix product, as MatMul.
#ifndef QCONVERT_TRANSFORM_REPLACE_EINSUM_H_
#define QCONVERT_TRANSFORM_REPLACE_EINSUM_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

// y = Einsum{"...ij,jk->...ik"}(x, w)     becomes     y = MatMul(x, w)
// y = Einsum{"bij,kj->bik"}(x, init w)     becomes     y = MatMul(x, Transpose{1,0}(w))
// y = Einsum{"bthd,hdo->bto"}(x, init w)     becomes
//   y = MatMul(Reshape{0,0,-1}(x), Reshape{-1,o}(w))
//
// and the same with the constant in front, with axes of a batch, and with two activations whose
// axes stand as MatMul has them. What is done to constants another pass computes. Left alone: three
// operands, axes that come twice in one operand (a diagonal) or are summed over in one operand
// only, equal axes of which one may be 1 at run time (only Einsum broadcasts these), activations
// that would have to be transposed, constants to be changed that others read as well, and what is
// not float. Returns how many were replaced. Needs sorted nodes, types in value_info where they are
// known.
size_t ReplaceEinsum(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_REPLACE_EINSUM_H_
