// Raises a model to a newer opset, operator by operator.
#ifndef QCONVERT_TRANSFORM_CONVERT_OPSET_H_
#define QCONVERT_TRANSFORM_CONVERT_OPSET_H_

#include <cstdint>
#include <string>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Per-axis QuantizeLinear/DequantizeLinear came with opset 13: the lowest a quantized model can
// have.
inline constexpr int64_t kQuantizedOpset = 13;
inline constexpr int64_t kOldestConvertibleOpset = 7;
inline constexpr int64_t kNewestConvertedOpset = 25;  // models are raised up to it

// Throws Error(kModel) naming `place` for an opset below 7; ConvertOpset does so itself.
void RefuseOldOpset(const Model& model, const std::string& place);

//   y = Squeeze{axes = [2]}(x), opset 11           becomes     y = Squeeze(x, init [2]), opset 13
//   y = Softmax{axis = 1}(x), x [N,8,5], opset 12  becomes, in opset 13:
//
//   x -> Flatten{axis = 1} -> Softmax{axis = -1} -> Reshape -> y
//   x -> Shape ------------------------------------+
//
// Raises ai.onnx from its version (7 or newer) to `target` (at most 25) if it is older, in the main
// graph, subgraphs and functions. Operators whose meaning changes on the way are rewritten by one
// table (opset_adapters.h); all others keep their meaning. Operators that left the standard
// (Affine, Crop, ImageScaler, ...) become standard ones. A model that imports no ai.onnx at all
// gets `target`. Uses declared types in value_info where a rewrite needs a rank, and a general form
// where it is unknown. Throws Error(kModel) naming `place` and the node when a node has no
// equivalent.
void ConvertOpset(Model& model, int64_t target, const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_CONVERT_OPSET_H_
