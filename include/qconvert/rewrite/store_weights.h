// Weights of nodes that compute in float, stored in 8 or 16 bit.
#ifndef QCONVERT_REWRITE_STORE_WEIGHTS_H_
#define QCONVERT_REWRITE_STORE_WEIGHTS_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

struct StoreWeightsOptions {
  std::set<std::string> wide;  // initializers that need 16 bits: one 256th of the error
  std::set<std::string> keep;  // initializers that stay float
};

// What was written, for reports.
struct StoredWeight {
  std::string name;  // the float initializer it replaces
  int bits = 8;
  int64_t elements = 0;
  size_t scales = 0;  // one per output channel (row of a Gather table, gate row of an LSTM)
};

// Replaces float weights by int8 or int16 codes and their scales:
//
//   W (initializer) -> Conv      becomes      W_q -> Cast -> Mul{s} -> W -> Conv
//
//   s = max|W| / 127 (or 32767) per output channel,   W_q = round_half_even(W / s)
//
// with the same values as DequantizeLinear(W_q, s) would have. The two nodes read constants only,
// so an engine computes them once when it loads the model and then runs the float kernels at float
// speed; ONNX Runtime runs a DequantizeLinear of weights again in every run (measured:
// docs/plan.md).
//
// Taken: the weights of Conv, ConvTranspose, Gemm, MatMul, LSTM, GRU and RNN and the tables of
// Gather, on this level and in subgraphs, where the file shrinks. Needs opset >= 13.
std::vector<StoredWeight> StoreWeights(Model& model, const StoreWeightsOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_REWRITE_STORE_WEIGHTS_H_
