#include "check_data.h"

#include <fmt/format.h>

#include "calibration_data.h"
#include "check_pixels.h"
#include "qconvert/base/error.h"
#include "qconvert/base/spread.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

FirstLayers FirstLayersOf(const std::vector<const Model*>& models) {
  FirstLayers first;
  for (const Model* given : models) {
    Model model = *given;  // shares the bytes of tensors
    try {
      Normalize(model);
      first = FindFirstLayers(model);
    } catch (const Error&) {
      continue;  // the run itself says what is wrong with the model
    }
    // A quantized file has them folded away: then the other may tell.
    if (first.normalization || first.bound) break;
  }
  return first;
}

}  // namespace

std::vector<std::string> CheckData(const DataToCheck& data, bool is_strict) {
  const std::vector<size_t>& order = data.digest.by_content;
  std::vector<std::string> oddities =
      CheckSamples(data.samples, data.feeder, order, data.first, data.model_file);
  for (std::string& oddity :
       CheckPixels(data.config, data.inputs, data.samples, order, data.folded))
    oddities.push_back(std::move(oddity));
  if (is_strict && !oddities.empty()) {
    throw Error(ExitCode::kData, "", fmt::format("--strict-data: {}", fmt::join(oddities, "; ")));
  }
  return oddities;
}

std::vector<std::string> CheckRunData(const SampleData& data, const std::vector<Value>& inputs,
                                      const SampleSource& samples,
                                      const std::vector<const Model*>& models) {
  const InputFeeder feeder(samples, inputs, data.states);
  const std::vector<size_t> order = SpreadEvenly(samples.size(), kPixelSamples);
  if (order.empty()) return {};
  std::vector<std::string> oddities = CheckScaling(samples, feeder, order, FirstLayersOf(models));
  std::vector<Value> images;
  for (const Value& input : inputs) {
    const InputSettings* settings = FindInputSettings(data.deployment, input.name);
    if (settings != nullptr && !TakesRuntimePixels(*settings, input)) images.push_back(input);
  }
  QuantConfig config;
  config.calibration = data.settings;
  config.deployment = data.deployment;
  if (images.empty()) return oddities;
  for (std::string& oddity : CheckPixels(config, images, samples, order))
    oddities.push_back(std::move(oddity));
  return oddities;
}

}  // namespace qconvert
