#include "qconvert/config/bias_absorption.h"

#include "plan_file/grid_reader.h"

namespace qconvert {

Correction BiasAbsorptionOf(const ConfigNode& effective) {
  const ConfigNode* value = effective.Find("absorb_biases");
  if (value == nullptr) return Correction::kOff;
  if (value->scalar == "auto") return Correction::kAuto;
  return value->scalar == "true" ? Correction::kOn : Correction::kOff;
}

std::map<std::string, std::vector<float>> AbsorbedBiasesOf(const PlanFile& file) {
  ConfigProblems told(file.file.string());  // when the file was read
  std::map<std::string, std::vector<float>> absorbed;
  const ConfigNode* list = file.effective.Find("absorbed_biases");
  if (list == nullptr) return absorbed;
  for (const ConfigNode& item : list->items) {
    const ConfigNode* value = item.Find("value");
    if (value == nullptr) continue;
    for (const double number : ReadNumbers(item, "amounts", 0, told))
      absorbed[value->scalar].push_back(static_cast<float>(number));
  }
  return absorbed;
}

}  // namespace qconvert
