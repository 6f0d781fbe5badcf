#include "configs.h"

#include <system_error>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/log.h"
#include "qconvert/base/suggest.h"

namespace qconvert {
namespace {

constexpr const char* kDefaultPreset = "cpu_int8";

// Presets beside the program, installed or built.
std::vector<std::filesystem::path> ShippedPresets() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  for (const char* folder : {"../share/qconvert/configs", "../../configs"}) {
    const auto configs = (program.parent_path() / folder).lexically_normal();
    if (!std::filesystem::is_directory(configs, error)) continue;
    std::vector<std::filesystem::path> presets = ListFolder(configs);
    std::erase_if(presets, [](const auto& file) { return file.extension() != ".yaml"; });
    return presets;
  }
  return {};
}

}  // namespace

std::filesystem::path FindConfig(const std::string& name) {
  std::error_code error;
  const std::filesystem::path given = name.empty() ? kDefaultPreset : name;
  if (!name.empty() && (std::filesystem::exists(given, error) || given.has_parent_path()))
    return given;
  std::vector<std::string> names;
  for (const auto& preset : ShippedPresets()) {
    names.push_back(preset.stem().string());
    if (names.back() == given || preset.filename() == given) return preset;
  }
  throw Error(ExitCode::kFile, name, "is neither a file nor a preset" + DidYouMean(name, names));
}

std::vector<ConfigOverride> SetOverrides(const std::vector<std::string>& texts) {
  std::vector<ConfigOverride> overrides;
  for (const std::string& text : texts) overrides.push_back({text, "--set " + text});
  return overrides;
}

void RequireImplemented(const LoadedConfig& loaded) {
  if (!loaded.unimplemented.empty()) throw ConfigError(loaded.unimplemented);
  for (const std::string& warning : loaded.warnings) LogWarning(EscapeForTerminal(warning));
  for (const std::string& info : loaded.infos) LogInfo(EscapeForTerminal(info));
}

}  // namespace qconvert
