// The last rewriting of a model, for what runs it.
#ifndef QCONVERT_SRC_PIPELINE_SUIT_ENGINE_H_
#define QCONVERT_SRC_PIPELINE_SUIT_ENGINE_H_

#include <functional>
#include <map>
#include <string>

#include "qconvert/ir/graph.h"
#include "qconvert/pipeline/pass_runner.h"

namespace qconvert {

// Writes GELU, LayerNormalization and Mish of a quantized model in the words that the engine
// computes fastest. `types` are those of the float model's values. The numbers stay up to rounding.
// Only then: until all is decided these are one node each, or steps that are kept whole. `place`
// names the model in messages.
void SuitEngine(const std::map<std::string, Value, std::less<>>& types, const PassOptions& passes,
                const std::string& place, Model& model);

// Writes the float16 parts of a quantized model in their types, for engines that take these as they
// are written (rewrite/type_half_regions.h). `types` and `place` as above.
void SuitTypes(const std::map<std::string, Value, std::less<>>& types, const PassOptions& passes,
               const std::string& place, Model& model);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_SUIT_ENGINE_H_
