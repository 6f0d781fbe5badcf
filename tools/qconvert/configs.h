// Config files and presets as they are named on the command line.
#ifndef QCONVERT_TOOLS_QCONVERT_CONFIGS_H_
#define QCONVERT_TOOLS_QCONVERT_CONFIGS_H_

#include <filesystem>
#include <string>
#include <vector>

#include "qconvert/config/read_config.h"

namespace qconvert {

// A settings file that comes with the program.
struct Preset {
  std::filesystem::path file;

  std::string name() const { return file.stem().string(); }
  // The first sentence of the comment at its top.
  std::string summary() const;
};

// In the order of their names. Throws Error(kFile) for a program that has lost its presets.
std::vector<Preset> ShippedPresets();

// A file as it is, else the shipped preset of that name; "" is the default preset. Throws
// Error(kFile).
std::filesystem::path FindConfig(const std::string& name);

// What --config and --also name, and --set texts, together. Throws as ReadLayeredConfig.
LoadedConfig ReadNamedConfig(const std::filesystem::path& file,
                             const std::vector<std::string>& layers,
                             const std::vector<ConfigOverride>& overrides);

// --set texts.
std::vector<ConfigOverride> SetOverrides(const std::vector<std::string>& texts);

// Tells the warnings and infos of a file that was read, as much as its log_level says.
void TellNotes(const LoadedConfig& loaded);

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_CONFIGS_H_
