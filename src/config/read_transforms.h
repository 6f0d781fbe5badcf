// calib_transforms: the list of steps that turn pictures into samples, in both vendors' languages.
#ifndef QCONVERT_SRC_CONFIG_READ_TRANSFORMS_H_
#define QCONVERT_SRC_CONFIG_READ_TRANSFORMS_H_

#include <optional>
#include <string_view>
#include <vector>

#include "qconvert/config/calib_transforms.h"
#include "text/setting_table.h"

namespace qconvert {

// A mean, scale or deviation: 0, or a number that floats hold together with its inverse. Others
// would make infinities of every pixel.
std::optional<double> FindLevel(std::string_view text);

// The key itself, for the tables of languages.
Setting TransformsSetting();

// The steps of a list that CheckSettings has let pass. Reports to `problems`: a step with no name
// or several, sizes that contradict each other, numbers that are none or do not fit 1 or 3
// channels, a step on pixels after one on numbers, a step given twice where one can hold.
std::vector<CalibTransform> ReadTransforms(const ConfigNode& list, ConfigProblems& problems);

}  // namespace qconvert

#endif  // QCONVERT_SRC_CONFIG_READ_TRANSFORMS_H_
