// Corrections of weights and biases, layer after layer.
#ifndef QCONVERT_SRC_PIPELINE_CORRECT_LAYERS_H_
#define QCONVERT_SRC_PIPELINE_CORRECT_LAYERS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "qconvert/base/result_cache.h"
#include "qconvert/config/learning_settings.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"
#include "qconvert/plan/model_settings.h"
#include "qconvert/plan/plan.h"
#include "qconvert/transform/channel_moments.h"
#include "qconvert/weights/coded_layers.h"
#include "qconvert/weights/layer_corrections.h"

namespace qconvert {

struct CorrectionOptions {
  bool round_weights = false;  // by what the layer reads (weights/round_by_covariance.h)
  bool move_biases = true;
  // Biases by the vendor's loop (weights/online_bias.h), of layers that have one.
  bool online = false;
  const LearningSettings* learning = nullptr;    // of weights and biases (weights/learn_weights.h)
  std::function<void(size_t percent)> progress;  // of the learning; may be empty
  std::map<size_t, double> costs;                // of the layers that learn, for the progress
  int workers = 1;
  ResultCache* cache = nullptr;  // of what is found; null: none
};

// Whether the codes of a layer can be found by what it reads.
bool CanRound(const Graph& graph, const ModelSettings& settings, const Node& node,
              const CodedLayer& layer);

// Whether weights that are rounded are fitted anew to what the layer writes: below 8 bits.
bool Refits(const CodedLayer& layer);

// What `correct` finds; nothing where the engine refuses the pieces that it runs.
LayerCorrections UnlessRefused(const std::function<LayerCorrections()>& correct);

// Of every layer whose weights are codes (FindCodedLayers), in the order they run, biases of
// integer nodes alone:
//
//   1. codes of the weights from the layer's inputs as the quantized model has them, below
//      8 bits for what it writes in the float model
//   2. codes and bias are learned: its output in the float model from those inputs
//   3. where nothing was learned: shift = mean(y_float) - mean(y_quantized) per output channel,
//      before its activation (BiasShift); with `online` what the vendor's loop comes to, sample by
//      sample, each layer reading what those before it wrote with their biases of that step
//
// Layers in front are corrected already: one pass of the float model and one of the quantized one,
// in which what is found replaces what the next layers read (layerwise_run.h). `plan` is complete.
// `place` names the model in errors. Nothing where the engine cannot run the pieces by themselves.
// The result does not depend on the workers.
LayerCorrections CorrectLayers(const Model& model, const QuantizationPlan& plan,
                               const ModelSettings& settings, const std::vector<Sample>& samples,
                               const CorrectionOptions& options, const std::string& place);

// What batch normalizations tell of the biases that the weights' rounding asks for, without samples
// (ExpectedBiasShift): of every integer node whose input they tell of.
LayerCorrections CorrectBiasesByMoments(const Graph& graph, const QuantizationPlan& plan,
                                        const std::map<std::string, ChannelMoments>& moments);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CORRECT_LAYERS_H_
