// What the resizer of a camera path does between pixels and around the picture.
#ifndef QCONVERT_CONFIG_RESIZER_SETTINGS_H_
#define QCONVERT_CONFIG_RESIZER_SETTINGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "qconvert/config/config_node.h"

namespace qconvert {

enum class InterpMode { kBilinear, kNearest };
enum class PadMode { kConstant, kBorder };

struct ResizerSettings {
  InterpMode interp = InterpMode::kBilinear;
  PadMode pad = PadMode::kConstant;
  // Bytes around the picture of PadMode::kConstant: black.
  uint8_t pad_luma = 0;
  uint8_t pad_chroma = 128;

  bool operator==(const ResizerSettings&) const = default;
};

// In the order of DeploymentConfig::inputs, of the settings that hold (a Horizon file's or a plan
// file's) as their tree has them; what lies beyond the end is as by default.
std::vector<ResizerSettings> ResizersOf(const ConfigNode& effective);

std::string InterpModeName(InterpMode mode);
std::string PadModeName(PadMode mode);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_RESIZER_SETTINGS_H_
