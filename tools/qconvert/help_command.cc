// qconvert help [COMMAND]
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <array>
#include <iterator>
#include <string>

#include "command.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/suggest.h"
#include "shared_options.h"

namespace qconvert {
namespace {

std::string ListCommands() {
  std::string out =
      "qconvert MODEL.onnx --calib DIR converts a float ONNX model into a quantized one.\n\n"
      "Commands:\n";
  for (const Command& command : Commands())
    fmt::format_to(std::back_inserter(out), "  {:<10} {}\n", command.name, command.summary);
  return out + "\nqconvert help COMMAND says what it takes.\n";
}

}  // namespace

int RunHelp(int argc, char** argv, VerdictFile& verdict) {
  std::string name;
  CLI::App app("Lists the commands, or explains one.", "qconvert help");
  app.add_option("COMMAND", name, "the command to explain");
  if (!Parse(app, argc, argv)) return static_cast<int>(ExitCode::kSuccess);
  if (name.empty()) {
    WriteStdout(ListCommands());
    return static_cast<int>(ExitCode::kSuccess);
  }
  for (const Command& command : Commands()) {
    if (name != command.name) continue;
    std::string help = "--help";
    std::array<char*, 3> arguments = {name.data(), help.data(), nullptr};
    return command.run(2, arguments.data(), verdict);
  }
  throw Error(ExitCode::kUsage, "",
              fmt::format("no command '{}'{}", name, DidYouMean(name, CommandNames())));
}

}  // namespace qconvert
