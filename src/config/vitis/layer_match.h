// Which nodes an entry of layer_quantize_config speaks of.
#ifndef QCONVERT_CONFIG_VITIS_LAYER_MATCH_H_
#define QCONVERT_CONFIG_VITIS_LAYER_MATCH_H_

#include <string>

#include "dialect.h"
#include "qconvert/config/quant_config.h"

namespace qconvert {

// By layer_type, else layer_name, or by layer_subgraph alone. What holds of these goes into
// `printed`; `what` names the entry in problems ("layer_quantize_config[2]: ").
LayerMatch ReadLayerMatch(const ConfigNode& entry, const std::string& what, ReadContext& context,
                          ConfigNode& printed);

// Reports a type that is near a known one: a typing error. One that is near none may be of a domain
// that only the model knows.
void RefuseMisspeltType(const ConfigNode& type, const std::string& what, ConfigProblems& problems);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_VITIS_LAYER_MATCH_H_
