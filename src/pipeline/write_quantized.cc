#include "write_quantized.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <list>
#include <memory>
#include <string_view>
#include <utility>

#include "border_names.h"
#include "compared_models.h"
#include "deploy_model.h"
#include "dump_layers.h"
#include "layer_files.h"
#include "long_models.h"
#include "other_passes.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/plan/value_range.h"
#include "qconvert/rewrite/expand_codes.h"
#include "qconvert/runtime/ort_session.h"

namespace qconvert {
namespace {

// The outputs of a session of the quantized model, which the report tells unless others stand for
// them.
std::vector<OutputComparison> CompareOutputs(const Session& quantized, bool runs_here,
                                             ModelComparer& comparer, ConversionReport& report) {
  report.compared_samples = comparer.count();
  report.simulated = !runs_here && report.integer_nodes > 0;
  // A file draws other random numbers than the float model: what was measured with seeds stays.
  if (comparer.count() == 0 || comparer.is_in_step()) return {};
  std::vector<OutputComparison> outputs = comparer.Compare(quantized);
  report.sample_names = comparer.sample_names();
  if (report.told_before) return outputs;
  for (size_t o = outputs.size(); o < report.outputs.size(); ++o)  // the file does not show these
    outputs.push_back(std::move(report.outputs[o]));
  report.outputs = outputs;
  return outputs;
}

bool HoldsHalf(const Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(), [](const Node& node) {
    return node.Is("Cast") && node.GetInt("to", 0) == static_cast<int64_t>(DataType::kFloat16);
  });
}

// How far apart two measurements of an output are to be told, and where noise is none any more.
constexpr double kToldApartDb = 0.5;
constexpr double kNoNoiseDb = 140;

// The engine has few kernels of float16 and leaves out casts that stand around those it has not:
// how much of the rounding it runs hangs on how it optimizes.
std::string OtherSqnr(const std::vector<OutputComparison>& told,
                      const std::vector<OutputComparison>& other) {
  std::string out;
  double most = kToldApartDb;
  for (size_t o = 0; o < std::min(told.size(), other.size()); ++o) {
    if (told[o].samples.size() != other[o].samples.size()) continue;  // of fewer of them
    const double a = std::min(told[o].sqnr_db(), kNoNoiseDb);
    const double b = std::min(other[o].sqnr_db(), kNoNoiseDb);
    if (std::fabs(a - b) <= most) continue;
    most = std::fabs(a - b);
    out = fmt::format("{:.1f} dB at output \"{}\" instead of {:.1f}", other[o].sqnr_db(),
                      told[o].value.name, told[o].sqnr_db());
  }
  return out;
}

// Says in one line what else the roundings of a written model can come to. `planned` is measured
// with each of them; may be empty.
void TellOtherRuns(const std::filesystem::path& file, const std::string& place,
                   OrtSessionOptions options, const std::vector<OutputComparison>& written,
                   const std::vector<OutputComparison>& planned, ModelComparer& comparer,
                   ConversionReport& report) {
  if (comparer.count() == 0 || comparer.is_in_step()) return;
  options.optimization = OptimizationLevel::kNone;
  const auto session = OpenOrtSessionFile(file, place, options);
  std::vector<std::string> said;
  if (const std::string plain = OtherSqnr(written, comparer.Compare(*session)); !plain.empty())
    said.push_back("without its optimization it gives " + plain);
  if (const std::string all = OtherSqnr(written, planned); !all.empty())
    said.push_back("with every rounding of the target the model has " + all);
  if (said.empty()) return;
  report.warnings.push_back(
      fmt::format("float16: told is what the engine runs by default; {}", fmt::join(said, "; ")));
}

// The model as it is fed. Returns what was removed, as text.
std::string Deploy(const ConvertOptions& options, const std::vector<std::string>& values,
                   Model& model, ConversionReport& report) {
  if (options.config.deployment.dump_layers) {
    RunnerOfOthers("layers", options.passes, report.input, model).Run("dump_layers", [&] {
      return DumpLayers(values, report.input, model);
    });
  }
  const DeployedNodes deployed =
      DeployModel(options.config.deployment, options.passes, report.input, model);
  for (std::string& warning : RemarkOnIdleRemovals(deployed, options.effective_config))
    report.warnings.push_back(std::move(warning));
  return deployed.removed;
}

// A session of the written file.
std::unique_ptr<Session> OpenWritten(const std::filesystem::path& file, const std::string& place,
                                     const OrtSessionOptions& options,
                                     const ConversionReport& report) {
  auto session = OpenOrtSessionFile(file, place, options);
  if (report.float_bytes < kLargeWeights || report.stored_weights == 0) return session;
  // The engine takes the file. But it would make floats of all codes in every run, twice.
  session.reset();
  Model written = LoadOnnx(file).model;
  ExpandCodes(written.graph);
  return OpenForComparison(written, place, options.integer_kernels);
}

// What gets its name together with the model.
class CompanionFiles {
 public:
  AtomicFile* Add(const std::filesystem::path& target) {
    names_.push_back(target.string());
    return &files_.emplace_back(target);
  }
  void Add(const std::filesystem::path& target, std::string_view bytes) {
    AtomicFile* const file = Add(target);
    file->Write(bytes);
    file->Sync();
  }
  const std::vector<std::string>& names() const { return names_; }
  std::vector<AtomicFile*> All() {
    std::vector<AtomicFile*> all;
    for (AtomicFile& file : files_) all.push_back(&file);
    return all;
  }

 private:
  std::list<AtomicFile> files_;  // they cannot move
  std::vector<std::string> names_;
};

}  // namespace

std::filesystem::path DeletedNodesPath(const ConvertOptions& options) {
  return OutputPath(options).replace_filename("deleted_nodes_info.txt");
}

void WriteQuantized(const ConvertOptions& options, Model& model, const Companions& told,
                    ModelComparer& comparer, ConversionReport& report) {
  const std::filesystem::path output = OutputPath(options);
  const bool is_deployed = ChangesInterface(options.config.deployment);
  // What other devices compute the engine simulates; its own kernels may saturate.
  const bool runs_here = TargetOf(options.config.target_device).suits_engine;
  const bool is_long = IsLongToOptimize(model.graph);
  if (runs_here && is_long && report.integer_nodes + report.dynamic_nodes > 0)
    report.warnings.push_back(TellLong(model.graph.nodes.size()));
  std::string deleted_nodes;
  // Samples fit the model as it is before that.
  if (is_deployed) {
    const auto session = OpenForComparison(model, report.input, runs_here);
    CompareOutputs(*session, runs_here, comparer, report);
    deleted_nodes = Deploy(options, told.values, model, report);
  }
  CompanionFiles companions;
  companions.Add(QuantInfoPath(output), told.quant_info);
  if (!deleted_nodes.empty()) companions.Add(DeletedNodesPath(options), deleted_nodes);
  if (!told.picture.empty()) companions.Add(options.first_picture, told.picture);
  for (const StageModel& stage : told.stages)
    companions.Add(stage.path, SerializeModel(stage.model));
  if (!options.settings_file.empty()) companions.Add(options.settings_file, options.settings_text);
  // They tell what was compared: their bytes come when that is known.
  std::vector<AtomicFile*> of_layers;
  for (const auto& path : LayerFilePaths(options)) of_layers.push_back(companions.Add(path));
  // Runs before any file has its name: where it throws, nothing is there.
  const auto verify = [&](const std::filesystem::path& temporary, int64_t bytes) {
    OrtSessionOptions as_compared = ComparisonOptions(report.float_bytes);
    as_compared.integer_kernels = runs_here;
    if (is_long) as_compared.optimization = OptimizationLevel::kNone;
    const auto session = OpenWritten(temporary, output.string(), as_compared, report);
    if (!is_deployed) {
      std::vector<OutputComparison> planned = report.outputs;
      if (report.told_before) planned.clear();
      const auto outputs = CompareOutputs(*session, runs_here, comparer, report);
      if (HoldsHalf(model.graph))
        TellOtherRuns(temporary, output.string(), as_compared, outputs, planned, comparer, report);
    }
    report.quantized_bytes = bytes;
    if (of_layers.empty()) return;
    const std::vector<std::string> texts = LayerFileTexts(options, report, *told.layers);
    for (size_t k = 0; k < of_layers.size(); ++k) {
      of_layers[k]->Write(texts[k]);
      of_layers[k]->Sync();
    }
  };
  const ExportedFiles written = ExportOnnx(model, output,
                                           {.external_data = options.external_data,
                                            .verify = verify,
                                            .companions = companions.All(),
                                            .inputs = told.inputs});
  report.files = written.Names(output);
  report.files.insert(report.files.end(), companions.names().begin(), companions.names().end());
}

}  // namespace qconvert
