#include "learn_layer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "kept_results.h"
#include "placed_layers.h"
#include "qconvert/targets/fusions.h"
#include "qconvert/weights/code_steps.h"

namespace qconvert {

bool LearnsNode(const Graph& graph, size_t n, const CodedLayer& layer,
                const LearningSettings& learning) {
  const Node& node = graph.nodes[n];
  const NumericFormat& format = layer.weights.format;
  const std::vector<std::string>& types = learning.op_types;
  const bool is_meant =
      types.empty() || std::find(types.begin(), types.end(), node.op_type) != types.end();
  return is_meant && format.symmetric && format.zero == 0 &&
         CanLearn(node, *graph.FindInitializer(node.inputs[1])) &&
         (layer.is_stored || CanMoveBias(graph, node, layer.unit));
}

FittedWeights StartOfLayer(const CodedLayer& layer, const LayerCorrections& found, size_t n) {
  FittedWeights start = layer.weights;
  const auto better = found.weights.find(n);
  if (better != found.weights.end()) {
    start.weight = better->second.weight;
    start.params = better->second.params;
  }
  return start;
}

void LayerLearner::KeepIn(ResultCache* cache, std::string run_hash) {
  cache_ = cache;
  run_hash_ = std::move(run_hash);
}

const std::string& LayerLearner::FloatOutput(size_t n) const {
  return graph_.nodes[EndOfLayer(n, layers_.at(n).unit)].outputs[0];
}

void LayerLearner::WantFloats(size_t n, std::multiset<std::string>& wanted) const {
  wanted.insert(FloatOutput(n));
  if (mixes()) wanted.insert(graph_.nodes[n].inputs[0]);
}

void LayerLearner::DropFloats(size_t n, LayerwiseRun& floats) const {
  floats.Drop(FloatOutput(n));
  if (mixes()) floats.Drop(graph_.nodes[n].inputs[0]);
}

LearnedLayer LayerLearner::LearnAnew(size_t n, const FittedWeights& start,
                                     std::span<const float> shift,
                                     const LayerSamples& samples) const {
  const Node& node = graph_.nodes[n];
  const CodedLayer& layer = layers_.at(n);
  LearningSettings settings = settings_;
  settings.learns_bias = settings.learns_bias && !layer.is_stored;
  const Tensor* addend = FindUnitBias(graph_, node, layer.unit);
  std::vector<float> bias = addend == nullptr ? std::vector<float>{} : ToFloats(*addend);
  if (!shift.empty()) AddShift(shift, bias);
  return LearnWeights(node, *graph_.FindInitializer(node.inputs[1]), bias, start, samples,
                      FindActivation(graph_, topology_, layer.unit), settings, workers_);
}

LearnedLayer LayerLearner::Learn(size_t n, const FittedWeights& start, std::span<const float> shift,
                                 const std::string& input, LayerwiseRun& quantized,
                                 LayerwiseRun& floats) const {
  const Node& node = graph_.nodes[n];
  // Also of a layer that was kept: where runs are cut decides what the engine computes in one step,
  // and so the last bits of what the next layers learn from.
  LayerSamples samples{.inputs = quantized.Reach(input)};
  if (mixes()) samples.float_inputs = floats.Reach(node.inputs[0]);
  samples.outputs = floats.Reach(FloatOutput(n));
  const std::string key =
      cache_ == nullptr ? "" : KeyOf({kKeptLayer, run_hash_, fmt::format("{}", n)});
  LearnedLayer learned{.weights = start};
  RecallOrMake<KeptLayer>(
      cache_, kKeptLayer, key,
      [&](KeptLayer kept) {
        learned.bias_shift = std::move(kept.shift);
        return TakeCodes(kept.codes, learned.weights);
      },
      [&] { learned = LearnAnew(n, start, shift, samples); },
      [&] { return TextOf(KeptOf(learned.weights, learned.bias_shift)); });
  DropFloats(n, floats);
  return learned;
}

}  // namespace qconvert
