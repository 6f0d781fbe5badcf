// The samples of a conversion.
#ifndef QCONVERT_SRC_PIPELINE_CONVERT_DATA_H_
#define QCONVERT_SRC_PIPELINE_CONVERT_DATA_H_

#include <filesystem>

#include "calibration_data.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"
#include "qconvert/pipeline/convert.h"

namespace qconvert {

// Where they are and how they are run, as the options say; optional where nothing needs any.
// `folded`: what the model does itself.
CalibrationData DataOf(const ConvertOptions& options, const FoldedInputs& folded = {});

// Samples of a conversion of `graph`. Throws Error where they cannot be read, or are among the
// outputs.
SampleSource OpenSamples(const ConvertOptions& options, const CalibrationData& data,
                         const Graph& graph);

// Where dump_calibration_data writes.
std::filesystem::path DumpFolder(const ConvertOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CONVERT_DATA_H_
