#include "convert_options.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "configs.h"
#include "qconvert/base/error.h"
#include "qconvert/base/result_cache.h"
#include "qconvert/base/sha256.h"
#include "qconvert/config/export_config.h"
#include "qconvert/config/name_pattern.h"
#include "qconvert/pipeline/measure_costs.h"
#include "qconvert/plan/value_range.h"
#include "supervise.h"

namespace qconvert {
namespace {

// The nodes of --keep-float, as entries behind those of the file.
void KeepFloat(const std::vector<std::string>& patterns, QuantConfig& config) {
  for (const std::string& pattern : patterns) {
    const std::string problem = FindPatternError(pattern);
    if (!problem.empty()) throw Error(ExitCode::kUsage, "", "--keep-float " + problem);
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
  if (line.samples.max_samples > 0) add(fmt::format("--max-samples {}", line.samples.max_samples));
  if (line.samples.stacked) add("--stacked");
  for (const std::string& state : line.samples.states) add("--state " + state);
  if (line.strip) add("--strip");
  if (!line.passes.stop_after.empty()) add("--stop-after " + line.passes.stop_after);
  if (line.no_guard) add("--no-guard");
  if (line.guard_reports) add("--guard-reports");
  if (line.min_sqnr) add(fmt::format("--min-sqnr {}", *line.min_sqnr));
  if (line.min_cosine) add(fmt::format("--min-cosine {}", *line.min_cosine));
  // To say the default is to say nothing.
  if (line.max_flips != ConvertLine().max_flips) add(fmt::format("--max-flips {}", line.max_flips));
  if (line.aim) add(fmt::format("--aim {}", *line.aim));
  return text;
}

// Settings into the options; what the command line says wins.
void ApplyConfig(const ConvertLine& line, LoadedConfig loaded, ConvertOptions& options) {
  TellNotes(loaded);
  options.config = std::move(loaded.config);
  KeepFloat(line.keep_float, options.config);
  if (line.samples.batch_size > 0) options.config.calibration.batch_size = line.samples.batch_size;
  options.effective_config = std::move(loaded.effective);
  Sha256 hash;
  // What holds, however and wherever it was written.
  hash.Update(ConfigJson(options.effective_config));
  hash.Update(OptionsThatCount(line, options.config));
  if (!line.cost_table.empty()) {
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
  // Only settings of a deployment say where the output goes.
  if (deployment.generation == Generation::kNone || !options.output.empty()) return;
  options.output = deployment.working_dir / (deployment.output_prefix + "_quantized_model.onnx");
  options.make_output_folder = options.write_stages = true;
}

// Files of other kinds among samples would end the next conversion that reads them.
void RefuseFoldersOfSamples(const ConvertLine& line) {
  for (const std::filesystem::path& written :
       {std::filesystem::path(line.passes.dump_folder), std::filesystem::path(line.cache)}) {
    for (const std::string& samples : {line.samples.folder, line.validation_folder}) {
      std::error_code ignored;
      if (!written.empty() && !samples.empty() &&
          std::filesystem::equivalent(written, samples, ignored))
        throw Error(ExitCode::kUsage, written.string(),
                    "holds the samples, expected another folder");
    }
  }
}

}  // namespace

WrittenConfig ReadSettings(const ConvertLine& line, const std::filesystem::path& file) {
  std::vector<ConfigOverride> overrides = SetOverrides(line.overrides);
  for (const auto& [key, word] : {std::pair{"scheme", line.scheme},
                                  {"objective", line.objective},
                                  {"processor", line.processor},
                                  {"effort", line.effort}}) {
    if (!word.empty())
      overrides.push_back({fmt::format("{}={}", key, word), fmt::format("--{} {}", key, word)});
  }
  std::vector<std::filesystem::path> layers;
  for (const std::string& layer : line.layers) layers.push_back(FindConfig(layer));
  return ReadWrittenConfig(file, layers, overrides);
}

LoadedConfig LoadConfig(const ConvertLine& line, const std::filesystem::path& file) {
  return ReadSettings(line, file).loaded;
}

ConvertOptions MakeConvertOptions(const ConvertLine& line, const std::string& config) {
  if (line.float_only || !line.quant_info.empty()) return MakeConvertOptions(line, {}, {});
  const std::filesystem::path file = FindConfig(config);
  return MakeConvertOptions(line, file, LoadConfig(line, file));
}

ConvertOptions MakeConvertOptions(const ConvertLine& line, const std::filesystem::path& file,
                                  LoadedConfig loaded) {
  RefuseFoldersOfSamples(line);
  ConvertOptions options;
  options.model = line.model;
  options.output = line.output;
  options.calibration_folder = line.samples.folder;
  options.validation_folder = line.validation_folder;
  options.first_picture = line.first_picture;
  options.other_inputs = NamedInputs(line);
  options.table = line.table;
  options.page = line.report;
  options.node_data = line.node_data;
  options.against = line.against;
  if (!line.cache.empty()) options.cache = std::make_shared<ResultCache>(line.cache);
  options.workers = line.samples.workers;
  options.max_samples = line.samples.max_samples;
  options.stacked = line.samples.stacked;
  options.memory_limit = line.samples.memory_limit;
  options.strict_data = line.samples.strict_data;
  options.guard = line.no_guard        ? GuardMode::kOff
                  : line.guard_reports ? GuardMode::kReport
                                       : GuardMode::kCorrect;
  options.must_pass = line.must_pass;
  options.strict_fusion = line.strict_fusion;
  options.gate = Gate::Of(line.min_sqnr, line.min_cosine);
  options.gate.max_flips = line.max_flips / 100;
  options.aim_sqnr_db = line.aim;
  options.strip = line.strip;
  options.float_only = line.float_only;
  options.external_data = line.external_data;
  options.passes = line.passes;
  options.states = ParseStates(line.samples.states);
  if (line.float_only) return options;
  if (line.quant_info.empty()) {
    options.config_file = file;
    ApplyConfig(line, std::move(loaded), options);
  } else {
    options.config_file = line.quant_info;
  }
  return options;
}

std::filesystem::path OutputOfConfig(const std::filesystem::path& model,
                                     const std::filesystem::path& config) {
  return model.parent_path() /
         fmt::format("{}_{}_quantized.onnx", model.stem().string(), config.stem().string());
}

void ApplyPlanFile(const PlanFile& plan, ConvertOptions& options) {
  options.plan = &plan;
  options.config = plan.config;
  options.effective_config = plan.effective;
}

void ShareCeilingsOf(const ConvertLine& line, const std::vector<ConvertOptions>& all) {
  Ceilings ceilings{line.samples.memory_limit, line.samples.time_limit};
  for (const ConvertOptions& options : all)
    if (ceilings.memory_bytes == 0) ceilings.memory_bytes = options.config.calibration.memory_limit;
  ShareCeilings(ceilings);
}

}  // namespace qconvert
