#include "layer_files.h"

#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/report/report_page.h"

namespace qconvert {
namespace {

bool WritesPageJson(const ConvertOptions& options) {
  return options.config.deployment.generation != Generation::kNone;
}

// What is known of the whole model.
LayerReport WithoutDetails(const LayerReport& layers) {
  LayerReport whole;
  whole.errors = layers.errors;
  whole.config = layers.config;
  whole.against = layers.against;
  return whole;
}

}  // namespace

std::vector<std::filesystem::path> LayerFilePaths(const ConvertOptions& options) {
  std::vector<std::filesystem::path> paths;
  if (!options.page.empty()) {
    paths.push_back(options.page);
    if (WritesPageJson(options))
      paths.push_back(std::filesystem::path(options.page).replace_extension(".json"));
  }
  if (!options.node_data.empty()) paths.push_back(options.node_data);
  return paths;
}

std::vector<std::string> LayerFileTexts(const ConvertOptions& options,
                                        const ConversionReport& report, const LayerReport& layers) {
  // In the order of LayerFilePaths.
  std::vector<std::string> texts;
  if (!options.page.empty()) {
    std::string json =
        LayersJson(report, std::string(ExitCodeName(ExitCode::kSuccess)),
                   options.config.deployment.layer_details ? layers : WithoutDetails(layers));
    texts.push_back(ReportPage(json));
    if (WritesPageJson(options)) texts.push_back(std::move(json));
  }
  if (!options.node_data.empty()) texts.push_back(NodeDataJson(layers));
  return texts;
}

}  // namespace qconvert
