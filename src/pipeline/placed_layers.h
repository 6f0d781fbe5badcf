// Layers of a model in the model that a plan makes of it.
#ifndef QCONVERT_SRC_PIPELINE_PLACED_LAYERS_H_
#define QCONVERT_SRC_PIPELINE_PLACED_LAYERS_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "layerwise_run.h"
#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"
#include "qconvert/weights/layer_corrections.h"

namespace qconvert {

// An integer node with weights, and the values of the rewritten model around it.
struct PlacedLayer {
  size_t node = 0;     // of the model
  std::string output;  // with its bias, before its activation
  std::string input;   // that it reads
  std::string codes;   // of its weights; empty where others read them too
};

struct PlacedLayers {
  Model model;                      // with the plan applied
  std::vector<PlacedLayer> layers;  // in the order they run there
};
PlacedLayers PlaceLayers(const Model& model, const QuantizationPlan& plan);

// The node that writes a layer's output with its bias.
size_t EndOfLayer(const QuantizationPlan& plan, size_t node);

// That of the output channels of a layer.
ChannelAxis AxisOfLayer(const Node& node);

// Adds one number per channel to a value that `run` has reached.
void ShiftChannels(const std::string& value, ChannelAxis axis, std::span<const float> shift,
                   LayerwiseRun& run);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_PLACED_LAYERS_H_
