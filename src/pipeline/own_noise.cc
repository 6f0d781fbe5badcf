#include "own_noise.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "compared_models.h"
#include "measure_layers.h"
#include "qconvert/base/error.h"
#include "qconvert/base/log.h"
#include "qconvert/base/map_in_order.h"
#include "qconvert/base/metric.h"
#include "qconvert/rewrite/noise_probes.h"
#include "qconvert/rewrite/parts_of_plan.h"
#include "qconvert/rewrite/store_weights.h"

namespace qconvert {
namespace {

NoiseProbes ProbesOf(const Model& exact, const QuantizationPlan& plan, int workers) {
  Model rounded = exact;  // shares the bytes of tensors
  RoundIntegerWeights(rounded.graph, plan);
  FloatCache floats(workers);
  ExpandWeights(rounded, plan.stored, floats);
  return MakeNoiseProbes(exact, rounded, plan);
}

// The sums of all outputs over the samples, in the order of the model's outputs.
std::vector<double> SumOutputs(const Session& session, const ModelComparer& comparer, int workers) {
  const std::vector<size_t> samples = comparer.Spread(kOwnNoiseSamples);
  std::vector<double> sums(session.outputs().size(), 0);
  MapInOrder(
      samples.size(), workers,
      [&](size_t k) { return RunSample(session, comparer.ReadSample(samples[k])); },
      [&](size_t /*k*/, const std::vector<Tensor>& outputs) {
        for (size_t o = 0; o < outputs.size(); ++o)
          sums[o] += static_cast<double>(outputs[o].values<float>()[0]);
        return true;
      });
  return sums;
}

std::optional<double> Ratio(double noise, double signal) {
  // Without a signal it is no number.
  const double ratio = noise / signal;
  return std::isfinite(ratio) ? std::optional(ratio) : std::nullopt;
}

std::optional<double> Tenth(std::optional<double> noise) {
  if (!noise) return std::nullopt;
  return std::round(10 * SqnrOfNoise(*noise)) / 10;
}

}  // namespace

std::vector<OwnNoise> MeasureOwnNoise(const Model& exact, const QuantizationPlan& plan,
                                      const ModelComparer& comparer, const std::string& place,
                                      int workers) {
  if (comparer.count() == 0 || comparer.is_in_step() || comparer.has_feedback() ||
      WeightBytes(exact.graph) > kMostOwnNoiseBytes)
    return {};
  const NoiseProbes probes = ProbesOf(exact, plan, workers);
  if (probes.probes.empty() || probes.probes.size() > kMostOwnNoiseNodes) return {};
  std::vector<double> sums;
  try {
    // For so few runs the engine would take far longer to optimize the model than to run it.
    const auto session =
        OpenForComparison(probes.model, place, /*integer_kernels=*/false, kStepsOfProbe);
    sums = SumOutputs(*session, comparer, workers);
  } catch (const Error& e) {
    if (e.code() != ExitCode::kModel && e.code() != ExitCode::kData) throw;
    LogDebug(e.what());
    return {};
  }
  std::vector<OwnNoise> noise(exact.graph.nodes.size());
  size_t next = 0;  // outputs stand in the order of the probes
  for (const NoiseProbe& probe : probes.probes) {
    const double signal = sums[next++];
    if (!probe.weights.empty()) noise[probe.node].weights = Ratio(sums[next++], signal);
    if (!probe.inputs.empty()) noise[probe.node].inputs = Ratio(sums[next++], signal);
  }
  return noise;
}

void SetOwnNoise(const std::vector<OwnNoise>& noise, LayerErrors& errors) {
  errors.nodes.resize(std::max(errors.nodes.size(), noise.size()));
  for (size_t n = 0; n < noise.size(); ++n) errors.nodes[n].own = noise[n];
}

std::vector<FileNoise> NoiseOfEntries(const std::vector<OwnNoise>& noise,
                                      const QuantizationPlan& plan) {
  std::vector<FileNoise> entries;
  for (size_t n = 0; n < noise.size(); ++n) {
    if (plan.placement.nodes[n].domain != NodeDomain::kOther)
      entries.push_back({Tenth(noise[n].weights), Tenth(noise[n].inputs)});
  }
  return entries;
}

}  // namespace qconvert
