#include "fit_scales.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "correct_layers.h"
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

}  // namespace

std::map<size_t, FittedScales> FitScales(const Model& model, const QuantizationPlan& plan,
                                         const ModelSettings& settings,
                                         const std::vector<Sample>& samples, int workers,
                                         const std::string& place) {
  const Graph& graph = model.graph;
  const std::vector<size_t> layers = LayersToFit(graph, plan, settings);
  if (layers.empty()) return {};
  return UnlessRefused([&] {
           LayerCorrections found;
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
               scales[k] =
                   ScalesOf(graph.nodes[n], graph, *plan.integer_nodes.at(n).weight, inputs[k]);
             });
             for (size_t k = 0; k < count; ++k) {
               const size_t n = layers[first + k];
               const QuantParams& before = plan.integer_nodes.at(n).weight->params;
               if (scales[k] != before.scales)
                 found.scales.emplace(n, FittedScales{before, std::move(scales[k])});
             }
           }
           return found;
         })
      .scales;
}

}  // namespace qconvert
