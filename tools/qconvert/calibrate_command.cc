// qconvert calibrate: a calibration table of its own.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "command.h"
#include "configs.h"
#include "progress.h"
#include "qconvert/base/error.h"
#include "qconvert/base/log.h"
#include "qconvert/pipeline/calibration_table_command.h"
#include "ranks.h"
#include "shard_option.h"
#include "shared_options.h"
#include "supervise.h"
#include "table_result.h"

namespace qconvert {
namespace {

// What was written behind `qconvert calibrate`.
struct CalibrateLine {
  std::string model;
  SampleOptions samples;
  std::string output;
  std::string json;
  std::string shard;
  std::vector<std::string> configs;
  std::vector<std::string> layers;
  std::vector<std::string> overrides;
  double checkpoint_seconds = 60;
  Verbosity verbosity;
};

void DefineCalibrate(CLI::App& app, CalibrateLine& line) {
  app.add_option("MODEL", line.model, "the float ONNX model")->required();
  app.add_option("-o,--output", line.output, "the table to write")->type_name("FILE")->required();
  AddConfigOption(app, line.configs,
                  "settings of models that will be made from the table: where samples are, and "
                  "ranges of batches if they go by them; repeatable");
  AddAlsoOption(app, line.layers);
  AddSetOption(app, line.overrides, "override a setting of all of them; repeatable");
  AddShardOption(app, line.shard, "batch of samples; qconvert merge makes one table of all shards");
  CheckNumber(
      *app.add_option(
          "--checkpoint", line.checkpoint_seconds,
          "seconds between checkpoints, from which an interrupted run goes on (default: 60)"),
      0.0, 1e6, "SECONDS");
  AddSampleOptions(app, line.samples);
  AddJson(app, line.json);
  AddVerbosity(app, line.verbosity);
}

std::vector<std::filesystem::path> ConfigFilesOf(const CalibrateLine& line) {
  std::vector<std::filesystem::path> files(line.configs.begin(), line.configs.end());
  files.insert(files.end(), line.layers.begin(), line.layers.end());
  return files;
}

std::vector<ModelConfig> ReadConfigs(const CalibrateLine& line) {
  std::vector<std::string> names = line.configs;
  // Overrides without a config are on top of the default preset.
  if (names.empty() &&
      (!line.overrides.empty() || !line.layers.empty() || line.samples.batch_size > 0))
    names.emplace_back();
  std::vector<ModelConfig> configs;
  for (const std::string& name : names) {
    const std::filesystem::path file = FindConfig(name);
    LoadedConfig loaded = ReadNamedConfig(file, line.layers, SetOverrides(line.overrides));
    TellNotes(loaded);
    if (line.samples.batch_size > 0) loaded.config.calibration.batch_size = line.samples.batch_size;
    configs.push_back({std::move(loaded.config), std::move(loaded.effective), file});
  }
  return configs;
}

CalibrateOptions OptionsOf(const CalibrateLine& line, const VerdictFile& verdict,
                           Progress& progress) {
  CalibrateOptions options{.model = line.model,
                           .output = line.output,
                           .config_files = ConfigFilesOf(line),
                           .other_outputs = {verdict.file()},
                           .calibration_folder = line.samples.folder,
                           .states = ParseStates(line.samples.states),
                           .workers = line.samples.workers,
                           .max_samples = line.samples.max_samples,
                           .stacked = line.samples.stacked,
                           .memory_limit = line.samples.memory_limit,
                           .strict_data = line.samples.strict_data,
                           .configs = ReadConfigs(line),
                           .shard = ParseShard(line.shard),
                           .checkpoint_seconds = line.checkpoint_seconds};
  options.progress = progress.Callback(line.verbosity.quiet);
  return options;
}

// Rank 0 writes, and speaks.
CalibrateReport CalibrateAsRank(Ranks& ranks, CalibrateLine& line, const VerdictFile& verdict) {
  const bool first = ranks.rank() == 0;
  if (!first) SetLogLevel(LogLevel::kQuiet);
  line.verbosity.quiet |= !first;
  Progress progress("calibrating");
  const std::optional<StoredTable> table =
      CalibrateAcrossRanks(ranks, [&] { return OptionsOf(line, verdict, progress); });
  if (!first) return {};
  CalibrateReport report = WriteTable(*table, line.output);
  // The table is there: a checkpoint that cannot be removed does no harm.
  std::error_code ignored;
  for (int rank = 0; rank < ranks.size(); ++rank)
    std::filesystem::remove(CheckpointPath(RankOutput(line.output, rank)), ignored);
  return report;
}

}  // namespace

int RunCalibrate(int argc, char** argv, VerdictFile& verdict) {
  CalibrateLine line;
  CLI::App app(
      "Runs samples through a float ONNX model and writes what was seen: ranges and histograms.\n"
      "qconvert MODEL --table FILE quantizes from it.",
      "qconvert calibrate");
  DefineCalibrate(app, line);
  if (!Parse(app, argc, argv)) return static_cast<int>(ExitCode::kSuccess);
  ApplyVerbosity(line.verbosity);
  ShareCeilings({line.samples.memory_limit, line.samples.time_limit});
  verdict.Open(line.json, line.model, ConfigFilesOf(line));
  const std::unique_ptr<Ranks> ranks = JoinRanks();
  if (ranks != nullptr && !line.shard.empty())
    throw Error(ExitCode::kUsage, "", "--shard: mpirun has made shards already");
  Progress progress("calibrating");
  const CalibrateReport report = ranks != nullptr
                                     ? CalibrateAsRank(*ranks, line, verdict)
                                     : WriteCalibrationTable(OptionsOf(line, verdict, progress));
  if (ranks == nullptr || ranks->rank() == 0)
    TellTable(report, line.output, line.verbosity, verdict);
  return static_cast<int>(ExitCode::kSuccess);
}

}  // namespace qconvert
