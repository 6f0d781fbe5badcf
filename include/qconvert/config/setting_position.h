// Where a setting was written, for messages about it once the model is known.
#ifndef QCONVERT_CONFIG_SETTING_POSITION_H_
#define QCONVERT_CONFIG_SETTING_POSITION_H_

#include <initializer_list>
#include <string_view>

#include "qconvert/config/config_node.h"

namespace qconvert {

// The position of the setting under `path` ({"model_parameters", "output_nodes"}) of `effective`,
// LoadedConfig's; of what is a default or not there, that of the part of the path around it.
ConfigPlace PositionOf(const ConfigNode& effective, std::initializer_list<std::string_view> path);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_SETTING_POSITION_H_
