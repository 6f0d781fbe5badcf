// qconvert MODEL --auto: tries conversions and takes the best of those that are good enough.
#ifndef QCONVERT_TOOLS_QCONVERT_AUTO_CONVERT_H_
#define QCONVERT_TOOLS_QCONVERT_AUTO_CONVERT_H_

#include <cstddef>
#include <functional>
#include <vector>

#include "convert_line.h"
#include "qconvert/pipeline/convert.h"

namespace qconvert {

// What --auto found: how to convert, and what was tried on the way.
struct AutoResult {
  ConvertOptions options;  // by settings_text alone; settings_file is <output's stem>.yaml
  std::vector<Trial> trials;
};

// Converts into a folder that goes again: as given, with the guard's help, for speed and for size;
// then, from the settings as given without the guard, follows what the measured nodes suggest, the
// greatest gain first, up to kMostSteps times until the outputs pass: a node left float, or the
// advice for a cause that was found where it gains. Deterministic unless times are asked for.
// The settings are written in the language that came in; what has no key in it (nodes left float,
// objectives) is not tried. Throws what Convert and ExportConfig throw, Error(kUsage) without
// samples, and Error(kNumeric) when nothing that was tried is good enough.
AutoResult FindConversion(const ConvertLine& line,
                          const std::function<void(size_t tried)>& on_trial);

inline constexpr int kMostSteps = 6;

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_AUTO_CONVERT_H_
