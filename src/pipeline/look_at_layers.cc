#include "look_at_layers.h"

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "qconvert/config/read_config.h"

namespace qconvert {
namespace {

// No output names folders. A place without a line is no file, but an option.
void DropFolders(ConfigNode& node) {
  if (node.place.source != nullptr && node.place.line > 0) {
    const std::filesystem::path file = *node.place.source;
    node.place.source = std::make_shared<const std::string>(file.filename().string());
  }
  for (ConfigNode& item : node.items) DropFolders(item);
  for (ConfigEntry& entry : node.entries) {
    DropFolders(entry.key);
    DropFolders(entry.value);
  }
}

// The settings with the places they were written at.
std::string SettingsText(ConfigNode effective) {
  if (effective.entries.empty()) return "";
  DropFolders(effective);
  return PrintConfig(effective);
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
