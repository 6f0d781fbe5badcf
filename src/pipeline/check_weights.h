// Weights that nothing can be made of.
#ifndef QCONVERT_SRC_PIPELINE_CHECK_WEIGHTS_H_
#define QCONVERT_SRC_PIPELINE_CHECK_WEIGHTS_H_

#include <string>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Throws Error(kNumeric) naming `place`, the node and the first float initializer with a NaN or an
// infinity that is a weight or bias: any constant input of a node with weights or a
// BatchNormalization, and a vector added to the product of a MatMul. Other constants may hold
// infinities (masks, bounds). On every level.
void CheckWeightsFinite(const Graph& graph, const std::string& place);

// Throws Error(kModel) naming `place` and the node whose bias has not one number per output
// channel (ir/bias_length.h), by the shapes that inference found: of biases that are computed or
// dequantized too, which the check of a file as it is read does not see. On every level.
void CheckBiasLengths(const Graph& graph, const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CHECK_WEIGHTS_H_
