// A GRU whose products are quantized at run time, spelled as a Scan: no kernel for it exists.
#ifndef QCONVERT_SRC_REWRITE_QUANTIZE_GRU_H_
#define QCONVERT_SRC_REWRITE_QUANTIZE_GRU_H_

#include "integer_product.h"
#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"
#include "qdq_builder.h"

namespace qconvert {

// Appends to `graph` what writes the outputs of `gru` (CanBeDynamic, targets/op_rules.h). `x` is
// its input in codes. For every direction
//
//   x_q -> MatMulInteger{W_q} -> .. -> Add{Wb} -> Scan{h}, with a body for one step (ONNX GRU-14):
//     h -> DynamicQuantizeLinear -> MatMulInteger{R_q} -> .. -> Add{Rb}, Split -> (hz, hr, hh)
//     z = Sigmoid(xz + hz),  r = Sigmoid(xr + hr),  n = Tanh(xh + r * hh),  h' = n + z * (h - n)
//
// Without linear_before_reset hh is not of h: r * h -> DynamicQuantizeLinear -> MatMulInteger{R_q
// of the third gate} -> .. -> Add{Rb} stands in place of r * hh. The engine computes each product
// as one DynamicQuantizeMatMul or MatMulIntegerToFloat.
void QuantizeGru(Graph& graph, QdqBuilder& builder, const Node& gru, const DynamicNodePlan& plan,
                 const RunTimeCodes& x);

}  // namespace qconvert

#endif  // QCONVERT_SRC_REWRITE_QUANTIZE_GRU_H_
