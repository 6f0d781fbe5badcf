// Settings of several files, one on top of the other.
#ifndef QCONVERT_CONFIG_LAYERED_CONFIG_H_
#define QCONVERT_CONFIG_LAYERED_CONFIG_H_

#include <filesystem>
#include <vector>

#include "qconvert/config/read_config.h"

namespace qconvert {

// Reads `file` with `layers` on top of it, then `overrides`. A layer is a file of the same language
// that need not be complete: its scalars and lists take the place of those below, its maps are put
// into those below. Relative paths are relative to the file they stand in, messages name it, and
// LoadedConfig::text holds all files. Throws as ReadConfig, and ConfigError for a layer in another
// language.
LoadedConfig ReadLayeredConfig(const std::filesystem::path& file,
                               const std::vector<std::filesystem::path>& layers,
                               const std::vector<ConfigOverride>& overrides);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_LAYERED_CONFIG_H_
