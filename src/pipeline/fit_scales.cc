#include "fit_scales.h"

#include <fmt/format.h>

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

using Layers = std::map<size_t, CodedLayer>;

Layers LayersToFit(const Graph& graph, const QuantizationPlan& plan,
                   const ModelSettings& settings) {
  const Topology topology(graph);
  Layers layers = FindCodedLayers(graph, plan);
  std::erase_if(layers, [&](const auto& entry) {
    const auto& [n, layer] = entry;
    const Node& node = graph.nodes[n];
    const bool fits = CanRound(graph, settings, node, layer) &&
                      settings.Of(node).weights.method == CalibrationMethod::kMse &&
                      settings.Of(node).weights.scale_type == ScaleType::kFloat;
    // Other readers of the weights have scales of their own.
    return !fits || topology.Uses(node.inputs[1]).size() != 1;
  });
  return layers;
}

std::vector<float> ScalesOf(const Node& node, const Graph& graph, const FittedWeights& nearest,
                            std::span<const Tensor> inputs) {
  const Tensor& weight = *graph.FindInitializer(node.inputs[1]);
  return FitScalesByCovariance(weight, KernelOrder(node, weight), nearest,
                               CollectCovariances(node, weight, inputs, kManyPositions));
}

// Of these layers, where others than the plan's are found; one pass of the float model.
KeptScales FindScales(const Model& model, const Layers& of, const std::vector<Sample>& samples,
                      int workers, const std::string& place) {
  const Graph& graph = model.graph;
  KeptScales found;
  std::multiset<std::string> wanted;
  std::vector<size_t> layers;
  for (const auto& [n, layer] : of) {
    layers.push_back(n);
    wanted.insert(graph.nodes[n].inputs[0]);
  }
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
      scales[k] = ScalesOf(graph.nodes[n], graph, of.at(n).weights, inputs[k]);
    });
    for (size_t k = 0; k < count; ++k) {
      const size_t n = layers[first + k];
      if (scales[k] != of.at(n).weights.params.scales)
        found.layers.push_back({n, std::move(scales[k])});
    }
  }
  return found;
}

std::string KeyOfScales(const Model& model, const QuantizationPlan& plan, const Layers& layers,
                        const std::vector<Sample>& samples) {
  std::string nodes;
  for (const auto& [n, layer] : layers) nodes += fmt::format("{} ", n);
  return KeyOf({kKeptScales, HashOf(model), HashOf(model.graph, plan), HashOf(samples), nodes});
}

}  // namespace

std::map<size_t, FittedScales> FitScales(const Model& model, const QuantizationPlan& plan,
                                         const ModelSettings& settings,
                                         const std::vector<Sample>& samples, int workers,
                                         const std::string& place, ResultCache* cache) {
  const Layers layers = LayersToFit(model.graph, plan, settings);
  if (layers.empty()) return {};
  const auto fit = [&] {
    KeptScales scales;
    RecallOrMake<KeptScales>(
        cache, kKeptScales, cache == nullptr ? "" : KeyOfScales(model, plan, layers, samples),
        [&](KeptScales kept) {
          scales = std::move(kept);
          return true;
        },
        [&] { scales = FindScales(model, layers, samples, workers, place); },
        [&] { return TextOf(scales); });
    LayerCorrections found;
    for (auto& [n, of] : scales.layers)
      found.scales.emplace(n, FittedScales{layers.at(n).weights.params, std::move(of)});
    return found;
  };
  return UnlessRefused(fit).scales;
}

}  // namespace qconvert
