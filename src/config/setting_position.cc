#include "qconvert/config/setting_position.h"

namespace qconvert {

ConfigPlace PositionOf(const ConfigNode& effective, std::initializer_list<std::string_view> path) {
  ConfigPlace position = effective.place;
  const ConfigNode* part = &effective;
  for (const std::string_view key : path) {
    part = part->Find(key);
    if (part == nullptr) break;
    if (!part->place.is_default()) position = part->place;
  }
  return position;
}

}  // namespace qconvert
