// Constants of a float16 model that stay float, written in their own type again.
#ifndef QCONVERT_REWRITE_STORE_FLOAT16_H_
#define QCONVERT_REWRITE_STORE_FLOAT16_H_

#include <cstddef>
#include <optional>
#include <set>
#include <string>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Whether initializers or Constant nodes of the main graph are float16.
bool HoldsFloat16(const Graph& graph);

// A float constant as float16; nothing where that would change a bit of it.
std::optional<Tensor> ExactHalf(const Tensor& constant);

// Weights of a float16 model that passes multiplied, by what a BatchNormalization does to a channel
// or to even out layers, rounded to float16 again, in float32. The engine rounds them so, too, when
// it folds in the float16 model. What overflows, or is below the least normal number throughout,
// stays. Returns how many.
size_t RoundToFloat16(Graph& graph);

// Whether a constant is float, float16 holds it exactly, and the file gets smaller by it.
bool IsSmallerAsFloat16(const Tensor& constant);

// Stores those initializers in `names` as float16 of which that is true:
//
//   W -> Conv      becomes      W_h (float16) -> Cast -> W -> Conv
//
// The Cast reads a constant: ONNX Runtime computes it once when it loads the model, before it looks
// for what to fuse, so that the graph that it runs is the same. A few elements, smaller than the
// node, stay. Main graph only; needs opset >= 13. Returns how many.
size_t StoreFloat16(const std::set<std::string>& names, Model& model);

}  // namespace qconvert

#endif  // QCONVERT_REWRITE_STORE_FLOAT16_H_
