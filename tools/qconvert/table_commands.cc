#include "table_commands.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "options.h"
#include "progress.h"
#include "qconvert/base/error.h"
#include "qconvert/base/log.h"
#include "qconvert/pipeline/calibration_table_command.h"

namespace qconvert {
namespace {

constexpr size_t kMaxShards = 1'000'000;

std::optional<size_t> ParseCount(std::string_view text) {
  size_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

size_t SlurmVariable(const char* name) {
  const char* text = std::getenv(name);
  const std::optional<size_t> value = text == nullptr ? std::nullopt : ParseCount(text);
  if (!value) {
    throw Error(ExitCode::kUsage, "",
                fmt::format("--shard slurm: {} is {}, expected a number", name,
                            text == nullptr ? "not set" : fmt::format("'{}'", text)));
  }
  return *value;
}

// "2/8", or "slurm" for the task of a Slurm job array.
Shard ParseShard(const std::string& text) {
  Shard shard;
  if (text.empty()) return shard;
  if (text == "slurm") {
    shard.index = SlurmVariable("SLURM_ARRAY_TASK_ID") - SlurmVariable("SLURM_ARRAY_TASK_MIN");
    shard.count = SlurmVariable("SLURM_ARRAY_TASK_COUNT");
  } else {
    const size_t slash = text.find('/');
    const auto index = ParseCount(std::string_view(text).substr(0, slash));
    const auto count = slash == std::string::npos
                           ? std::nullopt
                           : ParseCount(std::string_view(text).substr(slash + 1));
    if (!index || !count)
      throw Error(ExitCode::kUsage, "",
                  fmt::format("--shard is '{}', expected I/N, for example 0/4", text));
    shard = {*index, *count};
  }
  if (shard.index >= shard.count || shard.count > kMaxShards) {
    throw Error(ExitCode::kUsage, "",
                fmt::format("--shard: shard {} of {}, expected one of 0 to N - 1", shard.index,
                            shard.count));
  }
  return shard;
}

// Returns false when help was asked for.
bool Parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc - 1, argv + 1);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return false;
  } catch (const CLI::ParseError& e) {
    ThrowUsage(app, e);
  }
  return true;
}

void Report(const CalibrateReport& report, const std::string& output, bool quiet) {
  if (quiet) return;
  std::fputs(fmt::format("{}: {} values over {} samples\n", EscapeForTerminal(output),
                         report.values, report.samples)
                 .c_str(),
             stdout);
}

int RunCalibrate(int argc, char** argv) {
  std::string model;
  std::string folder;
  std::string output;
  std::string shard;
  std::vector<std::string> states;
  double checkpoint_seconds = 60;
  int workers = 0;
  int max_samples = 0;
  bool quiet = false;
  CLI::App app(
      "Runs samples through a float ONNX model and writes what was seen: ranges and histograms.\n"
      "qconvert MODEL --table FILE quantizes from it.",
      "qconvert calibrate");
  app.add_option("MODEL", model, "the float ONNX model")->required();
  app.add_option("--calib", folder, "folder of .npy or .bin samples, or one sub-folder per input")
      ->type_name("DIR");
  app.add_option("-o,--output", output, "the table to write")->type_name("FILE")->required();
  app.add_option("--shard", shard,
                 "every N-th sample from the I-th on; merge makes one table of all shards; slurm: "
                 "the task of a job array")
      ->type_name("I/N");
  app.add_option("--checkpoint", checkpoint_seconds,
                 "seconds between checkpoints, from which an interrupted run goes on (default: 60)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 1e6));
  DefineRunOptions(app, states, workers, max_samples);
  app.add_flag("-q,--quiet", quiet, "print errors only");
  if (!Parse(app, argc, argv)) return 0;
  if (quiet) SetLogLevel(LogLevel::kQuiet);
  Progress progress("calibrating");
  CalibrateOptions options{.model = model,
                           .output = output,
                           .calibration_folder = folder,
                           .states = ParseStates(states),
                           .workers = workers,
                           .max_samples = max_samples,
                           .shard = ParseShard(shard),
                           .checkpoint_seconds = checkpoint_seconds};
  if (!quiet) options.progress = [&](size_t done, size_t total) { progress.Update(done, total); };
  Report(WriteCalibrationTable(options), output, quiet);
  return 0;
}

int RunMerge(int argc, char** argv) {
  std::vector<std::string> tables;
  std::string output;
  bool quiet = false;
  CLI::App app(
      "Makes one calibration table of those of all shards: the very bytes of one run over "
      "everything.",
      "qconvert merge");
  app.add_option("TABLE", tables, "tables of all shards, in any order")->required();
  app.add_option("-o,--output", output, "the table to write")->type_name("FILE")->required();
  app.add_flag("-q,--quiet", quiet, "print errors only");
  if (!Parse(app, argc, argv)) return 0;
  Report(MergeCalibrationTables({tables.begin(), tables.end()}, output), output, quiet);
  return 0;
}

}  // namespace

bool IsTableCommand(std::string_view word) { return word == "calibrate" || word == "merge"; }

int RunTableCommand(int argc, char** argv) {
  return std::string_view(argv[1]) == "merge" ? RunMerge(argc, argv) : RunCalibrate(argc, argv);
}

}  // namespace qconvert
