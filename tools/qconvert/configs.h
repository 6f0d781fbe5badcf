// Config files and presets as they are named on the command line.
#ifndef QCONVERT_TOOLS_QCONVERT_CONFIGS_H_
#define QCONVERT_TOOLS_QCONVERT_CONFIGS_H_

#include <filesystem>
#include <string>
#include <vector>

#include "qconvert/config/read_config.h"

namespace qconvert {

// A file as it is, else the shipped preset of that name; "" is the default preset. Throws
// Error(kFile).
std::filesystem::path FindConfig(const std::string& name);

// --set texts.
std::vector<ConfigOverride> SetOverrides(const std::vector<std::string>& texts);

// Throws ConfigError for settings that are not implemented yet; tells warnings and infos.
void RequireImplemented(const LoadedConfig& loaded);

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_CONFIGS_H_
