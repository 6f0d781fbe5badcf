// Settings of a Horizon file that a single place asks for, and nothing else depends on.
#ifndef QCONVERT_CONFIG_DEPLOYMENT_EXTRAS_H_
#define QCONVERT_CONFIG_DEPLOYMENT_EXTRAS_H_

#include <string>
#include <vector>

#include "qconvert/config/config_node.h"
#include "qconvert/config/deployment_config.h"

namespace qconvert {

struct DeploymentExtras {
  // Of J5: how the deployed model's inputs come, in the order of `deployment.inputs`; kNone: as
  // those of the float model. Empty: none is said.
  std::vector<InputLayout> layouts;
  bool layer_details = true;  // nodes, values and weights in the page of --report
  std::string log_level;      // of J5: debug, info, warn or error; "": not said
};

// `effective` is the tree of settings that `deployment` was read from.
DeploymentExtras ReadDeploymentExtras(const ConfigNode& effective,
                                      const DeploymentConfig& deployment);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_DEPLOYMENT_EXTRAS_H_
