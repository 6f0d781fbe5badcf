// Dynamic quantization: integer weights, activations quantized at run time with the range of each
// run.
#ifndef QCONVERT_REWRITE_QUANTIZE_DYNAMICALLY_H_
#define QCONVERT_REWRITE_QUANTIZE_DYNAMICALLY_H_

#include <set>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/plan/model_settings.h"

namespace qconvert {

// Names of the outputs [0] of nodes of the top level that QuantizeDynamically can take: MatMul with
// a weight matrix, Gemm without transA and with alpha and beta 1, LSTM with constant weights.
std::vector<std::string> DynamicCandidates(const Graph& graph);

// Rewrites the nodes with these outputs:
//
//   x -> MatMul{W} -> y
//   x -> DynamicQuantizeLinear -> (x_q, s_x, z_x)
//   x_q -> MatMulInteger{W_q, z_x} -> Cast -> Mul{s_x * s_w} -> y
//
// which ONNX Runtime computes as one DynamicQuantizeMatMul. A Gemm's bias becomes an Add behind it.
// An LSTM becomes com.microsoft's DynamicQuantizeLSTM, which no other engine knows. Weights are
// fitted as for static integer nodes (quantize_weights.h). Returns the weights it replaced.
std::vector<std::string> QuantizeDynamically(Model& model, const std::set<std::string>& outputs,
                                             const ModelSettings& settings);

}  // namespace qconvert

#endif  // QCONVERT_REWRITE_QUANTIZE_DYNAMICALLY_H_
