// The quantized model as it is deployed: its inputs are what the chip is fed.
#ifndef QCONVERT_SRC_PIPELINE_DEPLOY_MODEL_H_
#define QCONVERT_SRC_PIPELINE_DEPLOY_MODEL_H_

#include <string>
#include <vector>

#include "qconvert/config/deployment_config.h"
#include "qconvert/config/resizer_settings.h"
#include "qconvert/ir/graph.h"
#include "qconvert/pipeline/pass_runner.h"

namespace qconvert {

// Whether the settings take nodes away from the borders.
bool HasRemovals(const DeploymentConfig& deployment);

// Whether DeployModel or DumpLayers changes what the model is fed or gives: then it cannot be
// compared with the float model.
bool ChangesInterface(const DeploymentConfig& deployment);

struct DeployedNodes {
  std::string removed;  // a line per removed node: "NAME: DequantizeLinear at ..."
  // Of remove_node_type, remove_node_name and keep_node_name, what removed or kept nothing.
  std::vector<std::string> idle_types;
  std::vector<std::string> idle_names;
  std::vector<std::string> idle_kept;
};

// Removes the nodes at the borders that the settings name, not behind image and split inputs; sets
// the batch (set_batch.h), splits the inputs that are to be apart (split_batch.h) and puts the
// preprocessing nodes in front of each image. What was removed stays in the metadata, with the
// numbers it computed with:
//   qconvert.removed.NAME  "DequantizeLinear at output y: scale 0.5, zero point 3, axis 1"
// Throws Error(kModel) naming `place`.
DeployedNodes DeployModel(const DeploymentConfig& deployment, const PassOptions& passes,
                          const std::string& place, Model& model);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_DEPLOY_MODEL_H_
