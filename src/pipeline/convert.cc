#include "qconvert/pipeline/convert.h"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "check_fusion.h"
#include "choose_float_corrections.h"
#include "convert_data.h"
#include "dump_layers.h"
#include "dump_samples.h"
#include "fold_inputs.h"
#include "load_float.h"
#include "long_models.h"
#include "look_at_layers.h"
#include "output_files.h"
#include "own_noise.h"
#include "parked_weights.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/folders.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "rewrite_model.h"
#include "stage_models.h"
#include "stage_nodes.h"
#include "take_plan.h"
#include "write_quantized.h"

namespace qconvert {
namespace {

ConversionReport StartReport(const ConvertOptions& options) {
  ConversionReport report;
  report.input = options.model.string();
  report.output = OutputPath(options).string();
  report.float_only = options.float_only;
  report.trials = options.trials;
  return report;
}

// A stage is one file: what does not fit into one is left out.
bool WantsStages(const ConvertOptions& options, const LoadedModel& loaded,
                 std::vector<std::string>& warnings) {
  if (!options.write_stages) return false;
  if (FitsStages(options, loaded)) return true;
  warnings.push_back(
      "the models of the stages between are left out: their weights do not fit into "
      "a file each");
  return false;
}

// The plan of a quantized model that was there before tells nothing of this one.
void RemoveStaleInfo(const ConvertOptions& options, const LoadedModel& loaded) {
  const std::filesystem::path info = QuantInfoPath(OutputPath(options));
  std::vector<std::filesystem::path> inputs = options.other_inputs;
  inputs.insert(inputs.end(), loaded.files.begin(), loaded.files.end());
  inputs.insert(inputs.end(), {options.config_file, options.table});
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(info, ignored) ||
      std::any_of(inputs.begin(), inputs.end(),
                  [&](const std::filesystem::path& input) { return SameFile(info, input); })) {
    return;
  }
  try {
    ReadPlanFile(info);
  } catch (const Error&) {
    return;  // of another tool
  }
  std::filesystem::remove(info, ignored);
}

ConversionReport WriteFloat(const ConvertOptions& options, const LoadedModel& loaded,
                            ConversionReport report) {
  const auto verify = [&](const std::filesystem::path& temporary, int64_t /*bytes*/) {
    LoadOnnx(temporary);
  };
  const ExportedFiles files = ExportOnnx(
      loaded.model, OutputPath(options),
      {.external_data = options.external_data, .verify = verify, .inputs = loaded.files});
  RemoveStaleInfo(options, loaded);
  report.quantized_bytes = files.bytes;
  report.files = files.Names(OutputPath(options));
  return report;
}

// The planned model with what is told of it.
void Write(const ConvertOptions& options, const PlannedConversion& planned,
           const std::optional<PlanFile>& earlier, Stopwatch& watch, ConversionReport& report) {
  Model& model = planned.model;
  const QuantizationPlan& plan = planned.chosen.plan;
  if (options.strict_fusion)
    CheckFusion(model, plan, options.config.target_device, options.model.string());
  const bool is_taken = options.plan != nullptr;
  const bool tells_noise = !is_taken && options.config.effort != Effort::kFast;
  std::vector<OwnNoise> own_noise;
  if (tells_noise || options.looks_at_layers())
    own_noise =
        MeasureOwnNoise(model, plan, planned.comparer, options.model.string(), planned.workers);
  std::optional<LayerReport> layers;
  if (options.looks_at_layers()) {
    const LayerInputs inputs = planned.LayersOf(options);
    // On the float graph, so before it is rewritten.
    LayerErrors errors = MeasureLayers(inputs);
    SetOwnNoise(own_noise, errors);
    layers = LookAtLayers(options, inputs, planned.table, std::move(errors));
    if (options.on_layers) options.on_layers(*layers);
    watch.Lap("look at layers");
  }
  PlanHistory history = is_taken
                            ? HistoryOfTaken(*options.plan, model.graph, plan, planned.provenance)
                            : HistoryOfChosen(options, planned.provenance, model.opset(), report);
  history.absorbed = planned.absorbed;
  history.spread = planned.spread;
  if (tells_noise) history.noise = NoiseOfEntries(own_noise, plan);
  const std::vector<std::string> values = LayerValues(model.graph);
  // Rewriting changes the model in place; stages need it as it was.
  const Model optimized = model;  // shares the bytes of tensors
  const std::string quant_info =
      RewriteModel(model, plan, history, planned.stores_float16, options.passes, report);
  if (layers && earlier) {
    layers->against =
        DiffPlans(*earlier, ParsePlanFile(quant_info, QuantInfoPath(OutputPath(options))));
    layers->against->a = options.against.string();
    layers->against->b = report.output;
  }
  watch.Lap("quantize");
  ConvertOptions deployed = options;
  deployed.config.deployment = AfterFolding(options.config.deployment, planned.folded);
  std::vector<StageModel> stages;
  if (planned.original != nullptr) {
    const size_t sample = planned.order.empty() ? 0 : planned.order[0];
    report.stage_nodes =
        ListStageNodes({optimized, model, plan}, planned.feeder, sample, options.model.string());
    stages = MakeStages(options, {*planned.original, optimized, model, plan,
                                  deployed.config.deployment, planned.folded, planned.workers});
  }
  std::optional<SampleDump> dump;
  if (options.config.deployment.dump_calibration_data)
    dump.emplace(planned.samples, DumpFolder(options));
  const auto write = [&] {
    WriteQuantized(
        deployed, model,
        {planned.files, quant_info, values, planned.picture, stages, layers ? &*layers : nullptr},
        planned.comparer, report);
  };
  // Stages show the float weights.
  stages.empty() ? WithOnlyWeightsOf(model.graph, write) : write();
  if (dump) {
    dump->Keep();
    report.files.push_back(DumpFolder(options).string() + "/");
  }
  watch.Lap("write and compare");
}

}  // namespace

std::filesystem::path OutputPath(const ConvertOptions& options) {
  if (!options.output.empty()) return options.output;
  std::filesystem::path output = options.model;
  return output.replace_filename(options.model.stem().string() +
                                 (options.float_only ? "_float.onnx" : "_quantized.onnx"));
}

std::filesystem::path QuantInfoPath(const std::filesystem::path& output) {
  std::string stem = output.stem().string();
  constexpr std::string_view kSuffix = "_quantized";
  if (stem.size() > kSuffix.size() && stem.ends_with(kSuffix))
    stem.resize(stem.size() - kSuffix.size());
  std::filesystem::path info = output;
  return info.replace_filename(stem + "_quant_info.json");
}

std::filesystem::path PlanFileOf(const std::filesystem::path& result) {
  return result.extension() == ".onnx" ? QuantInfoPath(result) : result;
}

std::string Version() { return QCONVERT_VERSION; }

std::string ToolName() { return "qconvert " + Version(); }

ConversionReport Convert(const ConvertOptions& options) {
  const std::string place = options.model.string();
  ConversionReport report = StartReport(options);
  Stopwatch watch(report);

  LoadedModel loaded = LoadFloat(options.model, options.strip, report.warnings, options.passes);
  // Folders that are made for the output go again where there is none.
  std::vector<Provisional> folders;
  if (options.make_output_folder)
    folders = MakeProvisionalFolder(OutputPath(options).parent_path());
  CheckOutputs(options, loaded.files);
  if (options.plan != nullptr) CheckPlanModel(*options.plan, loaded.sha256, place);
  std::optional<PlanFile> earlier;
  if (!options.against.empty()) earlier = ReadPlanFile(PlanFileOf(options.against));
  report.float_bytes = loaded.file_bytes;
  watch.Lap("load");
  if (options.float_only) {
    report = WriteFloat(options, loaded, std::move(report));
    for (Provisional& folder : folders) folder.Keep();
    return report;
  }

  ConvertOptions own = options;
  own.write_stages = WantsStages(options, loaded, report.warnings);
  if (std::string limits = LimitEffort(loaded.model.graph.nodes.size(), own.config);
      !limits.empty() && options.plan == nullptr)
    report.warnings.push_back(std::move(limits));
  PlanWithFloatCorrections(own, std::move(loaded), watch, report,
                           [&](const ConvertOptions& chosen, const PlannedConversion& planned) {
                             Write(chosen, planned, earlier, watch, report);
                           });
  for (Provisional& folder : folders) folder.Keep();
  return report;
}

}  // namespace qconvert
