#include "qconvert/pipeline/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <thread>
#include <utility>

#include "apply_settings.h"
#include "calibrate_model.h"
#include "choose_plan.h"
#include "compare_models.h"
#include "guard.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/log.h"
#include "qconvert/base/suggest.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/ir/graph_validator.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/quantization/insert_qdq.h"
#include "qconvert/runtime/ort_session.h"

namespace qconvert {
namespace {

// The folder of the output, made with those above it; gone again unless kept.
class OutputFolder {
 public:
  OutputFolder(const std::filesystem::path& folder, bool make) {
    std::error_code error;
    for (std::filesystem::path missing = folder;
         make && !missing.empty() && !std::filesystem::exists(missing, error);
         missing = missing.parent_path()) {
      made_.push_back(missing);
    }
    if (made_.empty()) return;
    std::filesystem::create_directories(folder, error);
    if (error) throw Error(ExitCode::kFile, folder.string(), "cannot be made: " + error.message());
  }
  ~OutputFolder() {
    std::error_code ignored;
    for (const std::filesystem::path& folder : made_) std::filesystem::remove(folder, ignored);
  }
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;
  void Keep() { made_.clear(); }

 private:
  std::vector<std::filesystem::path> made_;  // innermost first
};

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

void RefuseOverwriting(const std::filesystem::path& output, const std::filesystem::path& input) {
  if (!input.empty() && SameFile(output, input)) {
    throw Error(ExitCode::kUsage, output.string(),
                fmt::format("is an input ({}), will not overwrite it", input.string()));
  }
}

// A state must be an input, and what is fed back an output.
void CheckStates(const std::vector<StateInput>& states, const Graph& graph,
                 const std::string& place) {
  const auto names = [](const std::vector<Value>& values) {
    std::vector<std::string> out;
    for (const Value& value : values) out.push_back(value.name);
    return out;
  };
  for (const StateInput& state : states) {
    if (!graph.IsInput(state.input)) {
      throw Error(ExitCode::kUsage, place,
                  fmt::format("--state: the model has no input \"{}\"{}", state.input,
                              DidYouMean(state.input, names(graph.inputs))));
    }
    if (!state.output.empty() && !graph.IsOutput(state.output)) {
      throw Error(ExitCode::kUsage, place,
                  fmt::format("--state: the model has no output \"{}\"{}", state.output,
                              DidYouMean(state.output, names(graph.outputs))));
    }
  }
}

std::vector<Value> DataInputs(const Graph& graph, const std::vector<StateInput>& states,
                              const std::string& place) {
  std::vector<Value> inputs;
  for (const Value& input : graph.inputs) {
    const bool is_state = std::any_of(states.begin(), states.end(), [&](const StateInput& state) {
      return state.input == input.name;
    });
    if (is_state) continue;
    if (!input.type.is_tensor() || input.type.element == DataType::kString) {
      throw Error(
          ExitCode::kModel, place,
          fmt::format("input \"{}\" is no numeric tensor, cannot be calibrated", input.name));
    }
    inputs.push_back(input);
  }
  return inputs;
}

// Rows of a file are samples of their own when every input and output has a free first dimension.
bool HasFreeBatch(const Graph& graph) {
  const auto free = [](const Value& value) {
    return value.type.shape && !value.type.shape->empty() && !(*value.type.shape)[0].known();
  };
  return std::all_of(graph.inputs.begin(), graph.inputs.end(), free) &&
         std::all_of(graph.outputs.begin(), graph.outputs.end(), free);
}

SampleSource OpenCalibrationData(const ConvertOptions& options, const Graph& graph) {
  const std::string place = options.model.string();
  CheckStates(options.states, graph, place);
  const std::vector<Value> inputs = DataInputs(graph, options.states, place);
  const CalibrationSettings& settings = options.config.calibration;
  const bool given = !options.calibration_folder.empty();
  const std::filesystem::path& folder = given ? options.calibration_folder : settings.data;
  if (!inputs.empty() && folder.empty() && settings.input.empty())
    throw Error(ExitCode::kUsage, "", "no calibration data given, expected --calib DIR");
  SampleSourceOptions source{
      .split_batch = HasFreeBatch(graph),
      .max_samples = options.max_samples > 0 ? options.max_samples : settings.max_samples};
  if (!given) source.folders = settings.input;
  if (!settings.format.empty()) source.format = settings.format;
  SampleSource samples = OpenSamples(folder, inputs, source);
  for (const auto& file : samples.files()) RefuseOverwriting(OutputPath(options), file);
  return samples;
}

int WorkerCount(const ConvertOptions& options) {
  if (options.workers > 0) return options.workers;
  if (options.config.calibration.workers > 0) return options.config.calibration.workers;
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

void CheckWeightsFinite(const Graph& graph, const std::string& place) {
  for (const auto& [name, tensor] : graph.initializers) {
    if (tensor.type != DataType::kFloat) continue;
    int64_t bad = 0;
    for (const float v : tensor.values<float>()) bad += std::isfinite(v) ? 0 : 1;
    if (bad > 0 && tensor.dims.size() >= 2) {
      throw Error(ExitCode::kNumeric, place,
                  fmt::format("{} values of weight \"{}\" are NaN or infinite", bad, name));
    }
  }
}

void AddProvenance(Model& model, const Provenance& provenance) {
  const auto set = [&](const std::string& key, const std::string& value) {
    std::erase_if(model.metadata, [&](const auto& entry) { return entry.first == key; });
    model.metadata.emplace_back(key, value);
  };
  set("qconvert.version", provenance.tool_version);
  set("qconvert.model_sha256", provenance.model_sha256);
  set("qconvert.config_sha256", provenance.config_sha256);
  set("qconvert.data_sha256", provenance.data_sha256);
}

std::string BelowThreshold(const GuardReport& guard) {
  return fmt::format("output \"{}\" has cosine {:.6f} to the float model, expected at least {}",
                     guard.worst_output, guard.worst_cosine, guard.min_cosine);
}

// Throws when the guard's verdict must stop the conversion.
void ReportChoice(const Graph& graph, const ChosenPlan& chosen, const ConvertOptions& options,
                  ConversionReport& report) {
  CountNodes(graph, chosen.plan.placement, report);
  report.scheme = SchemeName(chosen.scheme.scheme);
  report.scheme_reason = chosen.scheme.reason;
  report.dynamic_nodes = chosen.plan.dynamic.size();
  report.guard = chosen.guard;
  report.guard.min_cosine = options.min_cosine;
  report.warnings.insert(report.warnings.end(), chosen.warnings.begin(), chosen.warnings.end());
  if (chosen.guard.passed) return;
  report.warnings.push_back(BelowThreshold(report.guard));
  if (options.must_pass) {
    throw Error(ExitCode::kNumeric, report.input,
                BelowThreshold(report.guard) + ", nothing is written");
  }
}

// The model and its quant_info, after the file on disk has been compared with the float model.
void WriteQuantized(const ConvertOptions& options, const Model& model,
                    const std::string& quant_info, ModelComparer& comparer,
                    ConversionReport& report) {
  const std::filesystem::path output = OutputPath(options);
  const auto verify = [&](const std::filesystem::path& temporary) {
    const auto session = OpenOrtSessionFile(temporary, output.string(), {});
    report.compared_samples = comparer.count();
    report.outputs = comparer.Compare(*session, comparer.count());
  };
  // Complete on the disk before the model gets its name: then only a rename can separate the two.
  AtomicFile info(QuantInfoPath(output));
  info.Write(quant_info);
  info.Sync();
  const ExportedFiles files =
      ExportOnnx(model, output, {.external_data = options.external_data, .verify = verify});
  report.quantized_bytes = files.bytes;
  info.Commit();
}

ConversionReport WriteFloat(const ConvertOptions& options, const LoadedModel& loaded,
                            ConversionReport report) {
  const auto verify = [&](const std::filesystem::path& temporary) { LoadOnnx(temporary); };
  const ExportedFiles files =
      ExportOnnx(loaded.model, OutputPath(options),
                 {.external_data = options.external_data, .verify = verify});
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
  const std::filesystem::path output = OutputPath(options);
  ConversionReport report;
  report.input = place;
  report.output = output.string();
  report.float_only = options.float_only;
  Stopwatch watch(report);

  LoadedModel loaded = LoadOnnx(options.model);
  OutputFolder folder(output.parent_path(), options.make_output_folder);
  CheckWritable(output);
  CheckWritable(QuantInfoPath(output));
  for (const auto& file : loaded.files) RefuseOverwriting(output, file);
  RefuseOverwriting(output, options.config_file);
  report.float_bytes = loaded.file_bytes;
  watch.Lap("load");
  if (options.float_only) return WriteFloat(options, loaded, std::move(report));

  Model model = std::move(loaded.model);
  ModelSettings settings = ApplySettings(options, model, report.warnings);
  PrepareModel(model, place, ExportedOpset(options, model));
  InheritLayers(model.graph, settings);
  CheckWeightsFinite(model.graph, place);
  const SampleSource samples = OpenCalibrationData(options, model.graph);
  const InputFeeder feeder(samples, model.graph.inputs, options.states);
  const int workers = WorkerCount(options);
  report.samples = samples.size();
  watch.Lap("prepare");

  SchemeChoice choice = ChooseScheme(model.graph, MeasureSizes(model, feeder, place), settings);
  const CalibrationTable table =
      CalibrateModel(model, PlaceNodes(model.graph, choice.place), settings, feeder,
                     {.workers = workers, .progress = options.progress}, place);
  watch.Lap("calibrate");

  const auto reference = OpenOrtSessionFile(options.model, place, {});
  ModelComparer comparer(*reference, feeder, kComparedSamples, workers);
  WeightCache cache;
  const ChosenPlan chosen = ChoosePlan({.model = model,
                                        .table = table,
                                        .comparer = comparer,
                                        .cache = cache,
                                        .settings = settings,
                                        .guard = options.guard,
                                        .min_cosine = options.min_cosine,
                                        .place = place,
                                        .on_measurement = options.measuring},
                                       std::move(choice));
  watch.Lap("choose");
  const QuantizationPlan plan =
      MakePlan(model.graph, chosen.plan.placement, table, chosen.settings);
  ReportChoice(model.graph, chosen, options, report);
  const Graph float_graph = model.graph;
  const InsertedQdq inserted = ApplyPlan(model, plan, chosen.plan, chosen.settings, cache);
  report.stored_weights = inserted.stored.size();
  if (report.integer_nodes + report.dynamic_nodes + report.stored_weights == 0)
    report.warnings.push_back("nothing was quantized");
  const Provenance provenance{Version(), OrtVersion(), loaded.sha256, options.config_sha256,
                              samples.Sha256Digest()};
  AddProvenance(model, provenance);
  ValidateModel(model, place);
  watch.Lap("quantize");

  WriteQuantized(options, model, QuantInfoJson(float_graph, plan, inserted, report, provenance),
                 comparer, report);
  folder.Keep();
  watch.Lap("write and compare");
  return report;
}

}  // namespace qconvert
