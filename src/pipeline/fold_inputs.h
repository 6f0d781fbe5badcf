// Mean and scale of a camera file that the model is to do itself.
#ifndef QCONVERT_SRC_PIPELINE_FOLD_INPUTS_H_
#define QCONVERT_SRC_PIPELINE_FOLD_INPUTS_H_

#include <string>

#include "picture_format.h"
#include "qconvert/config/deployment_config.h"
#include "qconvert/ir/graph.h"
#include "qconvert/pipeline/pass_runner.h"

namespace qconvert {

// FoldNormalization of every input with mean or scale, where the settings ask for it; the model is
// normalized before (transform/normalize.h). Throws what that throws.
FoldedInputs FoldInputs(const DeploymentConfig& deployment, const std::string& place, Model& model,
                        const PassOptions& passes = {});

// The settings of a model that does `folded` itself: of mean and scale what is left.
DeploymentConfig AfterFolding(DeploymentConfig deployment, const FoldedInputs& folded);

// The inputs of `graph`, a model that does `folded` itself, as they were before.
void TakeNormalized(const FoldedInputs& folded, Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_FOLD_INPUTS_H_
