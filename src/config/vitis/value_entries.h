// Settings of single values, whichever node writes them: value_quantize_config.
#ifndef QCONVERT_CONFIG_VITIS_VALUE_ENTRIES_H_
#define QCONVERT_CONFIG_VITIS_VALUE_ENTRIES_H_

#include <vector>

#include "dialect.h"
#include "vitis/parameters.h"

namespace qconvert {

// Each entry starts from `root`, the parameters of activations. What holds goes into `printed`.
// Problems: an entry without a value, a range that is none, what the device refuses. Idle keys are
// left to `idle`.
std::vector<ValueSettings> ReadValueEntries(const ConfigNode& list, const Parameters& root,
                                            const RestrictionOptions& options, IdleParameters& idle,
                                            ReadContext& context, ConfigNode& printed);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_VITIS_VALUE_ENTRIES_H_
