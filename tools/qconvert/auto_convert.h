// qconvert MODEL --auto: tries conversions and takes the best of those that are good enough.
#ifndef QCONVERT_TOOLS_QCONVERT_AUTO_CONVERT_H_
#define QCONVERT_TOOLS_QCONVERT_AUTO_CONVERT_H_

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "convert_line.h"
#include "qconvert/pipeline/convert.h"

namespace qconvert {

// What --auto found: how to convert, and what was tried on the way.
struct AutoResult {
  ConvertLine line;  // to convert with
  std::vector<Trial> trials;
  std::string config;                 // settings that repeat it, as YAML
  std::filesystem::path config_file;  // <output's stem>.yaml
};

// Converts into a folder that goes again: as given, with the guard's help, for speed and for size;
// then, from the settings as given without the guard, follows what the measured nodes suggest, the
// greatest gain first, up to kMostSteps times until the outputs pass: a node left float, or the
// advice for a cause that was found where it gains. Deterministic unless times are asked for.
// Throws what Convert throws, Error(kUsage) without samples or for settings of another language
// than Vitis's, and Error(kNumeric) when nothing that was tried is good enough.
AutoResult FindConversion(const ConvertLine& line,
                          const std::function<void(size_t tried)>& on_trial);

inline constexpr int kMostSteps = 6;

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_AUTO_CONVERT_H_
