#include "calibration_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/suggest.h"
#include "qconvert/config/plan_file.h"
#include "qconvert/config/setting_position.h"
#include "qconvert/dataset/npy_reader.h"
#include "qconvert/dataset/plain_name.h"
#include "qconvert/dataset/sample_folder.h"

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
    // With a slash at its end or without.
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

// The kinds that one of J5's stages takes are those of its training.
bool TakesTrainingKind(const InputSettings& settings) {
  const bool is_yuv =
      settings.kind_train == InputKind::kYuv444 && settings.kind_rt == InputKind::kNv12;
  return settings.kind_train == settings.kind_rt || is_yuv;
}

// J5's folders do, for its stages too; other files, and those of --input, hold what a deployed
// model takes.
bool HoldsTrainingPixels(const CalibrationData& data) {
  return data.deployment.calibration_domain == CalibrationDomain::kRaw && !data.any_name_is_raw;
}

// Of a deployed model or a J5 stage: pixels of training lose 128, CheckRuntimePixels refuses those
// of another kind.
InputFormat RuntimeFormat(const CalibrationData& data, const InputSettings& settings,
                          const Value& input, InputFormat training) {
  InputFormat format{.raw_type = DataType::kUndefined, .picture = std::move(training.picture)};
  if (!HoldsTrainingPixels(data)) return format;
  constexpr double kCenter = 128;
  const int64_t channels = settings.kind_train == InputKind::kGray ? 1 : 3;
  const auto& shape = input.type.shape;
  const bool is_nchw = shape && shape->size() > 1 && (*shape)[1].value == channels;
  format.raw_type = training.raw_type;
  format.holds_pixels = true;
  format.scaling = {std::vector<double>(static_cast<size_t>(channels), kCenter),
                    std::vector<double>(static_cast<size_t>(channels), 1),
                    is_nchw ? size_t{1} : size_t{3}};
  return format;
}

// Pictures are converted and int8 arrays are what the input takes; pixels of training that it does
// not take are no samples of it.
bool FitsRuntime(const std::filesystem::path& file) {
  const std::string suffix = file.extension().string();
  if (suffix == ".png" || suffix == ".jpg" || suffix == ".jpeg" || suffix == ".npz") return true;
  return suffix == ".npy" &&
         ReadNpyHeader(ByteSource(std::make_shared<InputFile>(file))).type == DataType::kInt8;
}

// Throws Error(kData) naming the first file that a J5 stage would misread.
void CheckRuntimePixels(const CalibrationData& data, const std::vector<Value>& inputs,
                        const SampleSource& samples) {
  if (!HoldsTrainingPixels(data)) return;
  for (const Value& input : inputs) {
    const InputSettings* settings = FindInputSettings(data.deployment, input.name);
    if (settings == nullptr || !TakesRuntimePixels(*settings, input) ||
        TakesTrainingKind(*settings))
      continue;
    const auto is_of_input = [&](const std::filesystem::path& file) {
      return inputs.size() == 1 || file.parent_path().filename() == PlainName(input.name);
    };
    for (const std::filesystem::path& file : samples.files()) {
      if (!is_of_input(file) || FitsRuntime(file)) continue;
      const InputKind taken =
          settings->kind_rt == InputKind::kNv12 ? InputKind::kYuv444 : settings->kind_rt;
      throw Error(
          ExitCode::kData, file.string(),
          fmt::format("holds {} pixels of training (J5 rule), input \"{}\" of this stage "
                      "takes {} less 128: expected int8 .npy files of these, or pictures, "
                      "which are converted",
                      InputKindName(settings->kind_train), input.name, InputKindName(taken)));
    }
  }
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
    if (settings != nullptr && TakesRuntimePixels(*settings, input))
      format = RuntimeFormat(data, *settings, input, std::move(format));
    const auto folded = data.folded.find(input.name);
    if (folded == data.folded.end()) continue;
    // What stands in the weights is not done once more.
    format.scaling.channel_axis = folded->second.channel_axis;
    format.scaling = WithoutFolded(format.scaling, folded->second);
    if (format.picture.unfit.empty())
      format.picture.scaling = WithoutFolded(format.picture.scaling, folded->second);
  }
}

// Folders that the settings name are told where they name them.
void CheckFolders(const CalibrationData& data) {
  if (data.effective == nullptr || data.deployment.skip_calibration) return;
  const bool is_horizon = data.effective->Find("calibration_parameters") != nullptr;
  const auto check = [&](const std::filesystem::path& folder, const ConfigPlace& position) {
    if (!folder.empty() && !position.is_default()) CheckSampleFolder(folder, position.Text());
  };
  const auto position = [&](const std::string& input) {
    return is_horizon ? PositionOf(*data.effective, {"calibration_parameters", "cal_data_dir"})
                      : PositionOf(*data.effective, {"calibration", "data", input});
  };
  check(data.settings.data, position(""));
  for (const auto& [input, folder] : data.settings.input) check(folder, position(input));
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
  if (!given) CheckFolders(data);
  // A folder of the command line stands for those of the settings.
  if (!given) source.folders = settings.input;
  if (!settings.format.empty()) source.format = settings.format;
  if (is_random) source.random_samples = kRandomSamples;
  AddFormats(data, inputs, folder, source);
  source.any_name_is_raw |= data.any_name_is_raw;
  SampleSource samples = OpenSamples(folder, inputs, source);
  CheckRuntimePixels(data, inputs, samples);
  return samples;
}

int WorkerCount(const CalibrationData& data) {
  if (data.workers > 0) return data.workers;
  if (data.settings.workers > 0) return data.settings.workers;
  // 0 where the system does not tell.
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

int64_t MemoryLimit(const CalibrationData& data) {
  return data.memory_limit > 0 ? data.memory_limit : data.settings.memory_limit;
}

}  // namespace qconvert
