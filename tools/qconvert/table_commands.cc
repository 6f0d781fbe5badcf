#include "table_commands.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "configs.h"
#include "options.h"
#include "progress.h"
#include "qconvert/base/error.h"
#include "qconvert/base/log.h"
#include "qconvert/pipeline/calibration_table_command.h"
#include "ranks.h"

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
  for (const std::string& oddity : report.oddities) LogWarning(EscapeForTerminal(oddity));
  std::fputs(fmt::format("{}: {} values over {} samples\n", EscapeForTerminal(output),
                         report.values, report.samples)
                 .c_str(),
             stdout);
}

// What was written behind `qconvert calibrate`.
struct CalibrateLine {
  std::string model;
  std::string folder;
  std::string output;
  std::string shard;
  std::vector<std::string> configs;
  std::vector<std::string> overrides;
  double checkpoint_seconds = 60;
  RunOptions run;
  bool quiet = false;
};

void DefineCalibrate(CLI::App& app, CalibrateLine& line) {
  app.add_option("MODEL", line.model, "the float ONNX model")->required();
  app.add_option("--calib", line.folder,
                 "folder of .npy or .bin samples, or one sub-folder per input")
      ->type_name("DIR");
  app.add_option("-o,--output", line.output, "the table to write")->type_name("FILE")->required();
  app.add_option("-c,--config", line.configs,
                 "settings of models that will be made from the table: where samples are, and "
                 "ranges of batches if they go by them; repeatable")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--set", line.overrides, "override a setting of all of them; repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_option("--shard", line.shard,
                 "every N-th batch from the I-th on; merge makes one table of all shards; slurm: "
                 "the task of a job array")
      ->type_name("I/N");
  app.add_option("--checkpoint", line.checkpoint_seconds,
                 "seconds between checkpoints, from which an interrupted run goes on (default: 60)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 1e6));
  DefineRunOptions(app, line.run);
  app.add_flag("-q,--quiet", line.quiet, "print errors only");
}

std::vector<QuantConfig> ReadConfigs(const CalibrateLine& line) {
  std::vector<std::string> names = line.configs;
  if (names.empty() && (!line.overrides.empty() || line.run.batch_size > 0)) names.emplace_back();
  std::vector<QuantConfig> configs;
  for (const std::string& name : names) {
    LoadedConfig loaded = ReadConfig(FindConfig(name), SetOverrides(line.overrides));
    RequireImplemented(loaded);
    if (line.run.batch_size > 0) loaded.config.calibration.batch_size = line.run.batch_size;
    configs.push_back(std::move(loaded.config));
  }
  return configs;
}

CalibrateOptions OptionsOf(const CalibrateLine& line, Progress& progress) {
  CalibrateOptions options{.model = line.model,
                           .output = line.output,
                           .calibration_folder = line.folder,
                           .states = ParseStates(line.run.states),
                           .workers = line.run.workers,
                           .max_samples = line.run.max_samples,
                           .memory_limit = static_cast<int64_t>(line.run.memory_limit),
                           .configs = ReadConfigs(line),
                           .shard = ParseShard(line.shard),
                           .checkpoint_seconds = line.checkpoint_seconds};
  if (!line.quiet)
    options.progress = [&](size_t done, size_t total) { progress.Update(done, total); };
  return options;
}

// Rank 0 writes, and speaks.
int CalibrateAsRank(Ranks& ranks, CalibrateLine& line) {
  const bool first = ranks.rank() == 0;
  if (!first) SetLogLevel(LogLevel::kQuiet);
  line.quiet |= !first;
  Progress progress("calibrating");
  const std::optional<StoredTable> table =
      CalibrateAcrossRanks(ranks, [&] { return OptionsOf(line, progress); });
  if (!first) return 0;
  Report(WriteTable(*table, line.output), line.output, line.quiet);
  std::error_code ignored;
  for (int rank = 0; rank < ranks.size(); ++rank)
    std::filesystem::remove(CheckpointPath(RankOutput(line.output, rank)), ignored);
  return 0;
}

int RunCalibrate(int argc, char** argv) {
  CalibrateLine line;
  CLI::App app(
      "Runs samples through a float ONNX model and writes what was seen: ranges and histograms.\n"
      "qconvert MODEL --table FILE quantizes from it.",
      "qconvert calibrate");
  DefineCalibrate(app, line);
  if (!Parse(app, argc, argv)) return 0;
  if (line.quiet) SetLogLevel(LogLevel::kQuiet);
  const std::unique_ptr<Ranks> ranks = JoinRanks();
  if (ranks == nullptr) {
    Progress progress("calibrating");
    Report(WriteCalibrationTable(OptionsOf(line, progress)), line.output, line.quiet);
    return 0;
  }
  if (!line.shard.empty())
    throw Error(ExitCode::kUsage, "", "--shard: mpirun has made shards already");
  return CalibrateAsRank(*ranks, line);
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
