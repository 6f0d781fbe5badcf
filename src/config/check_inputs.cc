#include <fmt/format.h>

#include <algorithm>

#include "horizon/horizon.h"
#include "qconvert/base/suggest.h"
#include "qconvert/config/read_config.h"
#include "qconvert/config/setting_position.h"

namespace qconvert {

void CheckInputs(const QuantConfig& config, const ConfigNode& effective,
                 const std::vector<InputSignature>& inputs) {
  if (config.deployment.generation != Generation::kNone)
    return CheckHorizonInputs(config.deployment, effective, inputs);
  std::vector<std::string> names;
  for (const InputSignature& one : inputs) names.push_back(one.name);
  ConfigProblems problems("");
  // Inputs without a folder are told when samples are opened: --calib may give them all.
  for (const auto& [name, folder] : config.calibration.input) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    problems.Add(PositionOf(effective, {"calibration", "data", name}),
                 fmt::format("the model has no input '{}'{}", name, DidYouMean(name, names)));
  }
  problems.ThrowIfAny();
}

}  // namespace qconvert
