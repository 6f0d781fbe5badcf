// The outputs of a conversion, all or none.
#ifndef QCONVERT_SRC_PIPELINE_WRITE_QUANTIZED_H_
#define QCONVERT_SRC_PIPELINE_WRITE_QUANTIZED_H_

#include <filesystem>
#include <string>
#include <vector>

#include "compare_models.h"
#include "qconvert/ir/graph.h"
#include "qconvert/pipeline/convert.h"
#include "qconvert/report/layer_report.h"
#include "stage_models.h"

namespace qconvert {

// What goes with the model.
struct Companions {
  const std::vector<std::filesystem::path>& inputs;  // never removed
  const std::string& quant_info;
  const std::vector<std::string>& values;  // of the float graph, for layer_out_dump
  const std::string& picture;              // for --first-picture; empty: none
  const std::vector<StageModel>& stages;   // other models beside this one
  const LayerReport* layers = nullptr;     // where they are looked at; else null
};

// `deleted_nodes_info.txt` beside the output; a line per node that was removed.
std::filesystem::path DeletedNodesPath(const ConvertOptions& options);

// Writes the model with what is told of it, after the file on disk has been compared with the float
// model; a model that is going to be fed otherwise is compared before. Fills what the report says
// of outputs and size. Throws Error; then nothing is written.
void WriteQuantized(const ConvertOptions& options, Model& model, const Companions& told,
                    ModelComparer& comparer, ConversionReport& report);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_WRITE_QUANTIZED_H_
