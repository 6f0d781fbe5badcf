#include "configs.h"

#include <fmt/format.h>

#include <sstream>
#include <system_error>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/log.h"
#include "qconvert/base/nearest_file.h"
#include "qconvert/base/suggest.h"
#include "qconvert/config/layered_config.h"

namespace qconvert {
namespace {

constexpr const char* kDefaultPreset = "cpu_int8";

constexpr const char* kPresetFolder = "../share/qconvert/configs";  // installed
constexpr const char* kSourceFolder = "../../configs";              // built

// The command line wins: it has been read before.
void ApplyLogLevel(const std::string& word) {
  if (GetLogLevel() != LogLevel::kNormal) return;
  if (word == "debug") SetLogLevel(LogLevel::kVerbose);
  if (word == "warn") SetLogLevel(LogLevel::kWarnings);
  if (word == "error") SetLogLevel(LogLevel::kQuiet);
}

}  // namespace

std::string Preset::summary() const {
  std::istringstream lines(ReadFile(file));
  std::string text;
  for (std::string line; std::getline(lines, line) && line.starts_with("# ");)
    text += (text.empty() ? "" : " ") + line.substr(2);
  return text.substr(0, text.find(". "));
}

std::vector<Preset> ShippedPresets() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  for (const char* folder : {kPresetFolder, kSourceFolder}) {
    const auto configs = (program.parent_path() / folder).lexically_normal();
    if (!std::filesystem::is_directory(configs, error)) continue;
    std::vector<Preset> presets;
    for (const auto& file : ListFolder(configs))
      if (file.extension() == ".yaml") presets.push_back({file});
    return presets;
  }
  throw Error(ExitCode::kFile, program.string(),
              fmt::format("its presets are missing, expected them in {}: copy the whole "
                          "installation, or name a file with --config",
                          (program.parent_path() / kPresetFolder).lexically_normal().string()));
}

std::filesystem::path FindConfig(const std::string& name) {
  std::error_code error;
  const std::filesystem::path given = name.empty() ? kDefaultPreset : name;
  // What is written as a path is no name of a preset: reading it tells what is wrong.
  if (!name.empty() && (std::filesystem::exists(given, error) || given.has_parent_path()))
    return given;
  std::vector<std::string> names;
  for (const Preset& preset : ShippedPresets()) {
    names.push_back(preset.name());
    if (names.back() == given || preset.file.filename() == given) return preset.file;
  }
  const std::string preset = DidYouMean(name, names);
  throw Error(
      ExitCode::kFile, name,
      "is neither a file nor a preset" + (preset.empty() ? DidYouMeanBeside(name) : preset));
}

LoadedConfig ReadNamedConfig(const std::filesystem::path& file,
                             const std::vector<std::string>& layers,
                             const std::vector<ConfigOverride>& overrides) {
  std::vector<std::filesystem::path> files;
  for (const std::string& layer : layers) files.push_back(FindConfig(layer));
  return ReadLayeredConfig(file, files, overrides);
}

std::vector<ConfigOverride> SetOverrides(const std::vector<std::string>& texts) {
  std::vector<ConfigOverride> overrides;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
      throw Error(ExitCode::kUsage, "--set " + text, "expected KEY=VALUE");
    overrides.push_back({text, "--set " + text});
  }
  return overrides;
}

void TellNotes(const LoadedConfig& loaded) {
  ApplyLogLevel(loaded.config.deployment.log_level);
  for (const std::string& warning : loaded.warnings) LogWarning(EscapeForTerminal(warning));
  for (const std::string& info : loaded.infos) LogInfo(EscapeForTerminal(info));
}

}  // namespace qconvert
