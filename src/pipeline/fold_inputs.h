// What a Horizon file does to a model before anything else: it ends at output_nodes, and does mean
// and scale of images itself (fold_normalization).
#ifndef QCONVERT_SRC_PIPELINE_FOLD_INPUTS_H_
#define QCONVERT_SRC_PIPELINE_FOLD_INPUTS_H_

#include <optional>
#include <string>

#include "picture_format.h"
#include "qconvert/config/config_node.h"
#include "qconvert/config/deployment_config.h"
#include "qconvert/ir/graph.h"
#include "qconvert/pipeline/pass_runner.h"
#include "setting_problems.h"

namespace qconvert {

// What is asked for, and by whom: `effective` knows where the settings were written, `place` names
// the model.
struct InterfaceSettings {
  const DeploymentConfig& deployment;
  const ConfigNode& effective;
  const std::string& place;
};

// CutToOutputs; then FoldNormalization of every input with mean or scale, where that is asked for:
// the model is normalized before (transform/normalize.h), and weights of convolutions that other
// nodes make of constants become initializers. `cut`, if any, gets the model as it is in between.
// Names that no node has and what cannot be folded go to `problems`; names that no input has are
// left to CheckInputs.
FoldedInputs CutAndFold(const InterfaceSettings& settings, Model& model, SettingProblems& problems,
                        const PassOptions& passes = {}, std::optional<Model>* cut = nullptr);

// The settings of a model that does `folded` itself: of mean and scale what is left.
DeploymentConfig AfterFolding(DeploymentConfig deployment, const FoldedInputs& folded);

// The inputs of `graph`, a model that does `folded` itself, as they were before.
void TakeNormalized(const FoldedInputs& folded, Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_FOLD_INPUTS_H_
