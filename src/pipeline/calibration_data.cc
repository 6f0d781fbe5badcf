#include "calibration_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/base/suggest.h"

namespace qconvert {
namespace {

constexpr size_t kRandomSamples = 16;  // for the structure and the speed alone

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

bool IsState(const Value& input, const std::vector<StateInput>& states) {
  return std::any_of(states.begin(), states.end(),
                     [&](const StateInput& state) { return state.input == input.name; });
}

std::vector<Value> DataInputs(const Graph& graph, const std::vector<StateInput>& states,
                              const std::string& place) {
  std::vector<Value> inputs;
  for (const Value& input : graph.inputs) {
    if (IsState(input, states)) continue;
    if (!input.type.is_tensor() || input.type.element == DataType::kString) {
      throw Error(
          ExitCode::kModel, place,
          fmt::format("input \"{}\" is no numeric tensor, no samples can be read for it; --scheme "
                      "weight-only needs none",
                      input.name));
    }
    inputs.push_back(input);
  }
  return inputs;
}

// J5, and where pixels are drawn at random: pixels, in headerless files by cal_data_type, else
// float32 in a folder *_f32 and uint8 in others. J6: what the float model takes.
InputFormat FormatOf(const InputSettings& settings, bool is_raw_domain,
                     const std::filesystem::path& folder) {
  InputFormat format;
  if (settings.raw == RawElement::kUint8) format.raw_type = DataType::kUint8;
  if (settings.raw == RawElement::kFloat32) format.raw_type = DataType::kFloat;
  if (!is_raw_domain || settings.kind_train == InputKind::kFeaturemap) return format;
  format.holds_pixels = true;
  if (settings.raw == RawElement::kOfInput) {
    const bool is_float = (folder / "").parent_path().string().ends_with("_f32");
    format.raw_type = is_float ? DataType::kFloat : DataType::kUint8;
  }
  format.scaling.channel_axis = settings.layout_train == InputLayout::kNhwc ? 3 : 1;
  const size_t channels = settings.kind_train == InputKind::kGray ? 1 : 3;
  for (size_t c = 0; settings.normalizes() && c < channels; ++c) {
    format.scaling.mean.push_back(settings.MeanOf(c));
    format.scaling.scale.push_back(settings.ScaleOf(c));
  }
  return format;
}

void AddFormats(const CalibrationData& data, const std::vector<Value>& inputs,
                const std::filesystem::path& folder, SampleSourceOptions& source) {
  const DeploymentConfig& deployment = data.deployment;
  source.any_name_is_raw = deployment.generation != Generation::kNone;
  const bool is_raw_domain =
      deployment.calibration_domain == CalibrationDomain::kRaw || source.random_samples > 0;
  for (const InputSettings& settings : deployment.inputs) {
    const std::string& name =
        settings.name.empty() && inputs.size() == 1 ? inputs[0].name : settings.name;
    const auto own = source.folders.find(name);
    source.formats[name] =
        FormatOf(settings, is_raw_domain, own == source.folders.end() ? folder : own->second);
  }
  for (const Value& input : inputs) {
    InputFormat& format = source.formats[input.name];
    const InputSettings* settings = FindInputSettings(deployment, input.name);
    format.picture = MakePictureFormat(data.settings.transforms, settings, input);
    // Other files hold what a deployed model takes.
    if (settings != nullptr && TakesRuntimePixels(*settings, input))
      format = {.raw_type = DataType::kUndefined, .picture = std::move(format.picture)};
    const auto folded = data.folded.find(input.name);
    if (folded == data.folded.end()) continue;
    format.scaling.channel_axis = folded->second.channel_axis;
    format.scaling = WithoutFolded(format.scaling, folded->second);
    if (format.picture.unfit.empty())
      format.picture.scaling = WithoutFolded(format.picture.scaling, folded->second);
  }
}

}  // namespace

const InputSettings* FindInputSettings(const DeploymentConfig& deployment,
                                       const std::string& input) {
  const auto it =
      std::find_if(deployment.inputs.begin(), deployment.inputs.end(),
                   [&](const InputSettings& one) { return one.name.empty() || one.name == input; });
  return it == deployment.inputs.end() ? nullptr : &*it;
}

bool IsRandom(const CalibrationData& data) {
  return data.deployment.skip_calibration && data.folder.empty() && !data.optional;
}

CalibrationData FromSampleData(const SampleData& data) {
  return {.folder = data.folder,
          .states = data.states,
          .max_samples = data.max_samples,
          .stacked = data.stacked,
          .workers = data.workers,
          .settings = {.format = data.settings.format, .transforms = data.settings.transforms},
          .deployment = data.deployment};
}

SampleSource OpenCalibrationData(const CalibrationData& data, const Graph& graph,
                                 const std::string& place) {
  CheckStates(data.states, graph, place);
  const CalibrationSettings& settings = data.settings;
  const bool given = !data.folder.empty();
  const std::filesystem::path& folder = given ? data.folder : settings.data;
  const bool is_random = IsRandom(data);
  const bool is_missing =
      folder.empty() && settings.input.empty() && !is_random &&
      std::any_of(graph.inputs.begin(), graph.inputs.end(),
                  [&](const Value& input) { return !IsState(input, data.states); });
  // Before the inputs are looked at: those of other types take no data, and none is needed.
  if (is_missing && data.optional) return {};
  const std::vector<Value> inputs = DataInputs(graph, data.states, place);
  if (is_missing)
    throw Error(ExitCode::kUsage, "", "no calibration data given, expected --calib DIR");
  SampleSourceOptions source{
      .stacked = data.stacked || settings.stacked,
      .max_samples = data.max_samples > 0 ? data.max_samples : settings.max_samples};
  if (!given) source.folders = settings.input;
  if (!settings.format.empty()) source.format = settings.format;
  if (is_random) source.random_samples = kRandomSamples;
  AddFormats(data, inputs, folder, source);
  source.any_name_is_raw |= data.any_name_is_raw;
  return OpenSamples(folder, inputs, source);
}

int WorkerCount(const CalibrationData& data) {
  if (data.workers > 0) return data.workers;
  if (data.settings.workers > 0) return data.settings.workers;
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

int64_t MemoryLimit(const CalibrationData& data) {
  return data.memory_limit > 0 ? data.memory_limit : data.settings.memory_limit;
}

}  // namespace qconvert
