// Layers of a model in the model that a plan makes of it.
#ifndef QCONVERT_SRC_PIPELINE_PLACED_LAYERS_H_
#define QCONVERT_SRC_PIPELINE_PLACED_LAYERS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"

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

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_PLACED_LAYERS_H_
