// Settings as a file of the language that they came in.
#ifndef QCONVERT_CONFIG_EXPORT_CONFIG_H_
#define QCONVERT_CONFIG_EXPORT_CONFIG_H_

#include <filesystem>
#include <string>
#include <vector>

#include "qconvert/config/read_config.h"

namespace qconvert {

struct WrittenConfig {
  LoadedConfig loaded;
  // What was written, in the language of the base file: layers and overrides put in, no defaults.
  ConfigNode written;
  std::vector<std::string> translated;  // overrides that this language has no key for
};

// As ReadLayeredConfig (layered_config.h).
WrittenConfig ReadWrittenConfig(const std::filesystem::path& file,
                                const std::vector<std::filesystem::path>& layers,
                                const std::vector<ConfigOverride>& overrides);

// All that was written as one file with the keys of its language alone: JSON where `target` ends in
// .json, else YAML without comments. Read as a file at `target` it gives the same settings and the
// same fingerprint, so that a conversion gives the same bytes; that is checked. Throws ConfigError
// where it does not: an override that has no key in that language, or a path that is relative to
// another folder.
std::string ExportConfig(const WrittenConfig& config, const std::filesystem::path& target);

// A tree as JSON, with numbers as they were written: one text per meaning, for a fingerprint too.
std::string ConfigJson(const ConfigNode& tree);

// A tree as PrintConfig prints it, without the places.
std::string PrintSettings(const ConfigNode& tree);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_EXPORT_CONFIG_H_
