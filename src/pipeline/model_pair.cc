#include "model_pair.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "calibration_data.h"
#include "check_data.h"
#include "compared_models.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/log.h"
#include "qconvert/base/refuse_overwriting.h"
#include "qconvert/base/suggest.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/transform/random_nodes.h"
#include "saturating_kernels.h"

namespace qconvert {
namespace {

constexpr int64_t kInitializersAreNoInputs = 4;  // the IR version since which they need not be

std::vector<std::string> InputNames(const std::vector<Value>& inputs) {
  std::vector<std::string> names;
  for (const Value& input : inputs) names.push_back(input.name);
  return names;
}

void CheckInputs(const ModelPair& pair) {
  const std::vector<Value>& a = pair.a.model.graph.inputs;
  const std::vector<Value>& b = pair.b.model.graph.inputs;
  const auto check = [](const std::vector<Value>& these, const std::vector<Value>& others,
                        const std::string& place, const std::string& other_place) {
    for (const Value& input : these) {
      const auto it = std::find_if(others.begin(), others.end(),
                                   [&](const Value& other) { return other.name == input.name; });
      if (it == others.end()) {
        throw Error(ExitCode::kModel, place,
                    fmt::format("input \"{}\" is not in {}{}", input.name, other_place,
                                DidYouMean(input.name, InputNames(others))));
      }
      if (it->type.element != input.type.element) {
        throw Error(ExitCode::kModel, place,
                    fmt::format("input \"{}\" is {}, in {} it is {}: no sample fits both",
                                input.name, DataTypeName(input.type.element), other_place,
                                DataTypeName(it->type.element)));
      }
    }
  };
  check(a, b, pair.place_a, pair.place_b);
  check(b, a, pair.place_b, pair.place_a);
}

void MatchOutputs(ModelPair& pair) {
  const Graph& a = pair.a.model.graph;
  const Graph& b = pair.b.model.graph;
  for (ComparedValue& value : FindComparedValues(a, [](const std::string&) { return false; })) {
    if (!a.IsOutput(value.name)) continue;
    if (b.IsOutput(value.name)) {
      pair.outputs.push_back(std::move(value));
    } else {
      pair.only_a.push_back(value.name);
    }
  }
  for (const Value& output : b.outputs) {
    if (!a.IsOutput(output.name)) pair.only_b.push_back(output.name);
  }
  // Some in common are enough: files of one model may differ by an output that was cut off.
  if (!pair.outputs.empty()) return;
  throw Error(ExitCode::kModel, pair.place_b,
              fmt::format("no output has a name of {}: found {}, expected {}", pair.place_a,
                          fmt::join(pair.only_b, ", "), fmt::join(pair.only_a, ", ")));
}

void WarnOfSaturation(const ModelPair& pair) {
  std::set<std::string> told;  // a file may be compared with itself
  for (const auto& [loaded, place] :
       {std::pair{&pair.a, &pair.place_a}, {&pair.b, &pair.place_b}}) {
    const std::string line = RemarkOnSaturation(loaded->model, *place);
    if (!line.empty() && told.insert(line).second) LogWarning(EscapeForTerminal(line));
  }
}

}  // namespace

std::vector<Value> FedInputs(const Graph& graph) {
  std::vector<Value> inputs;
  for (const Value& input : graph.inputs) {
    if (graph.FindInitializer(input.name) == nullptr) inputs.push_back(input);
  }
  return inputs;
}

void UndeclareInitializers(Model& model) {
  model.graph.inputs = FedInputs(model.graph);
  model.ir_version = std::max(model.ir_version, kInitializersAreNoInputs);
}

ModelPair LoadPair(const std::filesystem::path& a, const std::filesystem::path& b) {
  ModelPair pair{.a = LoadOnnx(a),
                 .b = LoadOnnx(b),
                 .place_a = a.string(),
                 .place_b = b.string(),
                 .outputs = {},
                 .only_a = {},
                 .only_b = {},
                 .is_random = false};
  // Weights that a file lists among its inputs are not fed.
  for (LoadedModel* loaded : {&pair.a, &pair.b}) UndeclareInitializers(loaded->model);
  CheckInputs(pair);
  InferTypes(pair.a.model, pair.place_a);
  MatchOutputs(pair);
  pair.is_random =
      !FindRandomNodes(pair.a.model.graph).empty() || !FindRandomNodes(pair.b.model.graph).empty();
  return pair;
}

SampleSource OpenPairData(const ModelPair& pair, const SampleData& data,
                          const std::vector<std::filesystem::path>& outputs) {
  std::vector<std::filesystem::path> inputs = pair.a.files;
  inputs.insert(inputs.end(), pair.b.files.begin(), pair.b.files.end());
  RefuseOverwriting(outputs, inputs);
  const Graph& graph = pair.a.model.graph;
  if (data.folder.empty() && graph.inputs.size() > data.states.size())
    throw Error(ExitCode::kUsage, "", "no samples given, expected --data DIR");
  SampleSource samples = OpenCalibrationData(FromSampleData(data), graph, pair.place_a);
  for (const std::string& line :
       CheckRunData(data, graph.inputs, samples, {&pair.a.model, &pair.b.model}))
    LogWarning(line);
  WarnOfSaturation(pair);
  for (const StateInput& state : data.states) {
    if (std::find(pair.only_a.begin(), pair.only_a.end(), state.output) == pair.only_a.end())
      continue;
    throw Error(ExitCode::kUsage, pair.place_b,
                fmt::format("--state: the model has no output \"{}\"", state.output));
  }
  RefuseOverwriting(outputs, samples.files());
  return samples;
}

void RefuseFoldersOfSamples(const std::vector<std::filesystem::path>& folders,
                            const SampleSource& samples) {
  std::set<std::filesystem::path> read_from;
  for (const auto& file : samples.files()) read_from.insert(file.parent_path());
  for (const auto& folder : folders) {
    for (const auto& other : read_from) {
      // A file without a folder lies in the present one.
      if (!SameFile(folder, other.empty() ? "." : other)) continue;
      throw Error(ExitCode::kUsage, folder.string(),
                  "holds the samples, expected another folder for the outputs");
    }
  }
}

int WorkerCount(const SampleData& data) { return WorkerCount(FromSampleData(data)); }

std::unique_ptr<Session> OpenShowing(const Model& model, const std::string& place,
                                     const std::vector<std::string>& outputs, bool is_random) {
  Model shown = model;  // shares the bytes of tensors
  shown.graph.outputs.clear();
  for (const std::string& output : outputs) shown.graph.outputs.push_back({output, {}, {}, {}});
  if (is_random) SeedRandomNodes(shown.graph);
  return OpenForComparison(shown, place);
}

std::vector<std::string> NamesOf(const std::vector<ComparedValue>& values) {
  std::vector<std::string> names;
  for (const ComparedValue& value : values) names.push_back(value.name);
  return names;
}

}  // namespace qconvert
