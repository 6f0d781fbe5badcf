// What a conversion writes, and what it must not write over.
#ifndef QCONVERT_SRC_PIPELINE_OUTPUT_FILES_H_
#define QCONVERT_SRC_PIPELINE_OUTPUT_FILES_H_

#include <filesystem>
#include <vector>

#include "qconvert/pipeline/convert.h"

namespace qconvert {

// The files that the conversion writes and those of its caller.
std::vector<std::filesystem::path> OutputsOf(const ConvertOptions& options);

// Before the long work: throws Error(kFile) for an output that cannot be written, Error(kUsage) for
// one that is an input or another output. `model_files` are the model's own.
void CheckOutputs(const ConvertOptions& options,
                  const std::vector<std::filesystem::path>& model_files);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_OUTPUT_FILES_H_
