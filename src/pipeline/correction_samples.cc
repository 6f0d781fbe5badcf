#include "correction_samples.h"

#include <algorithm>

#include "layerwise_run.h"
#include "qconvert/base/spread.h"

namespace qconvert {
namespace {

// Where nobody asks for a correction: as many samples as take this long, estimated.
constexpr double kFewNs = 400e6;
constexpr size_t kMostOfFew = 64;
// But no fewer: means of channels, and covariances of what a layer reads, are over all positions of
// a sample; of the latter only some are looked at.
constexpr size_t kFewestForMeans = 16;
constexpr size_t kFewestForCovariances = 8;

bool RefitsSome(const Graph& graph, const QuantizationPlan& plan) {
  const std::map<size_t, CodedLayer> layers = FindCodedLayers(graph, plan);
  return std::any_of(layers.begin(), layers.end(),
                     [](const auto& one) { return Refits(one.second); });
}

// Nanoseconds of one run of all that integer kernels could take, estimated: a plan counts what it
// keeps float nowhere.
double FloatTime(const Graph& graph, const ValueSizes& sizes) {
  PlaceOptions options;
  options.sizes = sizes;
  return PlaceNodes(graph, options).float_ns;
}

}  // namespace

std::string WhyNoSamples(const PlanInputs& inputs) {
  if (inputs.comparer.is_in_step())
    return "the model draws random numbers, so that what its layers read differs from run to run";
  if (inputs.calibration.has_feedback())
    return "that takes samples that do not depend on each other";
  return inputs.calibration.size() == 0 ? "that takes samples (--calib)" : "";
}

std::vector<Sample> SomeSamples(const PlanInputs& inputs, const ValueSizes& sizes, int64_t most,
                                int64_t bytes) {
  std::vector<Sample> samples;
  if (!WhyNoSamples(inputs).empty()) return samples;
  const double each = 2 * PeakLiveBytes(inputs.model.graph, sizes);
  const auto fit = static_cast<size_t>(static_cast<double>(bytes) / std::max(each, 1.0));
  const size_t count = std::min(static_cast<size_t>(most), std::max<size_t>(fit, 1));
  for (const size_t k : SpreadEvenly(inputs.calibration.size(), count))
    samples.push_back(inputs.calibration.Read(inputs.by_content[k], {}));
  return samples;
}

std::vector<Sample> FewSamples(const Graph& graph, const QuantizationPlan& plan,
                               const ValueSizes& sizes, const std::vector<Sample>& samples,
                               const CorrectionOptions& options) {
  if (options.learning != nullptr || (options.round_weights && RefitsSome(graph, plan)))
    return samples;
  const size_t least = options.round_weights ? kFewestForCovariances : kFewestForMeans;
  const double count = std::clamp(kFewNs / std::max(FloatTime(graph, sizes), 1.0),
                                  static_cast<double>(least), static_cast<double>(kMostOfFew));
  std::vector<Sample> few;
  for (const size_t k : SpreadEvenly(samples.size(), static_cast<size_t>(count)))
    few.push_back(samples[k]);
  return few;
}

bool AreFitted(const ModelComparer& comparer) {
  const std::vector<ComparedValue>& values = comparer.values();
  return std::any_of(values.begin(), values.end(),
                     [](const ComparedValue& value) { return value.is_fitted; });
}

}  // namespace qconvert
