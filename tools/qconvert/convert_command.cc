// qconvert MODEL.onnx --config FILE --calib DIR: the converter.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "auto_convert.h"
#include "command.h"
#include "configs.h"
#include "conversion_progress.h"
#include "convert_line.h"
#include "convert_options.h"
#include "progress.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/log.h"
#include "qconvert/base/refuse_overwriting.h"
#include "qconvert/base/signals.h"
#include "qconvert/config/config_node.h"
#include "qconvert/config/export_config.h"
#include "qconvert/config/plan_file.h"
#include "qconvert/config/read_config.h"
#include "qconvert/pipeline/calibration_table_command.h"
#include "qconvert/pipeline/convert.h"
#include "qconvert/pipeline/is_done.h"
#include "qconvert/report/batch_report.h"
#include "ranks.h"

namespace qconvert {
namespace {

int PrintEffectiveConfig(const ConvertLine& line, const std::string& config) {
  const LoadedConfig loaded = LoadConfig(line, FindConfig(config));
  for (const std::string& warning : loaded.warnings) LogWarning(EscapeForTerminal(warning));
  WriteStdout(PrintConfig(loaded.effective));
  return static_cast<int>(ExitCode::kSuccess);
}

// The file of --export-config, checked before any work and written behind it: one that is there
// holds settings that were used.
std::string SettingsToExport(const ConvertLine& line) {
  if (line.export_config.empty()) return "";
  const std::filesystem::path config = FindConfig(line.configs.empty() ? "" : line.configs[0]);
  CheckWritable(line.export_config);
  std::vector<std::filesystem::path> inputs(line.layers.begin(), line.layers.end());
  inputs.insert(inputs.end(), {line.model, config});
  RefuseOverwriting({line.export_config, line.output, line.json, line.report}, inputs);
  return ExportConfig(ReadSettings(line, config), line.export_config);
}

// What is there already, instead of making it.
void TellDone(const ConvertLine& line, const ConvertOptions& options, VerdictFile& verdict) {
  const std::string output = OutputPath(options).string();
  verdict.Write(SkippedJson(options.model.string(), output));
  if (!line.verbosity.quiet && !verdict.is_stdout())
    WriteStdout(fmt::format("{}: made of the same inputs before, left as it is\n",
                            EscapeForTerminal(output)));
}

void ConvertOne(const ConvertLine& line, ConvertOptions options, VerdictFile& verdict) {
  options.other_outputs = {verdict.file(), line.export_config};
  if (line.skip_done && IsDone(options)) return TellDone(line, options, verdict);
  const ConversionProgress progress(line.verbosity.quiet, options);
  ConversionReport report = Convert(options);
  progress.Clear();
  for (const std::string& warning : report.warnings) LogWarning(EscapeForTerminal(warning));
  verdict.Write(ReportJson(report, std::string(ExitCodeName(ExitCode::kSuccess))));
  if (!verdict.file().empty()) report.files.push_back(verdict.file().string());
  PrintTable(FormatReport(report), line.verbosity, verdict);
}

int RunAuto(const ConvertLine& line, VerdictFile& verdict) {
  const std::string config = line.configs.empty() ? "" : line.configs[0];
  ShareCeilingsOf(line, {MakeConvertOptions(line, config)});
  Progress trying("conversions tried:");
  AutoResult found = FindConversion(line, [&](size_t tried) {
    if (!line.verbosity.quiet) trying.Count(tried);
  });
  if (!line.verbosity.quiet) trying.Clear();
  found.options.trials = std::move(found.trials);
  ConvertOne(line, std::move(found.options), verdict);
  return static_cast<int>(ExitCode::kSuccess);
}

// One model, or several named <stem>_<config>_quantized.onnx.
std::vector<ConvertOptions> OptionsForAll(const ConvertLine& line) {
  if (line.configs.size() < 2)
    return {MakeConvertOptions(line, line.configs.empty() ? "" : line.configs[0])};
  std::vector<ConvertOptions> all;
  for (const std::string& config : line.configs) {
    ConvertOptions& options = all.emplace_back(MakeConvertOptions(line, config));
    options.output = OutputOfConfig(options.model, options.config_file);
    options.make_output_folder = options.write_stages = false;
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
                           .memory_limit = line.samples.memory_limit,
                           .strict_data = line.samples.strict_data,
                           .strip = line.strip};
  for (const ConvertOptions& one : all)
    options.configs.push_back({one.config, one.effective_config, one.config_file});
  options.progress = progress.Callback(line.verbosity.quiet);
  return options;
}

int Run(ConvertLine& line, VerdictFile& verdict) {
  if (line.print_config)
    return PrintEffectiveConfig(line, line.configs.empty() ? "" : line.configs[0]);
  const std::string settings = SettingsToExport(line);
  const bool exports = !line.export_config.empty();
  // A config may name the model: an output or samples ask for its conversion too.
  if (exports && line.model.empty() && line.output.empty() && line.samples.folder.empty()) {
    WriteFile(line.export_config, settings);
    return static_cast<int>(ExitCode::kSuccess);
  }
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
    // One model calibrates while it is converted; several share a pass over the samples.
    if (runs_samples && all.size() > 1)
      seen = MakeCalibrationTable(CalibrationForAll(line, all, progress));
  }
  std::optional<PlanFile> plan;
  if (first && !line.quant_info.empty()) {
    plan = ReadPlanFile(line.quant_info);
    ApplyPlanFile(*plan, all.at(0));
  }
  for (ConvertOptions& options : all) {
    // Other ranks have read the options too, for their part of the samples.
    if (!first) break;
    ReleaseSignals();  // the model before this one has been written
    options.seen = seen ? &*seen : nullptr;
    ConvertOne(line, std::move(options), verdict);
  }
  if (exports && first) WriteFile(line.export_config, settings);
  return static_cast<int>(ExitCode::kSuccess);
}

}  // namespace

int RunConvert(int argc, char** argv, VerdictFile& verdict) {
  std::optional<ConvertLine> line = ParseConvertLine(argc, argv);
  if (!line) return static_cast<int>(ExitCode::kSuccess);
  ApplyVerbosity(line->verbosity);
  verdict.Open(line->json, line->model, NamedInputs(*line));
  return line->is_auto ? RunAuto(*line, verdict) : Run(*line, verdict);
}

}  // namespace qconvert
