// The quantized model as it is deployed: its inputs are what the chip is fed.
#ifndef QCONVERT_SRC_PIPELINE_DEPLOY_MODEL_H_
#define QCONVERT_SRC_PIPELINE_DEPLOY_MODEL_H_

#include <string>

#include "qconvert/config/deployment_config.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

// Whether DeployModel changes what the model is fed: then it cannot be compared with the float
// model on the same samples.
bool ChangesInterface(const DeploymentConfig& deployment);

// Puts the preprocessing nodes in front of every image input. Throws Error(kModel) naming `place`.
void DeployModel(const DeploymentConfig& deployment, const std::string& place, Model& model);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_DEPLOY_MODEL_H_
