#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <filesystem>
#include <new>
#include <string_view>
#include <system_error>

#include "command.h"
#include "qconvert/base/error.h"
#include "qconvert/base/log.h"
#include "qconvert/base/suggest.h"
#include "qconvert/config/config_node.h"

namespace qconvert {
namespace {

constexpr std::array<Command, 17> kCommands = {{
    {"convert", "make a quantized model of a float one; the default, needs no word", RunConvert},
    {"calibrate", "run samples through a float model and write what was seen as a table",
     RunCalibrate},
    {"merge", "make one calibration table of those of all shards", RunMerge, false},
    {"batch", "convert many models, a process each", RunBatch},
    {"init", "write settings to start from for a model", RunInit},
    {"inspect", "tell what a model is and what a conversion would make of it", RunInspect},
    {"lint", "tell which operators of a quantized model run in float, and why", RunLint},
    {"compare", "tell how far one model is from another on the same samples", RunCompare},
    {"evaluate", "tell how good both models are at their task, and how often they agree",
     RunEvaluate},
    {"costs", "time the kernels of this processor for --cost-table", RunCosts},
    {"debug", "name the nodes that must stay float, and what causes their error", RunDebug},
    {"diff", "tell what another conversion decided otherwise, or what new samples clip", RunDiff},
    {"verify", "make a quantized model again and say whether it is the same", RunVerify},
    {"run", "run a model of any stage on samples and write what it gives", RunRun},
    {"bench", "time models in turns, and their operators", RunBench},
    {"presets", "list the settings that --config takes by name", RunPresets, false},
    {"help", "list the commands, or explain one", RunHelp, false},
}};

const Command* FindCommand(std::string_view name) {
  const auto it = std::find_if(kCommands.begin(), kCommands.end(),
                               [&](const Command& command) { return name == command.name; });
  return it == kCommands.end() ? nullptr : &*it;
}

// A word that can be no model, but may have been meant as a command.
void RefuseMistyped(std::string_view word, bool is_alone) {
  std::error_code error;
  // Paths, names with an extension and options are no mistyped commands.
  if (word.empty() || word.find_first_of("./-") != std::string_view::npos ||
      std::filesystem::exists(word, error)) {
    return;
  }
  if (word.starts_with("quanti") || !DidYouMean(word, {"quantize"}).empty()) {
    throw Error(
        ExitCode::kUsage, "",
        fmt::format("no command '{}': conversion needs none, qconvert MODEL.onnx --calib DIR",
                    EscapeForTerminal(word)));
  }
  const std::string nearest = DidYouMean(word, CommandNames());
  // It may be a model that is not there, which the converter tells.
  if (is_alone && nearest.empty()) return;
  throw Error(ExitCode::kUsage, "",
              fmt::format("no command '{}'{}{}", EscapeForTerminal(word), nearest,
                          nearest.empty() ? ", see qconvert help" : ""));
}

int Dispatch(int argc, char** argv, VerdictFile& verdict) {
  const Command* command = argc > 1 ? FindCommand(argv[1]) : nullptr;
  if (command != nullptr) return command->run(argc - 1, argv + 1, verdict);
  if (argc > 1) RefuseMistyped(argv[1], argc == 2 || argv[2][0] == '-');
  return RunConvert(argc, argv, verdict);
}

}  // namespace

std::span<const Command> Commands() { return kCommands; }

bool OpensModels(int argc, char** argv) {
  const bool only_tells = std::any_of(argv, argv + argc, [](std::string_view word) {
    return word == "-h" || word == "--help" || word == "--version";
  });
  const Command* command = argc > 1 ? FindCommand(argv[1]) : nullptr;
  return argc > 1 && !only_tells && (command == nullptr || command->opens_models);
}

std::vector<std::string> CommandNames() {
  std::vector<std::string> names;
  for (const Command& command : kCommands) names.emplace_back(command.name);
  return names;
}

int RunCommandLine(int argc, char** argv) {
  VerdictFile verdict;
  const auto fail = [&](ExitCode code, const std::vector<std::string>& errors) {
    for (const std::string& error : errors) LogError(error);
    verdict.WriteFailure(code, errors);
    return static_cast<int>(code);
  };
  try {
    return Dispatch(argc, argv, verdict);
  } catch (const ConfigError& e) {
    // Caught before Error, which it is as well: a line for each problem.
    return fail(e.code(), e.problems());
  } catch (const Error& e) {
    return fail(e.code(), {e.what()});
  } catch (const std::bad_alloc&) {
    return fail(ExitCode::kResource, {fmt::format("out of memory: {}", kMemoryHint)});
  } catch (const std::filesystem::filesystem_error& e) {
    return fail(ExitCode::kFile,
                {EscapeForTerminal(e.path1().string()) + ": " + e.code().message()});
  } catch (const std::system_error& e) {
    // The code of a thread that the system could not start.
    if (e.code() != std::errc::resource_unavailable_try_again)
      return fail(ExitCode::kInternal, {std::string("internal error: ") + e.what()});
    return fail(ExitCode::kResource, {"cannot start a thread, fewer --workers need fewer"});
  } catch (const std::exception& e) {
    return fail(ExitCode::kInternal, {"internal error: " + EscapeForTerminal(e.what())});
  }
}

}  // namespace qconvert
