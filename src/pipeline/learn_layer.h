// One layer that learns in the middle of a run of both models.
#ifndef QCONVERT_SRC_PIPELINE_LEARN_LAYER_H_
#define QCONVERT_SRC_PIPELINE_LEARN_LAYER_H_

#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string>

#include "layerwise_run.h"
#include "qconvert/base/result_cache.h"
#include "qconvert/config/learning_settings.h"
#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"
#include "qconvert/weights/coded_layers.h"
#include "qconvert/weights/layer_corrections.h"
#include "qconvert/weights/learn_weights.h"

namespace qconvert {

// Whether codes of a layer can be learned, and are meant to.
bool LearnsNode(const Graph& graph, size_t n, const CodedLayer& layer,
                const LearningSettings& learning);

// The codes that layer `n` has by now: those that were found, else the nearest ones of the plan.
FittedWeights StartOfLayer(const CodedLayer& layer, const LayerCorrections& found, size_t n);

class LayerLearner {
 public:
  // All must outlive it.
  LayerLearner(const Graph& graph, const Topology& topology,
               const std::map<size_t, CodedLayer>& layers, const LearningSettings& settings,
               int workers)
      : graph_(graph),
        topology_(topology),
        layers_(layers),
        settings_(settings),
        workers_(workers) {}

  // Keeps what is learned from here on. `run_hash`: of everything that it depends on but the layer.
  void KeepIn(ResultCache* cache, std::string run_hash);
  // What a run of the float model has to keep for layer `n`.
  void WantFloats(size_t n, std::multiset<std::string>& wanted) const;
  // Layer `n` from `start` and the bias that it has with `shift` (empty: its own), by what the
  // quantized model computes as `input` and what the float model writes (LearnWeights). Drops what
  // WantFloats asked for. Of a layer that was kept, codes and shift alone.
  LearnedLayer Learn(size_t n, const FittedWeights& start, std::span<const float> shift,
                     const std::string& input, LayerwiseRun& quantized, LayerwiseRun& floats) const;
  void DropFloats(size_t n, LayerwiseRun& floats) const;

 private:
  bool mixes() const { return settings_.quantized_part < 1; }
  const std::string& FloatOutput(size_t n) const;
  LearnedLayer LearnAnew(size_t n, const FittedWeights& start, std::span<const float> shift,
                         const LayerSamples& samples) const;

  const Graph& graph_;
  const Topology& topology_;
  const std::map<size_t, CodedLayer>& layers_;
  const LearningSettings& settings_;
  int workers_;
  ResultCache* cache_ = nullptr;
  std::string run_hash_;
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_LEARN_LAYER_H_
