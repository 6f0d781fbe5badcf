// Questions about all settings of a model at once.
#ifndef QCONVERT_CONFIG_ANY_SETTINGS_H_
#define QCONVERT_CONFIG_ANY_SETTINGS_H_

#include <algorithm>

#include "qconvert/config/quant_config.h"

namespace qconvert {

// Whether `predicate` holds for the NodeSettings of the model or of one of its layer entries.
template <typename Predicate>
bool AnySettings(const QuantConfig& config, const Predicate& predicate) {
  return predicate(config.tensors) ||
         std::any_of(config.layers.begin(), config.layers.end(),
                     [&](const LayerSettings& layer) { return predicate(layer.tensors); });
}

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_ANY_SETTINGS_H_
