// qconvert MODEL.onnx --config FILE --calib DIR: the converter.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "command.h"
#include "configs.h"
#include "convert_line.h"
#include "progress.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/log.h"
#include "qconvert/base/sha256.h"
#include "qconvert/base/signals.h"
#include "qconvert/config/config_node.h"
#include "qconvert/config/name_pattern.h"
#include "qconvert/config/plan_file.h"
#include "qconvert/config/read_config.h"
#include "qconvert/pipeline/calibration_table_command.h"
#include "qconvert/pipeline/convert.h"
#include "qconvert/pipeline/measure_costs.h"
#include "qconvert/plan/value_range.h"
#include "ranks.h"
#include "supervise.h"

namespace qconvert {
namespace {

LoadedConfig LoadConfig(const ConvertLine& line, const std::filesystem::path& file) {
  std::vector<ConfigOverride> overrides = SetOverrides(line.overrides);
  for (const auto& [key, word] : {std::pair{"scheme", line.scheme},
                                  {"objective", line.objective},
                                  {"processor", line.processor}}) {
    if (!word.empty())
      overrides.push_back({fmt::format("{}={}", key, word), fmt::format("--{} {}", key, word)});
  }
  return ReadConfig(file, overrides);
}

// The nodes of --keep-float, as entries behind those of the file.
void KeepFloat(const std::vector<std::string>& patterns, QuantConfig& config) {
  for (const std::string& pattern : patterns) {
    const std::string problem = FindPatternError(pattern);
    if (!problem.empty())
      throw Error(ExitCode::kUsage, "", fmt::format("--keep-float {}{}", pattern, problem));
    LayerSettings layer{.match = {}, .tensors = config.tensors};
    layer.match.pattern = pattern;
    layer.match.place = "--keep-float " + pattern;
    for (const TensorType type : kTensorTypes) layer.tensors[type].datatype = Datatype::kFloat32;
    config.layers.push_back(std::move(layer));
  }
}

// What the command line decides beside the settings about what is written; empty when it says
// nothing. A batch size counts where ranges go by batches.
std::string OptionsThatCount(const ConvertLine& line, const QuantConfig& config) {
  std::string text;
  const auto add = [&](const std::string& option) { text += "\n" + option; };
  if (line.samples.batch_size > 0 && !BatchQuestionsOf(config).empty())
    add(fmt::format("--calib-batch {}", line.samples.batch_size));
  for (const std::string& pattern : line.keep_float) add("--keep-float " + pattern);
  if (line.no_guard) add("--no-guard");
  if (line.guard_reports) add("--guard-reports");
  if (line.min_sqnr) add(fmt::format("--min-sqnr {}", *line.min_sqnr));
  if (line.min_cosine) add(fmt::format("--min-cosine {}", *line.min_cosine));
  if (line.max_flips != ConvertLine().max_flips) add(fmt::format("--max-flips {}", line.max_flips));
  if (line.aim) add(fmt::format("--aim {}", *line.aim));
  return text;
}

// Settings into the options; what the command line says wins.
void ApplyConfig(const ConvertLine& line, const std::string& config, ConvertOptions& options) {
  options.config_file = FindConfig(config);
  LoadedConfig loaded = LoadConfig(line, options.config_file);
  RequireImplemented(loaded);
  options.config = std::move(loaded.config);
  KeepFloat(line.keep_float, options.config);
  if (line.samples.batch_size > 0) options.config.calibration.batch_size = line.samples.batch_size;
  options.effective_config = std::move(loaded.effective);
  Sha256 hash;
  hash.Update(loaded.text);
  hash.Update(OptionsThatCount(line, options.config));
  if (!line.cost_table.empty()) {
    options.cost_table = line.cost_table;
    options.costs = ReadCostTable(line.cost_table);
    hash.Update(CostTableJson(*options.costs));
  }
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

ConvertOptions MakeOptions(const ConvertLine& line, const std::string& config) {
  ConvertOptions options;
  options.model = line.model;
  options.output = line.output;
  options.calibration_folder = line.samples.folder;
  options.validation_folder = line.validation_folder;
  options.table = line.table;
  options.workers = line.samples.workers;
  options.max_samples = line.samples.max_samples;
  options.stacked = line.samples.stacked;
  options.memory_limit = line.samples.memory_limit;
  options.guard = line.no_guard        ? GuardMode::kOff
                  : line.guard_reports ? GuardMode::kReport
                                       : GuardMode::kCorrect;
  options.must_pass = line.must_pass;
  options.gate = Gate::Of(line.min_sqnr, line.min_cosine);
  options.gate.max_flips = line.max_flips / 100;
  options.aim_sqnr_db = line.aim;
  options.float_only = line.float_only;
  options.external_data = line.external_data;
  options.passes = line.passes;
  options.states = ParseStates(line.samples.states);
  if (line.float_only) return options;
  if (line.quant_info.empty()) {
    ApplyConfig(line, config, options);
  } else {
    options.config_file = line.quant_info;
  }
  return options;
}

// The settings that the plan follows from are its own.
void ApplyPlanFile(const PlanFile& plan, ConvertOptions& options) {
  options.plan = &plan;
  options.config = plan.config;
  options.effective_config = plan.effective;
}

int PrintEffectiveConfig(const ConvertLine& line, const std::string& config) {
  const LoadedConfig loaded = LoadConfig(line, FindConfig(config));
  for (const std::string& warning : loaded.warnings) LogWarning(EscapeForTerminal(warning));
  for (const std::string& problem : loaded.unimplemented) LogWarning(problem);
  WriteStdout(PrintConfig(loaded.effective));
  return static_cast<int>(ExitCode::kSuccess);
}

void ConvertOne(const ConvertLine& line, ConvertOptions options, VerdictFile& verdict) {
  options.other_outputs = {verdict.file()};
  Progress progress("calibrating");
  options.progress = progress.Callback(line.verbosity.quiet);
  Progress measuring("plans compared with the float model:");
  if (!line.verbosity.quiet) options.measuring = [&](size_t count) { measuring.Count(count); };
  const ConversionReport report = Convert(options);
  if (!line.verbosity.quiet) measuring.Clear();
  for (const std::string& warning : report.warnings) LogWarning(EscapeForTerminal(warning));
  verdict.Write(ReportJson(report, std::string(ExitCodeName(ExitCode::kSuccess))));
  if (!line.verbosity.quiet && !verdict.is_stdout()) WriteStdout(FormatReport(report));
}

// One model, or several named <stem>_<config>_quantized.onnx.
std::vector<ConvertOptions> OptionsForAll(const ConvertLine& line) {
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
CalibrateOptions CalibrationForAll(const ConvertLine& line, const std::vector<ConvertOptions>& all,
                                   Progress& progress) {
  CalibrateOptions options{.model = all[0].model,
                           .calibration_folder = line.samples.folder,
                           .states = all[0].states,
                           .workers = line.samples.workers,
                           .max_samples = line.samples.max_samples,
                           .stacked = line.samples.stacked,
                           .memory_limit = line.samples.memory_limit};
  for (const ConvertOptions& one : all)
    options.configs.push_back({one.config, one.effective_config, one.config_file});
  options.progress = progress.Callback(line.verbosity.quiet);
  return options;
}

// The settings of the first model that has a limit hold where the command line says nothing.
void ShareCeilingsOf(const ConvertLine& line, const std::vector<ConvertOptions>& all) {
  Ceilings ceilings{line.samples.memory_limit, line.samples.time_limit};
  for (const ConvertOptions& options : all)
    if (ceilings.memory_bytes == 0) ceilings.memory_bytes = options.config.calibration.memory_limit;
  ShareCeilings(ceilings);
}

int Run(ConvertLine& line, VerdictFile& verdict) {
  if (line.print_config)
    return PrintEffectiveConfig(line, line.configs.empty() ? "" : line.configs[0]);
  std::unique_ptr<Ranks> ranks = JoinRanks();
  const bool first = ranks == nullptr || ranks->rank() == 0;
  if (!first) {
    SetLogLevel(LogLevel::kQuiet);
    line.verbosity.quiet = true;
  }
  const bool runs_samples = line.table.empty() && line.quant_info.empty() && !line.float_only;
  if (!runs_samples) ranks.reset();  // there is nothing to share
  Progress progress("calibrating");
  std::vector<ConvertOptions> all;
  std::optional<StoredTable> seen;
  if (ranks != nullptr) {
    seen = CalibrateAcrossRanks(*ranks, [&] {
      all = OptionsForAll(line);
      ShareCeilingsOf(line, all);
      return CalibrationForAll(line, all, progress);
    });
  } else if (first) {
    all = OptionsForAll(line);
    ShareCeilingsOf(line, all);
    if (runs_samples && all.size() > 1)
      seen = MakeCalibrationTable(CalibrationForAll(line, all, progress));
  }
  std::optional<PlanFile> plan;
  if (first && !line.quant_info.empty()) {
    plan = ReadPlanFile(line.quant_info);
    ApplyPlanFile(*plan, all.at(0));
  }
  for (ConvertOptions& options : all) {
    if (!first) break;
    ReleaseSignals();  // the model before this one has been written
    options.seen = seen ? &*seen : nullptr;
    ConvertOne(line, std::move(options), verdict);
  }
  return static_cast<int>(ExitCode::kSuccess);
}

}  // namespace

int RunConvert(int argc, char** argv, VerdictFile& verdict) {
  std::optional<ConvertLine> line = ParseConvertLine(argc, argv);
  if (!line) return static_cast<int>(ExitCode::kSuccess);
  ApplyVerbosity(line->verbosity);
  std::vector<std::filesystem::path> inputs(line->configs.begin(), line->configs.end());
  inputs.emplace_back(line->table);
  inputs.emplace_back(line->quant_info);
  inputs.emplace_back(line->cost_table);
  verdict.Open(line->json, line->model, inputs);
  return Run(*line, verdict);
}

}  // namespace qconvert
