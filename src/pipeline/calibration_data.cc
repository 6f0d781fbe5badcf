#include "calibration_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "qconvert/base/error.h"
#include "qconvert/base/suggest.h"

namespace qconvert {
namespace {

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

}  // namespace

SampleSource OpenCalibrationData(const CalibrationData& data, const Graph& graph,
                                 const std::string& place) {
  CheckStates(data.states, graph, place);
  const std::vector<Value> inputs = DataInputs(graph, data.states, place);
  const CalibrationSettings& settings = data.settings;
  const bool given = !data.folder.empty();
  const std::filesystem::path& folder = given ? data.folder : settings.data;
  if (!inputs.empty() && folder.empty() && settings.input.empty()) {
    if (data.optional) return {};
    throw Error(ExitCode::kUsage, "", "no calibration data given, expected --calib DIR");
  }
  SampleSourceOptions source{
      .stacked = data.stacked || settings.stacked,
      .max_samples = data.max_samples > 0 ? data.max_samples : settings.max_samples};
  if (!given) source.folders = settings.input;
  if (!settings.format.empty()) source.format = settings.format;
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
