// Settings with the layer entries already found in a model.
#ifndef QCONVERT_PLAN_MODEL_SETTINGS_H_
#define QCONVERT_PLAN_MODEL_SETTINGS_H_

#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include "qconvert/config/quant_config.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

struct ModelSettings {
  QuantConfig config;
  std::map<std::string, size_t> layer_of;  // node name -> index into config.layers
  // By node name, in place of those of its entry or the root: the same with more bits for weights.
  std::map<std::string, NodeSettings> widened;

  ModelSettings() = default;
  ModelSettings(QuantConfig settings)  // NOLINT: without layer entries settings are that simple
      : config(std::move(settings)) {}

  const NodeSettings& Of(const Node& node) const {
    const auto wide = widened.find(node.name);
    if (wide != widened.end()) return wide->second;
    const auto it = layer_of.find(node.name);
    return it == layer_of.end() ? config.tensors : config.layers[it->second].tensors;
  }
};

}  // namespace qconvert

#endif  // QCONVERT_PLAN_MODEL_SETTINGS_H_
