// The words for what dpu_forms picks.
#ifndef QCONVERT_CONFIG_DPU_FORM_NAMES_H_
#define QCONVERT_CONFIG_DPU_FORM_NAMES_H_

#include <string>
#include <vector>

#include "qconvert/config/quant_config.h"

namespace qconvert {

// "leaky_relu", "hard_sigmoid", "sigmoid", "average_pool".
std::vector<std::string> AllDpuForms();
std::vector<std::string> NamesOfDpuForms(const DpuForms& forms);
// Unknown names are left out.
DpuForms FindDpuForms(const std::vector<std::string>& names);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_DPU_FORM_NAMES_H_
