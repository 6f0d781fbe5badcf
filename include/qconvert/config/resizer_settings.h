// What the resizer of a camera path does between pixels and around the picture.
#ifndef QCONVERT_CONFIG_RESIZER_SETTINGS_H_
#define QCONVERT_CONFIG_RESIZER_SETTINGS_H_

#include <cstdint>
#include <string>

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

// The words of settings and plan files.
std::string InterpModeName(InterpMode mode);
std::string PadModeName(PadMode mode);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_RESIZER_SETTINGS_H_
