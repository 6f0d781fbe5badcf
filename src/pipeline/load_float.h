// The model that is going to be quantized, as its file has it.
#ifndef QCONVERT_SRC_PIPELINE_LOAD_FLOAT_H_
#define QCONVERT_SRC_PIPELINE_LOAD_FLOAT_H_

#include <filesystem>
#include <string>
#include <vector>

#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/pass_runner.h"

namespace qconvert {

// With `strip` without the quantization that it came with (strip_pairs.h); a line goes to
// `warnings` when it has none. Throws what LoadOnnx throws.
LoadedModel LoadFloat(const std::filesystem::path& file, bool strip,
                      std::vector<std::string>& warnings, const PassOptions& passes = {});

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_LOAD_FLOAT_H_
