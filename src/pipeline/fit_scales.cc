#include "fit_scales.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "correct_layers.h"
#include "kept_results.h"
#include "layerwise_run.h"
#include "qconvert/base/parallel.h"
#include "qconvert/ir/topology.h"
#include "qconvert/weights/round_by_covariance.h"

namespace qconvert {
namespace {

constexpr size_t kTogether = 4;  // layers that are looked at by several threads at once

std::vector<size_t> LayersToFit(const Graph& graph, const QuantizationPlan& plan,
                                const ModelSettings& settings) {
  const Topology topology(graph);
  std::vector<size_t> layers;
  for (const auto& [n, integer] : plan.integer_nodes) {
    const Node& node = graph.nodes[n];
    const bool fits = integer.weight && CanRound(graph, settings, node) &&
                      settings.Of(node).weights.method == CalibrationMethod::kMse &&
                      settings.Of(node).weights.scale_type == ScaleType::kFloat;
    // Other readers of the weights have scales of their own.
    if (fits && topology.Uses(node.inputs[1]).size() == 1) layers.push_back(n);
  }
  return layers;
}

std::vector<float> ScalesOf(const Node& node, const Graph& graph, const ConstantCodes& nearest,
                            std::span<const Tensor> inputs) {
  const Tensor& weight = *graph.FindInitializer(node.inputs[1]);
  return FitScalesByCovariance(weight, KernelOrder(node, weight),
                               {nearest.codes, nearest.params, nearest.format, nearest.pair_limit},
                               CollectCovariances(node, weight, inputs, kManyPositions));
}

// Of these layers, where others than the plan's are found; one pass of the float model.
KeptScales FindScales(const Model& model, const QuantizationPlan& plan,
                      const std::vector<size_t>& layers, const std::vector<Sample>& samples,
                      int workers, const std::string& place) {
  const Graph& graph = model.graph;
  KeptScales found;
  std::multiset<std::string> wanted;
  for (const size_t n : layers) wanted.insert(graph.nodes[n].inputs[0]);
  LayerwiseRun floats(model, samples, std::move(wanted), workers, place);
  for (size_t first = 0; first < layers.size(); first += kTogether) {
    const size_t count = std::min(kTogether, layers.size() - first);
    std::vector<std::vector<Tensor>> inputs;  // share their bytes with the run
    for (size_t k = 0; k < count; ++k) {
      const std::string& input = graph.nodes[layers[first + k]].inputs[0];
      inputs.push_back(floats.Reach(input));
      floats.Drop(input);
    }
    std::vector<std::vector<float>> scales(count);
    ParallelFor(count, workers, [&](size_t k, size_t /*worker*/) {
      const size_t n = layers[first + k];
      scales[k] = ScalesOf(graph.nodes[n], graph, *plan.integer_nodes.at(n).weight, inputs[k]);
    });
    for (size_t k = 0; k < count; ++k) {
      const size_t n = layers[first + k];
      if (scales[k] != plan.integer_nodes.at(n).weight->params.scales)
        found.layers.push_back({n, std::move(scales[k])});
    }
  }
  return found;
}

std::string KeyOfScales(const Model& model, const QuantizationPlan& plan,
                        const std::vector<size_t>& layers, const std::vector<Sample>& samples) {
  return KeyOf({kKeptScales, HashOf(model), HashOf(model.graph, plan), HashOf(samples),
                fmt::format("{}", fmt::join(layers, " "))});
}

}  // namespace

std::map<size_t, FittedScales> FitScales(const Model& model, const QuantizationPlan& plan,
                                         const ModelSettings& settings,
                                         const std::vector<Sample>& samples, int workers,
                                         const std::string& place, ResultCache* cache) {
  const std::vector<size_t> layers = LayersToFit(model.graph, plan, settings);
  if (layers.empty()) return {};
  const auto fit = [&] {
    KeptScales scales;
    RecallOrMake<KeptScales>(
        cache, kKeptScales, cache == nullptr ? "" : KeyOfScales(model, plan, layers, samples),
        [&](KeptScales kept) {
          scales = std::move(kept);
          return true;
        },
        [&] { scales = FindScales(model, plan, layers, samples, workers, place); },
        [&] { return TextOf(scales); });
    LayerCorrections found;
    for (auto& [n, of] : scales.layers)
      found.scales.emplace(n, FittedScales{plan.integer_nodes.at(n).weight->params, std::move(of)});
    return found;
  };
  return UnlessRefused(fit).scales;
}

}  // namespace qconvert
