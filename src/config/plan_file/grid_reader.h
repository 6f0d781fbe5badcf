// An entry of quant_info.json that gives a tensor its numbers.
#ifndef QCONVERT_CONFIG_PLAN_FILE_GRID_READER_H_
#define QCONVERT_CONFIG_PLAN_FILE_GRID_READER_H_

#include <optional>
#include <string_view>
#include <vector>

#include "qconvert/config/plan_file.h"

namespace qconvert {

// Reads type, codes, round, scale, zero_point and axis of `entry`, which CheckSettings has let
// pass; tells `problems` what does not fit together.
FileGrid ReadGrid(const ConfigNode& entry, ConfigProblems& problems);

// A list of numbers under `key`, of `count` where that is not 0; empty when it is not given or
// refused.
std::vector<double> ReadNumbers(const ConfigNode& map, std::string_view key, size_t count,
                                ConfigProblems& problems);

// Lowest and highest code under "codes", between the two bounds.
std::optional<CodeRange> ReadCodes(const ConfigNode& map, CodeRange bounds,
                                   ConfigProblems& problems);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_PLAN_FILE_GRID_READER_H_
