#include "look_at_layers.h"

#include <string>
#include <utility>

#include "qconvert/config/read_config.h"

namespace qconvert {
namespace {

// The settings with the places they were written at.
std::string SettingsText(ConfigNode effective) {
  if (effective.entries.empty()) return "";
  return PrintConfigWithoutFolders(std::move(effective));
}

}  // namespace

LayerReport LookAtLayers(const ConvertOptions& options, const LayerInputs& inputs,
                         const CalibrationTable& table, LayerErrors errors) {
  LayerReport layers =
      DescribeLayers(inputs.exact.graph, inputs.plan, table,
                     CostModel(inputs.exact.graph, inputs.sizes, inputs.costs), std::move(errors));
  layers.config = SettingsText(options.effective_config);
  return layers;
}

}  // namespace qconvert
