#include "deploy_model.h"

#include <algorithm>

#include "qconvert/ir/graph_validator.h"
#include "qconvert/transform/insert_preprocessing.h"

namespace qconvert {

bool ChangesInterface(const DeploymentConfig& deployment) {
  return std::any_of(
      deployment.inputs.begin(), deployment.inputs.end(),
      [](const InputSettings& input) { return input.kind_rt != InputKind::kFeaturemap; });
}

void DeployModel(const DeploymentConfig& deployment, const std::string& place, Model& model) {
  for (const InputSettings& input : deployment.inputs)
    InsertPreprocessing(input, deployment.generation, place, model.graph);
  ValidateModel(model, place);
}

}  // namespace qconvert
