// qconvert inspect MODEL.onnx
#include <CLI/CLI.hpp>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "command.h"
#include "configs.h"
#include "qconvert/base/error.h"
#include "qconvert/base/log.h"
#include "qconvert/pipeline/inspect_model.h"
#include "shared_options.h"

namespace qconvert {
namespace {

struct InspectLine {
  std::string model;
  std::string config;
  std::string target;
  std::vector<std::string> layers;
  std::vector<std::string> overrides;
  std::string json;
  Verbosity verbosity;
};

void Define(CLI::App& app, InspectLine& line) {
  app.add_option("MODEL", line.model, "the float ONNX model")->required();
  app.add_option("-c,--config", line.config,
                 "settings that a conversion would have: a file or a preset (default: that "
                 "of the target, cpu_int8)")
      ->type_name("FILE");
  app.add_option("--target", line.target, "whose operator rules hold (default: the config's)")
      ->transform(CLI::IsMember({"CPU", "GPU", "DPU", "BPU", "QNN"}, CLI::ignore_case))
      ->type_name("NAME");
  AddAlsoOption(app, line.layers);
  AddSetOption(app, line.overrides, "override a setting; repeatable");
  AddJson(app, line.json);
  AddVerbosity(app, line.verbosity);
}

// What a target is asked for with when no settings are named: those of the CPU fit few others.
std::string PresetOf(const std::string& target) {
  if (target == "GPU") return "tensorrt";
  if (target == "DPU") return "vitis_dpu";
  if (target == "QNN") return "qnn";
  return "";
}

ModelConfig ReadModelConfig(const InspectLine& line) {
  std::vector<ConfigOverride> overrides = SetOverrides(line.overrides);
  if (!line.target.empty())
    // As --set would say it: the target of the file gives way.
    overrides.push_back({"target_device=" + line.target, "--target " + line.target});
  const std::filesystem::path file =
      FindConfig(line.config.empty() ? PresetOf(line.target) : line.config);
  LoadedConfig loaded = ReadNamedConfig(file, line.layers, overrides);
  TellNotes(loaded);
  return {std::move(loaded.config), std::move(loaded.effective), file};
}

}  // namespace

int RunInspect(int argc, char** argv, VerdictFile& verdict) {
  InspectLine line;
  CLI::App app(
      "Tells what a model is and what a conversion would make of it, before anything is converted "
      "and without samples.",
      "qconvert inspect");
  app.footer(
      "Examples:\n"
      "  qconvert inspect model.onnx\n"
      "  qconvert inspect model.onnx --config mix_precision_config.json --json -");
  Define(app, line);
  if (!Parse(app, argc, argv)) return static_cast<int>(ExitCode::kSuccess);
  ApplyVerbosity(line.verbosity);
  std::vector<std::filesystem::path> inputs(line.layers.begin(), line.layers.end());
  inputs.emplace_back(line.config);
  verdict.Open(line.json, line.model, inputs);
  const Inspection inspection = InspectModel({line.model, ReadModelConfig(line)});
  for (const std::string& warning : inspection.warnings) LogWarning(EscapeForTerminal(warning));
  verdict.Write(InspectionJson(inspection, std::string(ExitCodeName(ExitCode::kSuccess))));
  PrintResult(FormatInspection(inspection), {}, line.verbosity, verdict);
  return static_cast<int>(ExitCode::kSuccess);
}

}  // namespace qconvert
