#include <fmt/format.h>

#include <algorithm>

#include "horizon/horizon.h"
#include "qconvert/base/suggest.h"
#include "qconvert/config/read_config.h"

namespace qconvert {

void CheckInputs(const QuantConfig& config, const ConfigNode& effective,
                 const std::vector<InputSignature>& inputs) {
  if (config.deployment.generation != Generation::kNone)
    return CheckHorizonInputs(config.deployment, effective, inputs);
  std::vector<std::string> names;
  for (const InputSignature& one : inputs) names.push_back(one.name);
  ConfigProblems problems("");
  for (const auto& [name, folder] : config.calibration.input) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    const ConfigNode* section = effective.Find("calibration");
    const ConfigNode* data = section == nullptr ? nullptr : section->Find("data");
    const ConfigNode* place = data == nullptr ? nullptr : data->Find(name);
    problems.Add(place == nullptr ? effective.place : place->place,
                 fmt::format("the model has no input '{}'{}", name, DidYouMean(name, names)));
  }
  problems.ThrowIfAny();
}

}  // namespace qconvert
