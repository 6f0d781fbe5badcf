// Dynamic quantization: integer weights, activations quantized at run time with the range of each
// run.
#ifndef QCONVERT_REWRITE_QUANTIZE_DYNAMICALLY_H_
#define QCONVERT_REWRITE_QUANTIZE_DYNAMICALLY_H_

#include <map>
#include <string>

#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"

namespace qconvert {

// Rewrites the nodes whose first output has a plan:
//
//   x -> MatMul{W} -> y
//   x -> DynamicQuantizeLinear -> (x_q, s_x, z_x)
//   x_q -> MatMulInteger{W_q, z_x} -> Cast -> Mul{s_x * s_w} -> y
//
// which ONNX Runtime computes as one DynamicQuantizeMatMul. A Gemm's bias becomes an Add behind it.
// An LSTM becomes com.microsoft's DynamicQuantizeLSTM, which no other engine knows,
// a GRU a Scan with standard operators.
void QuantizeDynamically(Model& model, const std::map<std::string, DynamicNodePlan>& plans);

}  // namespace qconvert

#endif  // QCONVERT_REWRITE_QUANTIZE_DYNAMICALLY_H_
