// What is said of absorbing high biases (transform/absorb_biases.h), in settings and in plan files.
#ifndef QCONVERT_CONFIG_BIAS_ABSORPTION_H_
#define QCONVERT_CONFIG_BIAS_ABSORPTION_H_

#include <map>
#include <string>
#include <vector>

#include "qconvert/config/config_node.h"
#include "qconvert/config/plan_file.h"
#include "qconvert/config/quant_config.h"

namespace qconvert {

// absorb_biases of the settings that hold, as their tree has it; off where it has none.
Correction BiasAbsorptionOf(const ConfigNode& effective);

// What channels are lowered by, by value: absorbed_biases among the passes of a plan file.
std::map<std::string, std::vector<float>> AbsorbedBiasesOf(const PlanFile& file);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_BIAS_ABSORPTION_H_
