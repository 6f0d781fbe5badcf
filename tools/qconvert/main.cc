// qconvert MODEL.onnx --config FILE --calib DIR: options -> pipeline -> exit code. The only
// catch-all.
#include <fmt/format.h>
#include <malloc.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "configs.h"
#include "options.h"
#include "progress.h"
#include "qconvert/base/check.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/log.h"
#include "qconvert/base/sha256.h"
#include "qconvert/config/config_node.h"
#include "qconvert/config/read_config.h"
#include "qconvert/pipeline/calibration_table_command.h"
#include "qconvert/pipeline/convert.h"
#include "ranks.h"
#include "table_commands.h"

namespace qconvert {
namespace {

constexpr int kLargeBlock = 1 << 20;  // bytes

LoadedConfig LoadConfig(const CommandLine& line, const std::filesystem::path& file) {
  std::vector<ConfigOverride> overrides = SetOverrides(line.overrides);
  if (!line.scheme.empty())
    overrides.push_back({"scheme=" + line.scheme, "--scheme " + line.scheme});
  if (!line.objective.empty())
    overrides.push_back({"objective=" + line.objective, "--objective " + line.objective});
  return ReadConfig(file, overrides);
}

// Settings into the options; what the command line says wins.
void ApplyConfig(const CommandLine& line, const std::string& config, ConvertOptions& options) {
  options.config_file = FindConfig(config);
  LoadedConfig loaded = LoadConfig(line, options.config_file);
  RequireImplemented(loaded);
  options.config = std::move(loaded.config);
  if (line.run.batch_size > 0) options.config.calibration.batch_size = line.run.batch_size;
  options.effective_config = std::move(loaded.effective);
  Sha256 hash;
  hash.Update(loaded.text);
  options.config_sha256 = hash.HexDigest();
  const DeploymentConfig& deployment = options.config.deployment;
  if (options.model.empty()) options.model = deployment.model;
  if (options.model.empty()) {
    throw ConfigError({EscapeForTerminal(options.config_file.string()) +
                       ": names no model, and there is none on the command line"});
  }
  if (deployment.generation == Generation::kNone || !options.output.empty()) return;
  options.output = deployment.working_dir / (deployment.output_prefix + "_quantized_model.onnx");
  options.make_output_folder = true;
}

ConvertOptions MakeOptions(const CommandLine& line, const std::string& config) {
  ConvertOptions options;
  options.model = line.model;
  options.output = line.output;
  options.calibration_folder = line.calibration_folder;
  options.validation_folder = line.validation_folder;
  options.table = line.table;
  options.workers = line.run.workers;
  options.max_samples = line.run.max_samples;
  options.memory_limit = static_cast<int64_t>(line.run.memory_limit);
  options.guard = line.no_guard        ? GuardMode::kOff
                  : line.guard_reports ? GuardMode::kReport
                                       : GuardMode::kCorrect;
  options.must_pass = line.must_pass;
  options.gate = Gate::Of(line.min_sqnr, line.min_cosine);
  options.gate.max_flips = line.max_flips / 100;
  options.float_only = line.float_only;
  options.external_data = line.external_data;
  options.states = ParseStates(line.run.states);
  if (line.float_only) return options;
  ApplyConfig(line, config, options);
  return options;
}

void WriteJson(const std::string& target, const std::string& text) {
  if (target.empty()) return;
  if (target == "-") {
    std::fputs(text.c_str(), stdout);
    return;
  }
  WriteFile(target, text);
}

int PrintEffectiveConfig(const CommandLine& line, const std::string& config) {
  const LoadedConfig loaded = LoadConfig(line, FindConfig(config));
  for (const std::string& warning : loaded.warnings) LogWarning(EscapeForTerminal(warning));
  for (const std::string& problem : loaded.unimplemented) LogWarning(problem);
  std::fputs(PrintConfig(loaded.effective).c_str(), stdout);
  return static_cast<int>(ExitCode::kSuccess);
}

void ConvertOne(const CommandLine& line, ConvertOptions options) {
  Progress progress("calibrating");
  if (!line.quiet)
    options.progress = [&](size_t done, size_t total) { progress.Update(done, total); };
  Progress measuring("plans compared with the float model:");
  if (!line.quiet) options.measuring = [&](size_t count) { measuring.Count(count); };
  const ConversionReport report = Convert(options);
  if (!line.quiet) measuring.Clear();
  for (const std::string& warning : report.warnings) LogWarning(EscapeForTerminal(warning));
  if (!line.quiet && line.json != "-") std::fputs(FormatReport(report).c_str(), stdout);
  WriteJson(line.json, ReportJson(report, std::string(ExitCodeName(ExitCode::kSuccess))));
}

// One model, or several named <stem>_<config>_quantized.onnx.
std::vector<ConvertOptions> OptionsForAll(const CommandLine& line) {
  if (line.configs.size() < 2)
    return {MakeOptions(line, line.configs.empty() ? "" : line.configs[0])};
  std::vector<ConvertOptions> all;
  for (const std::string& config : line.configs) {
    ConvertOptions& options = all.emplace_back(MakeOptions(line, config));
    const std::filesystem::path& model = options.model;
    options.output =
        model.parent_path() / fmt::format("{}_{}_quantized.onnx", model.stem().string(),
                                          options.config_file.stem().string());
    options.make_output_folder = false;
    for (const ConvertOptions& other : all) {
      const bool same_output = &other != &options && other.output == options.output;
      if (same_output || other.model != all[0].model)
        throw Error(
            ExitCode::kUsage, "",
            fmt::format("{} and {} {}", other.config_file.string(), options.config_file.string(),
                        same_output ? "have the same name, and so would their models"
                                    : "are for different models"));
    }
  }
  return all;
}

// One pass over the samples for all models.
CalibrateOptions CalibrationForAll(const CommandLine& line, const std::vector<ConvertOptions>& all,
                                   Progress& progress) {
  CalibrateOptions options{.model = all[0].model,
                           .calibration_folder = line.calibration_folder,
                           .states = all[0].states,
                           .workers = line.run.workers,
                           .max_samples = line.run.max_samples,
                           .memory_limit = static_cast<int64_t>(line.run.memory_limit)};
  for (const ConvertOptions& one : all) options.configs.push_back(one.config);
  if (!line.quiet)
    options.progress = [&](size_t done, size_t total) { progress.Update(done, total); };
  return options;
}

int Run(CommandLine& line) {
  if (line.print_config)
    return PrintEffectiveConfig(line, line.configs.empty() ? "" : line.configs[0]);
  std::unique_ptr<Ranks> ranks = JoinRanks();
  const bool first = ranks == nullptr || ranks->rank() == 0;
  if (!first) {
    SetLogLevel(LogLevel::kQuiet);
    line.quiet = true;
  }
  const bool runs_samples = line.table.empty() && !line.float_only;
  if (!runs_samples) ranks.reset();  // there is nothing to share
  Progress progress("calibrating");
  std::vector<ConvertOptions> all;
  std::optional<StoredTable> seen;
  if (ranks != nullptr) {
    seen = CalibrateAcrossRanks(*ranks, [&] {
      all = OptionsForAll(line);
      return CalibrationForAll(line, all, progress);
    });
  } else if (first) {
    all = OptionsForAll(line);
    if (runs_samples && all.size() > 1)
      seen = MakeCalibrationTable(CalibrationForAll(line, all, progress));
  }
  for (ConvertOptions& options : all) {
    if (!first) break;
    options.seen = seen ? &*seen : nullptr;
    ConvertOne(line, std::move(options));
  }
  return static_cast<int>(ExitCode::kSuccess);
}

// Reports a failure on stderr and, if asked for, as JSON.
int Fail(const std::optional<CommandLine>& line, ExitCode code,
         const std::vector<std::string>& errors) {
  for (const std::string& error : errors) LogError(error);
  try {
    if (line)
      WriteJson(line->json, FailureJson(line->model, std::string(ExitCodeName(code)), errors));
  } catch (const std::exception& e) {
    LogError(e.what());
  }
  return static_cast<int>(code);
}

// The verdict must not replace an input; not even the verdict that says so.
void RefuseJsonOverInput(CommandLine& line) {
  std::vector<std::string> inputs = line.configs;
  inputs.push_back(line.model);
  for (const std::string& input : inputs) {
    if (line.json.empty() || input.empty() || !SameFile(line.json, input)) continue;
    const std::string json = std::exchange(line.json, "");
    throw Error(ExitCode::kUsage, json, "is an input, will not overwrite it");
  }
}

int Main(int argc, char** argv) {
  std::optional<CommandLine> line;
  // Large blocks go back to the system as soon as they are free, also after larger ones have been:
  // the weights of one session must not stay while the next one is opened.
  mallopt(M_MMAP_THRESHOLD, kLargeBlock);
  try {
    RemoveTemporariesOnSignal();
    if (argc > 1 && IsTableCommand(argv[1])) return RunTableCommand(argc, argv);
    line = ParseCommandLine(argc, argv);
    if (!line) return static_cast<int>(ExitCode::kSuccess);
    RefuseJsonOverInput(*line);
    if (line->verbose) SetLogLevel(LogLevel::kVerbose);
    if (line->quiet) SetLogLevel(LogLevel::kQuiet);
    return Run(*line);
  } catch (const ConfigError& e) {
    return Fail(line, e.code(), e.problems());
  } catch (const Error& e) {
    return Fail(line, e.code(), {e.what()});
  } catch (const std::bad_alloc&) {
    return Fail(line, ExitCode::kResource, {"out of memory"});
  } catch (const std::filesystem::filesystem_error& e) {
    return Fail(line, ExitCode::kFile, {e.path1().string() + ": " + e.code().message()});
  } catch (const std::exception& e) {
    return Fail(line, ExitCode::kInternal, {std::string("internal error: ") + e.what()});
  }
}

}  // namespace
}  // namespace qconvert

int main(int argc, char** argv) { return qconvert::Main(argc, argv); }
