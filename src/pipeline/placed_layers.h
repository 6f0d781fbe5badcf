// Layers of a model in the model that a plan makes of it.
#ifndef QCONVERT_SRC_PIPELINE_PLACED_LAYERS_H_
#define QCONVERT_SRC_PIPELINE_PLACED_LAYERS_H_

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "layerwise_run.h"
#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"
#include "qconvert/weights/coded_layers.h"
#include "qconvert/weights/layer_corrections.h"

namespace qconvert {

// A node whose weights are codes, and the values of the rewritten model around it.
struct PlacedLayer {
  size_t node = 0;     // of the model
  std::string output;  // with its bias, before its activation
  std::string input;   // that it reads
  std::string codes;   // of its weights; empty where others read them too
  // Set of a float node: `codes` are the floats that these stand for. Of the plan.
  const StoredWeight* stored = nullptr;
};

struct PlacedLayers {
  Model model;                      // with the plan applied, stored weights as floats
  std::vector<PlacedLayer> layers;  // in the order they run there
};
// Of these layers of the plan, which has to outlive what comes back.
PlacedLayers PlaceLayers(const Model& model, const QuantizationPlan& plan,
                         const std::map<size_t, CodedLayer>& layers);

// The node that writes a layer's output with its bias.
size_t EndOfLayer(size_t node, const FusedUnit& unit);

// Gives the layer these codes, on the grid that it has, for nodes that have not run.
void ReplaceWeights(const PlacedLayer& layer, const FittedWeights& weights, LayerwiseRun& run);

// That of the output channels of a layer.
ChannelAxis AxisOfLayer(const Node& node);

// Adds one number per channel to a value that `run` has reached.
void ShiftChannels(const std::string& value, ChannelAxis axis, std::span<const float> shift,
                   LayerwiseRun& run);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_PLACED_LAYERS_H_
