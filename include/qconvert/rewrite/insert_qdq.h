// Rewrites a float graph as its plan says.
#ifndef QCONVERT_REWRITE_INSERT_QDQ_H_
#define QCONVERT_REWRITE_INSERT_QDQ_H_

#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"

namespace qconvert {

// An integer node with a kernel of its own stands between DQ and Q, the form the engine fuses:
//
//   x -> Conv{W, b} -> Relu -> y
//   x_q -> DQ -> Conv{DQ(W_q), DQ(b_q)} -> Q -> y_q          (the Relu goes where the Q's
//   saturation is the same clamp)
//
// A movement node works on the integers themselves (8 bit; with 16 bit it stands between DQ and Q
// too):
//
//   x -> MaxPool -> y        x_q -> MaxPool -> y_q
//
// HardSigmoid in uint8 is an Add whose Q clips: with c = beta / alpha,
//
//   x_q -> DQ -> Add{c} -> Q{1 / (255 alpha), 0} -> y_q      and every reader of y_q dequantizes
//   with 1 / 255
//
// A value written by an integer node is read by float nodes through one DQ; a value written by a
// float node is read by float nodes as it is. A Conv, ConvTranspose or Gemm left float gets a DQ of
// its own with one scale per channel (all equal), because the engine would quantize its weights by
// itself behind a scalar one. Names: graph inputs and outputs and values that subgraphs read keep
// theirs; new names are short. Bodies are rewritten each as a graph of its own: what comes in from
// outside, and goes out, is float, and weights from outside become codes inside; codes that
// several levels read are stored once, on the level around them. `model.graph` must be the graph
// of the plan; opset >= 13. Adds the com.microsoft import when 16-bit Q/DQ need it.
void InsertQdq(Model& model, const QuantizationPlan& plan);

}  // namespace qconvert

#endif  // QCONVERT_REWRITE_INSERT_QDQ_H_
