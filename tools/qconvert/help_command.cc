// qconvert help [COMMAND]
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <array>
#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include "command.h"
#include "configs.h"
#include "help_form.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/folders.h"
#include "qconvert/base/signals.h"
#include "qconvert/base/suggest.h"
#include "qconvert/base/wrap.h"
#include "qconvert/pipeline/convert.h"
#include "shared_options.h"

namespace qconvert {
namespace {

std::string ListCommands() {
  std::string out =
      "qconvert MODEL.onnx --calib DIR makes a quantized model of a float ONNX one.\n\n"
      "Commands:\n";
  for (const Command& command : Commands())
    fmt::format_to(std::back_inserter(out), "  {:<10} {}\n", command.name, command.summary);
  return out + "\nqconvert help COMMAND says what it takes.\n";
}

int ShowHelp(const Command& command, VerdictFile& verdict) {
  std::string name = command.name;
  std::string help = "--help";
  std::array<char*, 3> arguments = {name.data(), help.data(), nullptr};
  return command.run(2, arguments.data(), verdict);
}

// man1/*.1 and completions of three shells, as they are installed.
void WritePages(const std::filesystem::path& folder, VerdictFile& verdict) {
  std::vector<CommandHelp> commands;
  {
    const HelpCapture capture;
    for (const Command& command : Commands()) ShowHelp(command, verdict);
    commands = capture.commands();
  }
  std::vector<std::string> presets;
  for (const Preset& preset : ShippedPresets()) presets.push_back(preset.name());
  std::vector<std::string> pages;
  for (const CommandHelp& command : commands) pages.push_back(PageName(command));
  const auto write = [&](const std::filesystem::path& file, const std::string& text) {
    MakeFolder((folder / file).parent_path());
    WriteFile(folder / file, text);
    // A commit holds signals, and each file is one of its own.
    ReleaseSignals();
  };
  for (const CommandHelp& command : commands)
    write("man1/" + PageName(command) + ".1", ManPage(command, Version(), pages));
  write("completions/bash/qconvert", BashCompletion(commands, presets));
  write("completions/zsh/_qconvert", ZshCompletion(commands, presets));
  write("completions/fish/qconvert.fish", FishCompletion(commands, presets));
}

}  // namespace

int RunHelp(int argc, char** argv, VerdictFile& verdict) {
  std::string name;
  std::string pages;
  CLI::App app("Lists the commands, or explains one.", "qconvert help");
  app.add_option("COMMAND", name, "the command to explain");
  app.add_option("--pages", pages,
                 "write manual pages and completions for bash, zsh and fish to DIR")
      ->type_name("DIR");
  if (!Parse(app, argc, argv)) return static_cast<int>(ExitCode::kSuccess);
  if (!pages.empty()) {
    WritePages(pages, verdict);
    return static_cast<int>(ExitCode::kSuccess);
  }
  if (name.empty()) {
    WriteStdout(WrapLines(ListCommands(), /*unindented=*/true));
    return static_cast<int>(ExitCode::kSuccess);
  }
  for (const Command& command : Commands())
    if (name == command.name) return ShowHelp(command, verdict);
  const std::string nearest = DidYouMean(name, CommandNames());
  throw Error(ExitCode::kUsage, "",
              fmt::format("no command '{}'{}", EscapeForTerminal(name),
                          nearest.empty() ? ", see qconvert help" : nearest));
}

}  // namespace qconvert
