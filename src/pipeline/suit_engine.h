// The last rewriting of a model that runs on ONNX Runtime's CPU kernels.
#ifndef QCONVERT_SRC_PIPELINE_SUIT_ENGINE_H_
#define QCONVERT_SRC_PIPELINE_SUIT_ENGINE_H_

#include <functional>
#include <map>
#include <string>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Writes GELU, LayerNormalization and Mish of a quantized model in the words that the engine
// computes fastest. `types` are those of the float model's values. The numbers stay up to rounding.
// Only then: until all is decided these are one node each, or steps that are kept whole.
void SuitEngine(const std::map<std::string, Value, std::less<>>& types, Model& model);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_SUIT_ENGINE_H_
