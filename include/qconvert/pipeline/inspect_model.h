// Looks at a model before anything is converted.
#ifndef QCONVERT_PIPELINE_INSPECT_MODEL_H_
#define QCONVERT_PIPELINE_INSPECT_MODEL_H_

#include <filesystem>

#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/report/inspection.h"

namespace qconvert {

struct InspectOptions {
  std::filesystem::path model;
  ModelConfig config;
};

// Runs the float passes, chooses a scheme and places nodes as Convert does, from operators,
// declared sizes and settings alone. What only samples tell is not in it: noise, infinities, range
// clashes, what the guard puts back. Throws Error as LoadOnnx and PrepareModel do, ConfigError for
// settings that do not fit the model.
Inspection InspectModel(const InspectOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_PIPELINE_INSPECT_MODEL_H_
