// Types as an engine knows them that folds constants when it loads a model.
#ifndef QCONVERT_SRC_PIPELINE_INFER_FOLDED_TYPES_H_
#define QCONVERT_SRC_PIPELINE_INFER_FOLDED_TYPES_H_

#include <cstddef>
#include <string>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Computes what depends on constants alone (fold_constants.h) with the engine. Returns how many
// nodes went.
size_t FoldConstants(Model& model, const std::string& place);

// Adds to value_info the shapes that are known once all constant arithmetic of shapes is done.
// Needs what InferTypes gives; the nodes stay. Throws what that throws. (prepare_model.cc)
void InferFoldedTypes(Model& model, const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_INFER_FOLDED_TYPES_H_
