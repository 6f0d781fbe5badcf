// qconvert presets
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "command.h"
#include "configs.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/wrap.h"
#include "shared_options.h"

namespace qconvert {

int RunPresets(int argc, char** argv, VerdictFile& /*verdict*/) {
  CLI::App app("Lists the settings that --config takes by name.", "qconvert presets");
  if (!Parse(app, argc, argv)) return static_cast<int>(ExitCode::kSuccess);
  const std::vector<Preset> presets = ShippedPresets();
  size_t width = 0;
  for (const Preset& preset : presets) width = std::max(width, preset.name().size());
  std::string out;
  for (const Preset& preset : presets)
    fmt::format_to(std::back_inserter(out), "{:<{}}  {}\n", preset.name(), width, preset.summary());
  WriteStdout(WrapLines(out, /*unindented=*/true));
  return static_cast<int>(ExitCode::kSuccess);
}

}  // namespace qconvert
