#include "look_at_layers.h"

#include <string>
#include <utility>

#include "qconvert/config/read_config.h"

namespace qconvert {
namespace {

// The settings with the places they were written at; no output names folders.
std::string SettingsText(const ConvertOptions& options) {
  if (options.effective_config.entries.empty()) return "";
  std::string text = PrintConfig(options.effective_config);
  const std::string file = options.config_file.string();
  const std::string name = options.config_file.filename().string();
  if (file.empty()) return text;
  for (size_t at = text.find(file); at != std::string::npos; at = text.find(file, at + name.size()))
    text.replace(at, file.size(), name);
  return text;
}

}  // namespace

LayerReport LookAtLayers(const ConvertOptions& options, const LayerInputs& inputs,
                         const CalibrationTable& table, LayerErrors errors) {
  LayerReport layers =
      DescribeLayers(inputs.exact.graph, inputs.plan, table,
                     CostModel(inputs.exact.graph, inputs.sizes, inputs.costs), std::move(errors));
  layers.config = SettingsText(options);
  return layers;
}

}  // namespace qconvert
