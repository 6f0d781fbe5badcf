#include "qconvert/pipeline/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <thread>
#include <utility>

#include "calibrate_model.h"
#include "check_pixels.h"
#include "check_samples.h"
#include "choose_plan.h"
#include "compare_models.h"
#include "compared_models.h"
#include "convert_data.h"
#include "cut_to_outputs.h"
#include "deploy_model.h"
#include "guard.h"
#include "held_out.h"
#include "prepared_model.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/log.h"
#include "qconvert/base/provisional.h"
#include "qconvert/base/refuse_overwriting.h"
#include "qconvert/calibration/table_file.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/runtime/ort_session.h"
#include "qconvert/transform/random_nodes.h"
#include "read_table.h"
#include "rewrite_model.h"
#include "take_plan.h"

namespace qconvert {
namespace {

// Makes the folder of the output with those above it; they go again unless kept.
std::vector<Provisional> MakeFolders(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<Provisional> made;
  for (std::filesystem::path missing = folder;
       !missing.empty() && !std::filesystem::exists(missing, error);
       missing = missing.parent_path()) {
    made.emplace_back(missing);  // innermost first, and so they go
  }
  if (made.empty()) return made;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error(ExitCode::kFile, folder.string(), "cannot be made: " + error.message());
  return made;
}

class Stopwatch {
 public:
  explicit Stopwatch(ConversionReport& report) : report_(report) {}
  // Books the time since the last call under `stage`.
  void Lap(const char* stage) {
    const auto now = std::chrono::steady_clock::now();
    report_.seconds.emplace_back(stage, std::chrono::duration<double>(now - last_).count());
    last_ = now;
  }

 private:
  ConversionReport& report_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

// All that is written, by whomever.
std::vector<std::filesystem::path> OutputsOf(const ConvertOptions& options) {
  std::vector<std::filesystem::path> outputs = {OutputPath(options)};
  if (!options.float_only) outputs.push_back(QuantInfoPath(outputs[0]));
  outputs.insert(outputs.end(), options.other_outputs.begin(), options.other_outputs.end());
  return outputs;
}

// The samples; none when a table stands for them, or nothing needs them.
SampleSource OpenData(const ConvertOptions& options, const Graph& graph) {
  SampleSource samples = OpenCalibrationData(DataOf(options), graph, options.model.string());
  RefuseOverwriting(OutputsOf(options), samples.files());
  return samples;
}

// What is judged on: samples, which of them, and what they are called in reports.
struct JudgedData {
  SampleSource samples;
  std::vector<size_t> order;
  std::string description;
};

JudgedData OpenJudged(const ConvertOptions& options, const Graph& graph,
                      const SampleSource& samples, const SampleSplit& split) {
  if (options.validation_folder.empty()) {
    return {samples, split.judged,
            split.is_held_out ? "samples kept out of calibration"
                              : "of the calibration samples themselves"};
  }
  CalibrationData data = DataOf(options);
  data.folder = options.validation_folder;
  JudgedData judged{OpenCalibrationData(data, graph, options.model.string()), {}, {}};
  RefuseOverwriting(OutputsOf(options), judged.samples.files());
  judged.order = judged.samples.Digest(WorkerCount(data)).by_content;
  judged.description = "samples of --validate";
  return judged;
}

// What calibration sees; nothing where nothing can be quantized.
CalibrationTable SeeValues(const ConvertOptions& options, const Model& model,
                           const SchemeChoice& choice, const ModelSettings& settings,
                           const InputFeeder& feeder) {
  std::vector<Placement> reachable = {PlaceNodes(model.graph, choice.place)};
  if (options.guard == GuardMode::kCorrect) {
    // What the guard puts back to float it looks for among all nodes with kernels.
    PlaceOptions by_kernels = choice.place;
    by_kernels.place_by = PlaceBy::kKernels;
    reachable.push_back(PlaceNodes(model.graph, by_kernels));
  }
  const bool nothing =
      std::all_of(reachable.begin(), reachable.end(),
                  [](const Placement& placement) { return placement.roots.empty(); });
  if (nothing && FindFloat16Values(model.graph, settings).empty()) return {};
  const CalibrationData data = DataOf(options);
  return CalibrateModel(model, reachable, settings, feeder,
                        {.workers = WorkerCount(data),
                         .memory_limit = MemoryLimit(data),
                         .progress = options.progress},
                        options.model.string());
}

std::string WhatFailed(const ConversionReport& report) {
  const Verdict verdict = JudgeOutputs(report.outputs, report.gate, report.sample_names);
  const OutputVerdict* worst = verdict.Worst();
  return fmt::format("output \"{}\" {}", worst->name, worst->text);
}

// Throws when the guard's verdict must stop the conversion.
void ReportChoice(const Graph& graph, const ChosenPlan& chosen, const ConvertOptions& options,
                  ConversionReport& report) {
  CountNodes(graph, chosen.plan.placement, report);
  report.scheme = SchemeName(chosen.scheme.scheme);
  report.scheme_reason = chosen.scheme.reason;
  report.dynamic_nodes = chosen.plan.dynamic_nodes.size();
  report.guard = chosen.guard;
  report.noise_parts = chosen.noise_parts;
  report.corrections = chosen.corrections;
  report.warnings.insert(report.warnings.end(), chosen.warnings.begin(), chosen.warnings.end());
  report.outputs = chosen.outputs;
  if (const auto& kept = chosen.plan.rounded.too_large; !kept.empty()) {
    report.warnings.push_back(
        fmt::format("stay float32, too large for a float of 16 bits or not calibrated: {}",
                    EscapeForTerminal(fmt::format("{}", fmt::join(kept, ", ")))));
  }
  if (options.must_pass && !chosen.guard.ran) {
    throw Error(ExitCode::kNumeric, report.input,
                fmt::format("nothing was compared with the float model, expected --calib besides "
                            "{}; nothing is written",
                            options.plan != nullptr ? "--quant-info" : "--table"));
  }
  const bool nothing_left = options.config.scheme == Scheme::kStatic && report.integer_nodes == 0 &&
                            !chosen.guard.kept_float.empty();
  if (nothing_left && options.must_pass) {
    throw Error(
        ExitCode::kNumeric, report.input,
        "scheme static was asked for, but every integer node had to go back to float for the "
        "outputs; nothing is written");
  }
  if (chosen.guard.passed) return;
  report.warnings.push_back(WhatFailed(report));
  if (options.must_pass)
    throw Error(ExitCode::kNumeric, report.input, WhatFailed(report) + "; nothing is written");
}

// What the report says of the outputs, from a session of the quantized model.
void CompareOutputs(const Session& quantized, ModelComparer& comparer, ConversionReport& report) {
  report.compared_samples = comparer.count();
  // A file draws other random numbers than the float model: what was measured with seeds stays.
  if (comparer.count() == 0 || comparer.is_in_step()) return;
  std::vector<OutputComparison> outputs = comparer.Compare(quantized);
  for (size_t o = outputs.size(); o < report.outputs.size(); ++o)  // the file does not show these
    outputs.push_back(std::move(report.outputs[o]));
  report.outputs = std::move(outputs);
  report.sample_names = comparer.sample_names();
}

// The model and its quant_info, after the file on disk has been compared with the float model; a
// model that is going to be fed otherwise is compared before.
void WriteQuantized(const ConvertOptions& options, Model& model,
                    const std::vector<std::filesystem::path>& inputs, const std::string& quant_info,
                    ModelComparer& comparer, ConversionReport& report) {
  const std::filesystem::path output = OutputPath(options);
  const DeploymentConfig& deployment = options.config.deployment;
  const bool is_deployed = ChangesInterface(deployment);
  if (is_deployed) {
    const auto session = OpenForComparison(model, report.input);
    CompareOutputs(*session, comparer, report);
    for (const std::string& name : DeployModel(deployment, report.input, model))
      report.warnings.push_back(fmt::format(
          "remove_node_name: \"{}\" is no node that an input or output can do without", name));
  }
  const auto verify = [&](const std::filesystem::path& temporary) {
    const auto session =
        OpenOrtSessionFile(temporary, output.string(), ComparisonOptions(report.float_bytes));
    if (!is_deployed) CompareOutputs(*session, comparer, report);
  };
  AtomicFile info(QuantInfoPath(output));
  info.Write(quant_info);
  info.Sync();
  const ExportedFiles files = ExportOnnx(model, output,
                                         {.external_data = options.external_data,
                                          .verify = verify,
                                          .companion = &info,
                                          .inputs = inputs});
  report.quantized_bytes = files.bytes;
}

ConversionReport StartReport(const ConvertOptions& options) {
  ConversionReport report;
  report.input = options.model.string();
  report.output = OutputPath(options).string();
  report.float_only = options.float_only;
  return report;
}

// Fails before the long work: outputs that cannot be written, or are inputs.
void CheckOutputs(const ConvertOptions& options, const LoadedModel& loaded) {
  const std::filesystem::path output = OutputPath(options);
  CheckWritable(output);
  if (!options.float_only) CheckWritable(QuantInfoPath(output));
  std::vector<std::filesystem::path> inputs = loaded.files;
  inputs.insert(inputs.end(), {options.config_file, options.table, options.cost_table});
  RefuseOverwriting(OutputsOf(options), inputs);
}

ConversionReport WriteFloat(const ConvertOptions& options, const LoadedModel& loaded,
                            ConversionReport report) {
  const auto verify = [&](const std::filesystem::path& temporary) { LoadOnnx(temporary); };
  const ExportedFiles files = ExportOnnx(
      loaded.model, OutputPath(options),
      {.external_data = options.external_data, .verify = verify, .inputs = loaded.files});
  report.quantized_bytes = files.bytes;
  return report;
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

std::string Version() { return QCONVERT_VERSION; }

ConversionReport Convert(const ConvertOptions& options) {
  const std::string place = options.model.string();
  ConversionReport report = StartReport(options);
  Stopwatch watch(report);

  LoadedModel loaded = LoadOnnx(options.model);
  std::vector<Provisional> folders;
  if (options.make_output_folder) folders = MakeFolders(OutputPath(options).parent_path());
  CheckOutputs(options, loaded);
  if (options.plan != nullptr) CheckPlanModel(*options.plan, loaded.sha256, place);
  report.float_bytes = loaded.file_bytes;
  watch.Lap("load");
  if (options.float_only) {
    report = WriteFloat(options, loaded, std::move(report));
    for (Provisional& folder : folders) folder.Keep();
    return report;
  }

  CutToOutputs(options.config.deployment.output_nodes, place, loaded.model);
  std::optional<Model> original = loaded.model;  // shares its bytes with `model`
  PreparedModel prepared = PrepareWithSettings(
      std::move(loaded.model), {options.config, options.effective_config, options.config_file},
      place, options.passes);
  Model& model = prepared.model;
  ModelSettings& settings = prepared.settings;
  report.warnings = std::move(prepared.warnings);
  const std::optional<StoredTable> stored =
      ReadTable(options, loaded.sha256, prepared, report.warnings);
  const SampleSource samples = OpenData(options, model.graph);
  const InputFeeder feeder(samples, model.graph.inputs, options.states);
  const int workers = WorkerCount(DataOf(options));
  const DataDigest digest = samples.Digest(workers);
  const bool keep_all = feeder.has_feedback() || !options.validation_folder.empty();
  const SampleSplit split = SplitSamples(digest, keep_all);
  const SampleSource calibration = samples.Select(split.calibration);
  const InputFeeder observed(calibration, model.graph.inputs, options.states);
  report.samples = options.plan != nullptr ? static_cast<size_t>(options.plan->samples)
                   : stored                ? stored->table.samples
                                           : calibration.size();
  for (std::string& oddity :
       CheckSamples(samples, feeder, digest.by_content, prepared.first, options.model))
    report.warnings.push_back(std::move(oddity));
  for (std::string& oddity : CheckPixels(options.config.deployment, samples, digest.by_content))
    report.warnings.push_back(std::move(oddity));
  watch.Lap("prepare");

  SchemeChoice choice;
  CalibrationTable table;
  if (options.plan == nullptr) {
    ValueSizes sizes;
    if (stored) {
      sizes = stored->sizes;
    } else if (samples.size() > 0) {
      sizes = MeasureSizes(model, feeder, digest.by_content.at(0), place);
    }
    choice = ChooseScheme(model.graph, std::move(sizes), settings,
                          options.costs ? &*options.costs : nullptr);
    table = stored ? stored->table : SeeValues(options, model, choice, settings, observed);
    watch.Lap("calibrate");
  }

  const JudgedData judged = OpenJudged(options, model.graph, samples, split);
  const InputFeeder judged_feeder(judged.samples, model.graph.inputs, options.states);
  report.compared_on = judged.description;
  report.random_nodes = FindRandomNodes(model.graph);
  ModelComparer comparer =
      OpenComparer(*std::exchange(original, std::nullopt), model.graph, judged_feeder, judged.order,
                   {.place = place,
                    .outputs_only = options.guard == GuardMode::kOff,  // only the file will be run
                    .is_random = !report.random_nodes.empty(),
                    .workers = workers});
  RangeCache ranges;
  CodeCache codes(workers);
  PlanInputs inputs{.model = model,
                    .table = table,
                    .comparer = comparer,
                    .ranges = ranges,
                    .codes = codes,
                    .calibration = observed,
                    .settings = settings,
                    .gate = options.gate,
                    .aim_sqnr_db = options.aim_sqnr_db,
                    .place = place,
                    .on_measurement = options.measuring,
                    .on_learning = options.learning};
  const GuardMode mode = comparer.count() == 0 ? GuardMode::kOff : options.guard;
  const ChosenPlan chosen = options.plan != nullptr
                                ? TakePlan(inputs, *options.plan, mode)
                                : ChoosePlan(std::move(inputs), std::move(choice), mode);
  watch.Lap("choose");
  report.gate = options.gate;
  report.sample_names = comparer.sample_names();
  ReportChoice(model.graph, chosen, options, report);
  Provenance own{"qconvert " + Version(), "onnxruntime " + OrtVersion(), loaded.sha256,
                 options.config_sha256, stored ? stored->data_sha256 : digest.sha256};
  const PlanHistory history = options.plan != nullptr
                                  ? HistoryOfTaken(*options.plan, model.graph, chosen.plan, own)
                                  : HistoryOfChosen(options, std::move(own), model.opset(), report);
  const std::string quant_info = RewriteModel(model, chosen.plan, history, report);
  watch.Lap("quantize");
  WriteQuantized(options, model, loaded.files, quant_info, comparer, report);
  for (Provisional& folder : folders) folder.Keep();
  watch.Lap("write and compare");
  return report;
}

}  // namespace qconvert
