#include "qconvert/config/deployment_extras.h"

#include "horizon/horizon.h"
#include "text/node_edit.h"
#include "words.h"

namespace qconvert {
namespace {

const ConfigNode* FindKey(const ConfigNode& effective, const char* section, const char* key) {
  const ConfigNode* keys = FindValue(effective, section);
  return keys == nullptr ? nullptr : FindValue(*keys, key);
}

}  // namespace

DeploymentExtras ReadDeploymentExtras(const ConfigNode& effective,
                                      const DeploymentConfig& deployment) {
  DeploymentExtras extras;
  if (const ConfigNode* details = FindKey(effective, "compiler_parameters", "debug"))
    extras.layer_details = AsBool(*details);
  if (deployment.generation != Generation::kJ5) return extras;
  if (const ConfigNode* level = FindKey(effective, "model_parameters", "log_level"))
    extras.log_level = level->scalar;
  const ConfigNode* layouts = FindKey(effective, "input_parameters", "input_layout_rt");
  if (layouts == nullptr) return extras;
  for (const std::string& word : SplitPerInput(layouts->scalar))
    extras.layouts.push_back(FromWord<InputLayout>(word).value_or(InputLayout::kNone));
  extras.layouts.resize(deployment.inputs.size(), InputLayout::kNone);
  for (size_t k = 0; k < extras.layouts.size(); ++k) {
    // Planes have a layout of their own.
    if (deployment.inputs[k].kind_rt == InputKind::kNv12) extras.layouts[k] = InputLayout::kNone;
  }
  return extras;
}

}  // namespace qconvert
