// Nodes whose weights are codes of a plan: what rounding and learning of weights are about.
#ifndef QCONVERT_WEIGHTS_CODED_LAYERS_H_
#define QCONVERT_WEIGHTS_CODED_LAYERS_H_

#include <cstddef>
#include <cstdint>
#include <map>

#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"
#include "qconvert/targets/fusions.h"
#include "qconvert/weights/quantize_weights.h"

namespace qconvert {

inline constexpr int32_t kByteCodes = 127;  // the largest of 8 bits

struct CodedLayer {
  FittedWeights weights;  // the codes that the plan has
  FusedUnit unit;
  // A float node that reads what the codes stand for; its bias stays as it is.
  bool is_stored = false;
};

// By node: those that compute on integers with constant weights, and float nodes (Conv,
// ConvTranspose, Gemm, MatMul that HasOutputPositions describes) that alone read stored weights of
// at most 8 bit, per channel or in blocks. Of the main graph; codes share their bytes with the
// plan, which has every code.
std::map<size_t, CodedLayer> FindCodedLayers(const Graph& graph, const QuantizationPlan& plan);

}  // namespace qconvert

#endif  // QCONVERT_WEIGHTS_CODED_LAYERS_H_
