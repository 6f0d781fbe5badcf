#include "qconvert/pipeline/run_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "calibration_data.h"
#include "check_data.h"
#include "compared_models.h"
#include "model_pair.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/folders.h"
#include "qconvert/base/log.h"
#include "qconvert/base/map_in_order.h"
#include "qconvert/base/refuse_overwriting.h"
#include "qconvert/base/signals.h"
#include "qconvert/base/suggest.h"
#include "qconvert/dataset/npy_writer.h"
#include "qconvert/dataset/plain_name.h"
#include "qconvert/loader/onnx_loader.h"
#include "saturating_kernels.h"

namespace qconvert {
namespace {

void CheckFiles(const RunModelOptions& options, const std::vector<Value>& inputs) {
  std::vector<std::string> names;
  for (const Value& input : inputs) names.push_back(input.name);
  for (const auto& [name, file] : options.files) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    throw Error(
        ExitCode::kUsage, options.model.string(),
        fmt::format("--input: the model has no input \"{}\"{}", name, DidYouMean(name, names)));
  }
}

SampleSource OpenData(const RunModelOptions& options, const Model& model, const Graph& graph) {
  CalibrationData data = FromSampleData(options.data);
  data.any_name_is_raw = !options.files.empty();
  data.settings.input = options.files;
  SampleSource samples = OpenCalibrationData(data, graph, options.model.string());
  for (const std::string& line : CheckRunData(options.data, graph.inputs, samples, {&model}))
    LogWarning(line);
  const std::string saturation = RemarkOnSaturation(model, options.model.string());
  if (!saturation.empty()) LogWarning(EscapeForTerminal(saturation));
  return samples;
}

constexpr size_t kMostProvisional = 1000;  // their list is short

// Where the outputs of a run go.
class OutputFolder {
 public:
  // Makes the folders. Nothing is read from where it is written to: a later sample would be the
  // output of an earlier one.
  OutputFolder(const RunModelOptions& options, const std::vector<Value>& outputs,
               const SampleSource& samples)
      : folder_(options.folder), is_flat_(!options.files.empty() && samples.size() == 1) {
    std::vector<std::string> names;
    for (const Value& output : outputs) names.push_back(output.name);
    names_ = PlainNames(names);
    if (folder_.empty()) return;
    std::vector<std::filesystem::path> folders;
    for (const std::string& name : names_) folders.push_back(is_flat_ ? folder_ : folder_ / name);
    // A folder made among the samples would be taken for an input's by the next run.
    if (!options.data.folder.empty() && SameFile(folder_, options.data.folder)) {
      throw Error(ExitCode::kUsage, folder_.string(),
                  "holds the samples, expected another folder for the outputs");
    }
    RefuseFoldersOfSamples(folders, samples);
    for (const std::filesystem::path& made : folders) {
      if (made_.size() >= kMostProvisional) {
        MakeFolder(made);
        continue;
      }
      std::vector<Provisional> inner = MakeProvisionalFolder(made);
      made_.insert(made_.begin(), std::make_move_iterator(inner.begin()),
                   std::make_move_iterator(inner.end()));
    }
  }

  // Returns how many files that was.
  size_t Write(const std::string& sample, const std::vector<Tensor>& outputs) {
    if (folder_.empty()) return 0;
    for (size_t o = 0; o < outputs.size(); ++o) {
      const std::filesystem::path file =
          is_flat_ ? folder_ / (names_[o] + ".npy") : folder_ / names_[o] / FileOf(sample);
      WriteFile(file, NpyBytes(outputs[o]));
      ReleaseSignals();
    }
    return outputs.size();
  }

 private:
  static std::string FileOf(const std::string& sample) {
    const std::string plain = PlainName(sample);
    return plain.ends_with(".npy") ? plain : plain + ".npy";
  }

  std::filesystem::path folder_;
  bool is_flat_;
  std::vector<std::string> names_;  // of the outputs
  // Folders, those inside others before them: they go again where nothing comes into them.
  std::vector<Provisional> made_;
};

}  // namespace

RunReport RunModel(const RunModelOptions& options) {
  const LoadedModel loaded = LoadOnnx(options.model);
  const std::string place = options.model.string();
  std::vector<std::filesystem::path> written = options.outputs;
  written.push_back(options.folder);
  RefuseOverwriting(written, loaded.files);
  Graph graph = loaded.model.graph;  // shares its bytes
  graph.inputs = FedInputs(graph);
  CheckFiles(options, graph.inputs);
  const SampleSource samples = OpenData(options, loaded.model, graph);
  RefuseOverwriting(written, samples.files());
  const InputFeeder feeder(samples, graph.inputs, options.data.states);
  const auto session = OpenForComparison(loaded.model, place);
  OutputFolder folder(options, session->outputs(), samples);
  RunReport report{
      .model = place, .samples = samples.size(), .outputs = {}, .folder = options.folder.string()};
  for (const Value& output : session->outputs())
    report.outputs.push_back({.name = output.name, .dims = {}});
  using Outputs = std::vector<Tensor>;
  Outputs before;
  MapInOrder(
      // One by one with states: what a sample gave is there before the next is read.
      samples.size(), feeder.has_feedback() ? 1 : WorkerCount(options.data),
      [&](size_t k) {
        Sample sample = feeder.Read(k, before);
        Outputs outputs = RunSample(*session, sample);
        return std::pair(std::move(sample.name), std::move(outputs));
      },
      [&](size_t k, std::pair<std::string, Outputs> result) {
        for (size_t o = 0; o < result.second.size(); ++o) report.outputs[o].Add(result.second[o]);
        report.files += folder.Write(result.first, result.second);
        if (feeder.has_feedback()) before = std::move(result.second);
        if (options.progress) options.progress(k + 1, samples.size());
        return true;
      });
  return report;
}

}  // namespace qconvert
