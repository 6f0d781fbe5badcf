// The files that tell of a plan's nodes, of conversions and of qconvert debug alike.
#ifndef QCONVERT_SRC_PIPELINE_LAYER_FILES_H_
#define QCONVERT_SRC_PIPELINE_LAYER_FILES_H_

#include <filesystem>
#include <string>
#include <vector>

#include "qconvert/pipeline/convert.h"
#include "qconvert/report/layer_report.h"

namespace qconvert {

// Those that are asked for, in the order that the table names them: the page; for users of
// Horizon's model.html and model.json what it shows as JSON, beside it; the node data.
std::vector<std::filesystem::path> LayerFilePaths(const ConvertOptions& options);

// What they hold, one for each path.
std::vector<std::string> LayerFileTexts(const ConvertOptions& options,
                                        const ConversionReport& report, const LayerReport& layers);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_LAYER_FILES_H_
